//! The documentation is complete, its links lead somewhere, and its commands run.
//!
//! In a page, a block ```` ```sh,run ```` runs in a folder with a copy of `examples/`, offline, and exits with 0 or
//! with N of `sh,run,exit-N`. A block ```` ```text,output ```` after it is what the command prints. `make docs` updates
//! these blocks. Blocks ```` ```sh,cluster ```` run in `e2e/tests/e2e_docs.rs`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod book;
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use book::{Page, Shell, blocks, commands, headings, links, pages, prose, repository, table};
use extension_registry_api::status::{EventReason, HoldReason, Reason};
use regex::Regex;

/// Links to files of the repository from the book, which has only the pages of `docs/`.
const FILES: &str = "https://github.com/fuseml/extension-registry/";

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&page.text) {
            if let Err(why) = follow(&page, &link) {
                broken.push(format!("{}: [{link}]: {why}", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

fn follow(page: &Page, link: &str) -> Result<(), String> {
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let inside = target.strip_prefix(FILES);
    let path = if let Some(rest) = inside {
        let Some((kind @ ("blob" | "tree"), path)) = rest.split_once("/main/") else {
            // Releases, issues and the like.
            return Ok(());
        };
        let path = repository().join(path);
        if path.is_dir() != (kind == "tree") {
            return Err("`blob` is for files, `tree` for folders".to_owned());
        }
        path
    } else if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    } else if target.is_empty() {
        page.path.clone()
    } else {
        page.path.parent().unwrap().join(target)
    };
    let path = path.canonicalize().map_err(|_| "no such file".to_owned())?;
    let docs = repository().join("docs").canonicalize().unwrap();
    let leaves_book = page.path.starts_with(&docs) && !path.starts_with(&docs);
    if inside.is_none() && leaves_book {
        return Err(format!("leaves the book; write {FILES}blob/main/…"));
    }
    if !anchor.is_empty() && path.extension().is_some_and(|extension| extension == "md") {
        let text = fs::read_to_string(&path).unwrap();
        if !headings(&text).contains(anchor) {
            return Err(format!("no heading #{anchor}"));
        }
    }
    Ok(())
}

#[test]
fn every_page_is_in_the_summary() {
    let docs = repository().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    let written: BTreeSet<String> = pages()
        .iter()
        .filter_map(|page| page.name.strip_prefix("docs/"))
        .filter(|name| *name != "SUMMARY.md")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, written);
}

#[test]
fn runnable_blocks_run_and_print_what_is_shown() {
    let update = std::env::var_os("DOCS_UPDATE").is_some();
    let mut failures = Vec::new();
    let mut count = 0;
    for page in pages() {
        let mut text = page.text.clone();
        let shell = Shell::new();
        // The last block first would be simpler to replace, but blocks of a page build on each other.
        let mut shift: isize = 0;
        for block in blocks(&page.text)
            .iter()
            .filter(|block| block.is_runnable())
        {
            count += 1;
            let (code, output) = shell.run(&block.body);
            let place = format!("{}:{}", page.name, block.line);
            if code != block.exit_code() {
                failures.push(format!("{place}: exit code {code}\n{output}"));
            }
            let Some(expected) = block.output.clone() else {
                continue;
            };
            if page.text[expected.clone()] == output {
                continue;
            }
            if update {
                let start = expected.start.checked_add_signed(shift).unwrap();
                let end = expected.end.checked_add_signed(shift).unwrap();
                text.replace_range(start..end, &output);
                shift += output.len().cast_signed() - expected.len().cast_signed();
            } else {
                failures.push(format!("{place}: prints\n{output}hint: run make docs"));
            }
        }
        if text != page.text {
            fs::write(&page.path, text).unwrap();
        }
    }
    assert!(count >= 20, "only {count} runnable blocks");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn commands_in_pages_exist_with_their_flags() {
    let known = commands();
    let mut unknown = Vec::new();
    for page in pages() {
        for block in blocks(&page.text).iter().filter(|block| block.is_shell()) {
            for words in block.commands("kubectl ext") {
                let title = (1..=words.len())
                    .rev()
                    .map(|length| words[..length].join(" "))
                    .find(|title| known.contains_key(title))
                    .unwrap_or_default();
                let help = known.get(&title).cloned().unwrap_or_default();
                let flags = words.iter().filter(|word| word.starts_with("--"));
                for flag in flags.map(|flag| flag.split('=').next().unwrap()) {
                    if !help.contains(flag) {
                        unknown.push(format!("{}: `{title}` has no {flag}", page.name));
                    }
                }
                if help.is_empty() || known.len() < 10 {
                    unknown.push(format!("{}: unknown command {words:?}", page.name));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn architecture_names_code_that_exists() {
    let page = fs::read_to_string(repository().join("docs/ARCHITECTURE.md")).unwrap();
    let span = Regex::new(r"`([a-z-]+)/([a-z_0-9/.-]+)(?:::(\w+))?`").unwrap();
    let mut missing = Vec::new();
    for found in span.captures_iter(&prose(&page)) {
        let root = repository().join("crates").join(&found[1]);
        if !root.is_dir() {
            continue;
        }
        let paths = ["", "src/"].map(|folder| root.join(format!("{folder}{}", &found[2])));
        let exists = match found.get(3) {
            None => paths
                .iter()
                .any(|path| path.exists() || path.with_extension("rs").is_file()),
            Some(function) => paths.iter().any(|path| {
                let source = fs::read_to_string(path.with_extension("rs")).unwrap_or_default();
                let name = function.as_str();
                source.contains(&format!("fn {name}(")) || source.contains(&format!("fn {name}<"))
            }),
        };
        if !exists {
            missing.push(found[0].to_owned());
        }
    }
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md: {missing:?}");
}

/// What the first group of a pattern matches.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let all = pattern.captures_iter(text);
    all.map(|found| found[1].to_owned()).collect()
}

#[test]
fn conditions_page_lists_every_reason() {
    let reasons: BTreeSet<String> = Reason::all().map(|reason| reason.to_string()).collect();
    assert_eq!(table("reference/conditions.md", "Reasons"), reasons);
    let held = HoldReason::all().filter(|reason| !matches!(reason, HoldReason::Refused(_)));
    let held: BTreeSet<String> = held.map(|reason| reason.to_string()).collect();
    assert_eq!(
        table("reference/conditions.md", "Reasons in a RunGate"),
        held
    );
}

#[test]
fn troubleshooting_covers_every_reason_of_a_workflow() {
    let page = fs::read_to_string(repository().join("docs/how-to/troubleshoot.md")).unwrap();
    for reason in [
        "NotFound",
        "NoAccess",
        "Ambiguous",
        "SecretMissing",
        "EngineMissing",
    ] {
        assert!(page.contains(&format!("| `{reason}` |")), "{reason}");
    }
}

#[test]
fn events_page_lists_every_event() {
    let reasons = EventReason::all().filter(|reason| !matches!(reason, EventReason::Refused(_)));
    let reasons: BTreeSet<String> = reasons.map(|reason| reason.to_string()).collect();
    let listed = table("reference/events.md", "Events");
    assert_eq!(listed, reasons);
}

#[test]
fn metrics_page_lists_every_metric() {
    let path = repository().join("crates/operator/src/metrics.rs");
    let source = fs::read_to_string(path).unwrap();
    let names = found(r#"\.register\(\s*"(\w+)""#, &source);
    let names: BTreeSet<String> = names
        .iter()
        .map(|name| format!("extension_registry_{name}"))
        .collect();
    assert!(names.len() >= 8, "the pattern finds only {names:?}");
    assert_eq!(table("reference/metrics.md", "Metrics"), names);
}

#[test]
fn exit_codes_page_lists_every_exit_code() {
    let path = repository().join("crates/cli/src/exit.rs");
    let source = fs::read_to_string(path).unwrap();
    let codes = found(r"(?m)^\s*(?:pub const )?\w+(?:: u8)? = (\d+)[;,]$", &source);
    assert!(codes.len() >= 5, "the pattern finds only {codes:?}");
    let page = fs::read_to_string(repository().join("docs/reference/exit-codes.md")).unwrap();
    for code in codes {
        assert!(page.contains(&format!("\n| {code} |")), "{code}");
    }
}

#[test]
fn operator_page_lists_every_flag() {
    let path = repository().join("crates/operator/src/args.rs");
    let source = fs::read_to_string(path).unwrap();
    let flags = found(r"(?s)#\[arg\(\s*long[^\]]*\)\]\s*pub (\w+):", &source);
    let flags: BTreeSet<String> = flags
        .iter()
        .map(|name| format!("--{}", name.replace('_', "-")))
        .collect();
    assert!(flags.len() >= 10, "the pattern finds only {flags:?}");
    assert_eq!(table("reference/operator.md", "Operator flags"), flags);
}

#[test]
fn labels_page_lists_every_label() {
    let path = repository().join("crates/api/src/lib.rs");
    let source = fs::read_to_string(path).unwrap();
    let page = fs::read_to_string(repository().join("docs/reference/labels.md")).unwrap();
    for name in found(r#""registry\.fuseml\.io/([a-z-]+)""#, &source) {
        assert!(page.contains(&format!("`{name}`")), "{name} has no row");
    }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let page = fs::read_to_string(repository().join("docs/reference/promises.md")).unwrap();
    let test = Regex::new(r"`((?:crates|e2e)/[\w/.-]+\.rs)::(\w+)`").unwrap();
    let mut missing = Vec::new();
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let tests: Vec<_> = test.captures_iter(row).collect();
        let is_heading = row.contains("| test |") || row.contains("| promise |");
        if is_heading {
            continue;
        }
        rows += 1;
        if tests.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for found in tests {
            let source = fs::read_to_string(repository().join(&found[1])).unwrap_or_default();
            if !source.contains(&format!("fn {}(", &found[2])) {
                missing.push(format!("no such test: {}", &found[0]));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(rows >= 50, "only {rows} promises");
}

#[test]
fn files_are_short() {
    let docs = repository().join("docs");
    let generated = [
        Path::new("reference/commands.md"),
        Path::new("reference/api"),
    ];
    for page in pages() {
        let Ok(name) = page.path.strip_prefix(&docs) else {
            continue;
        };
        let is_generated = generated.iter().any(|prefix| name.starts_with(prefix));
        let lines = page.text.lines().count();
        assert!(is_generated || lines <= 500, "{}: {lines} lines", page.name);
    }
}
