//! Tests of requests to a cluster, and of the handling of responses.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use serde_json::{Value, json};
use support::schema::fits;
use support::server::{Server, list};
use support::{Output, ext_with};

const GROUP: &str = "/apis/registry.fuseml.io/v1alpha1";
const RUNS: &str = "/apis/tekton.dev/v1/namespaces/alpha/pipelineruns";

/// Responses with a record, and a workflow that uses it.
fn registry(path: &str) -> Option<(u16, Value)> {
    let record = json!({
        "metadata": {"name": "store"},
        "spec": {"product": "store", "services": [{"name": "s3"}]},
    });
    let requirement = json!({"name": "data", "product": "store"});
    let mut workflow = json!({
        "metadata": {"name": "train", "namespace": "alpha"},
        "spec": {"steps": [{"name": "a", "image": "i", "extensions": [requirement]}]},
    });
    if let Some(rest) = path.strip_prefix(RUNS) {
        let mut run = json!({"metadata": {"name": "train-x7"}});
        if rest == "/train-x7" {
            let condition =
                json!({"type": "Succeeded", "status": "True", "reason": "Ended", "message": "so"});
            let result = json!({"name": "url", "value": "http://model"});
            run["status"] = json!({"conditions": [condition], "results": [result]});
        }
        return Some((200, run));
    }
    let path = path.strip_prefix(GROUP)?;
    match path.strip_prefix("/namespaces/alpha").unwrap_or(path) {
        "/clusterextensions" => Some(list(&[record])),
        "/workflows" => Some(list(&[workflow])),
        "/extensions" | "/extensionbindings" => Some(list(&[])),
        "/workflows/train" => {
            let ready = json!({
                "type": "Ready",
                "status": "True",
                "reason": "Bound",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            workflow["status"] = json!({"conditions": [ready]});
            Some((200, workflow))
        }
        "/workflows/new" => Some((200, workflow)),
        "/clusterextensions/store" => Some((200, record)),
        _ => None,
    }
}

fn run_against(server: &Server, arguments: &[&str], input: &str) -> Output {
    let kubeconfig = server.kubeconfig();
    ext_with(&[arguments, &["--kubeconfig", &kubeconfig]].concat(), input)
}

#[test]
fn sends_only_required_requests() {
    let server = Server::start(registry);
    let records = ["/clusterextensions", "/namespaces/alpha/extensions"];
    let workflows = "/namespaces/alpha/workflows";
    let bindings = "/namespaces/alpha/extensionbindings";
    for (arguments, expected) in [
        (&["list"][..], &records[..]),
        (&["status"], &[workflows, bindings]),
        (&["resolve"], &[records[0], records[1], workflows, bindings]),
        (&["list", "-f", "../../examples/records"], &[]),
        (&["register", "x", "--url", "http://x:1", "--dry-run"], &[]),
    ] {
        let output = run_against(&server, arguments, "");
        let answered = !output.out.is_empty();
        assert!(answered, "{arguments:?}: {}", output.err);
        let expected = expected.iter().map(|path| format!("GET {GROUP}{path}"));
        assert_eq!(
            server.asked(),
            expected.collect::<Vec<_>>(),
            "{arguments:?}"
        );
    }
}

/// The files contain no records, so those of the cluster are used.
#[test]
fn resolves_draft_against_cluster() {
    let server = Server::start(registry);
    let draft = "apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: draft}
spec: {steps: [{name: a, image: i, extensions: [{name: data, product: store}]}]}
";
    let resolve = ["resolve", "-f", "-"];
    let output = run_against(&server, &resolve, draft);
    assert_eq!((output.code, &*output.err), (0, ""));
    // The workflow of the cluster is not resolved. The namespace is that of the context.
    insta::assert_snapshot!(output.out, @r"
    NAMESPACE  WORKFLOW  STEP  REQUIREMENT  RECORD  SERVICE  ENDPOINT  CREDENTIALS
    alpha      draft     a     data         store   s3       -         -
    ");
    let output = run_against(&server, &["explain", "draft", "-f", "-"], draft);
    assert_eq!((output.code, &*output.err), (0, ""));
    let mut asked = server.asked();
    asked.dedup();
    assert!(
        !asked.iter().any(|path| path.ends_with("workflows")),
        "{asked:?}"
    );

    // With records in the files, the cluster is not contacted.
    let record = draft.replace("Workflow", "ClusterExtension");
    let record = record
        .replace("draft", "other")
        .replace("spec: {steps", "spec: {product: other} #");
    let output = run_against(&server, &resolve, &format!("{draft}---\n{record}"));
    assert_eq!(output.code, 1);
    assert!(output.out.contains("NotFound"), "{}", output.out);
    assert_eq!(server.asked(), Vec::<String>::new());

    let output = ext_with(&resolve, draft);
    assert_eq!((output.code, &*output.out), (1, ""));
    let why = "error: the files contain no records, and reading records from the cluster failed: cannot connect to a cluster";
    assert!(output.err.contains(why), "{}", output.err);
}

#[test]
fn unregister_lists_consumers_without_terminal() {
    let server = Server::start(registry);
    let output = run_against(&server, &["unregister", "store"], "");
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r"
    Used by:
      alpha/train, step `a`, requirement `data`
    error: cannot prompt: stdin is not a terminal
      hint: pass --yes
    ");
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}

fn version(path: &str) -> Option<(u16, Value)> {
    let version = json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
    (path == "/version").then_some((200, version))
}

#[test]
fn doctor_reports_unknown_results() {
    let server = Server::start(version);
    fits(
        "doctor",
        &run_against(&server, &["doctor", "-o", "json"], "").out,
    );
    let output = run_against(&server, &["doctor"], "");
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    CHECK                                  VERDICT  DETAIL
    API server                             ok       v1.36.3
    clock                                  unknown  the API server sent no valid Date header
    kinds                                  bad      clusterextensions, extensions, workflows, extensionbindings, extensionprojections not found in registry.fuseml.io/v1alpha1; hint: install the chart, or run `kubectl apply -f crds/`
    engine                                 unknown  Tekton Pipelines is not installed (CRD pipelines.tekton.dev not found); only workflows need it; hint: install Tekton Pipelines
    operator                               unknown  not found here
    webhook                                unknown  not found here
    injection                              unknown  not found here
    bindings in alpha                      unknown  not found here
    may list clusterextensions             unknown  not found here
    may create clusterextensions           unknown  not found here
    may list workflows in alpha            unknown  not found here
    may create workflows in alpha          unknown  not found here
    may list extensionbindings in alpha    unknown  not found here
    may create extensionbindings in alpha  unknown  not found here
    may create pipelineruns in alpha       unknown  not found here
    ");
}

#[test]
fn doctor_compares_versions() {
    fn deployment(version: &str) -> (u16, Value) {
        let metadata = json!({
            "name": "extension-registry",
            "namespace": "registry",
            "labels": {"app.kubernetes.io/version": version},
        });
        let spec = json!({"selector": {}, "template": {}});
        let status = json!({"readyReplicas": 2});
        list(&[json!({"metadata": metadata, "spec": spec, "status": status})])
    }
    let line = |server: &Server| {
        let output = run_against(server, &["doctor"], "");
        let mut lines = output.out.lines();
        lines
            .find(|line| line.starts_with("operator"))
            .unwrap()
            .to_owned()
    };
    let server = Server::start(|path| match path {
        "/apis/apps/v1/deployments" => Some(deployment(env!("CARGO_PKG_VERSION"))),
        _ => version(path),
    });
    let ok = concat!(
        "ok       2 ready in namespace registry, version ",
        env!("CARGO_PKG_VERSION")
    );
    assert!(line(&server).ends_with(ok), "{}", line(&server));
    let server = Server::start(|path| match path {
        "/apis/apps/v1/deployments" => Some(deployment("9.9.9")),
        _ => version(path),
    });
    let other =
        "unknown  2 ready in namespace registry, version 9.9.9; hint: kubectl ext has version";
    assert!(line(&server).contains(other), "{}", line(&server));
}

#[test]
fn run_supports_all_output_formats() {
    let server = Server::start(registry);
    let run = |arguments: &[&str]| {
        let output = run_against(&server, &[&["run", "train"], arguments].concat(), "");
        assert_eq!(output.code, 0, "{}", output.err);
        output.out
    };
    insta::assert_snapshot!(run(&[]), @"pipelinerun.tekton.dev/train-x7 created");
    insta::assert_snapshot!(run(&["-o", "name"]), @"pipelinerun.tekton.dev/train-x7");
    insta::assert_snapshot!(run(&["--follow"]), @"url: http://model");
    insta::assert_snapshot!(run(&["-o", "yaml"]), @r"
    namespace: alpha
    run: train-x7
    results: {}
    ");
    let json = run(&["--follow", "-o", "json"]);
    insta::assert_snapshot!(json, @r#"
    {
      "namespace": "alpha",
      "run": "train-x7",
      "succeeded": true,
      "results": {
        "url": "http://model"
      }
    }
    "#);
    fits("run", &json);
    let dry = run(&["--dry-run", "-o", "json"]);
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["metadata"]["generateName"], "train-");
}

#[test]
fn run_rejects_workflow_without_ready_condition() {
    let server = Server::start(registry);
    let output = run_against(&server, &["run", "new"], "");
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r"
    error: workflow alpha/new is not ready yet
      hint: wait with `kubectl wait --for=condition=Ready fwf/new -n alpha`
    ");
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}

#[test]
fn update_supports_all_output_formats() {
    let server = Server::start(registry);
    let update = |arguments: &[&str]| {
        let change = [
            "update",
            "store",
            "--version",
            "2",
            "--product",
            "shop",
            "--dry-run",
        ];
        let output = run_against(&server, &[&change, arguments].concat(), "");
        assert_eq!(output.code, 0, "{}", output.err);
        output.out
    };
    insta::assert_snapshot!(update(&[]), @r#"
    spec.product: "store" -> "shop"
    spec.version: "2"
    "#);
    insta::assert_snapshot!(update(&["-o", "name"]), @r"
    spec.product
    spec.version
    ");
    let json = update(&["-o", "json"]);
    insta::assert_snapshot!(json, @r#"
    {
      "changes": [
        {
          "field": "spec.product",
          "before": "store",
          "after": "shop"
        },
        {
          "field": "spec.version",
          "after": "2"
        }
      ]
    }
    "#);
    fits("update", &json);
}

#[test]
fn unobserved_workflow_is_not_ready() {
    let server = Server::start(registry);
    let output = run_against(&server, &["status"], "");
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    NAMESPACE  WORKFLOW  READY    REASON   EXTENSIONS  RUN AS
    alpha      train     Unknown  Pending  -           -

    alpha/train: waiting for the operator to reconcile this object
    ");
    fits(
        "status",
        &run_against(&server, &["status", "-o", "json"], "").out,
    );
}

/// Users with several contexts need to know which one was used.
#[test]
fn names_unreachable_server_and_context() {
    // A port without a listener.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "users": [{"name": "a", "user": {}}],
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [
            {"name": "dev", "context": {"cluster": "a", "user": "a"}},
            {"name": "other", "context": {"cluster": "a", "user": "a"}},
        ],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    let kubeconfig = ["--kubeconfig", file.path().to_str().unwrap()];
    for verb in [
        &["list"][..],
        &["status", "x"],
        &["update", "x", "--url", "http://x"],
        &["unregister", "x", "--yes"],
        &["run", "x"],
        &["register", "x", "--url", "http://x", "--yes"],
        &["register", "--from-service", "a/b"],
        &["doctor"],
    ] {
        for (context, name) in [(&[][..], "dev"), (&["--context", "other"][..], "other")] {
            let output = ext_with(&[verb, &kubeconfig, context].concat(), "");
            assert_eq!(output.code, 1, "{verb:?}");
            let all = format!("{}{}", output.out, output.err);
            let server = format!("http://{address} (context `{name}`) is unreachable: ");
            assert!(all.contains(&server), "{verb:?}: {all}");
            assert!(all.contains("Connection refused"), "{verb:?}: {all}");
            assert!(
                !all.contains("ServiceError") && !all.contains("client error"),
                "{all}"
            );
            assert!(all.contains("hint: "), "{verb:?}: {all}");
        }
    }
}

#[test]
fn reports_invalid_kubeconfig_in_one_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    std::fs::write(&path, "apiVersion: v1\nx: [\n").unwrap();
    let listed = |arguments: &[&str]| {
        let output = ext_with(&[&["list"], arguments].concat(), "");
        assert_eq!(output.code, 1);
        output.err
    };
    let said = listed(&["--kubeconfig", &path]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.contains(&path) && said.contains("line 2 column 4"),
        "{said}"
    );
    let said = listed(&["--kubeconfig", "/nowhere/else"]);
    assert!(
        said.starts_with(
            "error: cannot connect to a cluster: failed to read /nowhere/else: No such file"
        ),
        "{said}"
    );
    let server = Server::start(registry);
    let said = listed(&["--kubeconfig", &server.kubeconfig(), "--context", "no"]);
    assert!(
        said.contains("context `no` not found in the kubeconfig"),
        "{said}"
    );
}
