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
