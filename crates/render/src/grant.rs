//! Commands that grant the operator access to a Secret.

use crate::ObjectKey;

/// Returns the commands that grant an account read access to one Secret only.
#[must_use]
pub fn grant_command(secret: &ObjectKey, account: &str) -> String {
    let ObjectKey { namespace, name } = secret;
    let role = format!("extension-registry-{name}");
    format!(
        "kubectl create role {role} -n {namespace} --verb=get,list,watch --resource=secrets --resource-name={name} && kubectl create rolebinding {role} -n {namespace} --role={role} {}",
        subject(account)
    )
}

/// Returns the account as an argument of `kubectl create rolebinding`. User names are quoted for the
/// shell, because they may contain any character.
#[must_use]
pub fn subject(account: &str) -> String {
    let service_account = account
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    match service_account {
        Some((namespace, name)) => format!("--serviceaccount={namespace}:{name}"),
        None if account.is_empty() => "--serviceaccount=NAMESPACE:OPERATOR_SERVICE_ACCOUNT".into(),
        None => format!("--user={}", quoted(account)),
    }
}

fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/".contains(&byte);
    if text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{grant_command, subject};
    use crate::ObjectKey;

    #[test]
    fn command_is_safe_to_paste() {
        let secret = ObjectKey::new("alpha", "store");
        assert_eq!(
            grant_command(&secret, "system:serviceaccount:registry:operator"),
            "kubectl create role extension-registry-store -n alpha --verb=get,list,watch --resource=secrets --resource-name=store && kubectl create rolebinding extension-registry-store -n alpha --role=extension-registry-store --serviceaccount=registry:operator"
        );
        assert_eq!(subject("ada@example.org"), "--user=ada@example.org");
        assert_eq!(subject("a'; rm x"), r"--user='a'\''; rm x'");
        assert!(subject("").contains("ACCOUNT"));
    }
}
