//! Checks of pages by programs of npm, which are pinned in `e2e/tools/pages`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use extension_registry_e2e::cache::folder as cache_folder;
use extension_registry_e2e::setup::repository;

/// Rules that are matters of style.
const RULES: &str = r#"{"extends": ["html-validate:recommended"], "rules": {"doctype-style": "off", "no-trailing-whitespace": "off", "long-title": "off", "void-style": "off", "attribute-boolean-style": "off"}}"#;

/// Returns why the checks cannot run.
pub(crate) fn missing() -> Option<&'static str> {
    let found = Command::new("npm").arg("--version").output();
    found.is_err().then_some("npm is not installed")
}

/// Installs the programs once, and returns their folder.
fn installed() -> PathBuf {
    let source = repository("e2e/tools/pages");
    let folder = cache_folder().unwrap().join("page-checks");
    fs::create_dir_all(&folder).unwrap();
    // Tests of several processes may need it at the same time.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let files = ["package.json", "package-lock.json"];
    let is_current = files
        .iter()
        .all(|name| fs::read(folder.join(name)).ok() == Some(fs::read(source.join(name)).unwrap()));
    if !is_current || !folder.join("installed").is_file() {
        for name in files {
            fs::copy(source.join(name), folder.join(name)).unwrap();
        }
        let _ = fs::remove_file(folder.join("installed"));
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "npm ci: {error}");
        fs::write(folder.join("installed"), "").unwrap();
    }
    folder.join("node_modules")
}

/// Returns a script that runs axe with the rules of WCAG 2.2 AA, and passes the violations on.
pub(crate) fn axe() -> String {
    let library = fs::read_to_string(installed().join("axe-core/axe.min.js")).unwrap();
    let tags = r#"["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]"#;
    format!(
        "{library};\nconst done = arguments[arguments.length - 1];\n\
         axe.run(document, {{runOnly: {{type: 'tag', values: {tags}}}}}).then(\n\
           result => done(result.violations.map(one => [one.id, one.help, one.nodes.map(node => node.html)])),\n\
           error => done(String(error)));"
    )
}

/// Validates the HTML files of a folder.
pub(crate) fn validate(folder: &Path) -> Result<(), String> {
    fs::write(folder.join(".htmlvalidate.json"), RULES).unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "html")
        })
        .collect();
    files.sort();
    for files in files.chunks(500) {
        let output = Command::new("node")
            .arg(installed().join("html-validate/bin/html-validate.mjs"))
            .args(files)
            .current_dir(folder)
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}
