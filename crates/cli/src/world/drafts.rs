//! What is in files and not applied yet.

use std::path::PathBuf;

use anyhow::{Context, Result};
use extension_registry_yaml::Marks;
use serde_json::Value;

use super::{Wanted, World, cluster, files};
use crate::args::{FILES, Source};
use crate::finding::Finding;
use crate::report::human::complain;

impl World {
    /// Records and workflows. Workflows of files that hold no record are drafts, which ask for what the
    /// cluster has.
    pub(crate) fn read_drafts(source: &Source) -> Result<Self> {
        if source.files.is_empty() {
            return Self::read(source, Wanted::NEAR);
        }
        let mut findings = Vec::new();
        let texts = files::read(&source.files, source.flag, &mut findings)?;
        let of_texts = |mut world: Self| {
            world.findings.extend(findings.clone());
            for text in &texts {
                world.add_text(&text.file, &text.text);
            }
            world.sort();
            world
        };
        let alone = of_texts(Self::empty(source));
        alone.has_something(&source.files)?;
        if alone.workflows.is_empty() || alone.has_records() {
            return Ok(alone);
        }
        let wanted = Wanted {
            workflows: false,
            ..Wanted::ALL
        };
        let asked = cluster::read(source, wanted);
        if asked.is_err() {
            // One of them may be why no record is there.
            complain(&alone.findings)?;
        }
        let (records, namespace) =
            asked.context("no record is among the files, so the cluster is asked")?;
        let mut world = Self {
            namespace,
            ..Self::empty(source)
        };
        for record in records {
            world.add(&"".into(), record, Marks::default());
        }
        Ok(of_texts(world))
    }

    /// Whether there is a record, sound or not.
    fn has_records(&self) -> bool {
        let mut objects = self.seen.keys();
        objects.any(|object| {
            object.starts_with("ClusterExtension ") || object.starts_with("Extension ")
        })
    }

    /// The records of files as they were written, and what is wrong with them.
    pub(crate) fn objects(
        files: &[PathBuf],
        project: Option<&str>,
    ) -> Result<(Vec<Value>, Vec<Finding>)> {
        let mut world = Self {
            namespace: project.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let mut objects = Vec::new();
        for text in files::read(files, FILES, &mut world.findings)? {
            for (mut value, marks) in world.documents(&text.file, &text.text) {
                let kind = value.get("kind").and_then(Value::as_str);
                let is_record = matches!(kind, Some("ClusterExtension" | "Extension"));
                if !is_record {
                    let finding = Finding::error("no-record", &text.file, marks.at()).says(
                        "is no ClusterExtension and no Extension",
                        "kubectl apply takes other objects, kubectl ext convert files of FuseML",
                    );
                    world.findings.push(finding);
                    continue;
                }
                if kind == Some("Extension") && value["metadata"].get("namespace").is_none() {
                    if let Some(project) = project {
                        value["metadata"]["namespace"] = project.into();
                    } else {
                        let finding = Finding::error("missing-field", &text.file, marks.at())
                            .of("Extension", "metadata.namespace")
                            .says("is missing", "add it, or say --project PROJECT");
                        world.findings.push(finding);
                    }
                }
                world.add(&text.file, value.clone(), marks);
                objects.push(value);
            }
        }
        world.sort();
        Ok((objects, world.findings))
    }
}
