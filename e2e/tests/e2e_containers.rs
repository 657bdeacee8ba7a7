//! Environment, arguments and files of processes in generated pipelines, on a real kubelet.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/pods.rs"]
mod pods;

use std::collections::BTreeMap;

use extension_registry_e2e::{Options, skip};
use serde_json::{Value, json};

use fixture::{Fixture, condition, list, text};
use pods::{Seen, pod, run};

const PROJECT: &str = "containers";

/// Values that break if they are evaluated twice.
const TOKEN: &str = "canary-token";
const DOLLAR: &str = "canary $(HOME) $(EXT_STORE_TOKEN) $$ $(params.model) {{ extension.store.TOKEN }} ${HOME} `id` $";
const QUOTES: &str = r#"canary ' " \ \n ; | & < > * ? # !"#;
const LINES: &str = "canary first\n  second\r\n\n\tthird\n";
const UTF8: &str = "canary äöü 漢字 🙂 \u{0301}";
const BINARY: [u8; 8] = [0xff, 0x00, 0xfe, b'\n', 0x80, b'c', 0x00, 0x7f];

fn record() -> String {
    let entry = |name: &str, value: &str| json!({"name": name, "value": value});
    let object = json!([
        {
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "store", "namespace": PROJECT},
            "data": {"ca.crt": k8s_openapi::ByteString(BINARY.to_vec()), "FROM_SECRET": k8s_openapi::ByteString(b"canary-from-secret".to_vec())},
            "stringData": {"token": TOKEN, "PASSWORD": "shadowed by the entry"},
        },
        {
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Extension",
            "metadata": {"name": "store", "namespace": PROJECT},
            "spec": {
                "product": "minio", "version": "4.1.3", "zone": "here",
                "configuration": [entry("WIDE", "extension"), entry("ONLY_WIDE", "canary-wide"), entry("PATH", "/evil"), entry("LD_PRELOAD", "/evil.so"), entry("TASK_RESULT", "evil"), entry("FUSEML_ENV_WORKFLOW_NAME", "evil")],
                "services": [{
                    "name": "s3", "resource": "s3", "category": "object-storage",
                    "configuration": [entry("WIDE", "service"), entry("DOLLAR", DOLLAR), entry("QUOTES", QUOTES), entry("LINES", LINES), entry("UTF8", UTF8), entry("EMPTY", ""), entry("with.dot", "canary-dot")],
                    "endpoints": [{"name": "main", "url": "https://minio.example.org/base", "type": "external", "configuration": [entry("WIDE", "endpoint")]}],
                    "credentials": [{
                        "name": "main",
                        "secretRef": {"name": "store"},
                        "configuration": [entry("PASSWORD", "canary-password"), {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "store", "key": "token"}}}],
                    }],
                }],
            },
        },
        {
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Extension",
            "metadata": {"name": "queue", "namespace": PROJECT},
            "spec": {
                "product": "nats",
                "services": [{
                    "name": "queue", "resource": "nats",
                    "configuration": [entry("WIDE", "queue"), entry("SUBJECT", "canary-subject")],
                    "endpoints": [{"name": "main", "url": "nats.example.org:4222", "type": "internal"}],
                }],
            },
        },
        {
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "see", "namespace": PROJECT},
            "spec": {
                "inputs": [{"name": "model", "default": "default-model"}],
                "steps": [
                    {
                        "name": "all", "image": "registry.local/step:all",
                        "args": ["--uri={{ extension.store.uri }}", "{{ extensions.store.LINES }}", "plain {{ inputs.model }}", "$(echo {{ extension.store.DOLLAR }})", "$$(HOME) {{ extension.store.QUOTES }}", "{{ .Values.theirs }}"],
                        "env": [
                            {"name": "ONLY_WIDE", "value": "own"},
                            {"name": "AUTHORIZATION", "value": "Bearer {{ extension.store.TOKEN }}"},
                            {"name": "PRICE", "value": "${{ extension.store.UTF8 }}"},
                            {"name": "WHOLE", "value": "{{ extension.store.DOLLAR }}"},
                            {"name": "RUN", "value": "{{ inputs.model }} {{extension.store.cfg.TOKEN}} $(WIDE) {{ inputs.model }}"},
                        ],
                        "inputs": [
                            {"name": "model-name", "value": "{{ inputs.model }}"},
                            {"name": "token", "value": "{{ extension.store.TOKEN }}"},
                            {"name": "both", "value": "{{ extension.store.host }}:{{ extension.store.port }}/{{ inputs.model }}"},
                        ],
                        "outputs": [{"name": "out"}],
                        "extensions": [
                            {"name": "store", "extension": "store"},
                            {"name": "queue", "extension": "queue", "environment": [
                                {"name": "QUEUE", "configuration": "url"}, {"name": "QUEUE_TYPE", "configuration": "type"}, {"name": "SUBJECT", "configuration": "SUBJECT"},
                            ]},
                        ],
                    },
                    {
                        "name": "files", "image": "registry.local/step:files",
                        "env": [{"name": "SERVICE_BINDING_ROOT", "value": "/var/run/theirs"}],
                        "extensions": [{"name": "store", "extension": "store", "environment": []}],
                    },
                    {
                        "name": "command", "image": "registry.local/step:command",
                        "command": ["sh", "-c", "printf 'COMMAND %s %s\\n' \"$1\" \"$TOKEN\""],
                        "args": ["name", "{{ steps.all.outputs.out }}-{{ extension.store.TOKEN }}"],
                        "extensions": [{"name": "store", "extension": "store"}],
                    },
                    {"name": "plain", "image": "registry.local/step:{{ inputs.model }}", "outputs": [{"name": "first"}, {"name": "second"}]},
                ],
            },
        },
    ]);
    json!({"apiVersion": "v1", "kind": "List", "items": object}).to_string()
}

const MODEL: &str = "m$1";

async fn step(fixture: &Fixture, pipeline: &Value, task: &str, name: &str) -> Seen {
    let given = [("model", MODEL), ("tasks.all.results.out", "result")];
    run(&fixture.cluster, pod(pipeline, task, name, &given)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_see_registered_values() {
    let fixture = Fixture::without_webhook("containers", Options::default()).await;
    if let Some(why) = fixture.cluster.node_missing() {
        skip("steps of a pipeline", why).unwrap();
        return fixture.stop().await;
    }
    fixture.cluster.create_namespace(PROJECT).unwrap();
    fixture.cluster.grant_source(PROJECT, "store").unwrap();
    fixture.apply(&record());
    fixture.wait_until_ready("Workflow", PROJECT, "see").await;
    let pipeline = fixture.get("Pipeline", PROJECT, "see").await;
    let text = pipeline.to_string();
    assert!(!text.contains("canary"), "a value in the pipeline");

    let (all, files, command, plain) = tokio::join!(
        step(&fixture, &pipeline, "all", "all"),
        step(&fixture, &pipeline, "files", "files"),
        step(&fixture, &pipeline, "command", "command"),
        run_plain_step(&fixture, &pipeline),
    );
    assert_files(&all, "/bindings");
    assert_variables(&all);
    assert_texts(&all);
    assert_files(&files, "/var/run/theirs");
    for name in ["TOKEN", "WIDE", "DOLLAR"] {
        assert_eq!(files.variable(name), None, "{name}");
    }
    assert_eq!(command.log, "COMMAND result-canary-token canary-token\n");
    assert_eq!(plain.variable("TASK_RESULT"), Some("first"));
    assert_eq!(plain.variable("SERVICE_BINDING_ROOT"), None);
    assert_eq!(plain.variable("TOKEN"), None);

    rotated_credential_reaches_the_next_run(&fixture, &pipeline).await;
    tekton_run_sees_registered_values(&fixture).await;
    fixture.stop().await;
}

/// The image of this step contains an input, whose value must be valid in an image name.
async fn run_plain_step(fixture: &Fixture, pipeline: &Value) -> Seen {
    run(&fixture.cluster, pod(pipeline, "plain", "plain", &[])).await
}

fn assert_files(seen: &Seen, root: &str) {
    assert_eq!(seen.variable("SERVICE_BINDING_ROOT"), Some(root));
    let texts: BTreeMap<&str, &str> = [
        ("PATH", "/evil"),
        ("LD_PRELOAD", "/evil.so"),
        ("TASK_RESULT", "evil"),
        ("FUSEML_ENV_WORKFLOW_NAME", "evil"),
        ("WIDE", "endpoint"),
        ("ONLY_WIDE", "canary-wide"),
        ("DOLLAR", DOLLAR),
        ("QUOTES", QUOTES),
        ("LINES", LINES),
        ("UTF8", UTF8),
        ("EMPTY", ""),
        ("with.dot", "canary-dot"),
        ("TOKEN", TOKEN),
        ("token", TOKEN),
        ("PASSWORD", "canary-password"),
        ("FROM_SECRET", "canary-from-secret"),
        ("type", "s3"),
        ("provider", "minio"),
        ("version", "4.1.3"),
        ("zone", "here"),
        ("category", "object-storage"),
        ("uri", "https://minio.example.org/base"),
        ("host", "minio.example.org"),
        ("port", "443"),
    ]
    .into();
    for (name, expected) in &texts {
        assert_eq!(
            seen.file(&format!("store/{name}")).as_deref(),
            Some(*expected),
            "{name}"
        );
    }
    assert_eq!(seen.files["store/ca.crt"], BINARY);
    let document = seen.file("store/extension.yaml").unwrap();
    assert!(
        document.contains("canary-password") && !document.contains("queue"),
        "{document}"
    );
    let names = seen.files.keys().filter(|name| name.starts_with("store/"));
    assert_eq!(names.count(), texts.len() + 2, "{:?}", seen.files.keys());
}

fn assert_variables(seen: &Seen) {
    for (name, expected) in [
        // All entries with valid variable names, the more specific ones first.
        ("WIDE", Some("endpoint")),
        ("DOLLAR", Some(DOLLAR)),
        ("QUOTES", Some(QUOTES)),
        ("LINES", Some(LINES)),
        ("UTF8", Some(UTF8)),
        ("EMPTY", Some("")),
        ("TOKEN", Some(TOKEN)),
        ("PASSWORD", Some("canary-password")),
        ("FROM_SECRET", Some("canary-from-secret")),
        // Variables of the step itself.
        ("ONLY_WIDE", Some("own")),
        // Names that are not entries, not valid variables, or would break steps.
        ("uri", None),
        ("type", None),
        ("with.dot", None),
        ("ca.crt", None),
        ("LD_PRELOAD", None),
        ("PATH", Some("/bin")),
        // The other requirement sets only its mapped variables.
        ("QUEUE", Some("nats.example.org:4222")),
        ("QUEUE_TYPE", Some("nats")),
        ("SUBJECT", Some("canary-subject")),
        // Variables that the published images read.
        ("FUSEML_ENV_WORKFLOW_NAMESPACE", Some(PROJECT)),
        ("FUSEML_ENV_WORKFLOW_NAME", Some("see")),
        ("FUSEML_MODEL_NAME", Some(MODEL)),
        ("FUSEML_TOKEN", Some(TOKEN)),
        ("FUSEML_BOTH", Some("minio.example.org:443/m$1")),
        ("TASK_RESULT", Some("out")),
    ] {
        assert_eq!(seen.variable(name), expected, "{name}");
    }
    assert_eq!(
        seen.file("queue/uri").as_deref(),
        Some("nats.example.org:4222")
    );
    assert_eq!(seen.file("queue/port").as_deref(), Some("4222"));
    assert_eq!(seen.file("queue/WIDE").as_deref(), Some("queue"));
}

fn assert_texts(seen: &Seen) {
    for (name, expected) in [
        ("AUTHORIZATION", format!("Bearer {TOKEN}")),
        ("PRICE", format!("${UTF8}")),
        ("WHOLE", DOLLAR.to_owned()),
        ("RUN", format!("{MODEL} {TOKEN} endpoint {MODEL}")),
    ] {
        assert_eq!(seen.variable(name), Some(expected.as_str()), "{name}");
    }
    let given = &seen.arguments[seen.arguments.len() - 6..];
    assert_eq!(
        given,
        [
            "--uri=https://minio.example.org/base".to_owned(),
            LINES.to_owned(),
            format!("plain {MODEL}"),
            format!("$(echo {DOLLAR})"),
            // Kubernetes escapes `$` as `$$`.
            format!("$(HOME) {QUOTES}"),
            "{{ .Values.theirs }}".to_owned(),
        ]
    );
}

/// A rotated credential reaches the next run, and the pipeline is unchanged.
async fn rotated_credential_reaches_the_next_run(fixture: &Fixture, pipeline: &Value) {
    let patch = json!({"stringData": {"token": "canary-rotated"}}).to_string();
    fixture
        .cluster
        .kubectl_run(&[
            "patch", "secret", "store", "-n", PROJECT, "--type", "merge", "-p", &patch,
        ])
        .unwrap();
    let workflow = fixture.get("Workflow", PROJECT, "see").await;
    let secret = list(&workflow["status"]["bindings"])
        .iter()
        .find(|binding| binding["record"] == "store")
        .map(|binding| text(&binding["secret"]))
        .unwrap();
    let expected =
        serde_json::to_value(k8s_openapi::ByteString(b"canary-rotated".to_vec())).unwrap();
    fixture
        .wait_until(
            ("Secret", PROJECT, secret),
            "holds the new value",
            |secret| secret["data"]["TOKEN"] == expected,
        )
        .await;
    let seen = step(fixture, pipeline, "all", "rotated").await;
    assert_eq!(seen.variable("TOKEN"), Some("canary-rotated"));
    assert_eq!(
        seen.variable("AUTHORIZATION"),
        Some("Bearer canary-rotated")
    );
    assert_eq!(seen.file("store/TOKEN").as_deref(), Some("canary-rotated"));
    let now = fixture.get("Pipeline", PROJECT, "see").await;
    assert_eq!(
        now["metadata"]["resourceVersion"],
        pipeline["metadata"]["resourceVersion"]
    );
}

/// The same with Tekton itself, if the cluster has it.
async fn tekton_run_sees_registered_values(fixture: &Fixture) {
    if !fixture.cluster.has_engine() {
        // Always skipped, never failed: only an existing cluster can have Tekton.
        extension_registry_e2e::skip_part("a run by Tekton", "the cluster has none");
        return;
    }
    let manifest = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "run", "namespace": PROJECT},
            "spec": {
                "inputs": [{"name": "model", "default": MODEL}],
                "outputs": [{"name": "out"}],
                "steps": [{
                    "name": "all", "image": "busybox:1.37", "command": ["sh", "-c"],
                    "args": ["printf %s \"$FUSEML_BOTH `cat $SERVICE_BINDING_ROOT/store/TOKEN`\" | sha256sum | cut -c 1-64 | tr -d '\\n' > /tekton/results/$TASK_RESULT"],
                    "inputs": [{"name": "both", "value": "{{ inputs.model }} {{ extension.store.DOLLAR }}"}],
                    "outputs": [{"name": "out"}],
                    "extensions": [{"name": "store", "extension": "store"}],
                }],
            },
        },
        {
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": "run", "namespace": PROJECT},
            "spec": {"pipelineRef": {"name": "run"}},
        },
    ]});
    fixture.apply(&manifest["items"][0].to_string());
    fixture.wait_until_ready("Workflow", PROJECT, "run").await;
    fixture.apply(&manifest["items"][1].to_string());
    let run = fixture
        .wait_until(("PipelineRun", PROJECT, "run"), "ends", |run| {
            matches!(
                text(&condition(run, "Succeeded")["status"]),
                "True" | "False"
            )
        })
        .await;
    assert_eq!(
        condition(&run, "Succeeded")["status"],
        "True",
        "{:#}",
        run["status"]
    );
    let expected = sha256(&format!("{MODEL} {DOLLAR} canary-rotated"));
    assert_eq!(run["status"]["results"][0]["value"], expected.as_str());
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
