//! `kubectl ext` reads YAML and JSON exactly as kubectl does: it accepts the same texts, and gets the same values. Needs
//! kubectl, but no cluster.
//!
//! The texts are those of a table, and random ones from a fixed seed. [`Difference`] lists what differs on purpose. More
//! random texts are compared if `EXTENSION_REGISTRY_ALL_CASES` is set.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "yaml_differential/generator.rs"]
mod generator;
#[path = "yaml_differential/pieces.rs"]
mod pieces;
#[path = "yaml_differential/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use extension_registry_e2e::kubectl::kubectl;
use extension_registry_yaml::{decode, parse};
use serde_json::Value;

/// Random texts.
const RANDOM: usize = 2_500;

/// Random texts if all cases are compared.
const ALL_RANDOM: usize = 40_000;

/// Set to compare all of them.
const ALL_CASES: &str = "EXTENSION_REGISTRY_ALL_CASES";

/// Texts that one process reads.
const BATCH: usize = 500;

/// Fields of each object. The placeholder is replaced by its name.
const HEAD: &str = "apiVersion: t/v1\nkind: T\nmetadata: {name: NAME}\n";

/// The same in JSON.
const JSON_HEAD: &str = r#""apiVersion":"t/v1","kind":"T","metadata":{"name":"NAME"}"#;

/// A difference that is intended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// Reported although kubectl takes the last value, because one of the two is a mistake. The value is the same.
    DuplicateKey,
    /// Reported: kubectl takes a random one of two keys that become the same text, such as `1` and `"1"`, or NaN.
    AmbiguousKey,
    /// Reported: kubectl replaces bytes that are not text by U+FFFD without a warning.
    InvalidText,
    /// Reported: a limit of the depth protects against stack overflows. kubectl reads 10,000 levels.
    Depth,
    /// Reported: kubectl does not read the part of a document after `...`, but detects some of its control characters.
    ControlCharacter,
    /// kubectl strips a third byte order mark, and then skips the first character of each line.
    ByteOrderMarks,
    /// Reported: the limit of 1,024 is in bytes, and in characters for kubectl.
    KeyLength,
}

const DIFFERENCES: [Difference; 7] = [
    Difference::DuplicateKey,
    Difference::AmbiguousKey,
    Difference::InvalidText,
    Difference::Depth,
    Difference::ControlCharacter,
    Difference::ByteOrderMarks,
    Difference::KeyLength,
];

/// A text, and the difference that is expected.
struct Case {
    bytes: Vec<u8>,
    difference: Option<Difference>,
}

/// What a reader gets from a text.
#[derive(Debug, Default)]
struct Reading {
    objects: Vec<Value>,
    /// Whether the text is refused.
    is_refused: bool,
    /// Whether a document is no object.
    has_others: bool,
}

#[test]
fn texts_are_read_as_by_kubectl() {
    let kubectl = kubectl().unwrap();
    let random = if env::var_os(ALL_CASES).is_some() {
        ALL_RANDOM
    } else {
        RANDOM
    };
    let mut cases = table::cases();
    let written = cases.len();
    cases.extend(generator::cases(random));
    let start = Instant::now();
    let mut used: BTreeMap<Difference, usize> = BTreeMap::new();
    let (mut refused, mut objects) = (0, 0);
    let mut wrong = Vec::new();
    for (batch, cases) in cases.chunks_mut(BATCH).enumerate() {
        for (index, case) in cases.iter_mut().enumerate() {
            name(case, index);
        }
        for (index, (case, theirs)) in cases.iter().zip(read(&kubectl, cases)).enumerate() {
            refused += usize::from(theirs.is_refused);
            objects += theirs.objects.len();
            match compare(case, &theirs) {
                Ok(None) => {}
                Ok(Some(difference)) => *used.entry(difference).or_default() += 1,
                Err(why) => {
                    let text = case.bytes.escape_ascii();
                    let number = batch * BATCH + index;
                    wrong.push(format!("{number}: {why}\n{text}"));
                }
            }
        }
    }
    let mut report = format!(
        "{written} texts of the table and {random} random ones, {objects} objects, {refused} refused by kubectl, in \
         {:.1?}\n",
        start.elapsed()
    );
    for (difference, count) in &used {
        let _ = writeln!(report, "{count} allowed: {difference:?}");
    }
    println!("{report}");
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}\n{report}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    let unused = DIFFERENCES.iter().find(|one| !used.contains_key(one));
    assert_eq!(
        unused, None,
        "an allowed difference does not exist: {report}"
    );
    assert!(refused > 300 && objects > 1_000, "{report}");
}

/// Names the objects of a text.
fn name(case: &mut Case, index: usize) {
    let name = format!("case-{index:05}");
    // UTF-16 has a zero byte after or before each letter.
    for zeros in ["", "\0"] {
        let spread = |text: &str| {
            text.split_inclusive(|_: char| true)
                .collect::<Vec<_>>()
                .join(zeros)
        };
        let (from, to) = (spread("NAME"), spread(&name));
        let bytes = std::mem::take(&mut case.bytes);
        let mut rest = bytes.as_slice();
        while let Some(at) = rest
            .windows(from.len())
            .position(|part| part == from.as_bytes())
        {
            case.bytes.extend(&rest[..at]);
            case.bytes.extend(to.as_bytes());
            rest = &rest[at + from.len()..];
        }
        case.bytes.extend(rest);
    }
}

/// Reads texts with kubectl.
fn read(kubectl: &Path, cases: &[Case]) -> Vec<Reading> {
    let folder = tempfile::tempdir().unwrap();
    let file = |index: usize| format!("{index:05}.yaml");
    for (index, case) in cases.iter().enumerate() {
        fs::write(folder.path().join(file(index)), &case.bytes).unwrap();
    }
    let output = Command::new(kubectl)
        .args(["label", "--local", "--overwrite", "--output=json", "a=b"])
        .arg("--filename")
        .arg(folder.path())
        .env("HOME", folder.path())
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut readings: Vec<Reading> = cases.iter().map(|_| Reading::default()).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("goroutine"), "{stderr}");
    for (index, reading) in readings.iter_mut().enumerate() {
        let path = folder.path().join(file(index)).display().to_string();
        reading.is_refused = stderr.contains(&format!("error parsing {path}: "));
        reading.has_others = stderr.contains(&format!("unable to decode {path:?}: "));
    }
    for object in serde_json::Deserializer::from_slice(&output.stdout).into_iter() {
        let mut object: Value = object.unwrap();
        let index = object["metadata"]["name"].as_str().unwrap();
        let index: usize = index.strip_prefix("case-").unwrap().parse().unwrap();
        assert!(
            object["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("labels")
                .is_some()
        );
        readings[index].objects.push(object);
    }
    readings
}

/// Compares the readings of a text.
fn compare(case: &Case, theirs: &Reading) -> Result<Option<Difference>, String> {
    let (documents, errors) = match decode(&case.bytes) {
        Ok(text) => parse(&text),
        Err(error) => (Vec::new(), vec![error]),
    };
    let mut own = Reading::default();
    for (value, _) in documents {
        if value["kind"].is_string() {
            own.objects.push(value);
        } else if !value.is_null() {
            own.has_others = true;
        }
    }
    let has_duplicates = errors.iter().any(|error| error.rule == "duplicate-key");
    own.is_refused = errors.iter().any(|error| error.rule == "syntax");
    // kubectl detects some values only when it decodes the object.
    let has_others = own.has_others || own.is_refused && !theirs.is_refused;
    let is_same = own.objects.len() == theirs.objects.len()
        && own
            .objects
            .iter()
            .zip(&theirs.objects)
            .all(|(own, theirs)| is_same(own, theirs))
        && has_others == theirs.has_others
        && (own.is_refused == theirs.is_refused || theirs.has_others);
    let difference = case.difference.filter(|_| !is_same);
    if is_same {
        let random = case
            .difference
            .filter(|one| *one == Difference::AmbiguousKey);
        return Ok(random.or(has_duplicates.then_some(Difference::DuplicateKey)));
    }
    if difference.is_some()
        && (has_duplicates || own.is_refused || difference == Some(Difference::ByteOrderMarks))
    {
        return Ok(difference);
    }
    let errors: Vec<String> = errors
        .iter()
        .map(|error| format!("{}:{} {}", error.at.line, error.at.column, error.message))
        .collect();
    Err(format!(
        "kubectl {theirs:?}\n  kubectl ext {own:?} {errors:?}"
    ))
}

/// Returns whether two values are the same JSON. An integer is not a float without a fraction.
fn is_same(own: &Value, theirs: &Value) -> bool {
    match (own, theirs) {
        (Value::Number(own), Value::Number(theirs)) => match (own.as_i64(), theirs.as_i64()) {
            (Some(own), Some(theirs)) => own == theirs,
            (None, None) => {
                let (own, theirs) = (own.as_f64().unwrap(), theirs.as_f64().unwrap());
                // serde_json may be wrong by one bit.
                (own - theirs).abs() <= own.abs() * 3e-16
            }
            _ => false,
        },
        (Value::Array(own), Value::Array(theirs)) => {
            own.len() == theirs.len()
                && own
                    .iter()
                    .zip(theirs)
                    .all(|(own, theirs)| is_same(own, theirs))
        }
        (Value::Object(own), Value::Object(theirs)) => {
            own.len() == theirs.len()
                && own
                    .iter()
                    .all(|(key, own)| theirs.get(key).is_some_and(|theirs| is_same(own, theirs)))
        }
        _ => own == theirs,
    }
}
