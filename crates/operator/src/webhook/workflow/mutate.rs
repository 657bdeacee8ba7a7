//! Signs into a workflow who wrote its spec (security, section 5).

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_api::{IDENTITY_ANNOTATION, ON_BEHALF_OF_ANNOTATION};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::core::DynamicObject;

use crate::context::Context;
use crate::identity::Person;
use crate::permission;
use crate::webhook::{Answer, Review};

/// Whoever writes the spec, or says on whose behalf it is, becomes the identity. Anybody else, such
/// as a controller that sets a label, leaves it as it is.
pub(crate) async fn mutate(context: &Context, review: &Review) -> Answer {
    let old = review.old.as_ref();
    let rewritten =
        review.changes_spec() || old.is_none_or(|old| behalf(old) != behalf(&review.object));
    let stored = old.and_then(|old| annotation(old, IDENTITY_ANNOTATION));
    if !rewritten {
        return keep(review, stored);
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The schema refuses it next, and says why.
    let Ok(spec) = serde_json::from_value::<WorkflowSpec>(spec) else {
        return keep(review, None);
    };
    let person = match behalf(&review.object) {
        Some(user) if user != review.user_name() => {
            match permission::is_allowed(&context.client, &review.user, impersonation(user)).await {
                Ok(true) => Some(Person::named(user)),
                Ok(false) => return Answer::refuse(may_not_act_for(review, user)),
                Err(error) => return Answer::retry(error.to_string()),
            }
        }
        _ => Person::asking(&review.user),
    };
    let Some(person) = person else {
        return keep(review, None);
    };
    let namespace = review.namespace.as_deref().unwrap_or_default();
    let signed = person.sign(&context.digest_key, namespace, &spec);
    let asked = annotation(&review.object, IDENTITY_ANNOTATION);
    let is_forged = asked.is_some_and(|asked| asked != signed && Some(asked) != stored);
    let answer = with_identity(review, Some(&signed));
    if is_forged {
        return answer.warn(format!(
            "metadata.annotations[{IDENTITY_ANNOTATION}] is written by the webhook: the workflow acts for `{}`",
            person.user
        ));
    }
    answer
}

/// Leaves the identity as it is stored, whatever was asked.
fn keep(review: &Review, stored: Option<&str>) -> Answer {
    if annotation(&review.object, IDENTITY_ANNOTATION) == stored {
        return Answer::admit();
    }
    with_identity(review, stored).warn(format!(
        "metadata.annotations[{IDENTITY_ANNOTATION}] is written by the webhook: it stays as it was"
    ))
}

fn with_identity(review: &Review, value: Option<&str>) -> Answer {
    let mut object = review.object.clone();
    let annotations = object.metadata.annotations.get_or_insert_default();
    match value {
        Some(value) => annotations.insert(IDENTITY_ANNOTATION.to_owned(), value.to_owned()),
        None => annotations.remove(IDENTITY_ANNOTATION),
    };
    Answer::change(object)
}

fn annotation<'o>(object: &'o DynamicObject, name: &str) -> Option<&'o str> {
    let annotations = object.metadata.annotations.as_ref()?;
    annotations.get(name).map(String::as_str)
}

fn behalf(object: &DynamicObject) -> Option<&str> {
    annotation(object, ON_BEHALF_OF_ANNOTATION).filter(|user| !user.is_empty())
}

/// The right to act for a user: the same that `kubectl --as` needs.
fn impersonation(user: &str) -> ResourceAttributes {
    let account = user
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    let (resource, namespace, name) = match account {
        Some((namespace, name)) => ("serviceaccounts", Some(namespace.to_owned()), name),
        None => ("users", None, user),
    };
    ResourceAttributes {
        verb: Some("impersonate".to_owned()),
        resource: Some(resource.to_owned()),
        namespace,
        name: Some(name.to_owned()),
        ..ResourceAttributes::default()
    }
}

fn may_not_act_for(review: &Review, user: &str) -> String {
    format!(
        "metadata.annotations[{ON_BEHALF_OF_ANNOTATION}]: `{}` may not impersonate `{user}`; hint: remove the annotation, apply as `{user}`, or have an administrator grant the verb `impersonate` on users named `{user}`",
        review.user_name()
    )
}

#[cfg(test)]
mod tests {
    use super::impersonation;

    #[test]
    fn an_account_is_impersonated_as_an_account() {
        let person = impersonation("oidc:ada");
        assert_eq!(person.resource.as_deref(), Some("users"));
        assert_eq!(person.name.as_deref(), Some("oidc:ada"));
        let account = impersonation("system:serviceaccount:argocd:controller");
        assert_eq!(account.resource.as_deref(), Some("serviceaccounts"));
        assert_eq!(account.namespace.as_deref(), Some("argocd"));
        assert_eq!(account.name.as_deref(), Some("controller"));
    }
}
