//! Runs the blocks of the documentation that are marked as `sh,cluster` on a cluster with the operator.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, clippy::panic, reason = "shared with the tests of the CLI")]
#[path = "../../crates/cli/tests/book/block.rs"]
mod block;
#[path = "support/fixture.rs"]
mod fixture;

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::operator::built;
use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{Options, cluster};
use tempfile::TempDir;

use block::{Block, blocks};
use fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn cluster_blocks_of_documentation_succeed() {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let fixture = Fixture::start("docs", options).await;
    let mut pages = Vec::new();
    find_pages(&repository("docs"), &mut pages);
    pages.sort();
    let mut count = 0;
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        let blocks = blocks(&text);
        if !blocks.iter().any(Block::is_for_cluster) {
            continue;
        }
        count += 1;
        let shell = Shell::new(&fixture);
        // Offline blocks of the same page may write files that cluster blocks apply.
        let runs = |block: &&Block| block.is_for_cluster() || block.is_runnable();
        for block in blocks.iter().filter(runs) {
            let (code, output) = shell.run(&block.body);
            let location = format!("{}:{}", path.display(), block.line);
            assert_eq!(code, Some(block.exit_code()), "{location}\n{output}");
        }
    }
    assert!(count >= 2, "only {count} pages with blocks for a cluster");
    fixture.stop().await;
}

fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_pages(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// A shell in a folder with the examples, and with kubectl and the plugin.
struct Shell<'l> {
    fixture: &'l Fixture,
    folder: TempDir,
}

impl<'l> Shell<'l> {
    fn new(fixture: &'l Fixture) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["bin", "home", "work"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let examples = repository("examples").canonicalize().unwrap();
        symlink(examples, root.join("work/examples")).unwrap();
        symlink(fixture.cluster.kubectl(), root.join("bin/kubectl")).unwrap();
        symlink(built("kubectl-ext").unwrap(), root.join("bin/kubectl-ext")).unwrap();
        Self { fixture, folder }
    }

    fn run(&self, script: &str) -> (Option<i32>, String) {
        let root = self.folder.path();
        let path = env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-eu", "-c", &format!("exec 2>&1\n{script}")])
            .current_dir(root.join("work"))
            .env("PATH", format!("{}:{path}", root.join("bin").display()))
            .env("HOME", root.join("home"))
            .env("KUBECONFIG", self.fixture.cluster.kubeconfig())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    }
}
