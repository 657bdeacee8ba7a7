//! What the other verbs answer, over files.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Output, ext, ext_with};

const RECORDS: &str = "../../examples/records";
const WORKFLOWS: &str = "../../examples/workflows";
const AMBIGUOUS: &str = "../../examples/ambiguous/workflow.yaml";

/// A verb over the examples.
fn over_examples(arguments: &[&str]) -> Output {
    let files = ["-f", RECORDS, "-f", WORKFLOWS, "-f", AMBIGUOUS];
    ext(&[arguments, &files].concat())
}

/// Values of credentials in the examples.
const CANARIES: [&str; 2] = [
    "24oT0SfbJPEu6kUbUKsH",
    "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf",
];

#[test]
fn no_verb_shows_a_value() {
    for verb in [
        &["list", "-o", "wide"][..],
        &["list", "-o", "json"],
        &["describe", "mlflow-0001"],
        &["describe", "mlflow-0001", "-o", "yaml"],
        &["describe", "mlflow-global", "-o", "json"],
        &["resolve", "-o", "yaml"],
        &["explain", "train-ambiguous", "--all"],
        &["render"],
        &["render", "-o", "json"],
    ] {
        let output = over_examples(verb);
        assert!(!output.out.is_empty(), "{verb:?}: {}", output.err);
        for canary in CANARIES {
            let all = format!("{}{}", output.out, output.err);
            assert!(!all.contains(canary), "{verb:?}");
            assert!(!all.contains(&base64(canary)), "{verb:?}");
        }
    }
    let revealed = over_examples(&["render", "--reveal"]);
    assert!(revealed.out.contains(&base64(CANARIES[0])));
}

/// A record as a cluster stores it, and a workflow that needs it.
const SEALED: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: minio
  services:
  - name: s3
    credentials:
    - {name: main, configuration: [{name: KEY, valueFrom: {sealed: v1.0a1b2c3d.c2VhbGVk}}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: data, product: minio}]}]}
";

#[test]
fn a_sealed_value_is_known_by_its_key_alone() {
    for (verb, expected) in [
        (&["lint"][..], ""),
        (&["describe", "store"], "KEY (sealed)"),
        (&["describe", "store", "-o", "json"], "KEY (sealed)"),
        (&["resolve", "-o", "yaml"], "store"),
        (&["render"], "KEY:"),
    ] {
        let output = ext_with(&[verb, &["-f", "-"]].concat(), SEALED);
        assert_eq!((output.code, &*output.err), (0, ""), "{verb:?}");
        assert!(output.out.contains(expected), "{verb:?}: {}", output.out);
        assert!(!output.out.contains("c2VhbGVk"), "{verb:?}: {}", output.out);
    }
    let output = ext_with(&["render", "--reveal", "-f", "-"], SEALED);
    let warning = "takes sealed values, which only the operator can decrypt: `KEY`";
    assert!(output.err.contains(warning), "{}", output.err);
    assert!(output.out.contains(&base64("[not among the files]")));
    assert!(!output.out.contains("c2VhbGVk") && !output.out.contains(&base64("v1.0a1b2c3d")[..12]));
}

/// As in `data` of a Secret.
fn base64(text: &str) -> String {
    let bytes = k8s_openapi::ByteString(text.as_bytes().to_vec());
    serde_json::to_value(&bytes)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn list_in_every_form() {
    for form in ["table", "wide", "json", "yaml", "name"] {
        let output = over_examples(&["list", "-o", form]);
        assert_eq!((output.code, &*output.err), (0, ""), "{form}");
        insta::assert_snapshot!(format!("list_{form}"), output.out);
    }
}

#[test]
fn list_takes_only_what_was_asked_for() {
    let names = |arguments: &[&str]| {
        let output = over_examples(&[&["list", "-o", "name"], arguments].concat());
        assert_eq!(output.code, 0);
        output.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&["--product", "minio"]),
        ["minio-s3-storage/s3", "mlflow-model-store-0001/s3"]
    );
    assert_eq!(
        names(&["--resource", "s3", "--category", "model-store"]),
        ["mlflow-0001/mlflow-store"]
    );
    assert_eq!(
        names(&["--in-zone", "rd-cloud"]),
        ["gitea-devel-rd/git+http"]
    );
    assert!(names(&["--product", "none"]).is_empty());
}

#[test]
fn describe_for_people_and_programs() {
    insta::assert_snapshot!(
        "describe",
        over_examples(&["describe", "seldon-core-production"]).out
    );
    insta::assert_snapshot!(
        "describe_json",
        over_examples(&["describe", "minio-s3-storage", "-o", "json"]).out
    );
    let output = over_examples(&["describe", "mlfow-0001"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: no record `mlfow-0001`
      hint: did you mean `mlflow-0001`?
    ");
}

#[test]
fn resolve_and_explain_a_refusal() {
    let output = over_examples(&["resolve"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!("resolve", output.out);
    let output = over_examples(&["resolve", "train-explicit", "-o", "json"]);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!("resolve_json", output.out);
    let output = over_examples(&["explain", "train-ambiguous"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!("explain", output.out);
    let output = over_examples(&["explain", "alpha/train-explicit/trainer/mlflow-storage"]);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!("explain_bound", output.out);
    let output = over_examples(&["explain", "train-explicit/traner"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: workflow alpha/train-explicit has no step `traner`
      hint: did you mean `trainer`?
    ");
}

/// Each form of each verb that shows data, but for those that have a test of their own.
#[test]
fn every_form_of_the_other_verbs() {
    let some = [
        "-f",
        "../../examples/records/mlflow-0001.yaml",
        "-f",
        "../../examples/workflows/explicit.yaml",
    ];
    let base = some.map(|word| if word == "-f" { "--base" } else { word });
    let explain = ["explain", "train-explicit/trainer/mlflow-storage"];
    let delete = ["whatif", "--delete", "mlflow-0001"];
    for (verb, files, forms) in [
        (
            &["describe", "mlflow-0001"][..],
            some,
            &["yaml", "name", "wide"][..],
        ),
        (&["resolve"], some, &["wide", "yaml", "name"]),
        (&explain, some, &["json", "yaml", "name"]),
        (&delete, base, &["yaml", "name", "wide"]),
        (&["render"], some, &["yaml", "json"]),
    ] {
        for form in forms {
            let output = ext(&[verb, &files, &["-o", form]].concat());
            assert_eq!(output.err, "", "{verb:?}");
            insta::assert_snapshot!(format!("{}_form_{form}", verb[0]), output.out);
        }
    }
    for form in ["table", "json", "yaml", "name"] {
        let output = ext(&["version", "-o", form]);
        let version = env!("CARGO_PKG_VERSION");
        let text = output.out.replace(version, "VERSION");
        insta::assert_snapshot!(format!("version_form_{form}"), text);
    }
}

#[test]
fn whatif_tells_by_its_code_how_bad_it_is() {
    let base = ["--base", RECORDS, "--base", WORKFLOWS, "--base", AMBIGUOUS];
    let whatif = |arguments: &[&str], change: &str| {
        ext_with(&[&["whatif"], arguments, &base[..]].concat(), change)
    };
    let output = whatif(&["--delete", "mlflow-0001"], "");
    assert_eq!(output.code, 4);
    insta::assert_snapshot!("whatif_delete", output.out);
    let output = whatif(&["--delete", "gitea-devel-rd"], "");
    assert_eq!(
        (output.code, &*output.out),
        (0, "no workflow is affected\n")
    );
    // Deleting two of three candidates settles what was ambiguous.
    let output = whatif(
        &[
            "--delete",
            "aws-object-storage",
            "--delete",
            "minio-s3-storage",
            "-o",
            "json",
        ],
        "",
    );
    assert_eq!(output.code, 3);
    insta::assert_snapshot!("whatif_starts", output.out);
    let record = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: own}\nspec: {product: mlflow, services: [{name: x, resource: s3}]}\n";
    let output = whatif(&["-f", "-"], record);
    assert_eq!(output.code, 4, "what was one is two");
    let output = whatif(&["-f", "-"], &record.replace("product", "prodct"));
    assert_eq!(output.code, 1);
    let place = "-:4:8: error[unknown-field]: ClusterExtension own: spec.prodct";
    assert!(output.err.contains(place), "{}", output.err);
    // What is only left out is said, and does not keep the answer back.
    let output = whatif(&["-f", "-"], &format!("{record}---\nx: 1\n"));
    assert_eq!(output.code, 4);
    assert!(output.err.contains("warning[no-object]"), "{}", output.err);
    let workflow = "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {steps: [{name: a, image: i}]}\n";
    let output = whatif(&["-f", "-"], &format!("{record}---\n{workflow}"));
    assert!(
        output.err.contains("only records are looked at"),
        "{}",
        output.err
    );
    let output = whatif(&["--delete", "minio-s3-storag"], "");
    assert_eq!(output.code, 1);
    assert!(output.err.contains("did you mean `minio-s3-storage`?"));
}

#[test]
fn without_a_cluster_the_way_out_is_named() {
    let output = ext(&["list"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r#"
    error: no cluster to ask: failed to read /nowhere/kubeconfig: No such file or directory (os error 2)
      hint: name a kubeconfig with --kubeconfig, or files with -f
    "#);
}

/// `head` reads a part and goes, which is no error; a full disk is one.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let list = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-ext"));
        command.args(["list", "-f", "-"]).stdout(stdout);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let ended = |mut child: Child| {
        // Nothing is written before all is read, so whoever has gone by now is gone.
        drop(child.stdout.take());
        let records = fs::read(format!("{RECORDS}/mlflow-0001.yaml")).unwrap();
        child.stdin.take().unwrap().write_all(&records).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(ended(list(Stdio::piped())), (Some(0), String::new()));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, err) = ended(list(full.into()));
    assert_eq!(code, Some(1));
    assert!(err.contains("error: failed to write the answer"), "{err}");
}

#[test]
fn version_and_completion() {
    let output = ext(&["version"]);
    assert_eq!(output.code, 0);
    assert!(output.out.contains("registry.fuseml.io/v1alpha1"));
    for shell in ["bash", "zsh", "fish"] {
        let output = ext(&["completion", shell]);
        assert_eq!(output.code, 0);
        assert!(output.out.contains("whatif"), "{shell}");
    }
    assert_eq!(ext(&["no-such-verb"]).code, 2);
}

/// The last word is unfinished, as kubectl gives it.
#[test]
fn kubectl_completes_verbs_options_and_values() {
    let complete = |words: &[&str]| ext(&[&["__complete"], words].concat()).out;
    assert_eq!(complete(&["wh"]), "whatif\n:4\n");
    assert!(complete(&[""]).contains("lint\n"));
    assert!(!complete(&["_"]).contains("complete"));
    assert_eq!(complete(&["list", "--prod"]), "--product\n:4\n");
    assert_eq!(complete(&["list", "-o", "w"]), "wide\n:4\n");
    assert_eq!(complete(&["list", "--output=w"]), "--output=wide\n:4\n");
    assert_eq!(complete(&["completion", "f"]), "fish\n:4\n");
    assert_eq!(complete(&["render", "ex"]), ":0\n");
    assert_eq!(complete(&["lint", "-f", ""]), ":0\n");
    assert_eq!(complete(&["nothing", ""]), ":4\n");
    let script = ext(&["completion", "kubectl"]).out;
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
}

/// A person's own credentials are found only on that person's behalf.
#[test]
fn as_somebody_else_other_things_resolve() {
    let objects = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, credentials: [{name: mine, scope: user, user: [ada]}]}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: store, product: store}]}]}
";
    let resolve =
        |arguments: &[&str]| ext_with(&[&["resolve", "-f", "-"], arguments].concat(), objects);
    let nobody = resolve(&[]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.out.contains("NoAccess"), "{}", nobody.out);
    assert_eq!(resolve(&["--as", "ada"]).code, 0);
    assert_eq!(resolve(&["--as", "grace", "--as-group", "ada"]).code, 1);
    assert_eq!(resolve(&["--as-group", "team"]).code, 2);
    let render = ext_with(&["render", "-f", "-", "--as", "ada"], objects);
    assert_eq!(render.code, 0);
    assert!(
        render
            .out
            .contains("registry.fuseml.io/user-secrets: \"true\""),
        "{}",
        render.out
    );
}

/// A server that takes connections and never answers.
#[test]
fn nobody_waits_longer_than_they_said() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nusers: [{{name: a, user: {{}}}}]\n\
         clusters: [{{name: a, cluster: {{server: 'http://{}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n",
        server.local_addr().unwrap()
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    let file = file.path().display().to_string();
    let before = Instant::now();
    let output = ext(&["list", "--kubeconfig", &file, "--request-timeout", "200ms"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("timed out\n  hint: "), "{}", output.err);
    assert!(before.elapsed() < Duration::from_secs(20));
    assert_eq!(
        ext(&["list", "-f", RECORDS, "--request-timeout", "x"]).code,
        2
    );
}

/// Who asks where a thing is has to be told; who it lets in is nobody's business.
#[test]
fn describe_says_where_an_endpoint_is_and_no_password() {
    let record = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {services: [{name: s, endpoints: [{name: main, url: 'https://store:9000/x?token=canary-41'}, {name: none}]}]}
";
    for form in ["table", "wide", "json", "yaml"] {
        let output = ext_with(&["describe", "store", "-f", "-", "-o", form], record);
        assert_eq!(output.code, 0, "{}", output.err);
        assert!(
            output.out.contains("https://store:9000/x"),
            "{}",
            output.out
        );
        assert!(!output.out.contains("canary"), "{}", output.out);
    }
}

/// `seldon-core-production` has credentials of two projects.
#[test]
fn list_of_a_project_has_only_the_credentials_that_it_may_have() {
    let seen = |project: &str| {
        let arguments = ["list", "--project", project, "-o", "json"];
        let output = over_examples(&arguments);
        assert_eq!(output.code, 0);
        let list: serde_json::Value = serde_json::from_str(&output.out).unwrap();
        let services = list["services"].as_array().unwrap().iter();
        let seldon = services
            .filter(|row| row["record"] == "seldon-core-production")
            .flat_map(|row| row["credentials"].as_array().unwrap());
        seldon
            .map(|name| name.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen("alpha"),
        ["project-alpha (project)", "project-beta (user)"]
    );
    assert_eq!(seen("beta"), ["project-beta (user)"]);
    assert_eq!(seen("nope"), Vec::<String>::new());
}

#[test]
fn kubectl_completes_verbs_below_verbs() {
    let complete = |words: &[&str]| ext(&[&["__complete"], words].concat()).out;
    let verbs = complete(&["package", ""]);
    for verb in ["pull\n", "search\n", "key\n"] {
        assert!(verbs.contains(verb), "{verbs}");
    }
    assert!(verbs.ends_with(":4\n"), "{verbs}");
    assert_eq!(
        complete(&["package", "veri"]),
        "verify\nverify-closure\n:4\n"
    );
    assert!(complete(&["package", "key", ""]).contains("generate\n"));
    assert!(complete(&["package", "pull", "--"]).contains("--version\n"));
    assert_eq!(complete(&["package", "list", "-o", "js"]), "json\n:4\n");
    assert_eq!(complete(&["package", "nothing", ""]), ":4\n");
    // A name that only a repository knows is no name of a file.
    assert_eq!(complete(&["package", "pull", ""]), ":4\n");
    assert_eq!(complete(&["package", "publish", ""]), ":0\n");
    assert_eq!(complete(&["describe", ""]), ":4\n");
}

/// A file that cannot be read may hold the very thing: the answer is given, and is not to be relied on.
#[test]
fn an_answer_over_a_broken_file_is_no_success() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("broken.yaml"), "a: [").unwrap();
    let broken = folder.path().to_str().unwrap();
    for arguments in [
        &["describe", "mlflow-0001"][..],
        &["explain", "train-explicit"],
        &["list"],
        &["resolve", "train-explicit"],
        &["render"],
    ] {
        let output = over_examples(&[arguments, &["-f", broken]].concat());
        assert_eq!(output.code, 1, "{arguments:?}");
        assert!(!output.out.is_empty(), "{arguments:?}");
        assert!(output.err.contains("error[syntax]"), "{arguments:?}");
    }
    let bases = ["--base", RECORDS, "--base", WORKFLOWS, "--base", broken];
    // It would be 4 or 0 otherwise.
    for record in ["mlflow-0001", "gitea-devel-rd"] {
        let output = ext(&[&["whatif", "--delete", record], &bases[..]].concat());
        assert_eq!(output.code, 1, "{record}");
        assert!(output.err.contains("error[syntax]"), "{record}");
    }
}

/// Where no workflow is, none is affected, and a gate that says so would be open.
#[test]
fn whatif_says_that_it_looked_at_nothing() {
    let arguments = ["whatif", "--delete", "mlflow-0001", "--base", RECORDS];
    let output = ext(&arguments);
    assert_eq!(output.code, 0);
    assert_eq!(output.out, "no workflow was looked at\n");
    let said = "note: no workflow was looked at, because none is in ../../examples/records; --base may be repeated\n";
    assert_eq!(output.err, said);
    let output = ext(&[&arguments[..], &["-o", "json"]].concat());
    support::schema::fits("whatif", &output.out);
    assert_eq!(output.err, said);
}

/// A hint that names a flag which the verb does not have sends people nowhere.
#[test]
fn without_a_cluster_a_verb_names_the_flag_that_it_has() {
    for (arguments, flag) in [
        (&["list"][..], "-f"),
        (&["resolve"], "-f"),
        (&["whatif", "--delete", "x", "-f", RECORDS], "--base"),
        (&["status"], ""),
        (&["doctor"], ""),
        (&["run", "x"], ""),
        (&["unregister", "x"], ""),
        (&["update", "x", "--version", "1"], ""),
    ] {
        let output = ext(arguments);
        let mut hint = "hint: name a kubeconfig with --kubeconfig".to_owned();
        if !flag.is_empty() {
            hint = format!("{hint}, or files with {flag}");
        }
        let has = output.err.lines().chain(output.out.lines());
        let mut has = has.filter(|line| line.contains("--kubeconfig"));
        let line = has.next().unwrap_or_default();
        assert!(
            line.ends_with(&hint),
            "{arguments:?}: {}{}",
            output.out,
            output.err
        );
    }
}

#[test]
fn a_name_that_is_not_there_has_others_beside_it() {
    for (arguments, said) in [
        (
            &["explain", "train-explicit/trainer/mlflow-stor"][..],
            "step `trainer` of workflow alpha/train-explicit has no requirement `mlflow-stor`\n  hint: did you mean `mlflow-storage`?",
        ),
        (
            &["explain", "train-explicit/builder"],
            "step `builder` of workflow alpha/train-explicit has no requirement\n",
        ),
        (
            &["explain", "train-explicit/nope"],
            "has no step `nope`\n  hint: there is `builder`, `trainer`\n",
        ),
        (
            &["describe", "mlflow"],
            "no record `mlflow`\n  hint: did you mean one of `mlflow-0001`, `mlflow-global`, `mlflow-model-store-0001`?\n",
        ),
    ] {
        let output = over_examples(arguments);
        assert_eq!(output.code, 1);
        assert!(output.err.contains(said), "{arguments:?}: {}", output.err);
    }
    let output = ext(&["explain", "nope", "-f", RECORDS, "-f", AMBIGUOUS]);
    assert!(
        output.err.ends_with("hint: there is `train-ambiguous`\n"),
        "{}",
        output.err
    );
}
