//! The pipelines of the examples, rendered without a cluster, pass the linter of the Tekton community.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use extension_registry_api::convert;
use extension_registry_api::extension::ExtensionSpec;
use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::access::Consumer;
use extension_registry_core::projection::{Layout, SourceKeys};
use extension_registry_core::record::{Name, RecordKey, SourceSecret};
use extension_registry_core::resolve::{Index, resolve};
use extension_registry_e2e::setup::repository;
use extension_registry_pipeline::{Input, ServiceBinding, Tekton, build};
use serde_json::Value;

const LINTER: &str = "@ibm/tekton-lint@1.1.0";

/// Variable that makes a skipped test fail if set to `1`.
const REQUIRE_VARIABLE: &str = "EXTENSION_REGISTRY_REQUIRE_LINT";

/// Secrets of the examples with all keys that their records name.
struct ExampleKeys;

impl SourceKeys for ExampleKeys {
    fn keys(&self, secret: &SourceSecret) -> Option<Vec<Name>> {
        let keys: &[&str] = match &**secret.name() {
            "training-data" => &["access-key", "secret-key"],
            "seldon-alpha" | "seldon-beta" => &["CLIENT_CERT", "CLIENT_KEY"],
            _ => return None,
        };
        Some(keys.iter().map(|key| Name::from(*key)).collect())
    }
}

fn yaml_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("examples/charts") {
            // Templates are not YAML.
        } else if path.is_dir() {
            yaml_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
}

/// Returns all objects of the examples that belong to the registry.
fn objects() -> Vec<Value> {
    let mut files = Vec::new();
    yaml_files(&repository("examples"), &mut files);
    files.sort();
    files
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let is_registry_object = text
                .lines()
                .any(|line| line.starts_with("apiVersion: registry.fuseml.io/"));
            is_registry_object.then(|| serde_saphyr::from_str(&text).unwrap())
        })
        .collect()
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn spec_of<T: serde::de::DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object["spec"].clone()).unwrap()
}

fn records(objects: &[Value]) -> Index {
    let mut index = Index::new();
    for object in objects {
        let key = match object["kind"].as_str().unwrap() {
            "ClusterExtension" => RecordKey::cluster(name_of(object)),
            "Extension" => RecordKey::project("alpha", name_of(object)),
            _ => continue,
        };
        let mut spec: ExtensionSpec = spec_of(object);
        if name_of(object) == "minio-s3-storage" {
            // The change of `ambiguous/fix.yaml`.
            spec.default = Some(true);
        }
        index.insert(convert::record(key, 1, &spec).unwrap());
    }
    index
}

/// Returns the pipeline of an example in the project alpha.
fn pipeline(index: &Index, object: &Value) -> Value {
    let spec: WorkflowSpec = spec_of(object);
    let mut found = Vec::new();
    for step in &spec.steps {
        for requirement in &step.extensions {
            let requirement = convert::requirement("requirement", requirement).unwrap();
            let choice = resolve(index, &requirement, &Consumer::in_project("alpha"))
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", name_of(object)));
            let layout = Layout::new(&choice, &ExampleKeys).unwrap();
            let secret = choice.identity(None).name();
            found.push((step.name.clone(), requirement, choice, layout, secret));
        }
    }
    let mut bindings: BTreeMap<String, Vec<ServiceBinding<'_>>> = BTreeMap::new();
    for (step, requirement, choice, layout, secret) in &found {
        bindings
            .entry(step.clone())
            .or_default()
            .push(ServiceBinding {
                requirement,
                secret,
                layout,
                record: &choice.record.key,
            });
    }
    let input = Input {
        name: name_of(object),
        namespace: "alpha",
        spec: &spec,
        bindings: &bindings,
        engine: &Tekton,
    };
    build(&input)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .pipeline
}

fn skip(why: &str) -> Result<()> {
    if std::env::var_os(REQUIRE_VARIABLE).is_some_and(|value| value == "1") {
        anyhow::bail!("the pipelines cannot be linted, but {REQUIRE_VARIABLE} is set: {why}");
    }
    extension_registry_e2e::skip_part("the lint of pipelines", why);
    Ok(())
}

#[test]
fn example_pipelines_have_no_lint_errors() {
    let objects = objects();
    let index = records(&objects);
    let folder =
        std::env::temp_dir().join(format!("extension-registry-lint-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut files = Vec::new();
    for object in objects.iter().filter(|object| object["kind"] == "Workflow") {
        let path = folder.join(format!("{}.yaml", name_of(object)));
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&pipeline(&index, object)).unwrap();
        fs::write(&path, text).unwrap();
        files.push(path);
    }
    assert_eq!(files.len(), 8, "the examples have changed: {files:?}");

    let installed = Command::new("npx")
        .args(["--yes", LINTER, "--version"])
        .output();
    match installed {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return skip(&format!("npx cannot run {LINTER}: {why}")).unwrap();
        }
        Err(error) => return skip(&format!("npx does not start: {error}")).unwrap(),
    }
    for path in &files {
        // One file per run, because the linter treats all files of a run as one set, in which names would
        // clash.
        let output = Command::new("npx")
            .args(["--yes", LINTER])
            .arg(path)
            .output()
            .unwrap();
        let report = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let is_error = |line: &str| line.split_whitespace().any(|word| word == "error");
        assert!(
            output.status.success() && !report.lines().any(is_error),
            "{}: {report}",
            path.display()
        );
    }
    // Check that the linter reports a broken pipeline.
    let mut broken: Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
    broken["spec"]["tasks"][1]["runAfter"] = serde_json::json!(["nowhere"]);
    let path = folder.join("broken.yaml");
    fs::write(&path, broken.to_string()).unwrap();
    let output = Command::new("npx")
        .args(["--yes", LINTER])
        .arg(&path)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        !output.status.success() && report.contains("nowhere"),
        "{report}"
    );
    fs::remove_dir_all(&folder).unwrap();
}
