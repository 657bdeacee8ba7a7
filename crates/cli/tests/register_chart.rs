//! Tests of `register -o helm`, which needs no cluster. `e2e/tests/chart_record.rs` renders the output with helm.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs;
use std::path::Path;

use support::{Output, ext, ext_with};

const TEMPLATE: &str = "templates/extension.yaml";

/// Values of the chart, without a line break at the end.
const VALUES: &str = "service:\n  port: 9000";

const CANARY: &str = "canary-5d02";

/// Runs `register store -o helm`.
fn helm(arguments: &[&str]) -> Output {
    ext(&[&["register", "store", "-o", "helm"], arguments].concat())
}

const MINIO: [&str; 8] = [
    "--from-template",
    "minio",
    "--url",
    "http://store-minio.tools.svc:9000",
    "--credential",
    "AWS_ACCESS_KEY_ID=secret:store-minio/access-key",
    "--credential",
    "AWS_SECRET_ACCESS_KEY=secret:store-minio/secret-key",
];

/// Creates a chart with the helper for full names.
fn chart(folder: &Path, app_version: &str) -> String {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let definition = format!("apiVersion: v2\nname: minio\nappVersion: {app_version}\n");
    write("Chart.yaml", &definition);
    write("values.yaml", VALUES);
    fs::create_dir(folder.join("templates")).unwrap();
    write(
        "templates/_helpers.tpl",
        "{{- define \"minio.fullname\" -}}{{ .Release.Name }}-minio{{- end -}}\n{{- define \"minio.labels\" -}}a: b{{- end -}}\n",
    );
    folder.to_str().unwrap().to_owned()
}

#[test]
fn prints_template_and_values() {
    let output = helm(&[&MINIO[..], &["--version", "4.1.3"]].concat());
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_helm", output.out);
    let tracker = [
        "register",
        "tracker",
        "--from-template",
        "mlflow",
        "--url",
        "http://tracker:5000",
        "--set",
        "store-url=http://minio.example.org:9000",
        "--credential",
        "AWS_ACCESS_KEY_ID=secret:tracker-store/id",
        "--credential",
        "AWS_SECRET_ACCESS_KEY=secret:shared/key",
        "--project",
        "dev",
        "--for-project",
        "dev",
        "--zone",
        "east",
        "--default",
        "-o",
        "helm",
    ];
    let output = ext(&tracker);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_helm_project", output.out);
}

#[test]
fn adds_template_and_values_to_chart() {
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path(), "v4.1.3");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let all = [&MINIO[..], &["--version", "4.1.3", "--chart", &path]].concat();
    let dry = helm(&[&all[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, &*dry.err), (0, ""));
    assert!(!folder.path().join(TEMPLATE).exists());
    assert_eq!(read("values.yaml"), VALUES);

    let output = helm(&all);
    assert_eq!((output.code, &*output.err), (0, ""));
    let written = format!("{path}/{TEMPLATE} written\n{path}/values.yaml written\n");
    assert_eq!(output.out, written);
    let template = read(TEMPLATE);
    insta::assert_snapshot!("register_helm_chart", template);
    let values = read("values.yaml");
    let added = values.strip_prefix(&format!("{VALUES}\n\n")).unwrap();
    let parts = format!("# {TEMPLATE}\n{template}---\n# values.yaml\n{added}");
    assert_eq!(dry.out, parts);

    let again = helm(&all);
    assert_eq!((again.code, &*again.out, &*again.err), (0, "", ""));
}

#[test]
fn edited_template_and_other_values_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path(), "4.1.3");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let all = [&MINIO[..], &["--version", "4.1.3", "--chart", &path]].concat();
    assert_eq!(helm(&all).code, 0);
    let (template, values) = (read(TEMPLATE), read("values.yaml"));
    fs::write(folder.path().join(TEMPLATE), "edited").unwrap();
    let refused = helm(&all);
    assert_eq!((refused.code, &*refused.out), (1, ""));
    let message =
        format!("error: {path}/{TEMPLATE} already exists\n  hint: pass --yes to overwrite it");
    assert!(refused.err.contains(&message), "{}", refused.err);
    assert_eq!(read(TEMPLATE), "edited");
    let forced = helm(&[&all[..], &["--yes"]].concat());
    assert_eq!(forced.code, 0, "{}", forced.err);
    let note = format!("{path}/values.yaml: `extension` is unchanged");
    assert!(forced.err.contains(&note), "{}", forced.err);
    assert_eq!((read(TEMPLATE), read("values.yaml")), (template, values));

    fs::remove_file(folder.path().join(TEMPLATE)).unwrap();
    let other = "extension:\n  redis: true\n";
    fs::write(folder.path().join("values.yaml"), other).unwrap();
    let refused = helm(&[&all[..], &["--yes"]].concat());
    assert_eq!((refused.code, &*refused.out), (1, ""));
    let message = format!(
        "error: {path}/values.yaml: `extension` already exists\n  hint: rename or remove it"
    );
    assert!(refused.err.contains(&message), "{}", refused.err);
    assert!(!folder.path().join(TEMPLATE).exists());
    assert_eq!(read("values.yaml"), other);
}

#[test]
fn notes_what_does_not_follow_the_release() {
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path(), "4.2.0");
    for (arguments, message, value) in [
        (
            &[
                "--url",
                "http://store",
                "--version",
                "4.1.3",
                "--chart",
                &path,
            ][..],
            "version `4.1.3` differs from the appVersion `4.2.0` of the chart",
            "\n  version: \"4.1.3\"",
        ),
        (
            &["--url", "http://minio.tools.svc:9000"],
            "Service `minio` is not named after the record",
            "url: http://minio.tools.svc:9000",
        ),
        (
            &["--url", "http://store.tools:9000"],
            "hint: write `store.tools.svc` if it is a Service of the chart",
            "url: http://store.tools:9000",
        ),
    ] {
        let output = helm(&[arguments, &["--dry-run"]].concat());
        assert_eq!(output.code, 0, "{}", output.err);
        assert!(output.err.contains(message), "{}", output.err);
        assert!(output.out.contains(value), "{}", output.out);
    }
    let output = helm(&["--url", "http://store.example.org"]);
    assert_eq!((output.code, &*output.err), (0, ""));
}

#[test]
fn rejects_credentials_and_never_prompts_for_them() {
    for source in ["env:PATH", "file:/no/such/file", "prompt"] {
        let credential = format!("KEY={source}");
        let output = helm(&["--url", "http://store", "--credential", &credential]);
        assert_eq!((output.code, &*output.out), (1, ""));
        assert!(
            output
                .err
                .contains("hint: store it in a Secret, and pass --credential KEY=secret:NAME/KEY"),
            "{}",
            output.err
        );
    }
    let output = helm(&["--from-template", "minio", "--url", "http://store"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    let missing = "--credential AWS_ACCESS_KEY_ID=SOURCE  Access key";
    assert!(output.err.contains(missing), "{}", output.err);
    let record = format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: a}}\nspec:\n  services:\n    - name: s\n      credentials:\n        - name: main\n          configuration: [{{name: KEY, value: {CANARY}}}]\n"
    );
    let output = ext_with(&["register", "-f", "-", "-o", "helm"], &record);
    assert_eq!((output.code, &*output.out), (1, ""));
    let field = "ClusterExtension a to a chart: credentials in `spec.services[0].credentials[0].configuration[0]`";
    assert!(output.err.contains(field), "{}", output.err);
    assert!(!output.err.contains(CANARY), "{}", output.err);
}

#[test]
fn errors_name_argument_and_way_out() {
    let url = ["--url", "http://store"];
    let with_url = |more: &[&'static str]| [&url[..], more].concat();
    for (arguments, message, hint) in [
        (
            vec!["--url", "http://{{ include \"x\" . }}"],
            "spec.services[0].endpoints[0].url: invalid address",
            "hint: use a URL with a host",
        ),
        (
            with_url(&["--chart", "/no/such/chart"]),
            "/no/such/chart/Chart.yaml not found",
            "hint: pass the directory of a chart",
        ),
        (
            with_url(&["--product", "no product"]),
            "spec.product: invalid value",
            "hint: must match",
        ),
        (
            vec!["--from-template", "minio", "--set", "adress=x"],
            "template `minio` has no parameter `adress`",
            "hint: ",
        ),
        (
            vec!["--from-service", "store"],
            "invalid Service `store`",
            "hint: pass --from-service NAMESPACE/NAME",
        ),
    ] {
        let output = helm(&arguments);
        assert_eq!((output.code, &*output.out), (1, ""), "{arguments:?}");
        assert!(output.err.contains(message), "{}", output.err);
        assert!(output.err.contains(hint), "{}", output.err);
    }
    for (name, message) in [
        ("{{ .Release.Name }}", "metadata.name: invalid name"),
        ("Store_1", "metadata.name: invalid name"),
        (&"s".repeat(64), "metadata.name: invalid name"),
    ] {
        let output = ext(&["register", name, "--url", "http://store", "-o", "helm"]);
        assert_eq!((output.code, &*output.out), (1, ""), "{name}");
        assert!(output.err.contains(message), "{}", output.err);
    }
    let output = ext(&["register", "store", "--url", "http://store", "--chart", "x"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("hint: pass -o helm"), "{}", output.err);
}

#[test]
fn writes_one_valid_record_of_files() {
    let output = ext(&["register", "-f", "../../examples/records", "-o", "helm"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(
        output.err.contains("hint: pass one record"),
        "{}",
        output.err
    );
    let record = |fields: &str| {
        format!("apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\n{fields}\n")
    };
    let unknown = record("metadata: {name: a}\nspec: {product: a, prodct: b}");
    let output = ext_with(&["register", "-f", "-", "-o", "helm"], &unknown);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(
        output.err.contains("spec.prodct: unknown field"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("did you mean `product`?"),
        "{}",
        output.err
    );
    let generated = record("metadata: {generateName: a-}\nspec: {product: a}");
    let output = ext_with(&["register", "-f", "-", "-o", "helm"], &generated);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(
        output.err.contains("metadata.name is missing"),
        "{}",
        output.err
    );
}
