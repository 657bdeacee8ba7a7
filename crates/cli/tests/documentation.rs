//! What is written about the commands is what they say.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use extension_registry_cli::documentation;

#[test]
fn the_reference_and_the_man_pages_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let hint = "make docs writes it anew";
    let written = fs::read_to_string(docs.join("commands.md")).unwrap();
    assert!(
        written == documentation::reference(),
        "docs/commands.md: {hint}"
    );
    let pages = documentation::pages().unwrap();
    for (name, text) in &pages {
        let written = fs::read(docs.join("man").join(name)).unwrap_or_default();
        assert!(written == *text, "docs/man/{name}: {hint}");
    }
    let names: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let files: BTreeSet<String> = fs::read_dir(docs.join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, files);
}
