//! Reads the pages of the documentation.

mod block;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use tempfile::TempDir;

pub(crate) use block::blocks;

use crate::tree::files;

/// Pages outside of `docs/`.
const OTHERS: [&str; 10] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "RELEASE.md",
    "SECURITY.md",
    "charts/extension-registry/README.md",
    "crates/README.md",
    "e2e/README.md",
    "examples/README.md",
    ".github/pull_request_template.md",
];

/// A page of Markdown.
pub(crate) struct Page {
    /// Path in the repository.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Returns the root of the repository.
pub(crate) fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// Returns all pages, sorted by path.
pub(crate) fn pages() -> Vec<Page> {
    let root = repository();
    let mut pages = Vec::new();
    let mut add = |path: &Path, text: &str| {
        pages.push(Page {
            name: path.strip_prefix(&root).unwrap().display().to_string(),
            path: path.to_owned(),
            text: text.to_owned(),
        });
    };
    for path in files(&root.join("docs"), &["md"]) {
        add(&path, &fs::read_to_string(&path).unwrap());
    }
    for name in OTHERS {
        let path = root.join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        add(&path, &text);
    }
    pages
}

/// Returns a page without its fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the targets of the links of a page.
pub(crate) fn links(text: &str) -> Vec<String> {
    let code = Regex::new("`[^`\n]*`").unwrap();
    let link = Regex::new(r"\]\(\s*<?([^)\s>]+)>?\s*\)").unwrap();
    let prose = prose(text);
    let prose = code.replace_all(&prose, "");
    let all = link.captures_iter(&prose);
    all.map(|found| found[1].to_owned()).collect()
}

/// Returns the anchors of the headings of a page, as GitHub and mdBook form them.
pub(crate) fn headings(text: &str) -> BTreeSet<String> {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let mut anchors = BTreeSet::new();
    for line in prose(text).lines().filter(|line| line.starts_with('#')) {
        let title = link.replace_all(line.trim_start_matches('#').trim(), "$1");
        let anchor: String = title
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' '))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let mut number = 0;
        let mut unique = anchor.clone();
        while !anchors.insert(unique) {
            number += 1;
            unique = format!("{anchor}-{number}");
        }
    }
    anchors
}

/// Returns the code in the first column of the first table below a heading of a page.
pub(crate) fn table(page: &str, heading: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("docs").join(page)).unwrap();
    let code = Regex::new(r"^\| `([^`]+)` \|").unwrap();
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_start_matches('#').trim() != heading)
        .skip_while(|line| !line.starts_with('|'));
    let rows = lines.by_ref().take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| code.captures(row).map(|found| found[1].to_owned()))
        .collect()
}

/// Returns the help of each command by its title, from the generated reference.
pub(crate) fn commands() -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository().join("docs/reference/commands.md")).unwrap();
    let sections = text.split("\n## ").skip(1);
    let sections = sections.filter_map(|section| section.split_once('\n'));
    sections
        .map(|(title, help)| (title.to_owned(), help.to_owned()))
        .collect()
}

/// A folder with a copy of the examples, and a `kubectl` that knows only `ext`.
pub(crate) struct Shell {
    folder: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["bin", "home", "work"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        copy(&repository().join("examples"), &root.join("work/examples"));
        let program = env!("CARGO_BIN_EXE_kubectl-ext");
        symlink(program, root.join("bin/kubectl-ext")).unwrap();
        let kubectl = root.join("bin/kubectl");
        let script = "#!/bin/sh\n[ \"$1\" = ext ] || { echo 'offline: only kubectl ext' >&2; exit 99; }\nshift\nexec kubectl-ext \"$@\"\n";
        let text = root.join("kubectl.text");
        fs::write(&text, script).unwrap();
        // A file that this process writes may still be open in a child that another test starts, and cannot be run then.
        let installed = Command::new("install")
            .args(["-m", "755"])
            .arg(text)
            .arg(kubectl)
            .status();
        assert!(installed.unwrap().success());
        Self { folder }
    }

    /// Runs a script, and returns its exit code and what it prints.
    pub(crate) fn run(&self, script: &str) -> (i32, String) {
        let root = self.folder.path();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-eu", "-c", &format!("exec 2>&1\n{script}")])
            .current_dir(root.join("work"))
            .stdin(Stdio::null())
            .env("PATH", format!("{}:{path}", root.join("bin").display()))
            .env("HOME", root.join("home"))
            .env("KUBECONFIG", "/nowhere/kubeconfig")
            .env("NO_COLOR", "1");
        for (name, _) in std::env::vars_os() {
            let is_setting = name.to_string_lossy();
            if is_setting.starts_with("EXTENSION_REGISTRY_") || is_setting.starts_with("XDG_") {
                command.env_remove(name);
            }
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines = printed.lines().map(str::trim_end);
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        (output.status.code().unwrap(), text)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
