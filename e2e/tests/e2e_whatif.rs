//! The predictions of `kubectl ext whatif` match the effects of the changes, for a user with read
//! permissions.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/ext.rs"]
mod ext;
#[path = "support/fixture.rs"]
mod fixture;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Options, cluster};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use ext::{ext, viewer};
use fixture::{Fixture, condition, list, text};

const PROJECTS: [&str; 2] = ["alpha", "beta"];
const WORKFLOWS: usize = 24;
const CHANGES: usize = 200;
/// Time limit for the operator to reconcile a change.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Binding or reason of the refusal, by workflow.
type Outcomes = BTreeMap<String, String>;

/// Pseudorandom numbers that are the same in each run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

fn record(random: &mut Random) -> Value {
    let name = format!("r{}", random.below(6));
    let mut services = Vec::new();
    for position in 0..=random.below(2) {
        let service_name = ["api", "store"][position];
        let mut service = json!({
            "name": service_name,
            "resource": random.one_of(&["s3", "git"]),
            "category": random.one_of(&["storage", "code"]),
        });
        if random.below(2) == 0 {
            let kind = random.one_of(&["internal", "external"]);
            let url = format!("http://{name}:80");
            service["endpoints"] = json!([{"name": kind, "url": url, "type": kind}]);
        }
        match random.below(4) {
            0 => service["credentials"] = json!([{"name": "all"}]),
            1 => {
                service["credentials"] = json!([{
                    "name": "some", "scope": "project", "project": [random.one_of(&PROJECTS)],
                }]);
            }
            _ => {}
        }
        services.push(service);
    }
    let mut object = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ClusterExtension",
        "metadata": {"name": name},
        "spec": {
            "product": random.one_of(&["minio", "gitea"]),
            "version": random.one_of(&["1.0.0", "1.5.0", "2.0.0"]),
            "services": services,
        },
    });
    match random.below(5) {
        0 => object["spec"]["default"] = json!(true),
        1 => object["spec"]["access"] = json!({"projects": [random.one_of(&PROJECTS)]}),
        2 => {
            object["kind"] = json!("Extension");
            object["metadata"]["namespace"] = json!(random.one_of(&PROJECTS));
        }
        _ => {}
    }
    object
}

fn workflow(random: &mut Random, number: usize) -> Value {
    let mut requirement = json!({"name": "need"});
    let selectors: [(&str, &[&str]); 4] = [
        ("product", &["minio", "gitea"]),
        ("resource", &["s3", "git"]),
        ("category", &["storage", "code"]),
        ("extension", &["r0", "r1", "r2", "r3", "r4", "r5"]),
    ];
    let (first, words) = selectors[random.below(4)];
    requirement[first] = json!(random.one_of(words));
    if random.below(2) == 0 {
        let (second, words) = selectors[random.below(4)];
        requirement[second] = json!(random.one_of(words));
    }
    if random.below(4) == 0 {
        requirement["version"] = json!(random.one_of(&["^1.0", ">=1.5.0", "2.0.0"]));
    }
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": format!("w{number}"), "namespace": PROJECTS[number % 2]},
        "spec": {"steps": [{"name": "step", "image": "step:1", "extensions": [requirement]}]},
    })
}

async fn apply(fixture: &Fixture, object: &Value) {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let api = fixture.api(text(&object["kind"]), namespace);
    let parameters = PatchParams::apply("user").force();
    let name = text(&object["metadata"]["name"]);
    api.patch(name, &parameters, &Patch::Apply(object))
        .await
        .unwrap();
}

/// Returns the outcomes from the statuses.
async fn outcomes(fixture: &Fixture) -> Outcomes {
    let workflows = fixture
        .api("Workflow", "")
        .list(&ListParams::default())
        .await;
    let mut outcomes = Outcomes::new();
    for workflow in workflows.unwrap() {
        let object = serde_json::to_value(&workflow).unwrap();
        let metadata = &object["metadata"];
        let name = format!(
            "{}/{}",
            text(&metadata["namespace"]),
            text(&metadata["name"])
        );
        let resolved = condition(&object, "Resolved");
        let is_current = resolved["observedGeneration"] == metadata["generation"];
        let outcome = if !is_current {
            "unknown".to_owned()
        } else if resolved["status"] == "True" {
            format_binding(&list(&object["status"]["bindings"])[0])
        } else {
            text(&resolved["reason"]).to_owned()
        };
        outcomes.insert(name, outcome);
    }
    outcomes
}

fn format_binding(binding: &Value) -> String {
    let field = |name: &str| binding[name].as_str().unwrap_or("-");
    let fields = [
        "kind",
        "record",
        "service",
        "endpoint",
        "credentials",
        "version",
    ];
    fields.map(field).join(" ")
}

/// Returns an outcome from the output of the command.
fn predicted(outcome: &Value) -> String {
    match outcome.get("bound") {
        Some(binding) => format_binding(binding),
        None => text(&outcome["refused"]["reason"]).to_owned(),
    }
}

/// Runs `kubectl ext` and returns its exit code and JSON output.
fn run_json(viewer: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = ext(viewer, &[arguments, &["-o", "json"]].concat());
    let data = serde_json::from_str(&output.stdout);
    let data = data.unwrap_or_else(|_| panic!("{}: {}", output.code, output.stderr));
    (output.code, data)
}

async fn wait_for_outcomes(fixture: &Fixture, expected_outcomes: &Outcomes, what: &str) {
    let start = Instant::now();
    loop {
        let found = outcomes(fixture).await;
        if found == *expected_outcomes {
            return;
        }
        let other: Vec<_> = found
            .iter()
            .filter(|(name, outcome)| expected_outcomes.get(*name) != Some(outcome))
            .map(|(name, outcome)| {
                format!("{name} is {outcome}, not {:?}", expected_outcomes.get(name))
            })
            .collect();
        assert!(start.elapsed() < TIMEOUT, "{what}: {other:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_match_outcomes() {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let fixture = Fixture::start("whatif", options).await;
    for project in PROJECTS {
        fixture.cluster.create_namespace(project).unwrap();
    }
    let viewer = viewer(&fixture.cluster);

    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut records = BTreeMap::new();
    for number in 0..WORKFLOWS {
        apply(&fixture, &workflow(&mut random, number)).await;
    }
    for _ in 0..6 {
        let object = record(&mut random);
        apply(&fixture, &object).await;
        records.insert(key(&object), object);
    }
    let (_, resolved) = run_json(&viewer, &["resolve", "-A"]);
    let mut expected_outcomes: Outcomes = list(&resolved["answers"])
        .iter()
        .map(|output| (name_of(output), predicted(output)))
        .collect();
    assert_eq!(expected_outcomes.len(), WORKFLOWS);
    wait_for_outcomes(&fixture, &expected_outcomes, "at first").await;

    let file = change_file(&fixture);
    let mut codes = BTreeMap::new();
    for round in 0..CHANGES {
        // Detects late effects of the previous change.
        assert_eq!(
            outcomes(&fixture).await,
            expected_outcomes,
            "before change {round}"
        );
        let deleted = (random.below(3) == 0 && !records.is_empty())
            .then(|| records.keys().nth(random.below(records.len())).cloned())
            .flatten();
        let (what, (code, output)) = if let Some((_, namespace, name)) = &deleted {
            let path = if namespace.is_empty() {
                name.clone()
            } else {
                format!("{namespace}/{name}")
            };
            let output = run_json(&viewer, &["whatif", "--delete", &path]);
            (format!("delete {path}"), output)
        } else {
            let object = record(&mut random);
            std::fs::write(&file, object.to_string()).unwrap();
            let output = run_json(&viewer, &["whatif", "-f", file.to_str().unwrap()]);
            records.insert(key(&object), object.clone());
            apply(&fixture, &object).await;
            (format!("apply {object}"), output)
        };
        if let Some((kind, namespace, name)) = &deleted {
            let api = fixture.api(kind, namespace);
            api.delete(name, &DeleteParams::default()).await.unwrap();
            records.remove(&(kind.clone(), namespace.clone(), name.clone()));
        }
        let before = expected_outcomes.clone();
        for affected in list(&output["affected"]) {
            expected_outcomes.insert(name_of(affected), predicted(&affected["after"]));
        }
        let stops = expected_outcomes
            .iter()
            .any(|(name, after)| before[name].contains(' ') && !after.contains(' '));
        let expected = match (stops, before == expected_outcomes) {
            (true, _) => 4,
            (false, false) => 3,
            (false, true) => 0,
        };
        assert_eq!(code, expected, "{what}");
        *codes.entry(code).or_insert(0) += 1;
        wait_for_outcomes(
            &fixture,
            &expected_outcomes,
            &format!("change {round}: {what}"),
        )
        .await;
    }
    // The test is only meaningful if each exit code occurred often enough.
    for code in [0, 3, 4] {
        assert!(
            codes.get(&code).is_some_and(|count| *count > 10),
            "{codes:?}"
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(outcomes(&fixture).await, expected_outcomes, "in the end");
    fixture.stop().await;
}

type Key = (String, String, String);

fn key(object: &Value) -> Key {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let name = text(&object["metadata"]["name"]);
    (
        text(&object["kind"]).to_owned(),
        namespace.to_owned(),
        name.to_owned(),
    )
}

fn name_of(output: &Value) -> String {
    format!(
        "{}/{}",
        text(&output["namespace"]),
        text(&output["workflow"])
    )
}

/// Returns a path next to the cluster's files, which are deleted with the cluster.
fn change_file(fixture: &Fixture) -> std::path::PathBuf {
    fixture
        .cluster
        .kubeconfig()
        .with_file_name(format!("whatif-{}.json", std::process::id()))
}
