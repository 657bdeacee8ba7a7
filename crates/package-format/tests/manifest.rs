//! Manifests. Numbers are those of the promises that the tests keep.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use extension_registry_package_format::manifest::{From, Kind, Manifest, Packaging, read};

/// Seed 003, "Extension Manifest".
const SEED: &str = "extension:
  name: my-extension
  version: 1.0.0
  type: taskserv # provider, taskserv, cluster
  description: My awesome extension
  author: Your Name <you@example.com>

  requires:
    - docker
    - kubernetes

  dependencies:
    - containerd
    - etcd

  metadata:
    homepage: https://example.com
    repository: https://github.com/user/extension
    license: MIT
";

fn sound(text: &str) -> Manifest {
    let (manifest, log) = read(text);
    assert_eq!(log.list, Vec::new());
    manifest.unwrap()
}

/// Line, column, rule and field of all that is wrong.
fn wrong(text: &str) -> Vec<(usize, usize, &'static str, String)> {
    let (manifest, log) = read(text);
    assert_eq!(manifest.is_none(), log.has_errors());
    log.list
        .into_iter()
        .map(|found| (found.at.line, found.at.column, found.rule, found.field))
        .collect()
}

fn checked(manifest: &Manifest) {
    assert_eq!(manifest.name, "my-extension");
    assert_eq!(manifest.version, semver::Version::new(1, 0, 0));
    assert_eq!(manifest.kind, Kind::Taskserv);
    assert_eq!(manifest.packaging, Packaging::Bundle);
    assert_eq!(manifest.description, "My awesome extension");
    assert_eq!(
        manifest.author.as_deref(),
        Some("Your Name <you@example.com>")
    );
    let needs: Vec<&str> = manifest.requires.iter().map(|need| &*need.name).collect();
    assert_eq!(needs, ["docker", "kubernetes"]);
    let names: Vec<&str> = manifest
        .dependencies
        .iter()
        .map(|dependency| &*dependency.name)
        .collect();
    assert_eq!(names, ["containerd", "etcd"]);
    assert!(manifest.dependencies.iter().all(|one| one.range.is_any()));
    assert_eq!(manifest.metadata.license.as_deref(), Some("MIT"));
    assert_eq!(
        manifest.metadata.homepage.as_deref(),
        Some("https://example.com")
    );
}

#[test]
fn reads_full_manifest() {
    checked(&sound(SEED));
}

#[test]
fn reads_flat_manifest() {
    let lines: Vec<&str> = SEED.lines().map(str::trim_start).collect();
    let flat = lines.join("\n");
    checked(&sound(&flat));
}

#[test]
fn errors_have_line_and_column() {
    let text = "extension:
  name: My_Package
  version: v1.2
  kind: record
  keywords: one
dependencies:
  - name: etcd
    version: '>=2 <1'
    repository: https://elsewhere.example
  - Not A Name
templates:
  - file: ../outside.yaml
  - name: nothing
parameters:
  key: {secret: true, default: hunter2}
  flag: {optional: maybe}
";
    let found = wrong(text);
    let wanted = [
        (2, 3, "bad-name", "extension.name"),
        (3, 3, "bad-version", "extension.version"),
        (4, 3, "unknown-field", "extension.kind"),
        (5, 3, "wrong-type", "extension.keywords"),
        (8, 5, "bad-range", "dependencies[0].version"),
        (10, 5, "bad-name", "dependencies[1]"),
        (12, 5, "bad-path", "templates[0].file"),
        (13, 5, "missing-field", "templates[1].file"),
        (15, 3, "secret-default", "parameters.key.default"),
        (16, 10, "wrong-type", "parameters.flag.optional"),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(line, column, rule, field)| (line, column, rule, field.to_owned()))
        .collect();
    assert_eq!(found, wanted);
    let (_, log) = read(text);
    assert!(!format!("{:?}", log.list).contains("hunter2"));
}

#[test]
fn rejects_other_documents() {
    assert_eq!(wrong("")[0].2, "missing-field");
    assert_eq!(wrong("[]")[0].2, "wrong-type");
    assert_eq!(wrong("extension: {name: a")[0].2, "syntax");
    let twice = "extension: {name: a, version: 1.0.0}\n---\nextension: {}\n";
    assert_eq!(wrong(twice), [(3, 1, "syntax", String::new())]);
    let twice = "extension:\n  name: a\n  name: b\n  version: 1.0.0\n";
    assert_eq!(wrong(twice), [(3, 3, "duplicate-key", String::new())]);
}

#[test]
fn reads_all_forms_of_requirements_and_dependencies() {
    let manifest = sound(
        "extension: {name: a, version: 1.2.3-rc.1+build}
requires: [docker, kubernetes: '>=1.27', {name: crd, version: '*'}]
dependencies:
  - s3-template
  - base: ^1.2
  - {name: other, type: cluster, version: 1.2.3, optional: true, repository: system}
",
    );
    assert_eq!(manifest.kind, Kind::Record);
    let needs: Vec<(&str, String)> = manifest
        .requires
        .iter()
        .map(|need| (&*need.name, need.range.to_string()))
        .collect();
    assert_eq!(needs[1], ("kubernetes", ">=1.27".to_owned()));
    let [bare, short, long] = manifest.dependencies.as_slice() else {
        unreachable!()
    };
    assert!(bare.range.is_any() && bare.from == From::Same && !bare.optional);
    assert_eq!(
        (&*short.name, short.range.to_string()),
        ("base", "^1.2".to_owned())
    );
    assert_eq!(long.kind, Some(Kind::Cluster));
    assert_eq!(long.range.to_string(), "1.2.3");
    assert!(long.optional && long.from == From::System);
}

#[test]
fn unknown_type_is_unsupported() {
    let manifest = sound("extension: {name: a, version: 1.0.0, type: nar, packaging: jar}");
    assert_eq!(manifest.kind, Kind::Unsupported("nar".to_owned()));
    assert_eq!(manifest.packaging, Packaging::Unsupported("jar".to_owned()));
}

#[test]
fn names_never_collide_with_registry_extensions() {
    for name in [
        "_oci", "_catalog", "a/_b", "a_", "-a", "a..b", "a__b", "A", "a b", "", "é",
    ] {
        let text = format!("extension: {{name: '{name}', version: 1.0.0}}");
        assert_eq!(wrong(&text)[0].2, "bad-name", "{name}");
    }
    for name in ["a", "0", "s3-template", "a.b_c-d"] {
        sound(&format!("extension: {{name: '{name}', version: 1.0.0}}"));
    }
}

#[test]
fn ignores_unknown_fields() {
    let text = "x-mine: 1
extension: {name: a, version: 1.0.0, x-other: [], descripton: misspelt}
later: {}
";
    let (manifest, log) = read(text);
    assert!(manifest.is_some());
    let said: Vec<(&str, &str)> = log
        .list
        .iter()
        .map(|found| (&*found.field, &*found.hint))
        .collect();
    assert_eq!(
        said[0],
        ("extension.descripton", "did you mean `description`?")
    );
    assert_eq!(said[1].0, "later");
    assert_eq!(said.len(), 2);
}
