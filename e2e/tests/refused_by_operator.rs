//! Objects that the API server accepts and the operator refuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/fixture.rs"]
mod fixture;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;

use fixture::{Fixture, condition, text};

/// Occurs in each invalid object in place of a value; no message may contain it.
const PLANTED: &str = "planted-secret";

const PROJECT: &str = "refused-by-operator";

fn options() -> Options {
    Options {
        node: Node::None,
        ..Options::default()
    }
}

/// Records for the requirements below: two stores, a missing Secret, a Secret without a key, and credentials
/// of another project.
const RECORDS: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: Extension
metadata: {name: one, namespace: refused-by-operator}
spec:
  product: admit-store
  version: '1.2.0'
  services:
    - name: s3
      resource: admit-s3
      endpoints: [{name: main, url: 'https://one.example.org'}]
      configuration: [{name: BUCKET, value: planted-secret}, {name: with.dot, value: planted-secret}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Extension
metadata: {name: two, namespace: refused-by-operator}
spec:
  product: admit-store
  version: '2.0.0'
  services:
    - name: s3
      resource: admit-s3
      configuration: [{name: BUCKET, value: planted-secret}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Extension
metadata: {name: missing-secret, namespace: refused-by-operator}
spec:
  services:
    - name: s3
      credentials: [{name: main, secretRef: {name: nowhere}}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Extension
metadata: {name: missing-key, namespace: refused-by-operator}
spec:
  services:
    - name: s3
      credentials:
        - name: main
          configuration: [{name: KEY, valueFrom: {secretKeyRef: {name: half, key: absent}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: half, namespace: refused-by-operator}
stringData: {present: planted-secret}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: admit-scoped}
spec:
  services:
    - name: s3
      credentials:
        - name: open
          configuration: [{name: KEY, value: planted-secret}]
        - name: closed
          scope: project
          project: [admit-elsewhere]
          configuration: [{name: KEY, value: planted-secret}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: admit-hidden}
spec:
  access: {projects: [admit-elsewhere]}
  services: [{name: s3, resource: admit-hidden-s3}]
";

struct Case {
    name: &'static str,
    /// Fields of the one step.
    step: &'static str,
    /// Expected reason; `Ready` if the workflow is valid.
    reason: &'static str,
    /// Expected parts of the message: field, column, hint.
    message: &'static [&'static str],
    /// Whether only an edit of the workflow resolves it.
    stalled: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "range",
        step: "extensions: [{name: store, resource: admit-s3, version: '>=1.0 <banana'}]",
        reason: "InvalidRange",
        message: &[
            "step `train`",
            "spec.steps[0].extensions[0].version",
            "column 8",
            "banana",
        ],
        stalled: true,
    },
    Case {
        name: "range-operator",
        step: "extensions: [{name: store, resource: admit-s3, version: '~>1.2'}]",
        reason: "InvalidRange",
        message: &[
            "spec.steps[0].extensions[0].version",
            "column 1",
            "unknown operator `~>`",
            "hint: use `~1.2.3`",
        ],
        stalled: true,
    },
    Case {
        name: "unknown-requirement",
        step: "env: [{name: A, value: 'a {{ extension.stroe.BUCKET }}'}], extensions: [{name: store, extension: one}]",
        reason: "UnknownRequirement",
        message: &[
            "spec.steps[0].env[0].value",
            "column 6",
            "unknown requirement `stroe`",
            "did you mean `store`?",
        ],
        stalled: true,
    },
    Case {
        name: "unknown-key",
        step: "args: ['é {{ extension.store.BUKCET }}'], extensions: [{name: store, extension: one}]",
        reason: "UnknownKey",
        message: &[
            "spec.steps[0].args[0]",
            "column 6",
            "no key `BUKCET`",
            "did you mean `BUCKET`?",
        ],
        stalled: true,
    },
    Case {
        name: "unknown-mapping",
        step: "extensions: [{name: store, extension: one, environment: [{name: A, configuration: BUCKETS}]}]",
        reason: "UnknownKey",
        message: &["step `train`", "no key `BUCKETS`", "did you mean `BUCKET`?"],
        stalled: true,
    },
    Case {
        name: "conflict",
        step: "extensions: [{name: from, extension: one}, {name: to, extension: two}]",
        reason: "Conflict",
        message: &[
            "step `train`",
            "requirements `from` and `to` set `BUCKET`",
            "hint: rename it with `environment`",
        ],
        stalled: true,
    },
    Case {
        name: "ambiguous",
        step: "extensions: [{name: store, resource: admit-s3}]",
        reason: "Ambiguous",
        message: &["one/s3", "two/s3", "hint:"],
        stalled: false,
    },
    Case {
        name: "not-found",
        step: "extensions: [{name: store, resource: admit-s4, product: admit-store, version: '^1'}]",
        reason: "NotFound",
        message: &["one/s3", "resource is `admit-s3` (requested `admit-s4`)"],
        stalled: false,
    },
    Case {
        name: "hidden",
        step: "extensions: [{name: store, resource: admit-hidden-s3}]",
        reason: "NotFound",
        message: &["step `train`"],
        stalled: false,
    },
    Case {
        name: "secret",
        step: "extensions: [{name: store, extension: missing-secret}]",
        reason: "SecretMissing",
        message: &[
            "step `train`",
            "Secret `refused-by-operator/nowhere` not found; create it",
        ],
        stalled: false,
    },
    Case {
        name: "key",
        step: "extensions: [{name: store, extension: missing-key}]",
        reason: "SecretMissing",
        message: &["key `absent` not found in Secret `half`; add the key"],
        stalled: false,
    },
    Case {
        name: "credentials",
        step: "extensions: [{name: store, extension: admit-scoped, credentials: closed}]",
        reason: "NoAccess",
        message: &["step `train`", "admit-scoped"],
        stalled: false,
    },
    Case {
        name: "no-variable",
        step: "args: ['{{ extension.store.with.dot }}'], extensions: [{name: store, extension: one}]",
        reason: "Ready",
        message: &[],
        stalled: false,
    },
    Case {
        name: "healthy",
        step: "extensions: [{name: store, extension: admit-scoped, credentials: open}]",
        reason: "Ready",
        message: &[],
        stalled: false,
    },
];

fn workflow(name: &str, step: &str) -> String {
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}, namespace: {PROJECT}}}\nspec:\n  steps:\n    - {{name: train, image: 'example.org/train:1', {step}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_explains_refusals() {
    let fixture = Fixture::without_webhook("admit", options()).await;
    fixture.cluster.create_namespace(PROJECT).unwrap();
    for secret in ["nowhere", "half", "huge"] {
        fixture.cluster.grant_source(PROJECT, secret).unwrap();
    }
    fixture.apply(RECORDS);
    // A workflow that is reconciled before a record is observed may be bound to another one, or refused for another
    // reason.
    for name in ["one", "two", "missing-secret", "missing-key"] {
        fixture
            .wait_until_observed("Extension", PROJECT, name)
            .await;
    }
    for name in ["admit-scoped", "admit-hidden"] {
        fixture
            .wait_until_observed("ClusterExtension", "", name)
            .await;
    }
    for case in CASES {
        fixture.apply(&workflow(case.name, case.step));
    }
    for case in CASES {
        if case.reason == "Ready" {
            fixture
                .wait_until_ready("Workflow", PROJECT, case.name)
                .await;
            continue;
        }
        // The message of a missing Secret or key changes once its source and its permission are observed.
        let object = fixture
            .wait_until_refused_with(PROJECT, case.name, case.reason, case.message)
            .await;
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(!message.contains(PLANTED), "{}: {message}", case.name);
        assert!(
            !message.contains("admit-hidden/") && !message.contains("admit-elsewhere"),
            "{message}"
        );
        let stalled = condition(&object, "Stalled");
        assert_eq!(
            stalled["status"] == "True",
            case.stalled,
            "{}: {stalled}",
            case.name
        );
        assert_eq!(object["status"]["pipeline"], serde_json::Value::Null);
        assert!(
            fixture.get("Pipeline", PROJECT, case.name).await.is_null(),
            "{}",
            case.name
        );
    }
    inaccessible_credentials_appear_absent(&fixture).await;
    invalid_variable_name_is_only_a_file(&fixture).await;
    too_large(&fixture).await;
    created_objects_resolve_refusals(&fixture).await;
    assert!(
        !fixture.operator.log().contains(PLANTED),
        "a value in the log"
    );
    fixture.stop().await;
}

async fn inaccessible_credentials_appear_absent(fixture: &Fixture) {
    let closed = fixture
        .wait_until_refused(PROJECT, "credentials", "NoAccess")
        .await;
    let step = "extensions: [{name: store, extension: admit-scoped, credentials: absent}]";
    fixture.apply(&workflow("absent-credentials", step));
    let absent = fixture
        .wait_until_refused(PROJECT, "absent-credentials", "NoAccess")
        .await;
    assert_eq!(
        closed.replace("closed", "NAME"),
        absent.replace("absent", "NAME")
    );
    assert!(!closed.contains("open"), "{closed}");
}

async fn invalid_variable_name_is_only_a_file(fixture: &Fixture) {
    let pipeline = fixture.get("Pipeline", PROJECT, "no-variable").await;
    let step = &pipeline["spec"]["tasks"][0]["taskSpec"]["steps"][0];
    let variables = step["env"].to_string();
    assert!(!variables.contains(r#""name":"with.dot""#), "{variables}");
    assert_eq!(step["args"][0], "$(EXT_STORE_WITH_DOT)");
    let workflow = fixture.get("Workflow", PROJECT, "no-variable").await;
    let secret = text(&workflow["status"]["bindings"][0]["secret"]);
    let secret = fixture.get("Secret", PROJECT, secret).await;
    assert!(secret["data"]["with.dot"].is_string());
}

/// Above the limit of a record, and above the limit of a Secret although the record is within its own.
async fn too_large(fixture: &Fixture) {
    let value = PLANTED.repeat(4_000);
    let entries = |count: usize| {
        let entries: Vec<String> = (0..count)
            .map(|index| format!("{{name: K{index}, value: {value}}}"))
            .collect();
        entries.join(", ")
    };
    let server_side = |manifest: &str| {
        fixture
            .cluster
            .kubectl_with(&["apply", "--server-side", "-f", "-"], manifest)
            .unwrap();
    };
    let record = |name: &str, spec: String| {
        format!(
            "apiVersion: registry.fuseml.io/v1alpha1\nkind: Extension\nmetadata: {{name: {name}, namespace: {PROJECT}}}\nspec: {spec}\n"
        )
    };
    server_side(&record(
        "large",
        format!("{{configuration: [{}]}}", entries(5)),
    ));
    let large = fixture
        .wait_until(("Extension", PROJECT, "large"), "is too large", |record| {
            condition(record, "Ready")["reason"] == "TooLarge"
        })
        .await;
    let message = text(&condition(&large, "Ready")["message"]);
    assert!(
        message.contains("spec") && message.contains("262144") && !message.contains(PLANTED),
        "{message}"
    );
    fixture.apply(&workflow(
        "large",
        "extensions: [{name: store, extension: large}]",
    ));
    fixture
        .wait_until(("Workflow", PROJECT, "large"), "is refused", |workflow| {
            condition(workflow, "Ready")["status"] == "False"
                && condition(workflow, "Ready")["reason"] != "Pending"
        })
        .await;

    let bytes = "x".repeat(1_000_000);
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: huge, namespace: {PROJECT}}}\nstringData: {{HUGE: {bytes}}}\n"
    );
    server_side(&secret);
    let services = "services: [{name: s3, credentials: [{name: main, secretRef: {name: huge}}]}]";
    server_side(&record(
        "huge",
        format!("{{configuration: [{}], {services}}}", entries(3)),
    ));
    fixture.apply(&workflow(
        "huge",
        "extensions: [{name: store, extension: huge}]",
    ));
    let message = fixture
        .wait_until_refused(PROJECT, "huge", "TooLarge")
        .await;
    assert!(
        message.contains("limit 1048576") && message.contains("hint:"),
        "{message}"
    );
    assert!(!message.contains(PLANTED), "{message}");
}

async fn created_objects_resolve_refusals(fixture: &Fixture) {
    fixture.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: nowhere, namespace: {PROJECT}}}\nstringData: {{KEY: {PLANTED}}}\n"
    ));
    fixture
        .wait_until_ready("Workflow", PROJECT, "secret")
        .await;
}
