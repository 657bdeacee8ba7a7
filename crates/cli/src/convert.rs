//! FuseML's own files, made into ours.
//!
//! A document is one of three: a record, a workflow, or the description of a tool for the installer.
//! Records and workflows come in the plain form of seed 000 ("Domain Model") and in the released form,
//! whose fields have other names; one reader takes both. What is made keeps the places of what it was
//! made of, so whatever checks it names the line of the old file.
//!
//! Nothing is dropped in silence: what has no place here is a finding of the rule `no-place`.

mod installer;
mod names;
mod record;
mod workflow;

use std::sync::Arc;

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::sensitive::Sensitive;
use extension_registry_yaml::{Complaints, Content, Given, Node, Position};

use crate::finding::Finding;

/// What the caller wants.
pub(crate) struct Wish<'w> {
    /// Namespace of workflows that are made; absent: none is written.
    pub(crate) namespace: Option<&'w str>,
    /// The project whose own records are made; absent: records of the cluster.
    pub(crate) project: Option<&'w str>,
}

/// What was made of a document.
#[derive(Default)]
pub(crate) struct Made {
    /// The objects, each with its places.
    pub(crate) objects: Vec<Node>,
    /// Values of credentials that were taken out of them.
    pub(crate) secrets: Vec<NewSecret>,
    /// What is wrong, and what has no place.
    pub(crate) findings: Vec<Finding>,
}

/// A Secret that records refer to, and nobody has made yet.
pub(crate) struct NewSecret {
    pub(crate) name: String,
    pub(crate) data: Vec<(String, Sensitive)>,
}

/// Makes ours of a document, and of each item where it is a list of them.
pub(crate) fn document(file: &Arc<str>, node: Node, wish: &Wish<'_>, made: &mut Made) {
    if node.is_null() {
        return;
    }
    if let Content::Items(items) = node.content {
        for item in items {
            document(file, item, wish, made);
        }
        return;
    }
    let at = node.at;
    let mut log = Complaints::default();
    if let Some(given) = Given::of(&mut log, String::new(), node) {
        match form(&given) {
            Some(Form::Workflow) => {
                let object = workflow::convert(given, wish, &mut log);
                made.objects.extend(object);
            }
            Some(Form::Record) => {
                let result = record::convert(given, wish, &mut log);
                made.take(result);
            }
            Some(Form::Installer) => {
                let result = installer::convert(given, wish, &mut log);
                made.take(result);
            }
            Some(Form::Kubernetes) => log.warning("no-form", at, "").says(
                "is an object of Kubernetes already, and was left out",
                "apply it as it is",
            ),
            None => log.error("no-form", at, "").says(
                "is no record, workflow or installer description of FuseML",
                "a record has `services` or `configuration`, a workflow `steps`",
            ),
        }
    }
    let about = log.about;
    let complaints = log.list.into_iter();
    made.findings
        .extend(complaints.map(|complaint| Finding::of_complaint(file, &about, complaint)));
}

impl Made {
    fn take(&mut self, made: Option<(Node, Vec<NewSecret>)>) {
        if let Some((object, secrets)) = made {
            self.objects.push(object);
            self.secrets.extend(secrets);
        }
    }
}

enum Form {
    Record,
    Workflow,
    Installer,
    Kubernetes,
}

fn form(given: &Given) -> Option<Form> {
    let has = |names: &[&str]| names.iter().any(|name| given.has(name));
    if has(&["apiVersion"]) && has(&["kind"]) {
        Some(Form::Kubernetes)
    } else if has(&["steps"]) {
        Some(Form::Workflow)
    } else if has(&installer::ONLY_THERE) {
        Some(Form::Installer)
    } else if has(&["services", "configuration", "product"]) {
        Some(Form::Record)
    } else {
        None
    }
}

/// An object of ours.
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
