//! Checks the structure of the source: dependencies between crates and files, and their sizes.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod imports;

use std::fs;
use std::path::{Path, PathBuf};

/// Maximum lines of a source file, tests included.
const LARGEST_FILE: usize = 500;

/// Maximum lines below `src` of a crate.
const LARGEST_CRATE: usize = 10_000;

/// Returns the top of the repository.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the folders of all crates, `e2e` included.
fn crates() -> Vec<PathBuf> {
    let crates = fs::read_dir(top().join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path());
    let mut crates: Vec<PathBuf> = crates.chain([top().join("e2e")]).collect();
    crates.retain(|folder| folder.join("Cargo.toml").is_file());
    crates.sort();
    assert!(crates.len() > 8, "crates found: {crates:?}");
    crates
}

/// Adds the Rust files below a folder with their numbers of lines.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, usize)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            found.push((path, lines));
        }
    }
}

#[test]
fn no_files_import_each_other() {
    let mut circles = Vec::new();
    for folder in crates() {
        let root = folder.join("src/lib.rs");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !root.is_file() {
            continue;
        }
        let of_crate = imports::circles(&root);
        circles.extend(
            of_crate
                .iter()
                .map(|group| format!("{name}: {}", group.join(", "))),
        );
    }
    assert!(
        circles.is_empty(),
        "these files import each other; move what they share into a file below them:\n{}",
        circles.join("\n")
    );
}

#[test]
fn circle_of_two_files_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    };
    write("lib.rs", "pub mod a; mod b; pub use a::A;");
    write(
        "a.rs",
        "mod inner; pub use inner::Inner; pub struct A(pub crate::b::B);",
    );
    write("a/inner.rs", "pub struct Inner;");
    write("b.rs", "use crate::a::Inner; pub struct B(Inner);");
    let root = folder.path().join("lib.rs");
    assert_eq!(imports::circles(&root), Vec::<Vec<String>>::new());

    write("b.rs", "use crate::A; pub struct B(Box<A>);");
    assert_eq!(imports::circles(&root), [["a", "b"]]);

    write(
        "b.rs",
        "#[cfg(test)] mod tests { use crate::A; } pub struct B;",
    );
    assert_eq!(imports::circles(&root), Vec::<Vec<String>>::new());

    write("a/inner.rs", "pub struct Inner(super::A);");
    assert_eq!(imports::circles(&root), Vec::<Vec<String>>::new());

    write("a.rs", "mod inner; pub struct A(inner::Inner);");
    assert_eq!(imports::circles(&root), [["a", "a::inner"]]);
}

#[test]
fn no_source_file_is_too_long() {
    let mut found = Vec::new();
    for folder in crates() {
        for part in ["src", "tests", "benches"] {
            sources(&folder.join(part), &mut found);
        }
    }
    found.retain(|(_, lines)| *lines > LARGEST_FILE);
    assert!(
        found.is_empty(),
        "more than {LARGEST_FILE} lines; split them by subject: {found:#?}"
    );
}

#[test]
fn no_crate_is_too_large() {
    for folder in crates() {
        let mut found = Vec::new();
        sources(&folder.join("src"), &mut found);
        let lines: usize = found.iter().map(|(_, lines)| lines).sum();
        assert!(
            lines <= LARGEST_CRATE,
            "{} has {lines} lines",
            folder.display()
        );
    }
}

/// Text of files and servers must be escaped before it is printed, which the crate `output` does.
#[test]
fn only_output_prints() {
    const PRINTING: [&str; 2] = ["crates/cli/src/lib.rs", "crates/output/src/"];
    let mut texts = texts();
    texts.retain(|(name, text)| {
        (name.starts_with("crates/cli/src/") || name.starts_with("crates/output/src/"))
            && !name.starts_with("crates/cli/src/bin/")
            && !PRINTING.iter().any(|own| name.starts_with(own))
            && ["stdout().lock", "stderr()", "println!", "writeln!(out"]
                .iter()
                .any(|word| text.contains(word))
    });
    let found: Vec<&str> = texts.iter().map(|(name, _)| &**name).collect();
    assert_eq!(found, Vec::<&str>::new(), "use `output::write_line!`");
}

/// The only file that joins a message and its hints.
const JOINING: &str = "crates/core/src/diagnostic.rs";

/// Returns the source files of all crates, as paths below the repository with their text.
fn texts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in crates() {
        sources(&folder.join("src"), &mut found);
    }
    let top = top();
    let texts = found.into_iter().map(|(path, _)| {
        let name = path.strip_prefix(&top).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    });
    texts.collect()
}

#[test]
fn only_one_file_joins_hints() {
    let mut texts = texts();
    texts.retain(|(_, text)| text.contains("; hint:"));
    texts.retain(|(_, text)| {
        let mut literals = imports::literals(text).into_iter();
        literals.any(|literal| literal.contains("; hint:"))
    });
    let found: Vec<&str> = texts.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        found,
        [JOINING],
        "keep hints apart from the message, as `diagnostic::Note` does"
    );
}

#[test]
fn literal_in_test_or_documentation_is_not_found() {
    let text = r#"
        /// "zero"
        fn f() { g!("one") }
        #[error("two")]
        struct S;
        #[cfg(test)]
        mod tests { fn f() { g("three") } }
    "#;
    assert_eq!(imports::literals(text), [r#""one""#, r#""two""#]);
}

/// Types that implement `Explain` but are never the cause of an `anyhow::Error`, and why.
const NO_CAUSES: [(&str, &str); 3] = [
    ("ConfigDiagnostic", "a part of ConfigError"),
    ("Note", "a message, not an error"),
    ("SourceFailure", "a part of the answer of a query"),
];

/// Returns the names of the types that implement `Explain`, except `Box`, which passes on the hints of its content.
fn explained_types() -> Vec<String> {
    let mut names = Vec::new();
    for (_, text) in texts() {
        let lines = text.lines().map(str::trim_start);
        let implemented = lines.filter_map(|line| line.strip_prefix("impl Explain for "));
        names.extend(implemented.map(|line| {
            let end = line.find(|letter: char| !letter.is_alphanumeric());
            line[..end.unwrap_or(line.len())].to_owned()
        }));
    }
    names.sort();
    names
}

/// Errors carry no hints themselves, so the program lists the types that do. One that is not listed would lose its
/// hints.
#[test]
fn every_error_with_hints_is_listed() {
    let list = fs::read_to_string(top().join("crates/cli/src/report/hints.rs")).unwrap();
    let listed = list.lines().filter_map(|line| {
        let path = line.trim().strip_prefix("of::<")?.strip_suffix(">,")?;
        let path = path.trim_start_matches("Box<").trim_end_matches('>');
        path.rsplit("::").next()
    });
    let exceptions = NO_CAUSES.iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = listed.chain(exceptions).collect();
    known.sort_unstable();
    // Several crates have a type `Error`; each is listed.
    assert_eq!(explained_types(), known);
}
