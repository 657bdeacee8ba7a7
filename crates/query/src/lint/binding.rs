//! Problems of bindings.

use extension_registry_api::convert::FieldError;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::Prepared;

use crate::finding::{Finding, Level};
use crate::inventory::{BindingEntry, Inventory};
use crate::unread::{binding_may_be_elsewhere, extend_hint, may_be_unread, unread_hint};

/// Renders the Secrets of a binding.
///
/// # Errors
/// The problems that prevent it. Those that may have their cause in objects that were not read are warnings, and those that
/// only tell that no records were read are omitted.
pub(crate) fn prepare(
    inventory: &Inventory,
    entry: &BindingEntry,
) -> Result<Box<Prepared>, Vec<Finding>> {
    let (requirement, selection) = inventory
        .selected(entry)
        .map_err(|errors| findings(inventory, entry, errors, &[]))?;
    let choice = &selection.choice;
    inventory
        .prepared(entry, &requirement, choice)
        .map(Box::new)
        .map_err(|errors| {
            let unknown = inventory.whole_secrets_of(choice);
            findings(inventory, entry, errors, &unknown)
        })
}

fn findings(
    inventory: &Inventory,
    entry: &BindingEntry,
    errors: Vec<FieldError>,
    unknown: &[ObjectKey],
) -> Vec<Finding> {
    let has_records = inventory.knows_records();
    let mut findings = Vec::new();
    for error in errors {
        let reason = error.refusal.reason;
        // The rules of the kind, which are checked while objects are read, include those on its name.
        let is_known = error.field == "metadata.name";
        if is_known || (!has_records && !reason.is_stalled()) {
            continue;
        }
        let mut finding = entry.origin.finding(error);
        if may_be_unread(reason, unknown) {
            finding.level = Level::Warning;
            finding.hint = unread_hint(unknown);
        }
        if binding_may_be_elsewhere(inventory, entry, &finding) {
            if !inventory.knows_cluster() {
                finding.level = Level::Warning;
            }
            finding.hint = extend_hint(&finding.hint);
        }
        findings.push(finding);
    }
    findings
}
