//! The command `convert`, which converts FuseML files to objects of the registry.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_api::{
    ClusterExtension, ClusterExtensionSpec, Extension, ExtensionSpec, NamespacedExtensionSpec,
    Workflow,
};
use extension_registry_core::record::RecordKey;
use extension_registry_query::convert::{ConvertOptions, NewSecret};
use extension_registry_query::lint::lint_converted;
use extension_registry_query::{Inventory, Note};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::ExitStatus;
use crate::flags::{Identity, ObjectFormat, Paths, Perspective, namespace};
use crate::open::{self, logged};
use crate::output;
use crate::report::human::print_findings;

const FILES: &str = "File or directory of FuseML records, workflows or installer descriptions, or `-` for standard input; may be repeated";

#[derive(Debug, Args)]
#[command(mut_arg("named", |argument| argument.help(FILES)))]
pub(crate) struct Convert {
    #[command(flatten)]
    paths: Paths,
    /// Namespace of the workflows
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    /// Create records in this project (Extension) instead of cluster-scoped ones
    #[arg(long, value_name = "PROJECT", value_parser = namespace)]
    project: Option<String>,
    /// File to write the Secrets with credential values to; must not exist
    #[arg(long, value_name = "FILE", value_parser = file)]
    secrets: Option<PathBuf>,
    /// Namespace of the Secrets that cluster-scoped records refer to
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "EXTENSION_REGISTRY_RECORDS_NAMESPACE",
        default_value = "extension-registry-records"
    )]
    records_namespace: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
}

/// Parses the path of the file of Secrets.
fn file(text: &str) -> Result<PathBuf, String> {
    if text == "-" {
        return Err("expected a path: credentials are not written to standard output".to_owned());
    }
    Ok(text.into())
}

pub(crate) fn run(verb: &Convert, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let paths = verb.paths.all("convert")?;
    let perspective = Perspective {
        records_namespace: verb.records_namespace.clone(),
        ..Perspective::default()
    };
    let settings = perspective.settings(verb.namespace.clone(), &Identity::default());
    let options = ConvertOptions {
        namespace: verb.namespace.as_deref(),
        project: verb.project.as_deref(),
    };
    let input = open::input(&paths, "convert");
    let (inventory, secrets) =
        logged(|log| Ok(Inventory::convert(&input, settings, &options, log)?))?;
    let findings = lint_converted(&inventory);
    if print_findings(&findings)? {
        return Ok(ExitStatus::Failure);
    }
    let namespace = verb.project.as_ref().unwrap_or(&verb.records_namespace);
    let secrets: Vec<&NewSecret> = secrets
        .iter()
        .filter(|secret| !secret.data.is_empty())
        .collect();
    if let Some(path) = &verb.secrets {
        write_secrets(path, namespace, &secrets)?;
    } else {
        for secret in &secrets {
            let note = Note::new(format!(
                "credentials in the converted records refer to Secret {namespace}/{}",
                secret.name
            ));
            output::note(&note.hint("pass --secrets FILE to write the Secret to a file"))?;
        }
    }
    let records = inventory
        .records
        .into_iter()
        .map(|entry| record(&entry.key, entry.spec));
    let workflows = inventory.workflows.iter().map(|entry| {
        let mut workflow = entry.workflow.as_ref().clone();
        workflow.metadata.namespace.clone_from(&verb.namespace);
        Object::Workflow(Box::new(workflow))
    });
    let objects: Vec<Object> = records.chain(workflows).collect();
    output::objects(out, verb.output, &objects)?;
    Ok(ExitStatus::Success)
}

/// An object with fields in the order of the type definition.
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

/// Writes the Secrets to a file that only the user can read.
fn write_secrets(path: &Path, namespace: &str, secrets: &[&NewSecret]) -> Result<()> {
    let mut text = Vec::new();
    for secret in secrets {
        let data: Map<String, Value> = secret
            .data
            .iter()
            .map(|(key, value)| (key.clone(), json!(value.reveal())))
            .collect();
        output::write_line!(&mut text, "---")?;
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
