//! Takes objects in: what they are, and what is wrong with them.

use std::sync::Arc;

use extension_registry_api::{ExtensionSpec, GROUP, Workflow, convert, shape};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::seal::inline_entries;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_yaml::Marks;
use serde_json::Value;

use super::{Origin, RecordEntry, WorkflowEntry, World, seal};
use crate::args::InlineCredentials;
use crate::finding::Finding;

impl World {
    /// Adds an object, if it is one of ours or a Secret.
    pub(super) fn add(&mut self, file: &Arc<str>, value: Value, marks: Marks) {
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
            .map(|entry| (entry.position(), entry.name.map(str::to_owned)))
            .collect();
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
