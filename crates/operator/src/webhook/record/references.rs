//! Checks that a user who writes a record may read every Secret that it refers to and every sealed value
//! that another user supplied. Without the check, changing `url` would send these credentials to another
//! server, and a record would reveal Secrets that its author cannot read.

use std::collections::BTreeMap;
use std::fmt::Write;

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::diagnostic::explained;
use extension_registry_core::record::{RecordKey, RecordKind, SourceSecret};
use extension_registry_render::ObjectKey;
use extension_registry_render::grant::subject;
use extension_registry_render::source::place;
use extension_registry_runtime::error::Error;
use extension_registry_runtime::permission::is_allowed;
use extension_registry_seal::{RESEAL, references};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use serde_json::Value;

use super::inline;
use crate::context::Context;
use crate::webhook::Review;

/// Maximum number of concurrent access reviews.
const MAX_CONCURRENT_REVIEWS: usize = 16;
/// Maximum number of Secrets that a record may refer to.
const MAX_SECRETS: usize = 1_024;
/// Maximum number of Secrets that a message lists.
const MAX_LISTED: usize = 16;

/// Returns why the record is denied, if it is. `unknown` lists the fields of sealed values that another user
/// supplied. The message does not reveal whether a Secret exists.
///
/// # Errors
/// If a request to the API server fails.
pub(super) async fn check(
    context: &Context,
    review: &Review,
    record: &RecordKey,
    spec: &Value,
    unknown: &[String],
) -> Result<Option<String>, Error> {
    let user = review.user_name();
    if !unknown.is_empty() && !is_allowed(&context.client, &review.user, values(record)).await? {
        return Ok(Some(values_refusal(record, user, unknown)));
    }
    let secrets = secrets_to_review(spec, record, &context.settings.records_namespace);
    if secrets.len() > MAX_SECRETS {
        return Ok(Some(explained(
            &format!(
                "spec: refers to {} Secrets, but at most {MAX_SECRETS} are allowed",
                secrets.len()
            ),
            &["split it into several records"],
        )));
    }
    let refused: BTreeMap<ObjectKey, bool> = futures::stream::iter(secrets)
        .map(|(secret, sealed)| async move {
            let allowed = is_allowed(&context.client, &review.user, get(&secret)).await?;
            Ok::<_, Error>((!allowed).then_some((secret, sealed)))
        })
        .buffer_unordered(MAX_CONCURRENT_REVIEWS)
        .try_filter_map(|refused| async move { Ok(refused) })
        .try_collect()
        .await?;
    Ok((!refused.is_empty()).then(|| refusal(record, user, &refused)))
}

/// Returns the Secrets to review, and whether they contain sealed values.
fn secrets_to_review(
    spec: &Value,
    record: &RecordKey,
    records_namespace: &str,
) -> BTreeMap<ObjectKey, bool> {
    references(spec)
        .into_iter()
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

/// Returns the permission `get` on the virtual subresource `values`.
fn values(record: &RecordKey) -> ResourceAttributes {
    ResourceAttributes {
        verb: Some("get".to_owned()),
        group: Some(GROUP.to_owned()),
        version: Some(VERSION.to_owned()),
        resource: Some(plural(record).to_owned()),
        subresource: Some("values".to_owned()),
        namespace: record.namespace.as_ref().map(ToString::to_string),
        name: Some(record.name.to_string()),
        ..ResourceAttributes::default()
    }
}

fn plural(record: &RecordKey) -> &'static str {
    match record.kind() {
        RecordKind::ClusterExtension => "clusterextensions",
        RecordKind::Extension => "extensions",
    }
}

fn values_refusal(record: &RecordKey, user: &str, fields: &[String]) -> String {
    let role = format!("read-values-{}", record.name);
    let resource = format!("{}.{GROUP}/values", plural(record));
    let (kind, scope) = match &record.namespace {
        None => ("clusterrole", String::new()),
        Some(namespace) => ("role", format!(" -n {namespace}")),
    };
    explained(
        &format!(
            "{record}: {user} may not use sealed values that another user supplied: {}",
            inline::list(fields)
        ),
        &[format!(
            "apply the record with `value` instead of `valueFrom`, or have an administrator grant the permission: kubectl create {kind} {role}{scope} --verb=get --resource={resource} --resource-name={} && kubectl create {kind}binding {role}{scope} --{kind}={role} {}",
            record.name,
            subject(user)
        )],
    )
}

fn refusal(record: &RecordKey, user: &str, refused: &BTreeMap<ObjectKey, bool>) -> String {
    let mut text = format!(
        "{record}: {user} must have permission to get every Secret that the record refers to"
    );
    for (secret, sealed) in refused.iter().take(MAX_LISTED) {
        let ObjectKey { namespace, name } = secret;
        let role = format!("read-{name}");
        let reseal = if *sealed {
            format!("{RESEAL}, or ")
        } else {
            String::new()
        };
        let _ = write!(
            text,
            "\nSecret {secret}: hint: {reseal}have an administrator grant the permission: kubectl create role {role} -n {namespace} --verb=get --resource=secrets --resource-name={name} && kubectl create rolebinding {role} -n {namespace} --role={role} {}",
            subject(user)
        );
    }
    if refused.len() > MAX_LISTED {
        let _ = write!(text, "\n… and {} more", refused.len() - MAX_LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use extension_registry_core::record::RecordKey;
    use extension_registry_render::ObjectKey;
    use serde_json::json;

    use super::{refusal, secrets_to_review, values, values_refusal};

    #[test]
    fn reviews_each_secret_once_in_its_namespace() {
        let entry = |from: &serde_json::Value| json!({"name": "K", "valueFrom": from});
        let spec = json!({"services": [{"credentials": [
            {"secretRef": {"name": "whole"}, "configuration": [
                entry(&json!({"secretKeyRef": {"name": "kept", "key": "a"}})),
                entry(&json!({"secretKeyRef": {"name": "kept", "key": "b"}})),
                entry(&json!({"sealedRef": {"name": "sealed-old", "key": "a"}})),
                entry(&json!({"sealed": "v1.x.y"})),
            ]},
            {"secretRef": 5, "configuration": [7, {"valueFrom": "x"}]},
        ]}]});
        let reviewed = |record: &RecordKey| -> Vec<(String, bool)> {
            secrets_to_review(&spec, record, "records")
                .into_iter()
                .map(|(secret, sealed)| (secret.to_string(), sealed))
                .collect()
        };
        let pair = |name: &str, sealed| (name.to_owned(), sealed);
        assert_eq!(
            reviewed(&RecordKey::project("alpha", "store")),
            [
                pair("alpha/kept", false),
                pair("alpha/whole", false),
                pair("records/sealed-old", true)
            ]
        );
        assert_eq!(
            reviewed(&RecordKey::cluster("store")),
            [
                pair("records/kept", false),
                pair("records/sealed-old", true),
                pair("records/whole", false)
            ]
        );
    }

    #[test]
    fn values_permission_is_limited_to_one_record() {
        let permission = values(&RecordKey::project("alpha", "store"));
        assert_eq!(permission.resource.as_deref(), Some("extensions"));
        assert_eq!(permission.subresource.as_deref(), Some("values"));
        assert_eq!(permission.namespace.as_deref(), Some("alpha"));
        assert_eq!(permission.name.as_deref(), Some("store"));
        let permission = values(&RecordKey::cluster("store"));
        assert_eq!(permission.resource.as_deref(), Some("clusterextensions"));
        assert_eq!(permission.namespace, None);
    }

    #[test]
    fn denials_contain_kubectl_commands() {
        let refused = BTreeMap::from([
            (ObjectKey::new("alpha", "store"), false),
            (ObjectKey::new("records", "sealed-x"), true),
        ]);
        let text = refusal(&RecordKey::project("alpha", "r"), "ada", &refused);
        for part in [
            "Extension alpha/r: ada must",
            "Secret alpha/store",
            "--verb=get",
            "--user=ada",
            "with `value` instead of `valueFrom`",
        ] {
            assert!(text.contains(part), "missing {part} in {text}");
        }
        let fields = ["spec.x".to_owned()];
        let text = values_refusal(&RecordKey::project("alpha", "r"), "ada", &fields);
        let commands = "kubectl create role read-values-r -n alpha --verb=get --resource=extensions.registry.fuseml.io/values --resource-name=r && kubectl create rolebinding read-values-r -n alpha --role=read-values-r --user=ada";
        assert!(text.ends_with(commands), "{text}");
        assert!(text.contains("spec.x"), "{text}");
        let text = values_refusal(&RecordKey::cluster("r"), "ada", &fields);
        let commands = "kubectl create clusterrole read-values-r --verb=get --resource=clusterextensions.registry.fuseml.io/values --resource-name=r && kubectl create clusterrolebinding read-values-r --clusterrole=read-values-r --user=ada";
        assert!(text.ends_with(commands), "{text}");
    }
}
