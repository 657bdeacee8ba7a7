//! Moves credentials that are written into a record out of it, and asks whether whoever writes a
//! record may read what it refers to (security, section 4).

use std::collections::BTreeSet;

use extension_registry_api::kinds::LAST_APPLIED;
use extension_registry_binding::seal::{SealedSecret, references as references_of};
use extension_registry_core::record::{RecordKey, SourceSecret};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use kube::core::DynamicObject;
use serde_json::Value;

use super::{inline, references};
use crate::args::InlineCredentials;
use crate::context::Context;
use crate::error::{Error, code};
use crate::seal::{self, LastApplied};
use crate::webhook::{Answer, Review};

/// Secrets written at a time.
const AT_A_TIME: usize = 8;
/// The most warnings of one kind: `kubectl` prints each on a line of its own.
const MOST_WARNINGS: usize = 8;

pub(crate) async fn mutate(context: &Context, review: &Review) -> Answer {
    // Owners, finalizers and labels are the business of other controllers too.
    if changes_only_metadata(review) {
        return Answer::admit();
    }
    let record = record_key(review);
    let sealed = match context.settings.inline_credentials {
        InlineCredentials::Deny => match inline::denied(&record, review) {
            Some(refusal) => return Answer::refuse(refusal),
            None => Sealed::nothing(),
        },
        InlineCredentials::Allow => Sealed::nothing(),
        InlineCredentials::Seal => seal(context, &record, review),
    };
    if record.name.is_empty() && !sealed.secrets.is_empty() {
        return Answer::refuse(
            "credentials in a record without a name cannot be sealed, because a sealed Secret serves one record; hint: write `metadata.name` in place of `generateName`, or keep the values in a Secret and write `valueFrom.secretKeyRef`",
        );
    }
    let object = sealed.object.as_ref().unwrap_or(&review.object);
    if is_other_spec(review.old.as_ref(), object) {
        let supplied = sealed.names();
        match references::check(context, review, &record, object, &supplied).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return Answer::refuse(refusal),
            Err(error) => return Answer::retry(error.to_string()),
        }
    }
    for secret in &sealed.secrets {
        context.sealed_lately.note(&secret.name, review.user_name());
    }
    // Last, so that nothing is written for whoever is refused here.
    if !review.dry_run
        && let Err(answer) = create(context, &record, &sealed.secrets).await
    {
        return answer;
    }
    sealed.answer(context, review)
}

/// The record that a request is about.
pub(super) fn record_key(review: &Review) -> RecordKey {
    let name = if review.name.is_empty() {
        review.object.metadata.name.as_deref().unwrap_or_default()
    } else {
        &review.name
    };
    RecordKey {
        namespace: review.namespace.clone(),
        name: name.into(),
    }
}

/// Whether an update leaves everything alone that may hold a value. An update that changes nothing
/// at all is an apply once more: that is how a record that was stored with values is sealed.
fn changes_only_metadata(review: &Review) -> bool {
    let Some(old) = &review.old else {
        return false;
    };
    !review.changes_spec()
        && last_applied(old) == last_applied(&review.object)
        && of_people(&old.metadata) != of_people(&review.object.metadata)
}

/// The metadata without what the API server keeps for itself.
fn of_people(metadata: &ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        managed_fields: None,
        resource_version: None,
        generation: None,
        ..metadata.clone()
    }
}

/// Puts the managed fields back where a request changes nothing else. A server-side apply of the
/// values looks like a change until they are sealed, so it gets a new time and with that another
/// place in the list; the API server forgives the time alone, and would write.
fn keep_managed_fields(old: &DynamicObject, object: &mut DynamicObject) {
    let untimed = |object: &DynamicObject| -> Vec<ManagedFieldsEntry> {
        let entries = object.metadata.managed_fields.iter().flatten().cloned();
        entries
            .map(|entry| ManagedFieldsEntry {
                time: None,
                ..entry
            })
            .collect()
    };
    let (before, after) = (untimed(old), untimed(object));
    let same_managers =
        before.len() == after.len() && after.iter().all(|entry| before.contains(entry));
    if same_managers
        && !is_other_spec(Some(old), object)
        && of_people(&old.metadata) == of_people(&object.metadata)
    {
        object
            .metadata
            .managed_fields
            .clone_from(&old.metadata.managed_fields);
    }
}

fn is_other_spec(old: Option<&DynamicObject>, object: &DynamicObject) -> bool {
    old.is_none_or(|old| old.data.get("spec") != object.data.get("spec"))
}

fn last_applied(object: &DynamicObject) -> Option<&String> {
    object.metadata.annotations.as_ref()?.get(LAST_APPLIED)
}

/// What sealing makes of a request.
struct Sealed {
    /// The object without values; `None` when it had none.
    object: Option<DynamicObject>,
    /// The Secrets that hold them.
    secrets: Vec<SealedSecret>,
    /// Whether the annotation of an apply had to go.
    annotation_removed: bool,
}

impl Sealed {
    fn nothing() -> Self {
        Self {
            object: None,
            secrets: Vec::new(),
            annotation_removed: false,
        }
    }

    /// References whose values came with this very request: whoever wrote them knows them.
    fn names(&self) -> BTreeSet<SourceSecret> {
        let names = self.secrets.iter().map(|secret| secret.name.as_str());
        names
            .map(|name| SourceSecret::Sealed(name.into()))
            .collect()
    }

    fn answer(self, context: &Context, review: &Review) -> Answer {
        let stored = review.old.as_ref().and_then(|old| old.data.get("spec"));
        let stored = stored.map(references_of).unwrap_or_default();
        // An apply that changes nothing is not told again.
        let is_new = |secret: &&SealedSecret| {
            !stored.contains(&SourceSecret::Sealed(secret.name.as_str().into()))
        };
        let namespace = &context.settings.records_namespace;
        let mut warnings: Vec<String> = self
            .secrets
            .iter()
            .filter(is_new)
            .map(|secret| warning(namespace, secret))
            .collect();
        if warnings.len() > MOST_WARNINGS {
            let more = warnings.len() - MOST_WARNINGS;
            warnings.truncate(MOST_WARNINGS);
            warnings.push(format!("… and {more} more sets of credentials were sealed"));
        }
        if self.annotation_removed {
            warnings.push(format!(
                "metadata.annotations: `{LAST_APPLIED}` was removed, because it may hold values; hint: use `kubectl apply --server-side`"
            ));
        }
        let answer = self.object.map_or_else(Answer::admit, Answer::change);
        warnings.into_iter().fold(answer, Answer::warn)
    }
}

fn warning(namespace: &str, secret: &SealedSecret) -> String {
    let values = match secret.data.len() {
        1 => "1 value was".to_owned(),
        count => format!("{count} values were"),
    };
    format!(
        "{}: {values} moved into Secret {namespace}/{}; hint: keep values in a Secret of your own and write valueFrom.secretKeyRef",
        secret.field, secret.name
    )
}

/// What sealing would make of a request. Nothing is written yet.
fn seal(context: &Context, record: &RecordKey, review: &Review) -> Sealed {
    let spec = review.object.data.get("spec").unwrap_or(&Value::Null);
    let plan = seal::plan(&context.digest_key, record, spec);
    if !plan.left.is_empty() {
        // The schema or the validating door refuses it.
        return Sealed::nothing();
    }
    let mut object = review.object.clone();
    let mut changed = false;
    if let Some(spec) = plan.spec {
        object.data["spec"] = spec;
        changed = true;
    }
    let mut annotation_removed = false;
    let annotations = object.metadata.annotations.as_mut();
    if let Some(annotations) = annotations
        && let Some(text) = annotations.get_mut(LAST_APPLIED)
    {
        match seal::rewrite(&context.digest_key, record, text) {
            LastApplied::Keep => {}
            LastApplied::Rewrite(sealed) => {
                *text = sealed;
                changed = true;
            }
            LastApplied::Remove => {
                annotations.remove(LAST_APPLIED);
                annotation_removed = true;
                changed = true;
            }
        }
    }
    if let Some(old) = &review.old {
        keep_managed_fields(old, &mut object);
    }
    Sealed {
        object: changed.then_some(object),
        secrets: plan.secrets,
        annotation_removed,
    }
}

/// Creates the Secrets. One that is there already has this very content: its name says so, and it is
/// immutable. So nothing is ever read or changed.
async fn create(
    context: &Context,
    record: &RecordKey,
    secrets: &[SealedSecret],
) -> Result<(), Answer> {
    let namespace = &context.settings.records_namespace;
    let api = Api::<Secret>::namespaced(context.client.clone(), namespace);
    let objects: Vec<Secret> = secrets.iter().map(|secret| secret.object(record)).collect();
    futures::stream::iter(objects)
        .map(|object| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &object).await }
        })
        .buffer_unordered(AT_A_TIME)
        .map(|written| match written {
            Ok(_) => {
                context.metrics.wrote("Secret", "seal");
                Ok(())
            }
            Err(error) if is_already_there(&error) => Ok(()),
            Err(error) => Err(failed(namespace, &error)),
        })
        .try_collect::<()>()
        .await
}

fn is_already_there(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_already_exists())
}

fn failed(namespace: &str, error: &kube::Error) -> Answer {
    let refused = matches!(code(error), 400..=428 | 430..=499);
    let error = Error::secret(format!("seal credentials in namespace {namespace}"), error);
    if refused {
        Answer::refuse(format!(
            "{error}; hint: does namespace {namespace} exist, and may the operator create Secrets there? Until then keep the values in a Secret and write `valueFrom.secretKeyRef`"
        ))
    } else {
        Answer::retry(error.to_string())
    }
}
