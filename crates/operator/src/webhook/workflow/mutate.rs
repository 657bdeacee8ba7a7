//! Signs into a workflow who wrote its spec (security, section 5).

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_api::{IDENTITY_ANNOTATION, ON_BEHALF_OF_ANNOTATION, limits};
use extension_registry_binding::person::Person;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::core::DynamicObject;

use crate::context::Context;
use crate::digest::DigestKey;
use crate::identity;
use crate::permission;
use crate::webhook::{Answer, Review};

/// Whoever writes the spec, or says on whose behalf it is, becomes the identity. Anybody else, such
/// as a controller that sets a label, leaves it as it is.
pub(crate) async fn mutate(context: &Context, review: &Review) -> Answer {
    let user = match question(review) {
        Question::Kept => return keep(review, stored(review)),
        Question::Requester => return sign(&context.digest_key, review, requester(review)),
        Question::MayActFor(user) => user,
    };
    match permission::is_allowed(&context.client, &review.user, impersonation(user)).await {
        Ok(true) => sign(&context.digest_key, review, Some(Person::named(user))),
        Ok(false) => Answer::refuse(may_not_act_for(review, user)),
        Err(error) => Answer::retry(error.to_string()),
    }
}

/// What decides whose the spec is.
#[derive(Debug, PartialEq, Eq)]
enum Question<'r> {
    /// Nobody wrote it: the stored identity stays.
    Kept,
    /// Whoever asks wrote it.
    Requester,
    /// Whoever asks wrote it for this user.
    MayActFor(&'r str),
}

fn question(review: &Review) -> Question<'_> {
    let wanted = behalf(&review.object);
    let moved = review.old.as_ref().is_none_or(|old| behalf(old) != wanted);
    if !moved && !review.changes_spec() {
        return Question::Kept;
    }
    match wanted {
        Some(user) if user != review.user_name() => Question::MayActFor(user),
        _ => Question::Requester,
    }
}

fn requester(review: &Review) -> Option<Person> {
    Person::asking(&review.user)
}

fn stored(review: &Review) -> Option<&str> {
    annotation(review.old.as_ref()?, IDENTITY_ANNOTATION)
}

/// Writes the person into the object. What cannot be signed is stored without identity.
fn sign(key: &DigestKey, review: &Review, person: Option<Person>) -> Answer {
    let Some(person) = person else {
        return keep(review, None);
    };
    if person.user.chars().count() > limits::PERSON {
        // No list of a record can name it, and no status could say it.
        return keep(review, None).warn(format!(
            "the name of the user has more than {} characters: the workflow acts for nobody",
            limits::PERSON
        ));
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The schema refuses it next, and says why.
    let Ok(spec) = serde_json::from_value::<WorkflowSpec>(spec) else {
        return keep(review, None);
    };
    let namespace = review.namespace.as_deref().unwrap_or_default();
    let signed = identity::sign(&person, key, namespace, &spec);
    let asked = annotation(&review.object, IDENTITY_ANNOTATION);
    let is_foreign = asked.is_some_and(|asked| asked != signed && Some(asked) != stored(review));
    let answer = with_identity(review, Some(&signed));
    if is_foreign {
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
mod tests;
