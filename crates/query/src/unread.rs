//! Refusals that may have their cause in objects that were not read.

use extension_registry_api::convert;
use extension_registry_core::access::Consumer;
use extension_registry_core::refusal::Reason;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Evaluation, Verdict, evaluate};
use extension_registry_render::ObjectKey;
use extension_registry_render::workflow::Resolved;

use crate::finding::Finding;
use crate::inventory::{BindingEntry, Inventory};

/// Hint on records that exist only in the cluster.
pub(crate) const BASE_HINT: &str = "pass the records of the cluster with --base PATH";

/// Returns whether a requirement without a match could match a record in the cluster. It cannot if a candidate
/// lacks only an endpoint or credentials, or with `--base`.
pub(crate) fn may_be_elsewhere(
    inventory: &Inventory,
    resolved: &Resolved,
    finding: &Finding,
) -> bool {
    if !may_be_missing(inventory, finding) {
        return false;
    }
    let mut resolutions = resolved.resolutions.iter();
    let resolution = resolutions.find(|resolution| resolution.field == finding.field);
    let Some(Ok(requirement)) = resolution.map(|resolution| &resolution.requirement) else {
        return false;
    };
    let consumer = inventory.consumer(&resolved.key, resolved.person.as_ref());
    matches_nothing(inventory, requirement, &consumer)
}

/// The same for a binding.
pub(crate) fn binding_may_be_elsewhere(
    inventory: &Inventory,
    entry: &BindingEntry,
    finding: &Finding,
) -> bool {
    let Ok(binding) = convert::binding(&entry.key.name, &entry.binding.spec) else {
        return false;
    };
    let consumer = inventory.consumer(&entry.key, None);
    may_be_missing(inventory, finding)
        && matches_nothing(inventory, &binding.requirement, &consumer)
}

fn may_be_missing(inventory: &Inventory, finding: &Finding) -> bool {
    !inventory.has_base && finding.rule == Reason::NotFound.as_str()
}

fn matches_nothing(inventory: &Inventory, requirement: &Requirement, consumer: &Consumer) -> bool {
    let is_miss = |one: &Evaluation| matches!(one.verdict, Verdict::Mismatch(_));
    evaluate(&inventory.index, requirement, consumer)
        .iter()
        .all(is_miss)
}

/// Extends a hint for requirements that may match a record of the cluster.
pub(crate) fn extend_hint(hint: &str) -> String {
    let joint = if hint.ends_with('?') { " " } else { "; " };
    format!("{hint}{joint}{BASE_HINT}")
}

/// Returns whether an unknown key may be in a Secret that exists only in the cluster.
pub(crate) fn may_be_unread(reason: Reason, unknown: &[ObjectKey]) -> bool {
    reason == Reason::UnknownKey && !unknown.is_empty()
}

/// Formats the hint for such a key.
pub(crate) fn unread_hint(unknown: &[ObjectKey]) -> String {
    let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    format!(
        "add Secret {} to the files, because the key may be in it",
        names.join(", ")
    )
}
