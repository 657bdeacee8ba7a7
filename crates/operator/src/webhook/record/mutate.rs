//! Seals credentials that are written into a record, and checks that the requester may use what the
//! record refers to.

use std::collections::BTreeMap;
use std::time::Instant;

use extension_registry_api::kinds::LAST_APPLIED;
use extension_registry_binding::seal::{EntryKey, RESEAL, entries, inline_values};
use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::core::DynamicObject;
use serde_json::Value;

use super::{inline, references};
use crate::args::InlineCredentials;
use crate::context::Context;
use crate::error::Error;
use crate::seal::{self, LastApplied, Sealed, Use};
use crate::webhook::{Answer, Review};

/// The most warnings of one kind: `kubectl` prints each on a line of its own.
const MOST_WARNINGS: usize = 8;

pub(crate) async fn mutate(context: &Context, review: &Review) -> Answer {
    // Owners, finalizers and labels are the business of other controllers too.
    if changes_only_metadata(review) {
        return Answer::admit();
    }
    let record = record_key(review);
    let spec = review.object.data.get("spec").unwrap_or(&Value::Null);
    let values = match context.settings.inline_credentials {
        InlineCredentials::Deny => match inline::denied(&record, review) {
            Some(refusal) => return Answer::refuse(refusal),
            None => BTreeMap::new(),
        },
        InlineCredentials::Allow => BTreeMap::new(),
        // What cannot be sealed is left for the schema or the validating webhook to reject.
        InlineCredentials::Seal => inline_values(spec).unwrap_or_default(),
    };
    if record.name.is_empty() && !values.is_empty() {
        return Answer::refuse(
            "credentials in a record without a name cannot be sealed, because a sealed value belongs to one record; hint: write `metadata.name` in place of `generateName`, or keep the values in a Secret and write `valueFrom.secretKeyRef`",
        );
    }
    let sealed = match sealed(context, review, &record, spec, &values).await {
        Ok(sealed) => sealed,
        Err(error) => return Answer::retry(error.to_string()),
    };
    if !sealed.foreign.is_empty() {
        return Answer::refuse(format!(
            "{}: cannot be decrypted: a sealed value is valid only for the record and the entry that it was sealed for, while its key exists; hint: {RESEAL}",
            inline::list(&sealed.foreign)
        ));
    }
    let written = sealed.spec.as_ref().unwrap_or(spec);
    if sealed.is_changed {
        match references::check(context, review, &record, written, &sealed.unknown).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return Answer::refuse(refusal),
            Err(error) => return Answer::retry(error.to_string()),
        }
    }
    let mut answer = Draft::new(review, sealed);
    if context.settings.inline_credentials == InlineCredentials::Seal {
        answer.clean_last_applied(&values);
    }
    answer.finish(review)
}

/// What sealing makes of the request.
async fn sealed(
    context: &Context,
    review: &Review,
    record: &RecordKey,
    spec: &Value,
    values: &BTreeMap<EntryKey, Sensitive>,
) -> Result<Sealed, Error> {
    let stored = review.old.as_ref().map(|old| &old.data["spec"]);
    let texts = [Some(spec), stored].into_iter().flatten().flat_map(entries);
    let wanted = if values.is_empty() {
        Use::Open
    } else {
        Use::Seal
    };
    let texts = texts.filter_map(|entry| entry.sealed());
    let keys = context.sealing_keys.keyring(texts, wanted).await;
    let request = seal::Request {
        record,
        user: review.user_name(),
        spec,
        stored,
        values,
    };
    seal::seal(&keys, &context.guess_limit, &request, Instant::now())
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

/// The object as it is to be stored, and warnings about what was sealed.
struct Draft {
    object: DynamicObject,
    texts: BTreeMap<EntryKey, String>,
    is_changed: bool,
    warnings: Vec<String>,
}

impl Draft {
    fn new(review: &Review, sealed: Sealed) -> Self {
        let mut warnings: Vec<String> = sealed.new.iter().map(warning).collect();
        if warnings.len() > MOST_WARNINGS {
            let more = warnings.len() - MOST_WARNINGS;
            warnings.truncate(MOST_WARNINGS);
            warnings.push(format!("… and {more} more sets of credentials were sealed"));
        }
        let mut draft = Self {
            object: review.object.clone(),
            texts: sealed.texts,
            is_changed: sealed.spec.is_some(),
            warnings,
        };
        if let Some(spec) = sealed.spec {
            draft.object.data["spec"] = spec;
        }
        draft
    }

    /// Takes the values out of the annotation of `kubectl apply`.
    fn clean_last_applied(&mut self, values: &BTreeMap<EntryKey, Sensitive>) {
        let Some(annotations) = self.object.metadata.annotations.as_mut() else {
            return;
        };
        let Some(text) = annotations.get_mut(LAST_APPLIED) else {
            return;
        };
        match seal::rewrite(text, values, &self.texts) {
            LastApplied::Keep => return,
            LastApplied::Rewrite(sealed) => *text = sealed,
            LastApplied::Remove => {
                annotations.remove(LAST_APPLIED);
                self.warnings.push(format!(
                    "metadata.annotations: `{LAST_APPLIED}` was removed, because it may hold values or is too large; hint: use `kubectl apply --server-side`"
                ));
            }
        }
        self.is_changed = true;
    }

    fn finish(mut self, review: &Review) -> Answer {
        if let Some(old) = &review.old {
            keep_managed_fields(old, &mut self.object);
        }
        let answer = if self.is_changed {
            Answer::change(self.object)
        } else {
            Answer::admit()
        };
        self.warnings.into_iter().fold(answer, Answer::warn)
    }
}

fn warning((set, count): (&String, &usize)) -> String {
    let values = match count {
        1 => "1 value was".to_owned(),
        count => format!("{count} values were"),
    };
    format!(
        "{set}: {values} sealed; hint: keep values in a Secret and write `valueFrom.secretKeyRef`"
    )
}
