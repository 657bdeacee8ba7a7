//! Reads the directory of bindings as the Service Binding specification describes it, and as its client libraries do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::text;

/// Entries by name.
pub(crate) type Entries = BTreeMap<String, Vec<u8>>;

/// Unpacks the archive that a container printed, links included, to a folder.
pub(crate) fn unpack(log: &str, folder: &Path) {
    let archive = log.trim().strip_prefix("ARCHIVE ").unwrap();
    let archive = STANDARD.decode(archive).unwrap();
    let mut tar = Command::new("tar")
        .args(["-x", "-C"])
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(&archive).unwrap();
    assert!(tar.wait().unwrap().success());
}

/// Returns the bindings: each directory in the root is one, and each file in it an entry. Names that begin with two dots
/// belong to the kubelet.
pub(crate) fn read(root: &Path) -> BTreeMap<String, Entries> {
    children(root)
        .into_iter()
        .map(|name| {
            let folder = root.join(&name);
            assert!(folder.is_dir(), "{name} is not a directory");
            let entries = children(&folder).into_iter().map(|key| {
                let file = folder.join(&key);
                assert!(file.is_file(), "{name}/{key} is not a file");
                let allowed =
                    |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
                assert!(key.chars().all(allowed), "{name}/{key}");
                let content = fs::read(file).unwrap();
                (key, content)
            });
            let entries: Entries = entries.collect();
            // The specification requires `type`, and recommends `provider`.
            for key in ["type", "provider"] {
                assert!(
                    entries.get(key).is_some_and(|value| !value.is_empty()),
                    "{name}/{key}"
                );
            }
            (name, entries)
        })
        .collect()
}

fn children(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(".."))
        .collect()
}

/// Returns the data of a Secret.
pub(crate) fn data(secret: &Value) -> Entries {
    let decode = |value: &Value| STANDARD.decode(text(value)).unwrap();
    secret["data"]
        .as_object()
        .unwrap_or(&serde_json::Map::new())
        .iter()
        .map(|(key, value)| (key.clone(), decode(value)))
        .collect()
}
