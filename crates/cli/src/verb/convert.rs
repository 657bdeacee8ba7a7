//! `convert`: FuseML's own files into objects of the registry.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_api::convert::is_label;
use extension_registry_api::{
    ClusterExtension, ClusterExtensionSpec, Extension, ExtensionSpec, NamespacedExtensionSpec,
    Workflow,
};
use extension_registry_core::record::RecordKey;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::lint;
use crate::args::{Paths, Perspective, Source, View};
use crate::convert::{NewSecret, Wish};
use crate::output::{self, Form};
use crate::report::human::complain;
use crate::world::World;
use crate::{FINE, WRONG, finding, plain};

const FILES: &str = "A file or folder of FuseML records, workflows or installer descriptions, or `-` for standard input; may be repeated";

#[derive(Debug, Args)]
#[command(mut_arg("named", |argument| argument.help(FILES)))]
pub(crate) struct Convert {
    #[command(flatten)]
    paths: Paths,
    /// Namespace to write into workflows
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    /// Make records of this project (Extension), not of the cluster
    #[arg(long, value_name = "PROJECT", value_parser = namespace)]
    project: Option<String>,
    /// Write the Secrets with the values of credentials to this file, which must not exist yet
    #[arg(long, value_name = "FILE", value_parser = file)]
    secrets: Option<PathBuf>,
    /// Namespace of the source Secrets of cluster records
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "EXTENSION_REGISTRY_RECORDS_NAMESPACE",
        default_value = "extension-registry-records"
    )]
    records_namespace: String,
    /// The form of the objects
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// Reads the name of a namespace. What no namespace is called makes objects that no cluster takes.
fn namespace(text: &str) -> Result<String, String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    let rule = "small letters, digits and `-`, at most 63, not at an end";
    Err(format!("no namespace is called so: {rule}"))
}

/// Reads the name of the file of Secrets.
fn file(text: &str) -> Result<PathBuf, String> {
    if text == "-" {
        return Err("values go into a file that only you can read: name one".to_owned());
    }
    Ok(text.into())
}

pub(crate) fn run(verb: &Convert, out: &mut Vec<u8>) -> Result<u8> {
    let source = Source {
        files: verb.paths.all("convert")?,
        view: View {
            namespace: verb.namespace.clone(),
            perspective: Perspective {
                records_namespace: verb.records_namespace.clone(),
                ..Perspective::default()
            },
            ..View::default()
        },
        ..Source::default()
    };
    let wish = Wish {
        namespace: verb.namespace.as_deref(),
        project: verb.project.as_deref(),
    };
    let (world, secrets) = World::convert(&source, &wish)?;
    let mut findings = world.findings.clone();
    for record in &world.records {
        plain::warn(record, &mut findings);
        lint::admits_nobody(record, &mut findings);
    }
    for workflow in &world.workflows {
        // What it asks for may be registered already, or be in other files.
        lint::problems(&world, workflow, false, &mut findings);
    }
    finding::sort(&mut findings);
    if complain(&findings)? {
        return Ok(WRONG);
    }
    let namespace = verb.project.as_ref().unwrap_or(&verb.records_namespace);
    let secrets: Vec<&NewSecret> = secrets
        .iter()
        .filter(|secret| !secret.data.is_empty())
        .collect();
    if let Some(path) = &verb.secrets {
        write_secrets(path, namespace, &secrets)?;
    } else {
        let mut err = std::io::stderr().lock();
        for secret in &secrets {
            writeln!(
                err,
                "note: credentials refer to Secret {namespace}/{}, which --secrets FILE writes",
                secret.name
            )?;
        }
    }
    let records = world
        .records
        .into_iter()
        .map(|entry| record(&entry.key, entry.spec));
    let workflows = world.workflows.iter().map(|entry| {
        let mut workflow = entry.workflow.as_ref().clone();
        workflow.metadata.namespace.clone_from(&verb.namespace);
        Object::Workflow(Box::new(workflow))
    });
    let objects: Vec<Object> = records.chain(workflows).collect();
    output::objects(out, verb.output, &objects)?;
    Ok(FINE)
}

/// An object with its fields in the order of its definition.
#[derive(Serialize)]
#[serde(untagged)]
enum Object {
    Cluster(Box<ClusterExtension>),
    Project(Box<Extension>),
    Workflow(Box<Workflow>),
}

fn record(key: &RecordKey, spec: ExtensionSpec) -> Object {
    match &key.namespace {
        None => Object::Cluster(Box::new(ClusterExtension::new(
            &key.name,
            ClusterExtensionSpec(spec),
        ))),
        Some(namespace) => {
            let mut record = Extension::new(&key.name, NamespacedExtensionSpec(spec));
            record.metadata.namespace = Some(namespace.to_string());
            Object::Project(Box::new(record))
        }
    }
}

/// For the eyes of the caller alone.
fn write_secrets(path: &Path, namespace: &str, secrets: &[&NewSecret]) -> Result<()> {
    let mut text = Vec::new();
    for secret in secrets {
        let data: Map<String, Value> = secret
            .data
            .iter()
            .map(|(key, value)| (key.clone(), json!(value.reveal())))
            .collect();
        writeln!(text, "---")?;
        let object = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": secret.name, "namespace": namespace},
            "stringData": data,
        });
        output::yaml(&mut text, &object)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(&text))
        .with_context(|| format!("failed to write {}", path.display()))
}
