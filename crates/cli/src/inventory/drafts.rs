//! Objects in files that are not applied yet.

use std::path::PathBuf;

use anyhow::{Context, Result};
use extension_registry_yaml::Marks;
use serde_json::Value;

use super::{Inventory, ReadOptions, cluster, files};
use crate::args::{FILES, Source};
use crate::finding::Finding;
use crate::report::human::print_findings;

impl Inventory {
    /// Reads records and workflows. If files contain workflows but no records, records are read from the cluster.
    pub(crate) fn read_drafts(source: &Source) -> Result<Self> {
        if source.files.is_empty() {
            return Self::read(source, ReadOptions::NAMESPACE);
        }
        let mut findings = Vec::new();
        let texts = files::read(&source.files, source.flag, &mut findings)?;
        let of_texts = |mut inventory: Self| {
            inventory.findings.extend(findings.clone());
            for text in &texts {
                inventory.add_text(&text.file, &text.text);
            }
            inventory.sort();
            inventory
        };
        let alone = of_texts(Self::empty(source));
        alone.check_not_empty(&source.files)?;
        if alone.workflows.is_empty() || alone.has_records() {
            return Ok(alone);
        }
        let options = ReadOptions {
            workflows: false,
            ..ReadOptions::ALL_NAMESPACES
        };
        let records = cluster::read(source, options);
        if records.is_err() {
            // One of them may explain why no record was read.
            print_findings(&alone.findings)?;
        }
        let (records, namespace) = records
            .context("the files contain no records, and reading them from the cluster failed")?;
        let mut inventory = Self {
            namespace,
            ..Self::empty(source)
        };
        for record in records {
            inventory.add(&"".into(), record, Marks::default());
        }
        Ok(of_texts(inventory))
    }

    /// Returns whether a record was read, valid or not.
    fn has_records(&self) -> bool {
        let mut objects = self.seen.keys();
        objects.any(|object| {
            object.starts_with("ClusterExtension ") || object.starts_with("Extension ")
        })
    }

    /// Reads the records of files as written, and their problems.
    pub(crate) fn objects(
        files: &[PathBuf],
        project: Option<&str>,
    ) -> Result<(Vec<Value>, Vec<Finding>)> {
        let mut inventory = Self {
            namespace: project.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let mut objects = Vec::new();
        for text in files::read(files, FILES, &mut inventory.findings)? {
            for (mut value, marks) in inventory.documents(&text.file, &text.text) {
                let kind = value.get("kind").and_then(Value::as_str);
                let is_record = matches!(kind, Some("ClusterExtension" | "Extension"));
                if !is_record {
                    let finding = Finding::error("no-record", &text.file, marks.at()).message(
                        "not a ClusterExtension or Extension",
                        "apply other objects with `kubectl apply`, and convert FuseML files with `kubectl ext convert`",
                    );
                    inventory.findings.push(finding);
                    continue;
                }
                if kind == Some("Extension") && value["metadata"].get("namespace").is_none() {
                    if let Some(project) = project {
                        value["metadata"]["namespace"] = project.into();
                    } else {
                        let finding = Finding::error("missing-field", &text.file, marks.at())
                            .of("Extension", "metadata.namespace")
                            .message("is missing", "add it, or pass --project PROJECT");
                        inventory.findings.push(finding);
                    }
                }
                inventory.add(&text.file, value.clone(), marks);
                objects.push(value);
            }
        }
        inventory.sort();
        Ok((objects, inventory.findings))
    }
}
