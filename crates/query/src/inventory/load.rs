//! Loads objects into the inventory, and validates them.

use std::sync::Arc;

use extension_registry_api::{ExtensionSpec, Workflow, convert};
use extension_registry_core::diagnostic::Diagnostic;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_render::ObjectKey;
use extension_registry_schema as schema;
use extension_registry_seal::inline_entries;
use extension_registry_yaml::{self as yaml, Marks};
use serde_json::Value;

use super::classify::{DocumentClass, Named, classify, names};
use super::encrypted;
use super::model::{Inventory, RecordEntry, WorkflowEntry};
use super::origin::Origin;
use super::seal;
use super::settings::{InlineCredentials, Settings};
use crate::finding::Finding;

/// Hint for a field whose value the API server may repeat.
const LOGGED_HINT: &str =
    "do not apply the file before: the API server and `kubectl` may print and log the value";

/// Returns whether the value of a field may be a credential in a place where the webhook cannot encrypt it: the API server
/// rejects the request before admission and repeats the value, or drops the field but keeps it in the annotation
/// of `kubectl apply`.
fn may_be_logged(diagnostic: &Diagnostic) -> bool {
    matches!(&*diagnostic.rule, "unknown-field" | "wrong-type")
        && diagnostic.field.contains(".credentials[")
}

/// How an object fits the definition of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The API server accepts it.
    Valid,
    /// The API server rejects it, but it can be deserialized for more checks.
    Invalid,
    /// It cannot be deserialized.
    Unreadable,
}

impl Inventory {
    /// Checks one object by itself.
    #[must_use]
    pub fn check(object: Value) -> Vec<Finding> {
        let mut inventory = Self::default();
        inventory.add(&"".into(), object, Marks::default());
        inventory.findings
    }

    /// Creates the inventory of YAML texts, each with its name in findings.
    #[must_use]
    pub fn from_texts<'t>(
        texts: impl IntoIterator<Item = (&'t str, &'t str)>,
        settings: Settings,
    ) -> Self {
        let mut inventory = Self::empty(settings);
        for (file, text) in texts {
            inventory.add_text(&file.into(), text);
        }
        inventory.finish();
        inventory
    }

    /// Adds the objects of a YAML text.
    pub(super) fn add_text(&mut self, file: &Arc<str>, text: &str) {
        for (value, marks) in self.parse(file, text) {
            self.add(file, value, marks);
        }
    }

    /// Parses the documents of a text.
    pub(super) fn parse(&mut self, file: &Arc<str>, text: &str) -> Vec<(Value, Marks)> {
        self.parsed(file, yaml::parse(text))
    }

    /// Counts parsed documents, and records their errors.
    pub(super) fn parsed(
        &mut self,
        file: &Arc<str>,
        (documents, faults): (Vec<(Value, Marks)>, Vec<yaml::ParseError>),
    ) -> Vec<(Value, Marks)> {
        let faults = faults.into_iter();
        self.findings
            .extend(faults.map(|fault| Finding::from_diagnostic(file, "", fault)));
        self.documents += documents
            .iter()
            .filter(|(value, _)| !value.is_null())
            .count();
        documents
    }

    /// Adds an object of this API group, a Secret, or the requests for bindings of another object.
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
        let origin = Origin {
            file: Arc::clone(file),
            marks,
            object: String::new(),
        };
        if encrypted::is_encrypted(&value) {
            self.add_encrypted(origin, value);
            return;
        }
        match classify(&value) {
            DocumentClass::Known => {}
            DocumentClass::Secret => {
                self.add_secret(origin, value);
                return;
            }
            DocumentClass::Other => {
                self.add_injections(origin, &value);
                return;
            }
            DocumentClass::NotAnObject => {
                let finding = Finding::warning("no-object", file, origin.marks.at());
                self.findings
                    .push(finding.message("skipped: `kind` is missing", ""));
                return;
            }
            DocumentClass::Invalid(problems) => {
                self.add_problems(&origin, problems);
                return;
            }
        }
        self.add_own(origin, &kind, value);
    }

    /// Adds an object of this API group.
    fn add_own(&mut self, mut origin: Origin, kind: &str, mut value: Value) {
        let Named {
            name,
            is_generated,
            namespace,
            problems,
        } = names(kind, &value);
        let namespace = (kind != "ClusterExtension")
            .then(|| namespace.unwrap_or_else(|| self.namespace.clone()));
        let object = match &namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        object.trim_end().clone_into(&mut origin.object);
        if is_generated {
            value["metadata"]["name"] = name.clone().into();
        }
        let is_invalid = problems.iter().any(Diagnostic::is_error);
        self.add_problems(&origin, problems);
        if is_invalid {
            self.fits(kind, &origin, &value);
            return;
        }
        let first = self
            .seen
            .insert(origin.object.clone(), Arc::clone(&origin.file));
        if let Some(first) = first.filter(|_| !is_generated) {
            let finding = origin.error("duplicate-object", "metadata.name");
            self.findings.push(finding.message(
                format!("duplicate object: {} is also in {first}", origin.object),
                "remove or rename one of them",
            ));
            return;
        }
        match kind {
            "ClusterExtension" | "Extension" => self.add_record(origin, namespace, &name, &value),
            "Workflow" => self.add_workflow(origin, namespace.unwrap_or_default(), &name, value),
            "ExtensionBinding" => {
                self.add_binding(origin, namespace.unwrap_or_default(), &name, value);
            }
            _ => {}
        }
    }

    /// Adds a Secret. One without a name cannot be the source of values.
    fn add_secret(&mut self, mut origin: Origin, value: Value) {
        let metadata = &value["metadata"];
        let Some(name) = metadata["name"].as_str() else {
            return;
        };
        let namespace = metadata["namespace"]
            .as_str()
            .filter(|name| !name.is_empty());
        let key = ObjectKey::new(namespace.unwrap_or(&self.namespace), name);
        origin.object = format!("Secret {}/{}", key.namespace, key.name);
        self.secrets.add(&origin, key, value);
    }

    /// Adds an encrypted object with placeholders for its encrypted values, which are not checked.
    fn add_encrypted(&mut self, origin: Origin, mut value: Value) {
        let fields = encrypted::take(&mut value);
        let (start, first) = (self.findings.len(), self.records.len());
        let is_own = match classify(&value) {
            DocumentClass::Secret => false,
            // The kind may be encrypted too.
            DocumentClass::Other => fields.iter().any(|field| field == "kind"),
            _ => true,
        };
        if is_own {
            let line = origin.marks.at().line;
            self.encrypted.push(format!("{}:{line}", origin.file));
        }
        let Origin { file, marks, .. } = origin;
        self.add(&file, value, marks);
        let mut index = 0;
        self.findings.retain(|finding| {
            index += 1;
            index <= start || !fields.contains(&finding.field)
        });
        for record in &mut self.records[first..] {
            record.inline.retain(|(field, _)| !fields.contains(field));
        }
    }

    /// Records problems with the kind, version or name of an object.
    fn add_problems(&mut self, origin: &Origin, problems: Vec<Diagnostic>) {
        let problems = problems.into_iter();
        self.findings
            .extend(problems.map(|problem| origin.finding(problem)));
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

    /// Validates an object against the definition of its kind.
    pub(super) fn fits(&mut self, kind: &str, origin: &Origin, value: &Value) -> Fit {
        let violations = if self.is_stored {
            schema::check_shape(kind, value)
        } else {
            schema::check(kind, value)
        };
        let fit = if violations.iter().any(schema::Violation::is_structural) {
            Fit::Unreadable
        } else if violations.is_empty() {
            Fit::Valid
        } else {
            Fit::Invalid
        };
        for schema::Violation { mut diagnostic, .. } in violations {
            if may_be_logged(&diagnostic) {
                diagnostic.hints.push(LOGGED_HINT.to_owned());
            }
            self.findings.push(origin.finding(diagnostic));
        }
        fit
    }

    fn add_record(&mut self, origin: Origin, namespace: Option<String>, name: &str, value: &Value) {
        let kind = if namespace.is_some() {
            "Extension"
        } else {
            "ClusterExtension"
        };
        let fit = self.fits(kind, &origin, value);
        if fit == Fit::Unreadable {
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
        let spec = match self.settings.inline_credentials {
            InlineCredentials::Seal => seal::seal(&key, &written, &mut self.secrets),
            InlineCredentials::Allow => written,
        };
        let Ok(spec) = serde_json::from_value::<ExtensionSpec>(spec) else {
            let finding = origin.error("wrong-type", "spec");
            self.findings
                .push(finding.message(format!("does not match the schema of kind {kind}"), ""));
            return;
        };
        let generation = value
            .get("metadata")
            .and_then(|metadata| metadata.get("generation"))
            .and_then(Value::as_i64)
            .unwrap_or(1);
        match convert::record_with(key.clone(), generation, &spec, &mut self.converted_names) {
            Ok(record) if fit == Fit::Valid => {
                self.index.insert(record);
            }
            Ok(_) => {}
            Err(problems) => {
                let problems = problems.into_iter();
                self.findings
                    .extend(problems.map(|problem| origin.finding(problem)));
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
        if self.fits("Workflow", &origin, &value) == Fit::Unreadable {
            return;
        }
        value["metadata"]["namespace"] = namespace.clone().into();
        let Ok(workflow) = serde_json::from_value::<Workflow>(value) else {
            let finding = origin.error("wrong-type", "spec");
            self.findings
                .push(finding.message("does not match the schema of kind Workflow", ""));
            return;
        };
        self.workflows.push(WorkflowEntry {
            origin,
            key: ObjectKey::new(namespace, name),
            workflow: Arc::new(workflow),
        });
    }
}
