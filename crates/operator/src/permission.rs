//! Asks the API server who somebody is and whether a person may do something.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, UserInfo};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::Error;
use crate::task::ObjectKey;

/// Whether the person may do that.
///
/// # Errors
/// When the API server does not answer. Nobody may anything then.
pub(crate) async fn is_allowed(
    client: &Client,
    person: &UserInfo,
    action: ResourceAttributes,
) -> Result<bool, Error> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: person.username.clone(),
            groups: person.groups.clone(),
            uid: person.uid.clone(),
            extra: person.extra.clone(),
            resource_attributes: Some(action),
            non_resource_attributes: None,
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::<SubjectAccessReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| Error::api("ask what the person may do", &error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// The operator's own account. Only texts need it, so it is empty when the API server does not say.
pub(crate) async fn own_account(client: &Client) -> Arc<str> {
    let review = SelfSubjectReview::default();
    let answer = Api::<SelfSubjectReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await;
    let user = match answer {
        Ok(answer) => answer.status.and_then(|status| status.user_info),
        Err(error) => {
            tracing::debug!(%error, "the API server does not say who the operator is");
            None
        }
    };
    user.and_then(|user| user.username)
        .unwrap_or_default()
        .into()
}

/// The commands that let an account read one Secret and hear of its changes, and no other.
pub(crate) fn grant_command(secret: &ObjectKey, account: &str) -> String {
    let ObjectKey { namespace, name } = secret;
    let role = format!("extension-registry-{name}");
    format!(
        "kubectl create role {role} -n {namespace} --verb=get,list,watch --resource=secrets --resource-name={name} && kubectl create rolebinding {role} -n {namespace} --role={role} {}",
        subject(account)
    )
}

/// Who gets a role, as an argument of `kubectl create rolebinding`. Names of users are theirs to
/// choose, so they are quoted for the shell.
pub(crate) fn subject(account: &str) -> String {
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
    use crate::task::ObjectKey;

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
