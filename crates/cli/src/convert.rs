//! Converts FuseML files to objects of the registry.
//!
//! A document is a record, a workflow, or the description of a tool for the installer. Records and workflows exist
//! in the plain form of the FuseML domain model and in the released form, with different field names; both are
//! supported. Converted objects keep the positions of their source, so findings refer to lines of the original file.
//!
//! Nothing is dropped silently: fields that cannot be converted are findings of the rule `no-place`.

mod installer;
mod names;
mod record;
mod workflow;

use std::sync::Arc;

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::sensitive::Sensitive;
use extension_registry_yaml::{Content, Diagnostics, MappingReader, Node, Position};

use crate::finding::Finding;

/// Options of the conversion.
pub(crate) struct ConvertOptions<'w> {
    /// Namespace of the workflows, if any.
    pub(crate) namespace: Option<&'w str>,
    /// Project of the records; None for cluster-scoped records.
    pub(crate) project: Option<&'w str>,
}

/// Result of a conversion.
#[derive(Default)]
pub(crate) struct Converted {
    /// Objects with their positions.
    pub(crate) objects: Vec<Node>,
    /// Credentials that were moved out of the objects.
    pub(crate) secrets: Vec<NewSecret>,
    /// Problems, and fields that cannot be converted.
    pub(crate) findings: Vec<Finding>,
}

/// A Secret that records reference and that does not exist yet.
pub(crate) struct NewSecret {
    pub(crate) name: String,
    pub(crate) data: Vec<(String, Sensitive)>,
}

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
                "a record has `services` or `configuration`, a workflow `steps`",
            ),
        }
    }
    let about = log.about;
    let diagnostics = log.list.into_iter();
    converted
        .findings
        .extend(diagnostics.map(|diagnostic| Finding::from_diagnostic(file, &about, diagnostic)));
}

impl Converted {
    fn add(&mut self, converted: Option<(Node, Vec<NewSecret>)>) {
        if let Some((object, secrets)) = converted {
            self.objects.push(object);
            self.secrets.extend(secrets);
        }
    }
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

/// Builds an object of the registry.
fn object(at: Position, kind: &str, name: Node, namespace: Option<&str>, spec: Node) -> Node {
    let metadata = Node::fields(
        at,
        [
            ("name", Some(name)),
            ("namespace", namespace.map(|text| Node::text(at, text))),
        ],
    );
    Node::fields(
        at,
        [
            (
                "apiVersion",
                Some(Node::text(at, format!("{GROUP}/{VERSION}"))),
            ),
            ("kind", Some(Node::text(at, kind))),
            ("metadata", Some(metadata)),
            ("spec", Some(spec)),
        ],
    )
}
