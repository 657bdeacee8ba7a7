//! Checks the words of everything that a user or contributor reads: documents, chart, definitions,
//! examples, and the string literals and doc comments of all crates.
//!
//! The words below are not wrong English. They are words that this project used in place of the terms
//! that a Kubernetes user searches for.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// Phrases that are refused, and what to write in their place.
const BANNED: &[(&str, &str)] = &[
    ("nobody", "name the missing thing: `no user`, `no key`"),
    ("whoever", "name the actor: `a user who`"),
    ("somebody", "name the actor: `a user`, `another client`"),
    ("lately", "recently"),
    ("anew", "again"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("let in", "allow, grant access to"),
    ("lets in", "allows, grants access to"),
    ("counts for", "is considered, is ignored"),
    ("count for nothing", "are ignored"),
    ("form of the answer", "output format"),
    ("of all that is", "of everything"),
    ("at the door", "at admission"),
    ("of others", "of other users"),
    ("ours", "managed by this operator"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("vouches for", "signs, is signed by"),
    ("is no version", "invalid version"),
    ("is no url", "invalid URL"),
    ("is no name", "invalid name"),
    ("is no address", "invalid address"),
    ("is no record", "is not a record"),
];

/// Phrases that are refused in pages of the documentation as well.
const IN_PAGES: &[(&str, &str)] = &[
    ("says", "reports, prints, specifies"),
    ("said", "reported, printed, specified"),
    ("told", "reported, notified"),
];

/// Identifiers that contain a refused word: a flag, a rule of `lint` and a user of Unix.
const NAMES: &[&str] = &[
    "--anew",
    "\\-\\-anew",
    "admits-nobody",
    "nobody:x:65534:65534:nobody",
    "`nobody`",
    "\"nobody\"",
];

#[test]
fn texts_use_the_terms_of_the_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeSet::new();
    let mut seen = 0;
    for file in files(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        let texts = if file.extension().is_some_and(|extension| extension == "rs") {
            literals(&text)
        } else {
            text.lines()
                .enumerate()
                .map(|(index, line)| (index + 1, line.to_owned()))
                .collect()
        };
        seen += texts.len();
        for (line, text) in texts {
            // Identifiers of interfaces stay as they are.
            let text = NAMES.iter().fold(text, |text, name| text.replace(name, ""));
            let is_page = file.extension().is_some_and(|extension| extension == "md");
            let more = if is_page { IN_PAGES } else { &[] };
            let prose = words(&text.split('`').step_by(2).collect::<String>());
            let text = words(&text);
            let banned = BANNED.iter().map(|one| (one, &text));
            for ((phrase, instead), text) in banned.chain(more.iter().map(|one| (one, &prose))) {
                if has_phrase(text, phrase) {
                    found.insert(format!("{name}:{line}: `{phrase}`; write: {instead}"));
                }
            }
        }
    }
    assert!(seen > 10_000, "only {seen} texts were read");
    assert!(
        found.is_empty(),
        "{} texts use words that the field does not:\n{}",
        found.len(),
        found.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn finds_words_and_not_parts_of_words() {
    assert!(contains("Nobody knows", "nobody"));
    assert!(contains("it is let in, by a source", "let in"));
    assert!(!contains("outlet in hours", "let in"));
    assert!(!contains("hours", "ours"));
    let source = "/// Looks at nobody.\nfn f() { print!(\"somebody\"); } // nobody\n#[cfg(test)]\nmod tests { const X: &str = \"nobody\"; }";
    let texts: Vec<_> = literals(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
}

/// Returns whether a text contains the words of a phrase, one after the other.
fn contains(text: &str, phrase: &str) -> bool {
    has_phrase(&words(text), phrase)
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn has_phrase(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| *window == *phrase)
}

/// String literals and doc comments of a source file up to its tests, with their lines.
fn literals(source: &str) -> Vec<(usize, String)> {
    let end = source
        .find("\n#[cfg(test)]\nmod ")
        .map_or(source.len(), |at| at + 1);
    let source = &source[..end];
    let mut texts = Vec::new();
    collect(TokenStream::from_str(source).unwrap(), &mut texts);
    let line_of = |text: &str| {
        let at = source
            .find(text.trim_matches(['r', '#', '"']))
            .unwrap_or_default();
        source[..at].matches('\n').count() + 1
    };
    texts
        .into_iter()
        .map(|text| (line_of(&text), text))
        .collect()
}

fn collect(tokens: TokenStream, texts: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), texts),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('"') {
                    texts.push(text);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Everything that is read by people, except lists of changes that are history and generated schemas.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    for (folder, extensions) in [
        ("docs", &["md", "1", "json"][..]),
        ("charts", &["md", "yaml", "tpl", "txt", "json"]),
        ("crds", &["yaml"]),
        ("examples", &["md", "yaml"]),
        ("e2e/src", &["rs"]),
        (".github", &["md", "yml", "yaml"]),
    ] {
        files.append(&mut tree::files(&root.join(folder), extensions));
    }
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        files.append(&mut tree::files(&folder.join("src"), &["rs"]));
    }
    files
}
