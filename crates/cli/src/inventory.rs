//! Records, workflows and Secrets, read from files or from a cluster.

pub(crate) mod base;
mod classify;
pub(crate) mod cluster;
mod converted;
mod drafts;
pub(crate) mod files;
mod load;
mod seal;
pub(crate) mod secrets;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use extension_registry_api::convert::Names;
use extension_registry_api::{ExtensionSpec, Workflow};
use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Index;
use extension_registry_render::ObjectKey;
use extension_registry_render::person::{Person, consumer};
use extension_registry_render::workflow::{Resolved, resolve};
use extension_registry_yaml::{self as yaml, Marks};

use crate::args::{Identity, Source, View};
use crate::finding::{Finding, Level};
use secrets::Secrets;

/// Kinds of objects to read from a cluster. Files are read completely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadOptions {
    /// Records.
    pub(crate) records: bool,
    /// Workflows.
    pub(crate) workflows: bool,
    /// Whether to read all namespaces that the caller can list.
    pub(crate) all_namespaces: bool,
}

impl ReadOptions {
    /// Records and workflows of the selected namespace.
    pub(crate) const NAMESPACE: Self = Self {
        records: true,
        workflows: true,
        all_namespaces: false,
    };
    /// Records and workflows of all namespaces.
    pub(crate) const ALL_NAMESPACES: Self = Self {
        all_namespaces: true,
        ..Self::NAMESPACE
    };
    /// Only records.
    pub(crate) const RECORDS: Self = Self {
        workflows: false,
        ..Self::NAMESPACE
    };
    /// Only workflows.
    pub(crate) const WORKFLOWS: Self = Self {
        records: false,
        ..Self::NAMESPACE
    };
}

/// Origin of an object.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Path of the file; empty for a cluster.
    pub(crate) file: Arc<str>,
    /// Positions of its fields.
    pub(crate) marks: Marks,
    /// Kind and name: `Workflow dev/train`.
    pub(crate) object: String,
}

impl Origin {
    /// Creates an error at a field.
    pub(crate) fn error(&self, rule: &str, field: &str) -> Finding {
        Finding::error(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }

    /// Converts a refusal at a field to an error.
    pub(crate) fn refused(&self, field: &str, refusal: Refusal) -> Finding {
        self.error(refusal.reason.as_str(), field)
            .message(refusal.message, refusal.hint)
    }

    /// Creates a warning at a field.
    pub(crate) fn warning(&self, rule: &str, field: &str) -> Finding {
        Finding::warning(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }
}

/// A record with its origin.
#[derive(Clone, Debug)]
pub(crate) struct RecordEntry {
    pub(crate) origin: Origin,
    pub(crate) key: RecordKey,
    pub(crate) spec: ExtensionSpec,
    /// Fields with literal credentials, and the names of their entries if valid.
    pub(crate) inline: Vec<(String, Option<String>)>,
}

/// A workflow with its origin.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowEntry {
    pub(crate) origin: Origin,
    pub(crate) key: ObjectKey,
    pub(crate) workflow: Arc<Workflow>,
}

/// All objects that a command works on.
#[derive(Default)]
pub(crate) struct Inventory {
    /// Index of the records, for resolution.
    pub(crate) index: Index,
    /// Records as written, sorted by name.
    pub(crate) records: Vec<RecordEntry>,
    /// Workflows, sorted by name.
    pub(crate) workflows: Vec<WorkflowEntry>,
    /// Source Secrets.
    pub(crate) secrets: Secrets,
    /// Problems found while reading.
    pub(crate) findings: Vec<Finding>,
    view: View,
    identity: Identity,
    namespace: String,
    names: Names,
    seen: HashMap<String, Arc<str>>,
    /// Number of documents that are not empty, of any kind.
    documents: usize,
    /// Whether existing objects were passed with `--base`.
    pub(crate) has_base: bool,
}

impl Inventory {
    /// Reads objects from files, or else from the cluster.
    pub(crate) fn read(source: &Source, options: ReadOptions) -> Result<Self> {
        let mut inventory = Self::empty(source);
        if source.files.is_empty() {
            let (objects, namespace) = cluster::read(source, options)?;
            inventory.namespace = namespace;
            for object in objects {
                inventory.add(&"".into(), object, Marks::default());
            }
        } else {
            for text in files::read(&source.files, source.flag, &mut inventory.findings)? {
                inventory.add_text(&text.file, &text.text);
            }
            inventory.check_not_empty(&source.files)?;
            if !source.base.is_empty() {
                inventory.load_base(&source.base)?;
            }
        }
        inventory.sort();
        Ok(inventory)
    }

    /// Creates an empty inventory for a source.
    fn empty(source: &Source) -> Self {
        Self {
            view: source.view.clone(),
            identity: source.cluster.identity.clone(),
            namespace: source.view.own_namespace(),
            ..Self::default()
        }
    }

    /// Checks one object by itself.
    pub(crate) fn check(object: serde_json::Value) -> Vec<Finding> {
        let mut inventory = Self::default();
        inventory.add(&"".into(), object, Marks::default());
        inventory.findings
    }

    /// Adds the objects of a YAML text.
    pub(crate) fn add_text(&mut self, file: &Arc<str>, text: &str) {
        for (value, marks) in self.documents(file, text) {
            self.add(file, value, marks);
        }
    }

    /// Parses the documents of a text.
    fn documents(&mut self, file: &Arc<str>, text: &str) -> Vec<(serde_json::Value, Marks)> {
        self.parsed(file, yaml::parse(text))
    }

    /// Counts parsed documents, and records their errors.
    fn parsed(
        &mut self,
        file: &Arc<str>,
        (documents, faults): (Vec<(serde_json::Value, Marks)>, Vec<yaml::ParseError>),
    ) -> Vec<(serde_json::Value, Marks)> {
        let faults = faults.into_iter().map(|fault| {
            Finding::error(fault.rule, file, fault.at).message(fault.message, fault.hint)
        });
        self.findings.extend(faults);
        self.documents += documents
            .iter()
            .filter(|(value, _)| !value.is_null())
            .count();
        documents
    }

    /// Fails if no objects were read, because the path may be wrong.
    fn check_not_empty(&self, paths: &[std::path::PathBuf]) -> Result<()> {
        let is_wrong = |finding: &Finding| finding.level == Level::Error;
        anyhow::ensure!(
            self.documents > 0 || self.findings.iter().any(is_wrong),
            "no objects found in {}; hint: check the path; empty files and comments contain no objects",
            files::names(paths)
        );
        Ok(())
    }

    /// Reads the objects of a change from files.
    pub(crate) fn read_change(&self, files: &[std::path::PathBuf]) -> Result<Self> {
        let mut change = self.empty_like();
        for text in files::read(files, crate::args::FILES, &mut change.findings)? {
            change.add_text(&text.file, &text.text);
        }
        change.sort();
        Ok(change)
    }

    /// Creates an empty inventory with the same settings.
    fn empty_like(&self) -> Self {
        Self {
            view: self.view.clone(),
            identity: self.identity.clone(),
            namespace: self.namespace.clone(),
            ..Self::default()
        }
    }

    fn sort(&mut self) {
        self.records.sort_by(|left, right| left.key.cmp(&right.key));
        self.workflows
            .sort_by(|left, right| left.key.cmp(&right.key));
        crate::finding::sort(&mut self.findings);
    }

    /// Returns the user for whom a workflow resolves: its author, else the user of the flags.
    fn person(&self, workflow: &Workflow) -> Option<Person> {
        Person::author(&workflow.metadata).or_else(|| {
            let user = self.identity.user.as_deref()?;
            let groups = self.identity.groups.iter();
            Some(Person::with_groups(
                user,
                groups.map(|group| Name::from(group.as_str())).collect(),
            ))
        })
    }

    /// Returns the consumer of a workflow for a user.
    pub(crate) fn consumer(&self, key: &ObjectKey, person: Option<&Person>) -> Consumer {
        let zone = self.view.perspective.zone.as_deref().map(Name::from);
        consumer(&key.namespace, zone.as_ref(), person)
    }

    /// Resolves the requirements of a workflow.
    pub(crate) fn resolved(&self, entry: &WorkflowEntry) -> Resolved {
        let person = self.person(&entry.workflow);
        let consumer = self.consumer(&entry.key, person.as_ref());
        let resolutions = resolve(&self.index, &entry.workflow, &consumer)
            .into_iter()
            .map(|resolution| match resolution.choice() {
                Some(choice) => {
                    let keys = self.secrets.keys(choice, self.records_namespace());
                    resolution.with_keys(keys)
                }
                None => resolution.without_keys(),
            })
            .collect();
        Resolved {
            workflow: Arc::clone(&entry.workflow),
            key: entry.key.clone(),
            person,
            resolutions,
        }
    }

    /// Returns Secrets that are used with all keys, but whose keys are unknown here.
    pub(crate) fn whole_secrets_unknown(&self, resolved: &Resolved) -> Vec<ObjectKey> {
        let choices = resolved
            .resolutions
            .iter()
            .filter_map(|resolution| Some(&resolution.answer.as_ref()?.as_ref().ok()?.choice));
        choices
            .filter(|choice| {
                choice
                    .credentials()
                    .is_some_and(|credentials| credentials.secret.is_some())
            })
            .flat_map(|choice| self.secrets.unknown(choice, self.records_namespace()))
            .collect()
    }

    /// Returns the namespace of the source Secrets of cluster records.
    pub(crate) fn records_namespace(&self) -> &str {
        &self.view.perspective.records_namespace
    }
}
