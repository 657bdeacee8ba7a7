//! Applies all examples to a real API server, and checks that they reach the state that their comments
//! describe.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/fixture.rs"]
mod fixture;

#[path = "e2e_examples/explanation.rs"]
mod explanation;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::{repository, with_input};
use extension_registry_e2e::{Options, cluster};
use serde_json::Value;

use fixture::{Fixture, condition, list, text};

/// Namespace, workflow, step, requirement; kind, record, service, endpoint, credentials.
/// The operator runs without a zone, so internal endpoints come first.
const BOUND: &str = "
alpha train-explicit    trainer   mlflow-tracker  ClusterExtension mlflow-0001             mlflow-tracking         ingress          -
alpha train-explicit    trainer   mlflow-storage  ClusterExtension mlflow-0001             mlflow-store            ingress          default-s3-account
alpha train-expressions trainer   mlflow-tracker  ClusterExtension mlflow-0001             mlflow-tracking         cluster          -
alpha train-expressions trainer   mlflow-storage  ClusterExtension mlflow-0001             mlflow-store            cluster          default-s3-account
alpha train-mapped      trainer   mlflow-tracker  ClusterExtension mlflow-0001             mlflow-tracking         cluster          -
alpha train-mapped      trainer   mlflow-storage  ClusterExtension mlflow-0001             mlflow-store            cluster          default-s3-account
alpha train-minimal     trainer   mlflow          ClusterExtension mlflow-global           mlflow-global           -                -
alpha train-minimal     predictor kfserving       ClusterExtension kfserving-local-cluster kfserving-local-cluster -                -
alpha serve-product     trainer   mlflow-tracker  ClusterExtension mlflow-0001             mlflow-tracking         cluster          -
alpha serve-product     trainer   mlflow-storage  ClusterExtension mlflow-0001             mlflow-store            cluster          default-s3-account
alpha serve-product     predictor kfserving       ClusterExtension kfserving-local         API                     cluster-internal -
alpha train-resource    trainer   mlflow-tracker  ClusterExtension mlflow-0001             mlflow-tracking         cluster          -
alpha train-resource    trainer   mlflow-storage  ClusterExtension mlflow-0001             mlflow-store            cluster          default-s3-account
alpha train-ambiguous   trainer   data            ClusterExtension minio-s3-storage        s3                      cluster          local-minio
alpha train-and-serve   trainer   data            Extension        training-data           s3                      cluster          store
alpha train-and-serve   predictor seldon          ClusterExtension seldon-core-shared      API                     cluster          alpha
beta  train-and-serve   trainer   data            Extension        training-data           s3                      cluster          store
beta  train-and-serve   predictor seldon          ClusterExtension seldon-core-shared      API                     cluster          beta
";

/// Printed columns of the records: record, product, version, zone, services, consumers.
const SHOWN: &str = "
aws-object-storage      | aws-s3    |        | eu-central-1           | aws                           | 0
gitea-devel-rd          | gitea     | 1.14.3 | rd-cloud               | git+http                      | 0
kfserving-local         | kfserving | 0.6.0  | cluster.local          | API, UI                       | 1
kfserving-local-cluster |           | 0.6.0  |                        | kfserving-local-cluster       | 1
minio-s3-storage        | minio     | 4.1.3  | development-cluster    | s3                            | 1
mlflow-0001             | mlflow    | 1.19.0 | cluster-alpha          | mlflow-tracking, mlflow-store | 10
mlflow-global           |           | 1.19.0 |                        | mlflow-global                 | 1
mlflow-model-store-0001 | minio     | 4.1.3  | cluster-alpha          | s3                            | 0
seldon-core-production  | seldon    | 1.9.1  | production-cluster-001 | API                           | 0
seldon-core-shared      | seldon    | 1.11.0 | serving-cluster        | API                           | 2
";

const COLUMNS: &str = "NAME PRODUCT VERSION ZONE SERVICES CONSUMERS READY AGE";

/// Files of the examples, by how the test applies them.
#[derive(Default)]
struct Examples {
    records: Vec<PathBuf>,
    workflows: Vec<PathBuf>,
    gitops: Vec<PathBuf>,
    other: BTreeSet<String>,
}

impl Examples {
    fn read() -> Self {
        let root = repository("examples");
        let mut examples = Self::default();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let ends_in = |ending| path.extension().is_some_and(|end| end == ending);
                let (is_yaml, is_text) = (ends_in("yaml"), ends_in("md"));
                match name.split('/').next().unwrap() {
                    "records" if is_yaml => examples.records.push(path),
                    "workflows" if is_yaml => examples.workflows.push(path),
                    "gitops" if is_yaml => examples.gitops.push(path),
                    // `chart_record.rs` and `e2e_chart_record.rs` render and install it.
                    "charts" => {}
                    // `e2e_binding_examples.rs` applies them.
                    "bindings" if is_yaml => {}
                    _ if is_text => {}
                    _ => {
                        examples.other.insert(name);
                    }
                }
            }
        }
        examples.records.sort();
        examples.workflows.sort();
        examples
    }

    /// Fails if there is a file that no test applies.
    fn assert_complete(&self) {
        let known = ["ambiguous/fix.yaml", "ambiguous/workflow.yaml"].map(str::to_owned);
        assert_eq!(
            self.other,
            BTreeSet::from(known),
            "a file that nothing tests"
        );
        for path in &self.gitops {
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "kustomization.yaml" {
                continue;
            }
            let list = fs::read_to_string(path.with_file_name("kustomization.yaml")).unwrap();
            assert!(
                list.contains(name),
                "no kustomization uses {}",
                path.display()
            );
        }
    }
}

fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn single_spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn options() -> Options {
    Options {
        node: Node::None,
        ..cluster::Options::default()
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_reach_the_documented_state() {
    let examples = Examples::read();
    examples.assert_complete();
    let fixture = Fixture::start("examples", options()).await;

    // Apply the part of the cluster, then each environment, in the order of the folders.
    for folder in ["cluster", "overlays/dev", "overlays/prod"] {
        let path = repository("examples/gitops").join(folder);
        let built = fixture
            .cluster
            .kubectl_run(&["kustomize", path.to_str().unwrap()])
            .unwrap();
        fixture.apply(&built);
    }
    let mut names = Vec::new();
    for path in &examples.workflows {
        // Applied before the records, because the order must not matter.
        fixture.apply(&read(path));
        let manifest = read(path);
        let name = manifest
            .lines()
            .find_map(|line| line.strip_prefix("  name: "));
        names.push(name.unwrap().to_owned());
    }
    fixture.apply(&read(&repository("examples/ambiguous/workflow.yaml")));
    for path in &examples.records {
        fixture.apply(&read(path));
    }
    for row in rows(SHOWN) {
        let name = row.split('|').next().unwrap().trim();
        fixture.wait_until_ready("ClusterExtension", "", name).await;
    }
    for name in &names {
        fixture.wait_until_ready("Workflow", "alpha", name).await;
    }
    for namespace in ["alpha", "beta"] {
        fixture
            .wait_until_ready("Extension", namespace, "training-data")
            .await;
        fixture
            .wait_until_ready("Workflow", namespace, "train-and-serve")
            .await;
    }
    ambiguous_example_is_refused_until_fixed(&fixture).await;
    bindings_match_the_table(&fixture).await;
    columns_match_the_table(&fixture).await;
    offline_render_equals_cluster_objects(&fixture, &examples);
    fixture.stop().await;
}

async fn ambiguous_example_is_refused_until_fixed(fixture: &Fixture) {
    let candidates = [
        "aws-object-storage",
        "minio-s3-storage",
        "mlflow-model-store-0001",
    ];
    // Two candidates are sufficient for this reason; the third may be observed later.
    let refused = fixture
        .wait_until_refused_with("alpha", "train-ambiguous", "Ambiguous", &candidates)
        .await;
    let message = text(&condition(&refused, "Ready")["message"]);
    let positions: Vec<usize> = candidates
        .iter()
        .map(|name| {
            message
                .find(name)
                .unwrap_or_else(|| panic!("no {name} in {message}"))
        })
        .collect();
    assert!(positions.is_sorted(), "{message}");
    assert!(!message.contains("mlflow-0001/"), "{message}");
    // The line from the comment of the file.
    let fix = repository("examples/ambiguous/fix.yaml");
    let command = read(&fix);
    assert!(command.contains(
        "kubectl patch cext minio-s3-storage --type merge --patch-file examples/ambiguous/fix.yaml"
    ));
    fixture
        .cluster
        .kubectl_run(&[
            "patch",
            "clusterextension",
            "minio-s3-storage",
            "--type",
            "merge",
            "--patch-file",
            fix.to_str().unwrap(),
        ])
        .unwrap();
    fixture
        .wait_until_ready("Workflow", "alpha", "train-ambiguous")
        .await;
}

/// The output of `kubectl ext render` for the files equals the objects that the operator wrote, byte for
/// byte.
fn offline_render_equals_cluster_objects(fixture: &Fixture, examples: &Examples) {
    let kubectl = |arguments: &[&str]| fixture.cluster.kubectl_run(arguments).unwrap();
    let mut files = vec![read(&repository("examples/ambiguous/workflow.yaml"))];
    for folder in ["cluster", "overlays/dev", "overlays/prod"] {
        let path = repository("examples/gitops").join(folder);
        files.push(kubectl(&["kustomize", path.to_str().unwrap()]));
    }
    files.extend(examples.workflows.iter().map(|path| read(path)));
    files.extend(examples.records.iter().map(|path| {
        let text = read(path);
        if path.ends_with("minio-s3-storage.yaml") {
            // The result of the patch in ambiguous/fix.yaml.
            text.replacen("\nspec:\n", "\nspec:\n  default: true\n", 1)
        } else {
            text
        }
    }));
    let rendered = render(&files.join("\n---\n"));
    let offline: BTreeMap<String, String> =
        list(&rendered["items"]).iter().map(comparable).collect();
    let names = |objects: &BTreeMap<String, String>| objects.keys().cloned().collect::<Vec<_>>();
    // Consumers of projections are counted with a delay.
    let start = Instant::now();
    let mut cluster = written_objects(&kubectl);
    while names(&offline) != names(&cluster) && start.elapsed() < Duration::from_mins(2) {
        std::thread::sleep(Duration::from_millis(500));
        cluster = written_objects(&kubectl);
    }
    assert_eq!(names(&offline), names(&cluster));
    assert!(offline.len() > 12, "{:#?}", names(&offline));
    for (name, object) in &offline {
        assert_eq!(object, &cluster[name], "{name}");
    }
}

/// Returns the Pipelines and the used Secrets that the operator wrote, by name.
fn written_objects(kubectl: &impl Fn(&[&str]) -> String) -> BTreeMap<String, String> {
    let selector = "registry.fuseml.io/managed-by=extension-registry";
    let mut cluster = BTreeMap::new();
    for kind in ["pipelines.tekton.dev", "secrets"] {
        let found = kubectl(&["get", kind, "-A", "-l", selector, "-o", "json"]);
        let found: Value = serde_json::from_str(&found).unwrap();
        cluster.extend(list(&found["items"]).iter().map(comparable));
    }
    // A Secret that a workflow used before all records existed is kept for the grace period.
    let projections = kubectl(&["get", "extensionprojections", "-A", "-o", "json"]);
    let projections: Value = serde_json::from_str(&projections).unwrap();
    for projection in list(&projections["items"]) {
        if projection["status"]["consumers"] == 0 {
            let metadata = &projection["metadata"];
            let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
            cluster.remove(&format!("Secret {namespace}/{name}"));
        }
    }
    cluster
}

/// Returns the name of an object, and its text without fields that only the API server sets.
fn comparable(object: &Value) -> (String, String) {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in [
        "creationTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "uid",
    ] {
        metadata.remove(field);
    }
    let metadata = &object["metadata"];
    let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
    let name = format!("{} {namespace}/{name}", text(&object["kind"]));
    (name, object.to_string())
}

fn render(files: &str) -> Value {
    let program = extension_registry_e2e::operator::built("kubectl-ext").unwrap();
    let mut command = Command::new(program);
    command.args(["render", "--reveal", "-o", "json", "-f", "-"]);
    let output = with_input(&mut command, files).unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn bindings_match_the_table(fixture: &Fixture) {
    let written: BTreeSet<String> = rows(BOUND).map(single_spaced).collect();
    let workflows: BTreeSet<(&str, &str)> = rows(BOUND)
        .map(|row| {
            let mut words = row.split_whitespace();
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    // A workflow that was bound before all records were observed is bound again.
    let start = Instant::now();
    loop {
        let found = found_bindings(fixture, &workflows).await;
        if found == written {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_mins(2),
            "{found:#?} instead of {written:#?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the bindings of workflows as lines of the table.
async fn found_bindings(fixture: &Fixture, workflows: &BTreeSet<(&str, &str)>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for &(namespace, name) in workflows {
        let workflow = fixture.get("Workflow", namespace, name).await;
        for binding in list(&workflow["status"]["bindings"]) {
            let field = |name: &str| binding[name].as_str().unwrap_or("-");
            found.insert(format!(
                "{namespace} {name} {} {} {} {} {} {} {}",
                field("step"),
                field("requirement"),
                field("kind"),
                field("record"),
                field("service"),
                field("endpoint"),
                field("credentials"),
            ));
        }
        let pipeline = fixture.get("Pipeline", namespace, name).await;
        assert_eq!(pipeline["metadata"]["name"], name);
        assert_eq!(
            pipeline["metadata"]["ownerReferences"][0]["uid"],
            workflow["metadata"]["uid"]
        );
    }
    found
}

async fn columns_match_the_table(fixture: &Fixture) {
    let written: BTreeSet<String> = rows(SHOWN).map(single_spaced).collect();
    for row in rows(SHOWN) {
        let mut cells = row.split('|').map(str::trim);
        let (name, consumers) = (cells.next().unwrap(), cells.next_back().unwrap());
        let consumers: i64 = consumers.parse().unwrap();
        fixture
            .wait_until(
                ("ClusterExtension", "", name),
                "counts its consumers",
                |record| record["status"]["consumers"] == consumers,
            )
            .await;
    }
    let table = fixture
        .cluster
        .kubectl_run(&["get", "clusterextensions"])
        .unwrap();
    let heading = table.lines().next().unwrap();
    assert_eq!(single_spaced(heading), COLUMNS);
    // kubectl prints no separators, so a cell is the text below its heading.
    let starts: Vec<usize> = COLUMNS
        .split(' ')
        .map(|column| heading.find(column).unwrap())
        .collect();
    let mut found = BTreeSet::new();
    for line in table.lines().skip(1) {
        let cell = |index: usize| {
            let end = starts.get(index + 1).map_or(line.len(), |end| *end);
            line.get(starts[index]..end.min(line.len()))
                .unwrap_or("")
                .trim()
        };
        found.insert(single_spaced(
            &(0..6).map(cell).collect::<Vec<_>>().join(" | "),
        ));
        assert_eq!(cell(6), "True", "{line}");
    }
    let missing: Vec<_> = written.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:#?} not in\n{table}");
    let table =
        fixture
            .cluster
            .kubectl_run(&["get", "extensions.registry.fuseml.io", "-n", "alpha"]);
    assert_eq!(
        single_spaced(table.unwrap().lines().next().unwrap()),
        COLUMNS
    );
}
