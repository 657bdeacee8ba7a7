//! Objects in files that are not applied yet.

use std::sync::Arc;

use extension_registry_yaml::Marks;
use serde_json::Value;

use super::encrypted;
use super::files::{self, Input, Text};
use super::log::ReadLog;
use super::model::Inventory;
use super::settings::Settings;
use crate::Result;
use crate::finding::Finding;

/// Objects of files, which may need records of the cluster to resolve.
pub struct Drafts {
    texts: Vec<Text>,
    alone: Inventory,
    /// Problems of the files themselves.
    findings: Vec<Finding>,
}

impl Drafts {
    /// Reads records, workflows and bindings from files.
    ///
    /// # Errors
    /// If a file cannot be read, or no file contains an object.
    pub fn read(input: &Input<'_>, settings: Settings, log: &mut ReadLog) -> Result<Self> {
        let mut findings = Vec::new();
        let texts = files::read(input, &mut findings, log)?;
        let alone = joined(Inventory::empty(settings), &texts, &findings);
        alone.check_not_empty(input)?;
        Ok(Self {
            texts,
            alone,
            findings,
        })
    }

    /// Returns whether the files contain workflows or bindings but no records, valid or not.
    #[must_use]
    pub fn need_records(&self) -> bool {
        let mut objects = self.alone.seen.keys();
        let has_records = objects.any(|object| {
            object.starts_with("ClusterExtension ") || object.starts_with("Extension ")
        });
        !self.alone.has_no_consumers() && !has_records
    }

    /// Returns the problems found in the files, one of which may explain why no record was read.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.alone.findings
    }

    /// Returns the inventory of the files alone.
    #[must_use]
    pub fn alone(self) -> Inventory {
        self.alone
    }

    /// Returns the inventory of the files and of what was read from the cluster.
    #[must_use]
    pub fn with(self, existing: Inventory) -> Inventory {
        joined(existing, &self.texts, &self.findings)
    }
}

fn joined(mut inventory: Inventory, texts: &[Text], findings: &[Finding]) -> Inventory {
    inventory.findings.extend_from_slice(findings);
    for text in texts {
        inventory.add_text(&text.file, &text.text);
    }
    inventory.finish();
    inventory
}

impl Inventory {
    /// Reads the records of files as written, and their problems.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn objects(
        input: &Input<'_>,
        project: Option<&str>,
        log: &mut ReadLog,
    ) -> Result<(Vec<Value>, Vec<Finding>)> {
        let mut inventory = Self {
            namespace: project.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let mut objects = Vec::new();
        for text in files::read(input, &mut inventory.findings, log)? {
            for (mut value, marks) in inventory.parse(&text.file, &text.text) {
                if inventory.is_record(&text.file, &mut value, &marks, project) {
                    inventory.add(&text.file, value.clone(), marks);
                    objects.push(value);
                }
            }
        }
        inventory.finish();
        Ok((objects, inventory.findings))
    }

    /// Reports an object that is not a record, and sets the namespace of one without.
    fn is_record(
        &mut self,
        file: &Arc<str>,
        value: &mut Value,
        marks: &Marks,
        project: Option<&str>,
    ) -> bool {
        if encrypted::is_encrypted(value) {
            let finding = Finding::error("encrypted", file, marks.find("sops"));
            self.findings
                .push(finding.message("encrypted with SOPS", encrypted::DECRYPT));
            return false;
        }
        let kind = value.get("kind").and_then(Value::as_str);
        if !matches!(kind, Some("ClusterExtension" | "Extension")) {
            self.findings.push(Finding::error("no-record", file, marks.at()).message(
                "not a ClusterExtension or Extension",
                "apply other objects with `kubectl apply`, and convert FuseML files with `kubectl ext convert`",
            ));
            return false;
        }
        if kind == Some("Extension") && value["metadata"].get("namespace").is_none() {
            if let Some(project) = project {
                value["metadata"]["namespace"] = project.into();
            } else {
                let finding = Finding::error("missing-field", file, marks.at())
                    .of("Extension", "metadata.namespace")
                    .message("is missing", "add it, or pass --project PROJECT");
                self.findings.push(finding);
            }
        }
        true
    }
}
