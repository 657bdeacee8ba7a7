//! Tests of building packages from a folder.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs;
use std::path::Path;

use extension_registry_package_format::Digest;
use extension_registry_package_format::bundle::Limits;
use extension_registry_package_format::manifest::{self, Packaging};
use extension_registry_package_format::package::{self, BuildError, check};
use extension_registry_package_format::upload::DocumentFormat;

/// Every part of a manifest that there is.
const FULL: &str = "apiVersion: packages.fuseml.io/v1
extension:
  name: mlflow
  version: 1.19.0+build.2
  type: record
  packaging: bundle
  description: 'MLflow: tracking, \"quoted\"'
  author: Somebody <somebody@example.com>
  product: mlflow
  category: experiment-tracking
  keywords: [tracking, models]
  deprecated: take mlflow2
  replaces: old-mlflow
requires:
  - docker
  - kubernetes: '>=1.27'
dependencies:
  - s3-template
  - name: postgres
    version: ^1.2
    type: taskserv
    optional: true
    repository: system
provides:
  - {product: mlflow, resource: s3, category: object-storage}
parameters:
  url: {description: where, example: http://mlflow, default: http://mlflow}
  KEY: {description: key, secret: true, optional: true}
templates:
  - {file: templates/main.yaml, name: main}
docs: {readme: docs/README.adoc, format: asciidoc}
changes: [first]
metadata:
  homepage: https://example.com
  repository: https://example.com/source
  license: Apache-2.0
  maintainers: [somebody]
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn minimal(version: &str) -> String {
    format!("extension:\n  name: tool\n  version: {version}\n")
}

#[test]
fn manifest_round_trips_through_json() {
    let (manifest, diagnostics) = manifest::read(FULL);
    assert_eq!(diagnostics.list, []);
    let manifest = manifest.unwrap();
    let json = manifest.to_json();
    let text = String::from_utf8(json.clone()).unwrap();
    let (again, diagnostics) = manifest::read(&text);
    assert_eq!(diagnostics.list, []);
    // What is compared here holds each field; ranges by their text.
    assert_eq!(
        format!("{:#?}", again.as_ref().unwrap()),
        format!("{manifest:#?}")
    );
    assert_eq!(again.unwrap().to_json(), json);
    insta::assert_snapshot!(text);
}

#[test]
fn unsupported_api_version_error_has_line() {
    let text = FULL.replace("packages.fuseml.io/v1", "packages.fuseml.io/v9");
    let (manifest, diagnostics) = manifest::read(&text);
    assert!(manifest.is_none());
    let complaint = &diagnostics.list[0];
    assert_eq!(
        (complaint.at.line, complaint.field.as_str()),
        (1, "apiVersion")
    );
    assert!(
        complaint.hint.contains("upgrade kubectl-ext"),
        "{complaint:?}"
    );
}

#[test]
fn build_is_reproducible() {
    let source = folder(&[
        ("extension.yaml", &minimal("1.0.0")),
        ("README.md", "# tool\n"),
    ]);
    let build = |name: &str| {
        let target = source.path().join(name);
        package::build(source.path(), &target, Limits::default()).unwrap()
    };
    let (first, second) = (build(".one"), build(".two"));
    assert_eq!(first.digest, second.digest);
    assert_eq!(first.configuration, second.configuration);
    assert_eq!(first.document, second.document);
    let bytes = fs::read(&first.content).unwrap();
    assert_eq!(
        (first.size, first.digest),
        (bytes.len() as u64, Digest::of(&bytes))
    );
}

#[test]
fn document_names_its_content() {
    for (name, format) in [
        ("README.md", DocumentFormat::Markdown),
        ("README.adoc", DocumentFormat::AsciiDoc),
    ] {
        let source = folder(&[("extension.yaml", &minimal("1.0.0")), (name, "= tool\n")]);
        let target = source.path().join(".content");
        let upload = package::build(source.path(), &target, Limits::default()).unwrap();
        let document = upload.document.unwrap();
        assert_eq!(document.format, format);
        assert_eq!(package::described(&document.bytes), Some(upload.digest));
        assert!(document.bytes.ends_with(b"= tool\n"));
    }
    assert_eq!(package::described(b"# no line\n"), None);
    assert_eq!(package::described(b"// content-sha256: 12\n"), None);
}

#[test]
fn rejects_missing_listed_files() {
    let text = format!(
        "{}templates: [{{file: templates/gone.yaml}}]\n",
        minimal("1.0.0")
    );
    let source = folder(&[("extension.yaml", &text)]);
    let target = source.path().join(".content");
    let error = package::build(source.path(), &target, Limits::default()).unwrap_err();
    assert!(matches!(error, BuildError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("templates/gone.yaml"), "{error}");
    assert!(
        !target.exists(),
        "nothing is written for what is no package"
    );
}

/// Places and rules of what is wrong in a template.
fn wrong(template: &str) -> Vec<(usize, &'static str, String)> {
    let source = folder(&[
        ("extension.yaml", &minimal("1.0.0")),
        ("templates/main.yaml", template),
    ]);
    let (manifest, _) = package::manifest(source.path()).unwrap();
    let checked = check::templates(source.path(), &manifest).unwrap();
    let mut all = Vec::new();
    for one in checked {
        assert_eq!(one.file, "templates/main.yaml");
        let diagnostics = one.diagnostics.list.into_iter();
        all.extend(diagnostics.map(|one| (one.at.line, one.rule, one.field)));
    }
    all
}

#[test]
fn checks_all_included_templates() {
    let text = format!(
        "{}templates: [{{file: more/named.yaml}}]\n",
        minimal("1.0.0")
    );
    let state = "metadata: {uid: a}\n";
    let source = folder(&[
        ("extension.yaml", &text),
        ("more/named.yaml", state),
        ("more/other.yaml", state),
        ("templates/deep/down/it.yaml", state),
        ("templates/it.yml", state),
        ("templates/it.json", "{\"metadata\": {\"uid\": \"a\"}}"),
        ("templates/.hidden/it.yaml", state),
        ("templates/it.txt", state),
    ]);
    let (manifest, _) = package::manifest(source.path()).unwrap();
    let checked = check::templates(source.path(), &manifest).unwrap();
    let files: Vec<&str> = checked.iter().map(|one| one.file.as_str()).collect();
    assert_eq!(
        files,
        [
            "more/named.yaml",
            "templates/deep/down/it.yaml",
            "templates/it.json",
            "templates/it.yml"
        ]
    );
}

#[test]
fn rejects_cluster_state_with_path() {
    let template = "kind: ClusterExtension
metadata:
  name: a
  uid: 0-1
  namespace: team
  resourceVersion: '7'
  managedFields: []
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{}'
spec: {product: a}
status: {conditions: []}
";
    let found = wrong(template);
    let places: Vec<_> = found
        .iter()
        .map(|(line, _, field)| (*line, field.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (4, "metadata.uid"),
            (5, "metadata.namespace"),
            (6, "metadata.resourceVersion"),
            (7, "metadata.managedFields"),
            (
                9,
                "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration"
            ),
            (11, "status"),
        ]
    );
    assert!(found.iter().all(|(_, rule, _)| *rule == "state"));
}

#[test]
fn rejects_literal_credential_without_printing_it() {
    let template = "parameters: {key: {description: k, secret: true}}
spec:
  services:
    - name: s3
      credentials:
        - name: main
          configuration:
            - name: A
              value: ${key}
            - name: B
              value: hunter2
            - name: C
              value: pre-${key}
            - name: D
              valueFrom: {secretKeyRef: {name: a, key: b}}
";
    let found = wrong(template);
    let field = |index| format!("spec.services[0].credentials[0].configuration[{index}].value");
    assert_eq!(
        found,
        [
            (11, "literal-credential", field(1)),
            (13, "literal-credential", field(2)),
        ]
    );
    let (manifest, _) = manifest::read(&minimal("1.0.0"));
    let diagnostics = check::template(template, &manifest.unwrap());
    assert!(!format!("{diagnostics:?}").contains("hunter2"));
}

#[test]
fn rejects_credential_in_address() {
    let found = wrong(
        "spec:\n  services:\n    - name: a\n      endpoints:\n        - {name: b, url: 'https://ada:hunter2@host/'}\n        - {name: c, url: 'https://${user}@host/'}\n",
    );
    let field = "spec.services[0].endpoints[0].url".to_owned();
    assert_eq!(found[0], (5, "literal-credential", field));
    assert!(
        found
            .iter()
            .all(|one| !one.2.contains("endpoints[1].url") || one.1 != "literal-credential"),
        "{found:?}"
    );
}

/// Else the way around the rule would be the shortest.
#[test]
fn rejects_credential_as_parameter_default() {
    let template = "parameters:
  key: {description: k, secret: true, default: hunter2}
  password: {description: p, default: hunter2}
  region: {description: r, default: eu-central-1}
  empty: {description: e, secret: true, default: ''}
  number: {description: n, secret: true, default: 12345}
  token: {description: t, secret: true}
spec:
  product: a
";
    let found = wrong(template);
    assert_eq!(
        found,
        [
            (2, "literal-credential", "parameters.key.default".to_owned()),
            (
                3,
                "literal-credential",
                "parameters.password.default".to_owned()
            ),
            (
                6,
                "literal-credential",
                "parameters.number.default".to_owned()
            ),
        ]
    );
}

#[test]
fn placeholders_must_be_parameters() {
    let found = wrong("parameters: {a: {description: a}}\nspec:\n  product: ${a}\n  zone: ${b}\n");
    assert_eq!(found, [(4, "unknown-parameter", "spec.zone".to_owned())]);
    let text = format!(
        "{}parameters: {{b: {{description: b}}}}\n",
        minimal("1.0.0")
    );
    let (manifest, _) = manifest::read(&text);
    let diagnostics = check::template("spec: {zone: '${b}'}", &manifest.unwrap());
    assert_eq!(diagnostics.list, []);
}

#[test]
fn builds_unsupported_type_with_advice() {
    let text = "extension: {name: a, version: 1.0.0, type: camel, packaging: jar}";
    let source = folder(&[("extension.yaml", text)]);
    let target = source.path().join(".content");
    let upload = package::build(source.path(), Path::new(&target), Limits::default()).unwrap();
    assert_eq!(
        upload.manifest.kind,
        manifest::Kind::Unsupported("camel".to_owned())
    );
    assert_eq!(
        upload.manifest.packaging,
        Packaging::Unsupported("jar".to_owned())
    );
}

#[test]
fn renumber_changes_only_version() {
    let version = "2.0.0-rc.1".parse().unwrap();
    for (text, wanted) in [
        (
            "extension:\n  name: a\n  version: 1.0.0 # now\n",
            "extension:\n  name: a\n  version: 2.0.0-rc.1 # now\n",
        ),
        (
            "extension: {name: a, version: '1.0.0', type: record}",
            "extension: {name: a, version: 2.0.0-rc.1, type: record}",
        ),
        (
            "name: a\nversion: \"1.0.0\"\r\n",
            "name: a\nversion: 2.0.0-rc.1\r\n",
        ),
    ] {
        assert_eq!(package::renumber(text, &version).as_deref(), Some(wanted));
    }
    assert_eq!(package::renumber("extension: {name: a}", &version), None);
    assert_eq!(
        package::renumber("version: &a 1.0.0\nname: b\n", &version),
        None
    );
}

#[test]
fn advice_names_missing_documentation() {
    let bare = folder(&[("extension.yaml", &minimal("1.0.0"))]);
    let (manifest, _) = package::manifest(bare.path()).unwrap();
    let missing = package::advice(bare.path(), &manifest, false);
    assert_eq!(missing.len(), 5, "{missing:#?}");
    let full = folder(&[("extension.yaml", FULL), ("LICENSE", "text")]);
    let (manifest, _) = package::manifest(full.path()).unwrap();
    assert_eq!(package::advice(full.path(), &manifest, true), []);
}

/// Whatever the place: what looks like a credential is one to whoever gets the package.
#[test]
fn rejects_credential_in_plain_configuration() {
    let template = "parameters: {url: {description: u}, key: {description: k}}
spec:
  configuration:
    - name: PASSWORD
      value: hunter2
    - name: URL
      value: http://ada:hunter2@host
    - name: HOST
      value: hunter2
  services:
    - name: s3
      configuration:
        - {name: TOKEN, value: hunter2}
        - {name: TOKEN, value: '${key}'}
        - {name: STORE, value: '${url}/x'}
      endpoints:
        - name: main
          url: ${url}
          configuration:
            - name: SECRET_KEY
              value: hunter2
";
    let found = wrong(template);
    assert_eq!(
        found,
        [
            (5, "spec.configuration[0].value"),
            (7, "spec.configuration[1].value"),
            (13, "spec.services[0].configuration[0].value"),
            (21, "spec.services[0].endpoints[0].configuration[0].value"),
        ]
        .map(|(line, field)| (line, "literal-credential", field.to_owned()))
    );
    let (manifest, _) = manifest::read(&minimal("1.0.0"));
    let diagnostics = check::template(template, &manifest.unwrap());
    assert!(!format!("{diagnostics:?}").contains("hunter2"));
}
