//! Seals credential values in a record, and checks that the requester has access to the Secrets that it
//! refers to.

use std::collections::BTreeMap;
use std::time::Instant;

use extension_registry_api::kinds::LAST_APPLIED;
use extension_registry_core::diagnostic::explained;
use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_seal::ownership::{self, Version};
use extension_registry_seal::{
    EntryKey, LastApplied, RESEAL, Request, SealError, SealOutcome, entries, inline_values,
    rewrite, seal,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::core::DynamicObject;
use serde_json::Value;

use super::{inline, references};
use crate::args::InlineCredentials;
use crate::context::Context;
use crate::sealing_keys::KeyUse;
use crate::webhook::review::Decision;
use crate::webhook::{AdmissionResult, Review};

/// Maximum number of warnings about sealed values. `kubectl` prints one line for each.
const MAX_WARNINGS: usize = 8;

pub(crate) async fn mutate(context: &Context, review: &Review) -> AdmissionResult {
    let (settled, warnings) = match settled(context, review) {
        Ok(settled) => settled,
        Err(refusal) => return AdmissionResult::deny(refusal),
    };
    let mut answer = write(context, settled.as_ref().unwrap_or(review)).await;
    if let (Decision::Allow, Some(settled)) = (&answer.decision, settled) {
        answer.decision = Decision::Mutate(Box::new(settled.object));
    }
    if !matches!(answer.decision, Decision::Deny(_) | Decision::Fail(_)) {
        answer.warnings.extend(warnings);
    }
    answer
}

/// Returns the request with the removals of a server-side apply completed, if that changes it, and warnings.
/// This precedes everything else, so that a denied request guesses no value.
fn settled(context: &Context, review: &Review) -> Result<(Option<Review>, Vec<String>), String> {
    let (Some(old), Some(manager)) = (&review.old, &review.manager) else {
        return Ok((None, Vec::new()));
    };
    let is_sealing = context.settings.inline_credentials == InlineCredentials::Seal;
    let settled = ownership::settle(manager, version(old), version(&review.object), is_sealing)?;
    let changed = settled.changed.map(|(spec, managed_fields)| {
        let mut changed = review.clone();
        changed.object.data["spec"] = spec;
        changed.object.metadata.managed_fields = Some(managed_fields);
        changed
    });
    Ok((changed, settled.warnings))
}

fn version(object: &DynamicObject) -> Version<'_> {
    Version {
        spec: object.data.get("spec").unwrap_or(&Value::Null),
        managed_fields: object
            .metadata
            .managed_fields
            .as_deref()
            .unwrap_or_default(),
    }
}

/// Seals the values of a request, and checks what the requester may use.
async fn write(context: &Context, review: &Review) -> AdmissionResult {
    // Other controllers may change owners, finalizers and labels.
    if changes_only_metadata(review) {
        return AdmissionResult::allow();
    }
    let record = record_key(review);
    let spec = review.object.data.get("spec").unwrap_or(&Value::Null);
    let values = match context.settings.inline_credentials {
        InlineCredentials::Deny => match inline::denied(&record, review) {
            Some(refusal) => return AdmissionResult::deny(refusal),
            None => BTreeMap::new(),
        },
        InlineCredentials::Allow => BTreeMap::new(),
        // The schema or the validating webhook rejects values that cannot be sealed.
        InlineCredentials::Seal => inline_values(spec).unwrap_or_default(),
    };
    if record.name.is_empty() && !values.is_empty() {
        return AdmissionResult::deny(explained(
            "cannot seal credentials of a record without `metadata.name`, because a sealed value is bound to one record",
            &[
                "set `metadata.name` instead of `generateName`, or store the values in a Secret and use `valueFrom.secretKeyRef`",
            ],
        ));
    }
    let sealed = match sealed(context, review, &record, spec, &values).await {
        Ok(sealed) => sealed,
        Err(error) => return AdmissionResult::fail(error.to_string()),
    };
    if !sealed.foreign.is_empty() {
        return AdmissionResult::deny(explained(
            &format!(
                "{}: cannot decrypt sealed value: it was sealed for another record or entry, or its key was removed",
                inline::list(&sealed.foreign)
            ),
            &[RESEAL],
        ));
    }
    let written = sealed.spec.as_ref().unwrap_or(spec);
    if sealed.is_changed {
        match references::check(context, review, &record, written, &sealed.unknown).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return AdmissionResult::deny(refusal),
            Err(error) => return AdmissionResult::fail(error.to_string()),
        }
    }
    let stored = review.old.as_ref().map(|old| &old.metadata.managed_fields);
    let stored = stored.and_then(Option::as_deref).unwrap_or_default();
    let replaced = ownership::replaced_values(review.manager.as_deref(), stored, &sealed.replaced);
    let mut answer = Draft::new(review, sealed);
    answer.warnings.extend(replaced);
    if context.settings.inline_credentials == InlineCredentials::Seal {
        answer.clean_last_applied(&values);
    }
    answer.finish(review)
}

/// Seals the values of the request.
async fn sealed(
    context: &Context,
    review: &Review,
    record: &RecordKey,
    spec: &Value,
    values: &BTreeMap<EntryKey, Sensitive>,
) -> Result<SealOutcome, SealError> {
    let stored = review.old.as_ref().map(|old| &old.data["spec"]);
    let texts = [Some(spec), stored].into_iter().flatten().flat_map(entries);
    let key_use = if values.is_empty() {
        KeyUse::Open
    } else {
        KeyUse::Seal
    };
    let texts = texts.filter_map(|entry| entry.sealed());
    let keys = context.sealing_keys.keyring(texts, key_use).await;
    let request = Request {
        record,
        user: review.user_name(),
        spec,
        stored,
        values,
    };
    seal(&keys, &context.guess_limit, &request, Instant::now())
}

/// Returns the key of the record in a request.
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

/// Returns whether an update changes only fields that cannot contain values. Returns `false` for an update
/// without changes, so that applying a record again seals values that were stored in plain text.
fn changes_only_metadata(review: &Review) -> bool {
    let Some(old) = &review.old else {
        return false;
    };
    !review.changes_spec()
        && last_applied(old) == last_applied(&review.object)
        && user_metadata(&old.metadata) != user_metadata(&review.object.metadata)
}

/// Returns the metadata without fields that the API server manages.
fn user_metadata(metadata: &ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        managed_fields: None,
        resource_version: None,
        generation: None,
        ..metadata.clone()
    }
}

/// Restores the managed fields if a request changes nothing else. A server-side apply of plain values looks
/// like a change until they are sealed, so the API server updates the time and the position of its entry. The
/// API server ignores a changed time, but not a changed position, and would write the object.
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
        && user_metadata(&old.metadata) == user_metadata(&object.metadata)
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

/// The object to store, with warnings about sealed values.
struct Draft {
    object: DynamicObject,
    texts: BTreeMap<EntryKey, String>,
    is_changed: bool,
    warnings: Vec<String>,
}

impl Draft {
    fn new(review: &Review, sealed: SealOutcome) -> Self {
        let mut warnings: Vec<String> = sealed.new.iter().map(warning).collect();
        if warnings.len() > MAX_WARNINGS {
            let more = warnings.len() - MAX_WARNINGS;
            warnings.truncate(MAX_WARNINGS);
            warnings.push(format!("… and {more} more sets of credentials"));
        }
        let mut draft = Self {
            object: review.object.clone(),
            texts: sealed.texts,
            is_changed: sealed.spec.is_some(),
            warnings,
        };
        if let Some(spec) = sealed.spec {
            draft.object.data["spec"] = spec;
            let fields = draft.object.metadata.managed_fields.as_deref_mut();
            ownership::own_sealed(fields.unwrap_or_default(), draft.texts.keys());
        }
        draft
    }

    /// Removes values from the annotation of `kubectl apply`.
    fn clean_last_applied(&mut self, values: &BTreeMap<EntryKey, Sensitive>) {
        let Some(annotations) = self.object.metadata.annotations.as_mut() else {
            return;
        };
        let Some(text) = annotations.get_mut(LAST_APPLIED) else {
            return;
        };
        match rewrite(text, values, &self.texts) {
            LastApplied::Keep => return,
            LastApplied::Rewrite(sealed) => *text = sealed,
            LastApplied::Remove => {
                annotations.remove(LAST_APPLIED);
                let message = format!(
                    "metadata.annotations: removed `{LAST_APPLIED}`, because it may contain credential values or is too large"
                );
                self.warnings
                    .push(explained(&message, &["use `kubectl apply --server-side`"]));
            }
        }
        self.is_changed = true;
    }

    fn finish(mut self, review: &Review) -> AdmissionResult {
        if let Some(old) = &review.old {
            keep_managed_fields(old, &mut self.object);
        }
        let answer = if self.is_changed {
            AdmissionResult::mutate(self.object)
        } else {
            AdmissionResult::allow()
        };
        self.warnings
            .into_iter()
            .fold(answer, AdmissionResult::warn)
    }
}

fn warning((set, count): (&String, &usize)) -> String {
    let values = match count {
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    };
    explained(
        &format!("{set}: sealed {values}"),
        &[
            "prefer a Secret and `valueFrom.secretKeyRef`, so that values never pass through a record",
        ],
    )
}
