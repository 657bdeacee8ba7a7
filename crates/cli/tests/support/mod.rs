//! Runs the program.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a helper of several tests, each of which uses a part of it"
)]

pub(crate) mod schema;
pub(crate) mod server;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Result of a run of the program.
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program in the folder of the crate, without a cluster.
pub(crate) fn ext(arguments: &[&str]) -> Output {
    ext_with(arguments, "")
}

/// Runs the program with a text on standard input.
pub(crate) fn ext_with(arguments: &[&str], input: &str) -> Output {
    ext_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, input)
}

/// Runs the program in a folder, with a text on standard input.
pub(crate) fn ext_in(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-ext"))
        .args(arguments)
        .current_dir(folder)
        .env("KUBECONFIG", "/nowhere/kubeconfig")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Collects the findings expected by comments of the form `# !rule`: file, line, rule.
pub(crate) fn planted(folder: &Path, found: &mut BTreeSet<(String, u64, String)>) {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            planted(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (index, line) in text.lines().enumerate() {
            if let Some((_, rule)) = line.split_once("# !") {
                let file = path.display().to_string();
                found.insert((file, index as u64 + 1, rule.to_owned()));
            }
        }
    }
}
