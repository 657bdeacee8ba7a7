//! Records of files, to be applied as they were written.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::{World, files};
use crate::finding::Finding;

impl World {
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
        for text in files::read(files, &mut world.findings)? {
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
