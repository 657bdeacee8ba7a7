//! What there is: records, workflows and Secrets, from files or from a cluster.

pub(crate) mod base;
mod claim;
pub(crate) mod cluster;
mod converted;
mod drafts;
pub(crate) mod files;
mod intake;
mod seal;
pub(crate) mod secrets;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use extension_registry_api::convert::Names;
use extension_registry_api::{ExtensionSpec, Workflow};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::{Person, consumer};
use extension_registry_binding::workflow::{Resolved, resolve};
use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Index;
use extension_registry_yaml::{self as yaml, Marks};

use crate::args::{Identity, Source, View};
use crate::finding::{Finding, Level};
use secrets::Secrets;

/// What of a cluster is asked for. Of files, all is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Records.
    pub(crate) records: bool,
    /// Workflows.
    pub(crate) workflows: bool,
    /// Of every namespace that the caller may look at, not only of the one that was named.
    pub(crate) everywhere: bool,
}

impl Wanted {
    /// Records and workflows of the namespace that was named.
    pub(crate) const NEAR: Self = Self {
        records: true,
        workflows: true,
        everywhere: false,
    };
    /// All that the caller may see.
    pub(crate) const ALL: Self = Self {
        everywhere: true,
        ..Self::NEAR
    };
    /// Records alone.
    pub(crate) const RECORDS: Self = Self {
        workflows: false,
        ..Self::NEAR
    };
    /// Workflows alone.
    pub(crate) const WORKFLOWS: Self = Self {
        records: false,
        ..Self::NEAR
    };
}

/// Where an object was found.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The file; empty for a cluster.
    pub(crate) file: Arc<str>,
    /// Where its fields are.
    pub(crate) marks: Marks,
    /// What it is called: `Workflow dev/train`.
    pub(crate) object: String,
}

impl Origin {
    /// An error at a field.
    pub(crate) fn error(&self, rule: &str, field: &str) -> Finding {
        Finding::error(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }

    /// What was refused at a field.
    pub(crate) fn refused(&self, field: &str, refusal: Refusal) -> Finding {
        self.error(refusal.reason.as_str(), field)
            .says(refusal.message, refusal.hint)
    }

    /// A warning at a field.
    pub(crate) fn warning(&self, rule: &str, field: &str) -> Finding {
        Finding::warning(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }
}

/// A record.
#[derive(Clone, Debug)]
pub(crate) struct RecordEntry {
    pub(crate) origin: Origin,
    pub(crate) key: RecordKey,
    pub(crate) spec: ExtensionSpec,
    /// The fields of credentials that hold a value in the file, with the names of the entries where
    /// they are sound.
    pub(crate) inline: Vec<(String, Option<String>)>,
}

/// A workflow.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowEntry {
    pub(crate) origin: Origin,
    pub(crate) key: ObjectKey,
    pub(crate) workflow: Arc<Workflow>,
}

/// All of it.
#[derive(Default)]
pub(crate) struct World {
    /// The records, for resolution.
    pub(crate) index: Index,
    /// The records as they were written, in the order of their names.
    pub(crate) records: Vec<RecordEntry>,
    /// The workflows, in the order of their names.
    pub(crate) workflows: Vec<WorkflowEntry>,
    /// Source Secrets.
    pub(crate) secrets: Secrets,
    /// What was wrong while reading.
    pub(crate) findings: Vec<Finding>,
    view: View,
    identity: Identity,
    namespace: String,
    names: Names,
    seen: HashMap<String, Arc<str>>,
    /// Documents of files that hold something, whosoever it is.
    documents: usize,
    /// Whether it was said what there is already.
    pub(crate) has_base: bool,
}

impl World {
    /// Reads what was asked for.
    pub(crate) fn read(source: &Source, wanted: Wanted) -> Result<Self> {
        let mut world = Self::empty(source);
        if source.files.is_empty() {
            let (objects, namespace) = cluster::read(source, wanted)?;
            world.namespace = namespace;
            for object in objects {
                world.add(&"".into(), object, Marks::default());
            }
        } else {
            for text in files::read(&source.files, source.flag, &mut world.findings)? {
                world.add_text(&text.file, &text.text);
            }
            world.has_something(&source.files)?;
            if !source.base.is_empty() {
                world.stand_on(&source.base)?;
            }
        }
        world.sort();
        Ok(world)
    }

    /// Nothing yet.
    fn empty(source: &Source) -> Self {
        Self {
            view: source.view.clone(),
            identity: source.cluster.identity.clone(),
            namespace: source.view.own_namespace(),
            ..Self::default()
        }
    }

    /// What is wrong with one object by itself.
    pub(crate) fn check(object: serde_json::Value) -> Vec<Finding> {
        let mut world = Self::default();
        world.add(&"".into(), object, Marks::default());
        world.findings
    }

    /// Adds the objects of a text.
    pub(crate) fn add_text(&mut self, file: &Arc<str>, text: &str) {
        for (value, marks) in self.documents(file, text) {
            self.add(file, value, marks);
        }
    }

    /// The documents of a text, as far as it can be read.
    fn documents(&mut self, file: &Arc<str>, text: &str) -> Vec<(serde_json::Value, Marks)> {
        self.parsed(file, yaml::parse(text))
    }

    /// Documents that were read: what is wrong in them is said, and they are counted.
    fn parsed(
        &mut self,
        file: &Arc<str>,
        (documents, faults): (Vec<(serde_json::Value, Marks)>, Vec<yaml::Fault>),
    ) -> Vec<(serde_json::Value, Marks)> {
        let faults = faults.into_iter().map(|fault| {
            Finding::error(fault.rule, file, fault.at).says(fault.message, fault.hint)
        });
        self.findings.extend(faults);
        self.documents += documents
            .iter()
            .filter(|(value, _)| !value.is_null())
            .count();
        documents
    }

    /// A check that looked at nothing has to be heard: the path may be wrong.
    fn has_something(&self, paths: &[std::path::PathBuf]) -> Result<()> {
        let is_wrong = |finding: &Finding| finding.level == Level::Error;
        anyhow::ensure!(
            self.documents > 0 || self.findings.iter().any(is_wrong),
            "0 objects read from {}; hint: a file without objects is empty, or has only comments",
            files::names(paths)
        );
        Ok(())
    }

    /// Reads the objects of files into a list of their own: those of a change.
    pub(crate) fn read_change(&self, files: &[std::path::PathBuf]) -> Result<Self> {
        let mut change = self.beside();
        for text in files::read(files, crate::args::FILES, &mut change.findings)? {
            change.add_text(&text.file, &text.text);
        }
        change.sort();
        Ok(change)
    }

    /// An empty world, seen from where this one is.
    fn beside(&self) -> Self {
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

    /// The user on whose behalf a workflow resolves: its author, else the user of the flags. What it
    /// admits to is not decided here.
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

    /// Who asks for a workflow, on behalf of a person.
    pub(crate) fn consumer(&self, key: &ObjectKey, person: Option<&Person>) -> Consumer {
        let zone = self.view.perspective.zone.as_deref().map(Name::from);
        consumer(&key.namespace, zone.as_ref(), person)
    }

    /// A workflow with the answers to its requirements.
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

    /// Secrets of which a choice takes every key, and of which nobody knows the keys here.
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

    /// Namespace of the source Secrets of cluster records.
    pub(crate) fn records_namespace(&self) -> &str {
        &self.view.perspective.records_namespace
    }
}
