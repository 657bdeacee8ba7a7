//! `lint` against a real API server: what it accepts, the API server accepts, for creation and for server-side
//! apply.
//!
//! Both judge objects that differ from valid ones in one or two places, generated from the schemas and from a fixed
//! seed. [`ALLOWED`] lists what `lint` refuses although the API server accepts it. A sample is compared unless
//! `EXTENSION_REGISTRY_ALL_CASES` is set.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "lint_differential/mutants.rs"]
mod mutants;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::time::Instant;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};
use extension_registry_query::lint::lint;
use extension_registry_query::{Finding, Inventory, Settings};
use futures::{StreamExt, stream};
use kube::Client;
use mutants::{Edit, edits};
use serde_json::{Value, json};

const PROJECT: &str = "lint-differential";

/// Random objects of each kind that differ in two places.
const RANDOM: usize = 400;

/// One of so many objects is compared.
const SAMPLE: usize = 6;

/// Set to compare all of them.
const ALL_CASES: &str = "EXTENSION_REGISTRY_ALL_CASES";

/// Parallel requests.
const PARALLEL: usize = 8;

/// An object, and how it differs from a valid one.
struct Case {
    change: String,
    object: Value,
}

/// A difference that is intended.
struct Allowed {
    /// Rule of the finding.
    rule: &'static str,
    /// Part of the field of the finding.
    part: &'static str,
    /// Why `lint` differs.
    reason: &'static str,
}

/// Rule of the findings of the operator's own checks, which have a reason such as `InvalidRange`.
const REASON: &str = "REASON";

const ALLOWED: [Allowed; 2] = [
    Allowed {
        rule: "wrong-type",
        part: "spec",
        reason: "the API server reads a label or annotation that is null as empty; a Workflow with one cannot be deserialized here",
    },
    Allowed {
        rule: REASON,
        part: "",
        reason: "checks of the webhook and the operator, which do not run here",
    },
];

/// The verdict of the API server: the refusal of a creation, and of a server-side apply.
struct Verdict {
    created: Option<String>,
    applied: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_accepts_only_what_the_api_server_accepts() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    cluster.install().unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    let client = cluster.client();

    let cases = cases();
    let start = Instant::now();
    let verdicts: Vec<Verdict> = stream::iter(&cases)
        .map(|case| verdict(&client, &case.object))
        .buffered(PARALLEL)
        .collect()
        .await;
    let by_server = start.elapsed();
    let mut differences = Vec::new();
    let mut used = [const { Vec::new() }; ALLOWED.len()];
    let mut refused = 0;
    for (case, verdict) in cases.iter().zip(&verdicts) {
        refused += usize::from(verdict.created.is_some());
        let findings = errors(&case.object);
        compare(case, verdict, &findings, &mut used, &mut differences);
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        *kinds
            .entry(case.object["kind"].as_str().unwrap())
            .or_default() += 1;
    }
    let mut report = format!(
        "{kinds:?}, {refused} refused by the API server, in {:.1?} of {:.1?}\n",
        by_server,
        start.elapsed()
    );
    for (allowed, used) in ALLOWED.iter().zip(&used) {
        let (count, first) = (used.len(), used.first());
        let _ = writeln!(
            report,
            "{count} allowed: {}: {}, e.g. {first:?}",
            allowed.rule, allowed.reason
        );
    }
    println!("{report}");
    assert!(cases.len() > 1_000 && refused > 500, "{report}");
    let excerpt: Vec<&String> = differences.iter().take(60).collect();
    assert!(
        differences.is_empty(),
        "{} differences: {excerpt:#?}\n{report}",
        differences.len()
    );
    if env::var_os(ALL_CASES).is_some() {
        let is_used = used.iter().all(|used| !used.is_empty());
        assert!(is_used, "an allowed difference does not exist:\n{report}");
    }
    cluster.stop().await.unwrap();
}

fn compare(
    case: &Case,
    verdict: &Verdict,
    findings: &[Finding],
    used: &mut [Vec<String>],
    differences: &mut Vec<String>,
) {
    let refusals = [("create", &verdict.created), ("apply", &verdict.applied)];
    let refused: Vec<(&str, &String)> = refusals
        .into_iter()
        .filter_map(|(verb, refusal)| Some((verb, refusal.as_ref()?)))
        .collect();
    if findings.is_empty() {
        for (verb, refusal) in refused {
            let excerpt: String = refusal.chars().take(400).collect();
            differences.push(format!("{}: {verb} refuses: {excerpt}", case.change));
        }
    } else if refused.is_empty() {
        for finding in findings {
            let Finding {
                rule,
                field,
                message,
                ..
            } = finding;
            if let Some(index) = ALLOWED.iter().position(|allowed| allowed.covers(finding)) {
                used[index].push(format!("{}: {field}", case.change));
            } else {
                let change = &case.change;
                differences.push(format!(
                    "{change}: only lint refuses: {rule}: {field}: {message}"
                ));
            }
        }
    }
}

impl Allowed {
    fn covers(&self, finding: &Finding) -> bool {
        let is_reason = finding
            .rule
            .starts_with(|first: char| first.is_ascii_uppercase());
        let rule = if is_reason { REASON } else { &finding.rule };
        self.rule == rule && finding.field.contains(self.part)
    }
}

/// Returns the errors that `lint` reports.
fn errors(object: &Value) -> Vec<Finding> {
    let text = object.to_string();
    let inventory = Inventory::from_texts([("object.json", text.as_str())], settings());
    let findings = lint(inventory).findings.into_iter();
    findings.filter(Finding::is_error).collect()
}

fn settings() -> Settings {
    Settings {
        namespace: Some(PROJECT.to_owned()),
        ..Settings::default()
    }
}

/// Creates and applies an object as dry runs.
async fn verdict(client: &Client, object: &Value) -> Verdict {
    let plural = match object["kind"].as_str().unwrap() {
        "ClusterExtension" => "clusterextensions".to_owned(),
        "Extension" => format!("namespaces/{PROJECT}/extensions"),
        _ => format!("namespaces/{PROJECT}/workflows"),
    };
    let collection = format!("/apis/registry.fuseml.io/v1alpha1/{plural}");
    let create = format!("{collection}?dryRun=All&fieldValidation=Strict&fieldManager=test");
    let created = send(client, "POST", &create, "application/json", object).await;
    // The name is a part of the path of a server-side apply.
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let applied = if name.is_empty() || name == "." || name == ".." || !name.bytes().all(is_path) {
        created.clone()
    } else {
        let apply = format!(
            "{collection}/{name}?dryRun=All&fieldValidation=Strict&fieldManager=test&force=true"
        );
        send(
            client,
            "PATCH",
            &apply,
            "application/apply-patch+yaml",
            object,
        )
        .await
    };
    Verdict { created, applied }
}

/// Sends an object, and returns the message if it is refused.
async fn send(
    client: &Client,
    method: &str,
    path: &str,
    content: &str,
    object: &Value,
) -> Option<String> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", content)
        .body(object.to_string().into_bytes())
        .unwrap();
    match client.request::<Value>(request).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => {
            assert!(
                status.code < 500 || status.code == 500 && status.reason != "Timeout",
                "{status:?}"
            );
            assert_ne!(status.code, 429, "{status:?}");
            Some(format!("{} {}", status.code, status.message))
        }
        Err(error) => unreachable!("{error}"),
    }
}

/// Returns all objects with one change, and random ones with two.
fn cases() -> Vec<Case> {
    let mut seed = 16_u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let definitions = extension_registry_api::crd::all();
    let mut cases = Vec::new();
    for object in valid() {
        let definition = definitions
            .iter()
            .find(|definition| object["kind"] == definition.spec.names.kind.as_str())
            .map(|definition| serde_json::to_value(definition).unwrap())
            .unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let edits = edits(schema, &object);
        let case = |edits: &[&Edit]| {
            let mut changed = object.clone();
            let mut change = object["kind"].to_string();
            for edit in edits {
                edit.apply(&mut changed);
                change = format!("{change} {}", edit.text);
            }
            Case {
                change,
                object: changed,
            }
        };
        cases.push(case(&[]));
        cases.extend(edits.iter().map(|edit| case(&[edit])));
        for _ in 0..RANDOM {
            let (first, second) = (random(edits.len()), random(edits.len()));
            cases.push(case(&[&edits[first], &edits[second]]));
        }
    }
    if env::var_os(ALL_CASES).is_none() {
        cases.retain(|_| random(SAMPLE) == 0);
    }
    cases
}

fn valid() -> [Value; 3] {
    let spec = json!({
        "product": "minio",
        "version": "1.2.0",
        "description": "A store",
        "zone": "z1",
        "default": true,
        "access": { "projects": ["a", "b"], "users": ["ada"], "groups": ["g"] },
        "configuration": [{ "name": "REGION", "value": "eu" }],
        "services": [{
            "name": "s3",
            "resource": "s3",
            "category": "store",
            "description": "An API",
            "endpoints": [{
                "name": "main",
                "url": "https://minio.example.org:9000",
                "type": "external",
                "configuration": [{ "name": "CA", "value": "x" }],
            }],
            "credentials": [
                {
                    "name": "team",
                    "scope": "user",
                    "default": true,
                    "project": ["a"],
                    "user": ["ada", "bob"],
                    "configuration": [
                        { "name": "KEY", "value": "v" },
                        { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "password" } } },
                    ],
                },
                { "name": "all", "secretRef": { "name": "keys" } },
            ],
            "configuration": [{ "name": "BUCKET", "value": "b" }],
        }],
    });
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "registry.fuseml.io/v1alpha1",
            "kind": kind,
            "metadata": { "name": "sample" },
            "spec": spec,
        })
    };
    let workflow = json!({
        "description": "Trains a model",
        "inputs": [
            { "name": "code", "type": "codeset", "description": "A repository" },
            { "name": "rate", "type": "string", "default": "1" },
        ],
        "outputs": [{ "name": "model", "type": "string", "description": "d", "value": "{{ steps.train.outputs.model }}" }],
        "steps": [
            {
                "name": "train",
                "image": "registry.example.org/train:1",
                "command": ["train"],
                "args": ["--rate"],
                "inputs": [
                    { "codeset": { "name": "{{ inputs.code }}", "path": "/project" } },
                    { "name": "rate", "value": "{{ inputs.rate }}" },
                ],
                "outputs": [{ "name": "model", "description": "d" }],
                "env": [
                    { "name": "MODE", "value": "fast" },
                    { "name": "TOKEN", "valueFrom": { "secretKeyRef": { "name": "token", "key": "t", "optional": true } } },
                    { "name": "FLAG", "valueFrom": { "configMapKeyRef": { "name": "flags", "key": "f" } } },
                    { "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                    { "name": "CPU", "valueFrom": { "resourceFieldRef": { "resource": "limits.cpu", "divisor": "1m" } } },
                ],
                "resources": { "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "500m", "memory": 1024 } },
                "extensions": [{
                    "name": "store",
                    "extension": "sample",
                    "product": "minio",
                    "version": ">=1.0",
                    "zone": "z1",
                    "service": "s3",
                    "resource": "s3",
                    "category": "store",
                    "endpoint": "main",
                    "credentials": "team",
                    "environment": [{ "name": "BUCKET", "configuration": "BUCKET" }],
                }],
            },
            { "name": "report", "image": "registry.example.org/report:1", "runAfter": ["train"] },
        ],
    });
    [
        object("ClusterExtension", spec.clone()),
        object("Extension", spec),
        object("Workflow", workflow),
    ]
}
