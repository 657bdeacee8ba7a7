//! Takes objects in: what they are, and what is wrong with them.

use std::sync::Arc;

use extension_registry_api::{ExtensionSpec, Workflow, convert, shape};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::seal::inline_entries;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_yaml::Marks;
use serde_json::Value;

use super::claim::{Claim, Named, Wrong, claim, names};
use super::{Origin, RecordEntry, WorkflowEntry, World, seal};
use crate::args::InlineCredentials;
use crate::finding::Finding;

impl World {
    /// Adds an object, if it is one of ours or a Secret.
    pub(super) fn add(&mut self, file: &Arc<str>, value: Value, marks: Marks) {
        if value.is_null() {
            return;
        }
        let kind = value.get("kind").and_then(Value::as_str);
        let kind = kind.unwrap_or_default().to_owned();
        if kind.ends_with("List") && value.get("items").is_some_and(Value::is_array) {
            self.add_list(file, value, &marks);
            return;
        }
        let mut origin = Origin {
            file: Arc::clone(file),
            marks,
            object: String::new(),
        };
        match claim(&value) {
            Claim::Ours | Claim::Secret => {}
            Claim::Other => return,
            Claim::NoObject => {
                let finding = Finding::warning("no-object", file, origin.marks.at());
                self.findings
                    .push(finding.says("has no `kind`, so it was left out", ""));
                return;
            }
            Claim::Wrong(wrong) => {
                self.complain(&origin, wrong);
                return;
            }
        }
        let Named {
            name,
            namespace,
            mut wrong,
        } = names(&kind, &value);
        let namespace = (kind != "ClusterExtension")
            .then(|| namespace.unwrap_or_else(|| self.namespace.clone()));
        let object = match &namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        object.trim_end().clone_into(&mut origin.object);
        // How other objects are named, the API server may judge.
        if kind == "Secret" {
            wrong.retain(|wrong| wrong.rule != "invalid-name");
        }
        let is_wrong = wrong.iter().any(|wrong| wrong.is_error);
        self.complain(&origin, wrong);
        if is_wrong {
            self.fits(&kind, &origin, &value);
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

    /// Keeps what is wrong with what a document says it is.
    fn complain(&mut self, origin: &Origin, wrong: Vec<Wrong>) {
        let findings = wrong.into_iter().map(|wrong| {
            let finding = if wrong.is_error {
                origin.error(wrong.rule, wrong.field)
            } else {
                origin.warning(wrong.rule, wrong.field)
            };
            finding.says(wrong.message, wrong.hint)
        });
        self.findings.extend(findings);
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
        let misfits = shape::check(kind, value);
        for misfit in &misfits {
            let finding = origin.error(misfit.rule(), &misfit.field);
            self.findings
                .push(finding.says(misfit.message(), misfit.hint()));
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
        let inline = inline_entries(&written)
            .map(|entry| {
                let position = format!("{}.value", entry.position());
                (position, entry.name().map(str::to_owned))
            })
            .collect();
        let spec = match self.view.perspective.inline_credentials {
            InlineCredentials::Seal => seal::seal(&key, &written, &mut self.secrets),
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
                let findings = problems
                    .into_iter()
                    .map(|problem| origin.refused(&problem.field, problem.refusal));
                self.findings.extend(findings);
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
}
