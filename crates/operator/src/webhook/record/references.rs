//! Whoever writes a record must be allowed to read every Secret that it refers to. Otherwise an
//! edit of `url` would send the credentials elsewhere, and a record would read what its author
//! cannot (security, section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::grant::subject;
use extension_registry_binding::seal::references;
use extension_registry_binding::source::place;
use extension_registry_core::record::{RecordKey, SourceSecret};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::core::DynamicObject;

use crate::context::Context;
use crate::error::Error;
use crate::permission::is_allowed;
use crate::webhook::Review;

/// Questions asked at a time.
const AT_A_TIME: usize = 16;
/// The most Secrets of one record that are asked about.
const MOST: usize = 1_024;
/// The most Secrets that a refusal names.
const MOST_NAMED: usize = 16;

/// Why the record is refused, if it is. `supplied` are references whose values came with the
/// request. The answer says nothing about whether a Secret exists.
///
/// # Errors
/// When the API server does not answer.
pub(super) async fn check(
    context: &Context,
    review: &Review,
    record: &RecordKey,
    object: &DynamicObject,
    supplied: &BTreeSet<SourceSecret>,
) -> Result<Option<String>, Error> {
    let namespace = &context.settings.records_namespace;
    let secrets = wanted(object, record, namespace, |secret| {
        // The request may come for the second time, without the values that it had.
        supplied.contains(secret) || context.sealed_lately.is_from(secret, review.user_name())
    });
    if secrets.len() > MOST {
        return Ok(Some(format!(
            "spec: refers to {} Secrets, of {MOST} allowed; hint: split the record in two",
            secrets.len()
        )));
    }
    let refused: BTreeMap<ObjectKey, bool> = futures::stream::iter(secrets)
        .map(|(secret, sealed)| async move {
            let allowed = is_allowed(&context.client, &review.user, get(&secret)).await?;
            Ok::<_, Error>((!allowed).then_some((secret, sealed)))
        })
        .buffer_unordered(AT_A_TIME)
        .try_filter_map(|refused| async move { Ok(refused) })
        .try_collect()
        .await?;
    Ok((!refused.is_empty()).then(|| refusal(record, review.user_name(), &refused)))
}

/// The Secrets to ask about, and whether they are sealed.
fn wanted(
    object: &DynamicObject,
    record: &RecordKey,
    records_namespace: &str,
    is_supplied: impl Fn(&SourceSecret) -> bool,
) -> BTreeMap<ObjectKey, bool> {
    let Some(spec) = object.data.get("spec") else {
        return BTreeMap::new();
    };
    references(spec)
        .into_iter()
        .filter(|secret| !is_supplied(secret))
        .map(|secret| {
            let sealed = matches!(secret, SourceSecret::Sealed(_));
            (place(record, &secret, records_namespace), sealed)
        })
        .collect()
}

fn get(secret: &ObjectKey) -> ResourceAttributes {
    ResourceAttributes {
        verb: Some("get".to_owned()),
        version: Some("v1".to_owned()),
        resource: Some("secrets".to_owned()),
        namespace: Some(secret.namespace.to_string()),
        name: Some(secret.name.to_string()),
        ..ResourceAttributes::default()
    }
}

fn refusal(record: &RecordKey, user: &str, refused: &BTreeMap<ObjectKey, bool>) -> String {
    let mut text = format!(
        "{record}: whoever writes a record must be allowed to get every Secret that it refers to, and {user} is not"
    );
    for (secret, sealed) in refused.iter().take(MOST_NAMED) {
        let ObjectKey { namespace, name } = secret;
        let role = format!("read-{name}");
        let _ = write!(
            text,
            "\nSecret {secret}: hint: {}kubectl create role {role} -n {namespace} --verb=get --resource=secrets --resource-name={name} && kubectl create rolebinding {role} -n {namespace} --role={role} {}",
            if *sealed {
                "write `value` in place of `valueFrom`, which seals the value anew, or ask for the right: "
            } else {
                "ask for the right: "
            },
            subject(user)
        );
    }
    if refused.len() > MOST_NAMED {
        let _ = write!(text, "\n… and {} more", refused.len() - MOST_NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use extension_registry_binding::ObjectKey;
    use extension_registry_core::record::{RecordKey, SourceSecret};
    use kube::core::{ApiResource, DynamicObject};
    use serde_json::json;

    use super::{refusal, wanted};

    fn object(spec: &serde_json::Value) -> DynamicObject {
        let kind = ApiResource::erase::<extension_registry_api::Extension>(&());
        let mut object = DynamicObject::new("store", &kind);
        object.data = json!({"spec": spec});
        object
    }

    #[test]
    fn every_reference_is_asked_about_once_where_it_is() {
        let entry = |from: &serde_json::Value| json!({"name": "K", "valueFrom": from});
        let object = object(&json!({"services": [{"credentials": [
            {"secretRef": {"name": "whole"}, "configuration": [
                entry(&json!({"secretKeyRef": {"name": "kept", "key": "a"}})),
                entry(&json!({"secretKeyRef": {"name": "kept", "key": "b"}})),
                entry(&json!({"sealedRef": {"name": "sealed-old", "key": "a"}})),
                entry(&json!({"sealedRef": {"name": "sealed-new", "key": "a"}})),
            ]},
            {"secretRef": 5, "configuration": [7, {"valueFrom": "x"}]},
        ]}]}));
        let supplied = BTreeSet::from([SourceSecret::Sealed("sealed-new".into())]);
        let asked = |record: &RecordKey| -> Vec<(String, bool)> {
            wanted(&object, record, "records", |secret| {
                supplied.contains(secret)
            })
            .into_iter()
            .map(|(secret, sealed)| (secret.to_string(), sealed))
            .collect()
        };
        let pair = |name: &str, sealed| (name.to_owned(), sealed);
        assert_eq!(
            asked(&RecordKey::project("alpha", "store")),
            [
                pair("alpha/kept", false),
                pair("alpha/whole", false),
                pair("records/sealed-old", true)
            ]
        );
        assert_eq!(
            asked(&RecordKey::cluster("store")),
            [
                pair("records/kept", false),
                pair("records/sealed-old", true),
                pair("records/whole", false)
            ]
        );
    }

    #[test]
    fn the_refusal_names_the_way_out() {
        let refused = BTreeMap::from([
            (ObjectKey::new("alpha", "store"), false),
            (ObjectKey::new("records", "sealed-x"), true),
        ]);
        let text = refusal(&RecordKey::project("alpha", "r"), "ada", &refused);
        for part in [
            "Extension alpha/r",
            "and ada is not",
            "Secret alpha/store",
            "--verb=get",
            "--user=ada",
            "write `value` in place of `valueFrom`",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
