//! The examples are valid, and the objects that a cluster must reject are well-formed.

use std::fs;
use std::path::{Path, PathBuf};

use extension_registry_api::convert::{record, requirement};
use extension_registry_api::{ClusterExtension, Extension, RecordObject, Workflow};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    api_version: String,
    kind: String,
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
    found
}

fn check_record(object: &impl RecordObject, file: &Path) {
    let read = record(object.key(), 1, object.spec());
    assert!(read.is_ok(), "{}: {:?}", file.display(), read.err());
}

#[test]
fn examples_are_valid() {
    let files = yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"));
    let (mut records, mut requirements) = (0, 0);
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let Ok(Typed { api_version, kind }) = serde_saphyr::from_str(&text) else {
            continue;
        };
        // Argo has workflows, too.
        if !api_version.starts_with(extension_registry_api::GROUP) {
            continue;
        }
        match kind.as_str() {
            "ClusterExtension" => {
                check_record(
                    &serde_saphyr::from_str::<ClusterExtension>(&text).unwrap(),
                    file,
                );
                records += 1;
            }
            "Extension" => {
                check_record(&serde_saphyr::from_str::<Extension>(&text).unwrap(), file);
                records += 1;
            }
            "Workflow" => {
                let workflow: Workflow = serde_saphyr::from_str(&text).unwrap();
                for spec in workflow.spec.steps.iter().flat_map(|step| &step.extensions) {
                    let read = requirement("spec", spec);
                    assert!(read.is_ok(), "{}: {:?}", file.display(), read.err());
                    requirements += 1;
                }
            }
            _ => {}
        }
    }
    assert!(
        records >= 11 && requirements >= 15,
        "{records} records, {requirements} requirements"
    );
}

#[test]
fn rejected_objects_declare_expected_message() {
    // A cluster test applies them; this test only checks that they are well-formed.
    let files = yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused"));
    assert!(files.len() > 25);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "));
        assert!(
            expected.is_some_and(|expected| !expected.contains("planted")),
            "{}",
            file.display()
        );
        assert!(
            serde_saphyr::from_str::<Typed>(&text).is_ok(),
            "{}",
            file.display()
        );
    }
}
