//! The way out where the operator may not read a Secret.

use crate::ObjectKey;

/// The commands that let an account read one Secret and hear of its changes, and no other.
#[must_use]
pub fn grant_command(secret: &ObjectKey, account: &str) -> String {
    let ObjectKey { namespace, name } = secret;
    let role = format!("extension-registry-{name}");
    format!(
        "kubectl create role {role} -n {namespace} --verb=get,list,watch --resource=secrets --resource-name={name} && kubectl create rolebinding {role} -n {namespace} --role={role} {}",
        subject(account)
    )
}

/// Who gets a role, as an argument of `kubectl create rolebinding`. Names of users are theirs to
/// choose, so they are quoted for the shell.
#[must_use]
pub fn subject(account: &str) -> String {
    let service_account = account
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    match service_account {
        Some((namespace, name)) => format!("--serviceaccount={namespace}:{name}"),
        None if account.is_empty() => "--serviceaccount=NAMESPACE:ACCOUNT-OF-THE-OPERATOR".into(),
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
    fn the_way_out_can_be_pasted() {
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
