//! Tests of `register` with `--dry-run`, which needs no cluster.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use support::{Output, ext, ext_with};

const CANARY: &str = "canary-5d02";

fn register(arguments: &[&str]) -> Output {
    let all = [
        "register",
        "store",
        "--url",
        "http://store:9000",
        "--dry-run",
    ];
    ext(&[&all, arguments].concat())
}

#[test]
fn fills_in_defaults() {
    let output = register(&[]);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_least", output.out);
    let output = register(&[
        "--product",
        "minio",
        "--version",
        "4.1.3",
        "--resource",
        "s3",
        "--category",
        "object-storage",
        "--zone",
        "east",
        "--internal",
        "--default",
        "--project",
        "dev",
        "--credential",
        "KEY=secret:store-keys/key",
        "--for-project",
        "dev",
    ]);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_most", output.out);
    let lint = ext_with(&["lint", "-f", "-"], &output.out);
    assert_eq!((lint.code, &*lint.out), (0, ""));
    let output = register(&["-o", "json"]);
    insta::assert_snapshot!("register_json", output.out);
}

#[test]
fn redacts_credentials() {
    let file = std::env::temp_dir().join(format!("register-{}", std::process::id()));
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let from_file = format!("KEY=file:{}", file.display());
    let output = register(&["--credential", &from_file, "--credential", "P=env:PATH"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output.code, 0, "{}", output.err);
    let all = format!("{}{}", output.out, output.err);
    assert!(!all.contains(CANARY) && !all.contains("/bin"), "{all}");
    assert_eq!(
        output.out.matches("[redacted]").count(),
        2,
        "{}",
        output.out
    );
}

#[test]
fn rejects_literal_credential_without_printing_it() {
    for literal in ["KEY=canary-5d02", "KEY=other:canary-5d02", "canary-5d02"] {
        let output = register(&["--credential", literal]);
        assert_eq!(output.code, 2);
        assert!(output.err.contains("KEY=secret:NAME/KEY"), "{}", output.err);
        assert!(!output.err.contains(CANARY), "{}", output.err);
        let output = ext(&["update", "store", "--credential", literal]);
        assert_eq!(output.code, 2);
        assert!(!output.err.contains(CANARY), "{}", output.err);
    }
    let output = register(&["--credential", "KEY=file:/no/such/file"]);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("/no/such/file for KEY"),
        "{}",
        output.err
    );
    let output = register(&["--credential", "KEY=env:NO_SUCH_VARIABLE"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("NO_SUCH_VARIABLE"), "{}", output.err);
}

#[test]
fn validates_record_like_operator() {
    let output = register(&["--credential", "no key=secret:a/b"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("invalid Secret key"), "{}", output.err);
    let output = ext(&["register", "store", "--url", "http://store:9000"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("hint: pass --yes"), "{}", output.err);
}

#[test]
fn for_user_requires_credentials() {
    let output = register(&["--for-user", "ada"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(
        output.err.contains("apply only to credentials"),
        "{}",
        output.err
    );
}

/// What is printed about literal credentials, before they are sent.
const LITERAL: &str =
    "note: literal credentials become part of the request, which an audit log may record
  hint: store them in a Secret, and pass --credential KEY=secret:NAME/KEY
";

#[test]
fn fills_in_templates() {
    let mlflow = |arguments: &[&str]| {
        let all = [
            "register",
            "tracker",
            "--from-template",
            "mlflow",
            "--dry-run",
        ];
        ext(&[&all, arguments].concat())
    };
    let credentials = [
        "--credential",
        "AWS_ACCESS_KEY_ID=secret:mlflow/id",
        "--credential",
        "AWS_SECRET_ACCESS_KEY=env:PATH",
    ];
    let addresses = [
        "--url",
        "http://mlflow:5000",
        "--set",
        "store-url=http://minio:9000",
    ];
    let all = [
        &addresses[..],
        &credentials,
        &["--zone", "east", "--for-project", "dev"],
    ]
    .concat();
    let output = mlflow(&all);
    assert_eq!((output.code, &*output.err), (0, LITERAL));
    insta::assert_snapshot!("register_template", output.out);

    // All missing parameters are reported together, as flags.
    let output = mlflow(&["--url", "http://mlflow:5000"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    for missing in [
        "--set store-url=VALUE  Address of the S3 store, e.g. http://minio.mlflow:9000",
        "--credential AWS_ACCESS_KEY_ID=SOURCE",
        "--credential AWS_SECRET_ACCESS_KEY=SOURCE",
    ] {
        assert!(output.err.contains(missing), "{}", output.err);
    }
    let output = mlflow(&["--set", "stoer-url=x"]);
    assert!(
        output.err.contains("did you mean `store-url`?"),
        "{}",
        output.err
    );
    let output = mlflow(&["--set", "AWS_ACCESS_KEY_ID=canary-5d02"]);
    assert!(
        output.err.contains("AWS_ACCESS_KEY_ID=prompt"),
        "{}",
        output.err
    );
    assert!(!output.err.contains("canary"));
    let output = ext(&["register", "x", "--from-template", "mlflwo", "--dry-run"]);
    assert!(
        output.err.contains("did you mean `mlflow`?"),
        "{}",
        output.err
    );
}

#[test]
fn built_in_templates_create_valid_records() {
    const ACCOUNT: &[&str] = &["username=secret:a/b", "password=secret:a/c"];
    const S3: &[&str] = &[
        "AWS_ACCESS_KEY_ID=secret:a/b",
        "AWS_SECRET_ACCESS_KEY=secret:a/c",
    ];
    let s3_store = ["--set", "store-url=http://minio:9000"];
    for template in extension_registry_query::template::built_in() {
        let (arguments, credentials): (Vec<&str>, &[&str]) = match template {
            "aws-s3" => (vec!["--set", "region=eu-central-1"], S3),
            "minio" => (vec!["--url", "http://minio:9000"], S3),
            "mlflow" => (
                [&["--url", "http://mlflow:5000"], &s3_store[..]].concat(),
                S3,
            ),
            "gitea" => (vec!["--url", "https://gitea.example.org"], ACCOUNT),
            "oci-registry" => (vec!["--url", "https://registry.example.org"], ACCOUNT),
            "kserve" => (vec!["--version", "0.11.0"], &[]),
            "seldon-core" => (Vec::new(), &[]),
            other => panic!("add arguments for the template `{other}`"),
        };
        let mut all = vec!["register", "tool", "--from-template", template, "--dry-run"];
        all.extend(arguments);
        all.extend(credentials.iter().flat_map(|entry| ["--credential", entry]));
        let output = ext(&all);
        assert_eq!((output.code, &*output.err), (0, ""), "{template}");
        assert!(!output.out.contains("${"), "{}", output.out);
        let lint = ext_with(&["lint", "-f", "-", "--strict"], &output.out);
        assert_eq!((lint.code, &*lint.out), (0, ""), "{template}");
        let help = ext(&["register", "--help"]).out;
        assert!(help.contains(template), "--help names {template}");
    }
}

#[test]
fn registers_records_from_files() {
    let output = ext(&["register", "-f", "../../examples/records", "--dry-run"]);
    assert_eq!((output.code, &*output.err), (0, LITERAL));
    assert_eq!(output.out.matches("kind: ClusterExtension").count(), 9);
    // The examples contain literal credentials.
    let value = "TyGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf";
    let example = std::fs::read_to_string("../../examples/records/seldon-core-production.yaml");
    assert!(example.unwrap().contains(value));
    assert!(!output.out.contains(value) && output.out.contains("[redacted]"));

    let output = ext(&["register", "-f", "../../examples/workflows", "--dry-run"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("error[no-record]"), "{}", output.err);
    let extension = "apiVersion: registry.fuseml.io/v1alpha1\nkind: Extension\nmetadata: {name: a}\nspec: {product: a}\n";
    let output = ext_with(&["register", "-f", "-", "--dry-run"], extension);
    assert!(output.err.contains("--project PROJECT"), "{}", output.err);
    let arguments = ["register", "-f", "-", "--dry-run", "--project", "dev"];
    let output = ext_with(&arguments, extension);
    assert!(output.out.contains("namespace: dev"), "{}", output.out);
    let output = ext(&["register", "name", "-f", "../../examples/records"]);
    assert_eq!(output.code, 2);
}

/// The minimal form has no other field for credentials.
#[test]
fn redacts_credentials_in_plain_configuration() {
    let values = [
        "24oT0SfbJPEu6kUbUKsH",
        "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf",
    ];
    let file = "../../examples/records/minimal/mlflow-global.yaml";
    let example = std::fs::read_to_string(file).unwrap();
    for form in ["yaml", "json"] {
        let output = ext(&["register", "-f", file, "--dry-run", "-o", form]);
        assert_eq!(output.code, 0, "{}", output.err);
        for value in values {
            assert!(example.contains(value));
            assert!(!output.out.contains(value), "{}", output.out);
        }
        assert!(
            output.out.contains("http://mlflow-minio:9000"),
            "{}",
            output.out
        );
    }
    let object = format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: a}}\nspec:\n  services:\n    - name: s\n      configuration: [{{name: TOKEN, value: {CANARY}}}]\n      endpoints:\n        - name: e\n          url: https://store/x?token={CANARY}\n          configuration: [{{name: STORE, value: 'https://ada:{CANARY}@store'}}]\n"
    );
    let output = ext_with(&["register", "-f", "-", "--dry-run"], &object);
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(!output.out.contains(CANARY), "{}", output.out);
    assert_eq!(
        output.out.matches("[redacted]").count(),
        3,
        "{}",
        output.out
    );
}

#[test]
fn rejects_empty_credential() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in ["", "\n", "\r\n"] {
        std::fs::write(file.path(), text).unwrap();
        let credential = format!("KEY=file:{}", file.path().display());
        let output = register(&["--credential", &credential]);
        assert_eq!((output.code, &*output.out), (1, ""), "{text:?}");
        assert!(output.err.contains("cannot read KEY: "), "{}", output.err);
    }
}
