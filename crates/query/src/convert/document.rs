//! Recognizes what a document is, and converts it.

use std::sync::Arc;

use extension_registry_yaml::{Content, Diagnostics, MappingReader, Node};

use super::common::{ConvertOptions, Converted};
use super::{installer, record, workflow};
use crate::finding::Finding;

/// Converts a document, or each item if it is a list.
pub(crate) fn document(
    file: &Arc<str>,
    node: Node,
    options: &ConvertOptions<'_>,
    converted: &mut Converted,
) {
    if node.is_null() {
        return;
    }
    if let Content::Items(items) = node.content {
        for item in items {
            document(file, item, options, converted);
        }
        return;
    }
    let at = node.at;
    let mut log = Diagnostics::default();
    if let Some(mapping) = MappingReader::new(&mut log, String::new(), node) {
        match detect(&mapping) {
            Some(DocumentKind::Workflow) => {
                let object = workflow::convert(mapping, options, &mut log);
                converted.objects.extend(object);
            }
            Some(DocumentKind::Record) => {
                let result = record::convert(mapping, options, &mut log);
                converted.add(result);
            }
            Some(DocumentKind::Installer) => {
                let result = installer::convert(mapping, options, &mut log);
                converted.add(result);
            }
            Some(DocumentKind::Kubernetes) => log.warning("no-form", at, "").message(
                "skipped: already a Kubernetes object",
                "apply it with `kubectl apply`",
            ),
            None => log.error("no-form", at, "").message(
                "not a FuseML record, workflow or installer description",
                "add `services` or `configuration` to a record, or `steps` to a workflow",
            ),
        }
    }
    let about = log.about;
    let diagnostics = log.list.into_iter();
    converted
        .findings
        .extend(diagnostics.map(|diagnostic| Finding::from_diagnostic(file, &about, diagnostic)));
}

enum DocumentKind {
    Record,
    Workflow,
    Installer,
    Kubernetes,
}

fn detect(mapping: &MappingReader) -> Option<DocumentKind> {
    let has = |names: &[&str]| names.iter().any(|name| mapping.has(name));
    if has(&["apiVersion"]) && has(&["kind"]) {
        Some(DocumentKind::Kubernetes)
    } else if has(&["steps"]) {
        Some(DocumentKind::Workflow)
    } else if has(&installer::ONLY_THERE) {
        Some(DocumentKind::Installer)
    } else if has(&["services", "configuration", "product"]) {
        Some(DocumentKind::Record)
    } else {
        None
    }
}
