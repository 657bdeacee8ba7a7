//! The table of texts, which is in files: one value or key a line, and texts between lines of `=`. They have symbols
//! for characters that are not visible.

use std::fmt::Write as _;

use crate::{Case, Difference, HEAD, JSON_HEAD};

const STRUCTURES: &str = include_str!("structure.txt");
const VALUES: &str = include_str!("values.txt");
const KEYS: &str = include_str!("keys.txt");
const JSON_VALUES: &str = include_str!("json.txt");

/// Between texts.
const BORDER: &str = "=====\n";

/// Where a text ends without a line break.
const END: &str = "(end)\n";

/// Symbols of the files, and the characters that they are for.
const SYMBOLS: [(char, &str); 13] = [
    ('→', "\t"),
    ('·', " "),
    ('⏎', "\n"),
    ('␍', "\r"),
    ('␌', "\u{b}"),
    ('␡', "\u{7f}"),
    ('␀', "\u{80}"),
    ('␤', "\u{85}"),
    ('⍽', "\u{a0}"),
    ('␊', "\u{2028}"),
    ('␋', "\u{2029}"),
    ('⌖', "\u{feff}"),
    ('␏', "\u{ffff}"),
];

/// Returns all cases of the table.
pub(crate) fn cases() -> Vec<Case> {
    let structures = STRUCTURES.split(BORDER);
    let mut cases: Vec<Case> = structures
        .map(|text| {
            let text = visible(text)
                .replace("HEAD\n", HEAD)
                .replace("JSON", JSON_HEAD);
            // A head may be indented.
            case(text.strip_suffix(END).unwrap_or(&text))
        })
        .collect();
    for value in values() {
        for text in [
            format!("data: {value}\n"),
            format!("data: [{value}, x]\n"),
            format!("data:\n- {value}\n"),
            format!("data: {value}"),
        ] {
            cases.push(case(format!("{HEAD}{text}")));
        }
    }
    for key in values().into_iter().chain(KEYS.lines().map(visible)) {
        cases.push(case(format!("{HEAD}data: {{{key}: x}}\n")));
        cases.push(case(format!("{HEAD}data:\n  {key}: x\n")));
    }
    for value in JSON_VALUES.lines().map(visible) {
        cases.push(case(format!("{{{JSON_HEAD},\"data\":{value}}}")));
        // The same in the YAML parser.
        cases.push(case(format!("# YAML\n{{{JSON_HEAD},\"data\":{value}}}")));
    }
    cases.extend(controls());
    cases.extend(encodings());
    cases.extend(limits());
    cases.extend(allowed());
    cases
}

/// Returns the scalars and flow collections of the table.
pub(crate) fn values() -> Vec<String> {
    VALUES.lines().map(visible).collect()
}

/// Replaces the symbols of a file.
fn visible(text: &str) -> String {
    let replace = |text: String, (symbol, by): (char, &str)| text.replace(symbol, by);
    SYMBOLS.into_iter().fold(text.to_owned(), replace)
}

fn case(text: impl Into<Vec<u8>>) -> Case {
    Case {
        bytes: text.into(),
        difference: None,
    }
}

/// Characters that are refused in some places.
fn controls() -> Vec<Case> {
    let mut cases = Vec::new();
    let codes = (0..=0x20).chain(0x7e..=0xa1).chain([
        0xad, 0xd7ff, 0xe000, 0x200b, 0x2028, 0x2029, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff,
        0x10000, 0x1_ffff, 0x10_ffff,
    ]);
    for character in codes.filter_map(char::from_u32) {
        for text in [
            format!("data: a{character}b\n"),
            format!("data: \"a{character}b\"\n"),
            format!("data: |\n  a{character}b\n  {character}\n"),
            format!("data: a #{character}b\n"),
            format!("{character}data: a\n"),
            format!("data:{character}a\n"),
            format!("a{character}b: c\n"),
        ] {
            cases.push(case(format!("{HEAD}{text}")));
        }
        cases.push(case(format!("{{{JSON_HEAD},\"data\":\"a{character}b\"}}")));
        cases.push(case(format!("{character}{{{JSON_HEAD}}}")));
        cases.push(case(format!("{{{JSON_HEAD}}}{character}{{{JSON_HEAD}}}")));
        cases.push(case(format!("{character}{HEAD}data: 1\n")));
    }
    cases
}

pub(crate) fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(unit)
        .collect()
}

fn encodings() -> Vec<Case> {
    let mut cases = Vec::new();
    let texts = [
        format!("{HEAD}data: äöü€😀\n---\n{HEAD}data: 2"),
        format!("{{{JSON_HEAD},\"data\":\"äöü€😀\"}}"),
        format!("\u{feff}{HEAD}data: 1\n"),
        format!("\u{feff}{{{JSON_HEAD}}}"),
        format!("{HEAD}data: a\r\nb: |\r\n  c\r\n  d\r\n\r\n"),
        format!("{HEAD}data: a\rb: c\r"),
        format!("\n\u{feff}{HEAD}"),
        format!("---\n\u{feff}{HEAD}"),
        format!("\u{feff}---\n{HEAD}---\n{HEAD}"),
        format!("{HEAD}---\n\u{feff}{HEAD}---\n\u{feff}\n{HEAD}"),
        format!("{HEAD}---\r\n{HEAD}--- # c\r\n{HEAD}"),
        String::new(),
    ];
    for text in texts {
        cases.push(case(utf16(&text, u16::to_le_bytes)));
        cases.push(case(utf16(&text, u16::to_be_bytes)));
        cases.push(case(format!("\u{feff}{text}")));
        // Without a byte order mark.
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        cases.push(case(bytes));
        cases.push(case(text));
    }
    cases
}

/// Limits of libyaml and go-yaml.
fn limits() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [100, 1020, 1022, 1023, 1024, 1025, 1026, 1030, 5000] {
        let key = "k".repeat(length);
        cases.push(case(format!("{HEAD}{key}: a\n")));
        cases.push(case(format!("{HEAD}data: {{{key}: a}}\n")));
        cases.push(case(format!("{HEAD}data: {{\"{key}\": a}}\n")));
        cases.push(case(format!("{HEAD}? {key}\n: a\n")));
        cases.push(case(format!("{}{{{JSON_HEAD}}}", " ".repeat(length))));
        cases.push(case(format!("{}[a]: b", " ".repeat(length))));
    }
    for blanks in [4090, 4095, 4096, 4097] {
        let blanks = " ".repeat(blanks);
        cases.push(case(format!("{blanks}{{{JSON_HEAD},\"data\":\"\\/\"}}")));
    }
    for depth in [10, 50, 95] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        cases.push(case(format!("{HEAD}data: {open}{close}\n")));
        cases.push(case(format!("{{{JSON_HEAD},\"data\":{open}{close}}}")));
        cases.push(case(format!("{HEAD}data:\n  {}a\n", "- ".repeat(depth))));
    }
    // Documents in which nearly all values exist because of aliases.
    for (width, levels) in [
        (10, 1),
        (10, 2),
        (10, 3),
        (9, 4),
        (10, 4),
        (10, 5),
        (10, 6),
        (10, 12),
        (2, 40),
    ] {
        let mut text = format!("{HEAD}a0: &a0 [x, x]\n");
        for level in 0..levels {
            let items = vec![format!("*a{level}"); width].join(", ");
            writeln!(text, "a{0}: &a{0} [{items}]", level + 1).unwrap();
        }
        cases.push(case(text));
    }
    let many = "- *a\n".repeat(2000);
    cases.push(case(format!("{HEAD}a: &a x\nb:\n{many}")));
    cases.push(case(format!("{HEAD}a: &a [x, y, z]\nb:\n{many}")));
    let long = "x, ".repeat(300);
    cases.push(case(format!(
        "{HEAD}a: &a [{long}]\nb: [{}]\n",
        "*a, ".repeat(90)
    )));
    cases
}

/// Differences that are intended.
fn allowed() -> Vec<Case> {
    let deep = |depth: usize| format!("{HEAD}data: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let json = |depth: usize| {
        format!(
            "{{{JSON_HEAD},\"data\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let mut lone = utf16(&format!("{HEAD}data: a"), u16::to_le_bytes);
    let mut odd = lone.clone();
    lone.extend([0x00, 0xd8, b'b', 0]);
    odd.push(b'x');
    let invalid = |bytes: &[u8]| [HEAD.as_bytes(), b"data: a", bytes, b"b\n"].concat();
    let text = |text: &str| format!("{HEAD}{text}\n").into_bytes();
    let list = [
        (text("data: {1: a, '1': b}"), Difference::AmbiguousKey),
        (
            text("data: {yes: a, \"true\": b}"),
            Difference::AmbiguousKey,
        ),
        (text("data: {1.5: a, \"1.5\": b}"), Difference::AmbiguousKey),
        (text("data: {1: a, 1.0: b}"), Difference::AmbiguousKey),
        (text("data: {.nan: a, .NaN: b}"), Difference::AmbiguousKey),
        (deep(105).into(), Difference::Depth),
        (json(105).into(), Difference::Depth),
        (invalid(b"\xff"), Difference::InvalidText),
        (invalid(b"\xc3"), Difference::InvalidText),
        (invalid(b"\xed\xa0\x80"), Difference::InvalidText),
        (invalid(b"\xc0\x80"), Difference::InvalidText),
        (lone, Difference::InvalidText),
        (odd, Difference::InvalidText),
        (
            text(&format!("data: a\n...\n{}\u{1}", "x".repeat(2000))),
            Difference::ControlCharacter,
        ),
        (
            format!("\u{feff}\u{feff}\u{feff}{HEAD}").into(),
            Difference::ByteOrderMarks,
        ),
        (
            text(&format!("{}: a", "é".repeat(1000))),
            Difference::KeyLength,
        ),
    ];
    list.into_iter()
        .map(|(bytes, difference)| Case {
            bytes,
            difference: Some(difference),
        })
        .collect()
}
