//! What there is: records, workflows and Secrets, from files or from a cluster.

pub(crate) mod cluster;
mod files;
mod schema;
mod seal;
pub(crate) mod secrets;
pub(crate) mod yaml;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use extension_registry_api::convert::{self, Names};
use extension_registry_api::{ExtensionSpec, GROUP, IDENTITY_ANNOTATION, Workflow};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::{Person, consumer};
use extension_registry_binding::workflow::{Resolved, resolve};
use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_core::resolve::Index;
use serde::Deserialize;
use serde_json::Value;

use crate::args::{InlineCredentials, Source, View};
use crate::finding::Finding;
use secrets::Secrets;
use yaml::Marks;

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
    /// The fields of credentials that hold a value in the file, with their names.
    pub(crate) inline: Vec<(String, String)>,
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
    namespace: String,
    names: Names,
    seen: HashMap<String, Arc<str>>,
}

impl World {
    /// Reads what was asked for.
    pub(crate) fn read(source: &Source, wanted: Wanted) -> Result<Self> {
        let mut world = Self {
            view: source.view.clone(),
            namespace: source
                .view
                .namespace
                .clone()
                .unwrap_or_else(|| "default".to_owned()),
            ..Self::default()
        };
        if source.files.is_empty() {
            let (objects, namespace) = cluster::read(&source.cluster, &source.view, wanted)?;
            world.namespace = namespace;
            for object in objects {
                world.add(&"".into(), object, Marks::default());
            }
        } else {
            for text in files::read(&source.files, &mut world.findings)? {
                world.add_text(&text.file, &text.text);
            }
        }
        world.sort();
        Ok(world)
    }

    /// Adds the objects of a text.
    pub(crate) fn add_text(&mut self, file: &Arc<str>, text: &str) {
        let (documents, faults) = yaml::parse(text);
        for fault in faults {
            self.findings
                .push(Finding::error(fault.rule, file, fault.at).says(fault.message, ""));
        }
        for (value, marks) in documents {
            self.add(file, value, marks);
        }
    }

    /// Reads the objects of files into a list of their own: those of a change.
    pub(crate) fn read_change(&self, files: &[std::path::PathBuf]) -> Result<Self> {
        let mut change = Self {
            view: self.view.clone(),
            namespace: self.namespace.clone(),
            ..Self::default()
        };
        for text in files::read(files, &mut change.findings)? {
            change.add_text(&text.file, &text.text);
        }
        change.sort();
        Ok(change)
    }

    fn sort(&mut self) {
        self.records.sort_by(|left, right| left.key.cmp(&right.key));
        self.workflows
            .sort_by(|left, right| left.key.cmp(&right.key));
        crate::finding::sort(&mut self.findings);
    }

    fn add(&mut self, file: &Arc<str>, value: Value, marks: Marks) {
        if value.is_null() {
            return;
        }
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        let (kind, api_version) = (text("kind").to_owned(), text("apiVersion").to_owned());
        if kind.is_empty() {
            self.findings.push(
                Finding::warning("no-object", file, marks.at())
                    .says("has no `kind`, so it was left out", ""),
            );
            return;
        }
        if kind.ends_with("List") && value.get("items").is_some_and(Value::is_array) {
            self.add_list(file, value, &marks);
            return;
        }
        let is_ours = api_version.split_once('/').map(|(group, _)| group) == Some(GROUP);
        let is_secret = kind == "Secret" && api_version == "v1";
        if !(is_ours || is_secret) {
            return;
        }
        let metadata = |field: &str| {
            value
                .get("metadata")
                .and_then(|metadata| metadata.get(field))
                .and_then(Value::as_str)
        };
        let name = metadata("name").unwrap_or_default().to_owned();
        let namespace = (kind != "ClusterExtension")
            .then(|| metadata("namespace").unwrap_or(&self.namespace).to_owned());
        let object = match &namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        let object = object.trim_end().to_owned();
        let origin = Origin {
            file: Arc::clone(file),
            marks,
            object,
        };
        if name.is_empty() {
            let finding = origin.error("missing-field", "metadata.name");
            self.findings.push(finding.says("is missing", "add it"));
            return;
        }
        if let Some(first) = self.seen.insert(origin.object.clone(), Arc::clone(file)) {
            let finding = origin.error("duplicate-object", "metadata.name");
            self.findings.push(finding.says(
                format!("{} is in {first} already", origin.object),
                "remove one, or rename it",
            ));
            return;
        }
        match kind.as_str() {
            "Secret" => self
                .secrets
                .add(namespace.unwrap_or_default(), &name, value),
            "ClusterExtension" | "Extension" => self.add_record(origin, namespace, &name, &value),
            "Workflow" => self.add_workflow(origin, namespace.unwrap_or_default(), &name, value),
            _ => {}
        }
    }

    fn add_list(&mut self, file: &Arc<str>, mut value: Value, marks: &Marks) {
        let places = marks.field("items");
        let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) else {
            return;
        };
        for (index, item) in items.into_iter().enumerate() {
            let place = places.and_then(|places| places.item(index)).cloned();
            self.add(file, item, place.unwrap_or_default());
        }
    }

    /// Whether an object has the shape of its kind. Of one that has not, nothing more is asked.
    fn fits(&mut self, kind: &str, origin: &Origin, value: &Value) -> bool {
        let misfits = schema::check(kind, value);
        for misfit in &misfits {
            let finding = origin.error(misfit.rule, &misfit.field);
            self.findings
                .push(finding.says(&misfit.message, &misfit.hint));
        }
        misfits.is_empty()
    }

    fn add_record(&mut self, origin: Origin, namespace: Option<String>, name: &str, value: &Value) {
        let kind = if namespace.is_some() {
            "Extension"
        } else {
            "ClusterExtension"
        };
        if !self.fits(kind, &origin, value) {
            return;
        }
        let key = RecordKey {
            namespace: namespace.map(Name::from),
            name: name.into(),
        };
        let written = value.get("spec").cloned().unwrap_or_default();
        let inline = seal::inline(&written);
        let spec = match self.view.perspective.inline_credentials {
            InlineCredentials::Seal => {
                let namespace = &self.view.perspective.records_namespace;
                seal::seal(&key, written, &mut self.secrets, namespace)
            }
            InlineCredentials::Allow => written,
        };
        let Ok(spec) = serde_json::from_value::<ExtensionSpec>(spec) else {
            let finding = origin.error("wrong-type", "spec");
            self.findings
                .push(finding.says(format!("is no spec of kind {kind}"), ""));
            return;
        };
        let generation = value
            .get("metadata")
            .and_then(|metadata| metadata.get("generation"))
            .and_then(Value::as_i64)
            .unwrap_or(1);
        match convert::record_with(key.clone(), generation, &spec, &mut self.names) {
            Ok(record) => {
                self.index.insert(record);
            }
            Err(problems) => {
                for problem in problems {
                    let finding = origin.error(problem.refusal.reason.as_str(), &problem.field);
                    self.findings
                        .push(finding.says(problem.refusal.message, problem.refusal.hint));
                }
            }
        }
        self.records.push(RecordEntry {
            origin,
            key,
            spec,
            inline,
        });
    }

    fn add_workflow(&mut self, origin: Origin, namespace: String, name: &str, mut value: Value) {
        if !self.fits("Workflow", &origin, &value) {
            return;
        }
        value["metadata"]["namespace"] = namespace.clone().into();
        let Ok(workflow) = serde_json::from_value::<Workflow>(value) else {
            let finding = origin.error("wrong-type", "spec");
            self.findings
                .push(finding.says("is no spec of kind Workflow", ""));
            return;
        };
        self.workflows.push(WorkflowEntry {
            origin,
            key: ObjectKey::new(namespace, name),
            workflow: Arc::new(workflow),
        });
    }

    /// On whose behalf a workflow resolves: who signed for it, else who was named. Nobody here can
    /// check a signature; what it admits to is not decided here either.
    pub(crate) fn person(&self, workflow: &Workflow) -> Option<Person> {
        #[derive(Deserialize)]
        struct Signed {
            user: String,
            #[serde(default)]
            groups: Vec<String>,
        }
        let annotations = workflow.metadata.annotations.as_ref();
        let signed = annotations
            .and_then(|annotations| annotations.get(IDENTITY_ANNOTATION))
            .and_then(|text| serde_json::from_str::<Signed>(text).ok());
        let named = || {
            self.view.perspective.user.clone().map(|user| Signed {
                user,
                groups: self.view.perspective.groups.clone(),
            })
        };
        let Signed { user, groups } = signed.or_else(named)?;
        let groups = groups.into_iter().map(Name::from).collect();
        Some(Person::with_groups(&user, groups))
    }

    /// Who asks for a workflow.
    pub(crate) fn consumer(&self, entry: &WorkflowEntry) -> Consumer {
        let zone = self.view.perspective.zone.as_deref().map(Name::from);
        let person = self.person(&entry.workflow);
        consumer(&entry.key.namespace, zone.as_ref(), person.as_ref())
    }

    /// A workflow with the answers to its requirements.
    pub(crate) fn resolved(&self, entry: &WorkflowEntry) -> Resolved {
        let answered = resolve(&self.index, &entry.workflow, &self.consumer(entry));
        let resolutions = answered
            .into_iter()
            .map(|resolution| match resolution.choice() {
                Some(choice) => {
                    let keys = self
                        .secrets
                        .keys(choice, &self.view.perspective.records_namespace);
                    resolution.with_keys(keys)
                }
                None => resolution.without_keys(),
            })
            .collect();
        Resolved {
            workflow: Arc::clone(&entry.workflow),
            key: entry.key.clone(),
            person: self.person(&entry.workflow),
            resolutions,
        }
    }

    /// Namespace of the source Secrets of cluster records.
    pub(crate) fn records_namespace(&self) -> &str {
        &self.view.perspective.records_namespace
    }
}
