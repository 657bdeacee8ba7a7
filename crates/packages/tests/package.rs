//! From a folder to what is published.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs;
use std::path::Path;

use extension_registry_packages::Digest;
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::manifest::{self, Packaging};
use extension_registry_packages::package::{self, BuildError, check};
use extension_registry_packages::repository::DocumentFormat;

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
fn r66_a_manifest_as_json_says_all_that_it_said() {
    let (manifest, complaints) = manifest::read(FULL);
    assert_eq!(complaints.list, []);
    let manifest = manifest.unwrap();
    let json = manifest.to_json();
    let text = String::from_utf8(json.clone()).unwrap();
    let (again, complaints) = manifest::read(&text);
    assert_eq!(complaints.list, []);
    // What is compared here holds each field; ranges by their text.
    assert_eq!(
        format!("{:#?}", again.as_ref().unwrap()),
        format!("{manifest:#?}")
    );
    assert_eq!(again.unwrap().to_json(), json);
    insta::assert_snapshot!(text);
}

#[test]
fn r66_a_newer_form_is_said_with_its_line() {
    let text = FULL.replace("packages.fuseml.io/v1", "packages.fuseml.io/v9");
    let (manifest, complaints) = manifest::read(&text);
    assert!(manifest.is_none());
    let complaint = &complaints.list[0];
    assert_eq!(
        (complaint.at.line, complaint.field.as_str()),
        (1, "apiVersion")
    );
    assert!(complaint.hint.contains("newer program"), "{complaint:?}");
}

#[test]
fn a_package_is_the_same_bytes_each_time() {
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
fn r24_a_document_says_which_content_it_describes() {
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
fn what_the_manifest_names_has_to_be_there() {
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
        let complaints = one.complaints.list.into_iter();
        all.extend(complaints.map(|one| (one.at.line, one.rule, one.field)));
    }
    all
}

#[test]
fn r11_every_template_that_goes_along_is_looked_at() {
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
fn r11_state_of_a_cluster_is_refused_with_its_path() {
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
fn r11_a_literal_credential_is_refused_and_not_printed() {
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
    let complaints = check::template(template, &manifest.unwrap());
    assert!(!format!("{complaints:?}").contains("hunter2"));
}

#[test]
fn r11_an_address_lets_nobody_in() {
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
fn r11_a_credential_is_no_default_of_a_parameter() {
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
fn placeholders_are_parameters_of_the_template_or_of_the_package() {
    let found = wrong("parameters: {a: {description: a}}\nspec:\n  product: ${a}\n  zone: ${b}\n");
    assert_eq!(found, [(4, "unknown-parameter", "spec.zone".to_owned())]);
    let text = format!(
        "{}parameters: {{b: {{description: b}}}}\n",
        minimal("1.0.0")
    );
    let (manifest, _) = manifest::read(&text);
    let complaints = check::template("spec: {zone: '${b}'}", &manifest.unwrap());
    assert_eq!(complaints.list, []);
}

#[test]
fn r12_r13_an_unknown_type_or_packaging_can_be_built_and_says_so() {
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
fn r62_a_package_gets_another_version_and_keeps_all_else() {
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
fn r29_what_strangers_will_miss_is_said_before_they_do() {
    let bare = folder(&[("extension.yaml", &minimal("1.0.0"))]);
    let (manifest, _) = package::manifest(bare.path()).unwrap();
    let missing = package::advice(bare.path(), &manifest, false);
    assert_eq!(missing.len(), 5, "{missing:#?}");
    let full = folder(&[("extension.yaml", FULL), ("LICENSE", "text")]);
    let (manifest, _) = package::manifest(full.path()).unwrap();
    assert_eq!(
        package::advice(full.path(), &manifest, true),
        Vec::<String>::new()
    );
}

/// Whatever the place: what looks like a credential is one to whoever gets the package.
#[test]
fn r11_a_credential_among_plain_configuration_is_refused_and_not_printed() {
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
    let complaints = check::template(template, &manifest.unwrap());
    assert!(!format!("{complaints:?}").contains("hunter2"));
}
