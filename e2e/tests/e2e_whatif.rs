//! What `kubectl ext whatif` foretells of a change is what the change does, asked by somebody who may
//! only look.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/ext.rs"]
mod ext;
#[path = "support/lab.rs"]
mod lab;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Options, cluster};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use ext::{ext, viewer};
use lab::{Lab, condition, list, text};

const PROJECTS: [&str; 2] = ["alpha", "beta"];
const WORKFLOWS: usize = 24;
const CHANGES: usize = 200;
/// How long the operator may take for a change.
const PATIENCE: Duration = Duration::from_secs(20);

/// Workflow to what it is bound to, or why it is not.
type Truth = BTreeMap<String, String>;

/// Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

fn record(dice: &mut Dice) -> Value {
    let name = format!("r{}", dice.roll(6));
    let mut services = Vec::new();
    for position in 0..=dice.roll(2) {
        let service_name = ["api", "store"][position];
        let mut service = json!({
            "name": service_name,
            "resource": dice.one_of(&["s3", "git"]),
            "category": dice.one_of(&["storage", "code"]),
        });
        if dice.roll(2) == 0 {
            let kind = dice.one_of(&["internal", "external"]);
            let url = format!("http://{name}:80");
            service["endpoints"] = json!([{"name": kind, "url": url, "type": kind}]);
        }
        match dice.roll(4) {
            0 => service["credentials"] = json!([{"name": "all"}]),
            1 => {
                service["credentials"] = json!([{
                    "name": "some", "scope": "project", "project": [dice.one_of(&PROJECTS)],
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
            "product": dice.one_of(&["minio", "gitea"]),
            "version": dice.one_of(&["1.0.0", "1.5.0", "2.0.0"]),
            "services": services,
        },
    });
    match dice.roll(5) {
        0 => object["spec"]["default"] = json!(true),
        1 => object["spec"]["access"] = json!({"projects": [dice.one_of(&PROJECTS)]}),
        2 => {
            object["kind"] = json!("Extension");
            object["metadata"]["namespace"] = json!(dice.one_of(&PROJECTS));
        }
        _ => {}
    }
    object
}

fn workflow(dice: &mut Dice, number: usize) -> Value {
    let mut requirement = json!({"name": "need"});
    let selectors: [(&str, &[&str]); 4] = [
        ("product", &["minio", "gitea"]),
        ("resource", &["s3", "git"]),
        ("category", &["storage", "code"]),
        ("extension", &["r0", "r1", "r2", "r3", "r4", "r5"]),
    ];
    let (first, words) = selectors[dice.roll(4)];
    requirement[first] = json!(dice.one_of(words));
    if dice.roll(2) == 0 {
        let (second, words) = selectors[dice.roll(4)];
        requirement[second] = json!(dice.one_of(words));
    }
    if dice.roll(4) == 0 {
        requirement["version"] = json!(dice.one_of(&["^1.0", ">=1.5.0", "2.0.0"]));
    }
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": format!("w{number}"), "namespace": PROJECTS[number % 2]},
        "spec": {"steps": [{"name": "step", "image": "step:1", "extensions": [requirement]}]},
    })
}

async fn apply(lab: &Lab, object: &Value) {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let api = lab.api(text(&object["kind"]), namespace);
    let parameters = PatchParams::apply("user").force();
    let name = text(&object["metadata"]["name"]);
    api.patch(name, &parameters, &Patch::Apply(object))
        .await
        .unwrap();
}

/// What the statuses say.
async fn truth(lab: &Lab) -> Truth {
    let workflows = lab.api("Workflow", "").list(&ListParams::default()).await;
    let mut truth = Truth::new();
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
            bound(&list(&object["status"]["bindings"])[0])
        } else {
            text(&resolved["reason"]).to_owned()
        };
        truth.insert(name, outcome);
    }
    truth
}

fn bound(binding: &Value) -> String {
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

/// An outcome as the program writes it.
fn foretold(outcome: &Value) -> String {
    match outcome.get("bound") {
        Some(binding) => bound(binding),
        None => text(&outcome["refused"]["reason"]).to_owned(),
    }
}

/// The exit code and what the program answers.
fn ask(viewer: &Path, arguments: &[&str]) -> (i32, Value) {
    let answer = ext(viewer, &[arguments, &["-o", "json"]].concat());
    let data = serde_json::from_str(&answer.out);
    let data = data.unwrap_or_else(|_| panic!("{}: {}", answer.code, answer.err));
    (answer.code, data)
}

async fn until_true(lab: &Lab, wanted: &Truth, what: &str) {
    let begun = Instant::now();
    loop {
        let found = truth(lab).await;
        if found == *wanted {
            return;
        }
        let other: Vec<_> = found
            .iter()
            .filter(|(name, outcome)| wanted.get(*name) != Some(outcome))
            .map(|(name, outcome)| format!("{name} is {outcome}, not {:?}", wanted.get(name)))
            .collect();
        assert!(begun.elapsed() < PATIENCE, "{what}: {other:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foretold_comes_true() {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let lab = Lab::start("whatif", options).await;
    for project in PROJECTS {
        lab.cluster.create_namespace(project).unwrap();
    }
    let viewer = viewer(&lab.cluster);

    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut records = BTreeMap::new();
    for number in 0..WORKFLOWS {
        apply(&lab, &workflow(&mut dice, number)).await;
    }
    for _ in 0..6 {
        let object = record(&mut dice);
        apply(&lab, &object).await;
        records.insert(key(&object), object);
    }
    let (_, answers) = ask(&viewer, &["resolve", "-A"]);
    let mut wanted: Truth = list(&answers["answers"])
        .iter()
        .map(|answer| (name_of(answer), foretold(answer)))
        .collect();
    assert_eq!(wanted.len(), WORKFLOWS);
    until_true(&lab, &wanted, "at first").await;

    let file = tempfile_of(&lab);
    let mut codes = BTreeMap::new();
    for round in 0..CHANGES {
        // A late effect of the change before would show here.
        assert_eq!(truth(&lab).await, wanted, "before change {round}");
        let deleted = (dice.roll(3) == 0 && !records.is_empty())
            .then(|| records.keys().nth(dice.roll(records.len())).cloned())
            .flatten();
        let (what, (code, answer)) = if let Some((_, namespace, name)) = &deleted {
            let path = if namespace.is_empty() {
                name.clone()
            } else {
                format!("{namespace}/{name}")
            };
            let answer = ask(&viewer, &["whatif", "--delete", &path]);
            (format!("delete {path}"), answer)
        } else {
            let object = record(&mut dice);
            std::fs::write(&file, object.to_string()).unwrap();
            let answer = ask(&viewer, &["whatif", "-f", file.to_str().unwrap()]);
            records.insert(key(&object), object.clone());
            apply(&lab, &object).await;
            (format!("apply {object}"), answer)
        };
        if let Some((kind, namespace, name)) = &deleted {
            let api = lab.api(kind, namespace);
            api.delete(name, &DeleteParams::default()).await.unwrap();
            records.remove(&(kind.clone(), namespace.clone(), name.clone()));
        }
        let before = wanted.clone();
        for affected in list(&answer["affected"]) {
            wanted.insert(name_of(affected), foretold(&affected["after"]));
        }
        let stops = wanted
            .iter()
            .any(|(name, after)| before[name].contains(' ') && !after.contains(' '));
        let expected = match (stops, before == wanted) {
            (true, _) => 4,
            (false, false) => 3,
            (false, true) => 0,
        };
        assert_eq!(code, expected, "{what}");
        *codes.entry(code).or_insert(0) += 1;
        until_true(&lab, &wanted, &format!("change {round}: {what}")).await;
    }
    // Of each kind there were enough for the comparison to mean something.
    for code in [0, 3, 4] {
        assert!(
            codes.get(&code).is_some_and(|count| *count > 10),
            "{codes:?}"
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(truth(&lab).await, wanted, "in the end");
    lab.stop().await;
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

fn name_of(answer: &Value) -> String {
    format!(
        "{}/{}",
        text(&answer["namespace"]),
        text(&answer["workflow"])
    )
}

/// A file beside the cluster's own, which goes with them.
fn tempfile_of(lab: &Lab) -> std::path::PathBuf {
    lab.cluster
        .kubeconfig()
        .with_file_name(format!("whatif-{}.json", std::process::id()))
}
