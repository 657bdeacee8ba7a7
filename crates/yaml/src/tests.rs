use serde_json::json;

use super::{Position, parse, parse_with_keys_as_written};

#[test]
fn plain_scalars_have_types_of_kubectl() {
    let text = "a: no\nb: 1.19\nc: 1.19.0\nd: '1'\ne: 0x10\nf: ~\ng: 010\nh: -3\ni: 1e3\nj: 2024-01-01\nk: !!str 5\nl: .5\n";
    let (documents, errors) = parse(text);
    assert!(errors.is_empty());
    let expected = json!({"a": false, "b": 1.19, "c": "1.19.0", "d": "1", "e": 16, "f": null,
        "g": 8, "h": -3, "i": 1000.0, "j": "2024-01-01", "k": "5", "l": 0.5});
    assert_eq!(documents[0].0, expected);
}

#[test]
fn integers_cover_64_bits() {
    let text = "a: -0x8000000000000000\nb: 0xffffffffffffffff\nc: -0x-8000000000000000\nd: 0x+5\ne: 99999999999999999999\nf: 089\ng: -9223372036854775808\nh: --1\ni: -010\n";
    let (documents, errors) = parse(text);
    assert!(errors.is_empty());
    let expected = json!({"a": i64::MIN, "b": u64::MAX, "c": "-0x-8000000000000000", "d": "0x+5",
        "e": 1e20, "f": 89.0, "g": i64::MIN, "h": "--1", "i": -8});
    assert_eq!(documents[0].0, expected);
}

#[test]
fn keys_are_converted_like_kubectl_or_kept_as_written() {
    let text = "Y: 1\n007: 2\n0x1F: 3\n1.20: 4\n~: 5\n1e3: 6\n'no': 7\n";
    let (documents, errors) = parse(text);
    assert!(errors.is_empty());
    let expected = json!({"true": 1, "7": 2, "31": 3, "1.2": 4, "null": 5, "1000.0": 6, "no": 7});
    assert_eq!(documents[0].0, expected);
    let (documents, errors) = parse_with_keys_as_written(text);
    assert!(errors.is_empty());
    let expected = json!({"Y": 1, "007": 2, "0x1F": 3, "1.20": 4, "~": 5, "1e3": 6, "no": 7});
    assert_eq!(documents[0].0, expected);
    assert_eq!(documents[0].1.find("0x1F").line, 3);
}

#[test]
fn reports_duplicate_keys_with_source_text() {
    let text = "Y: 1\nTRUE: 2\n";
    let (_, errors) = parse(text);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].message,
        "duplicate key `true`: `TRUE` is read as `true`"
    );
    assert_eq!(errors[0].hint, "remove one of them");
    let (documents, errors) = parse_with_keys_as_written(text);
    assert!(errors.is_empty());
    assert_eq!(documents[0].0, json!({"Y": 1, "TRUE": 2}));
    let (_, errors) = parse_with_keys_as_written("Y: [1]\nY: [2]\n");
    assert_eq!(errors[0].message, "duplicate key `Y`");
    assert_eq!(errors[0].hint, "merge the two lists");
}

#[test]
fn finds_position_of_every_field() {
    let text = "# first\na:\n  - b: 1\n    c.d: 2\n---\ne: {f: [x, y]}\n";
    let (documents, errors) = parse(text);
    assert!(errors.is_empty());
    let at = |document: usize, field: &str| {
        let Position { line, column } = documents[document].1.find(field);
        (line, column)
    };
    assert_eq!(at(0, "a"), (2, 1));
    assert_eq!(at(0, "a[0].b"), (3, 5));
    assert_eq!(at(0, "a[0].c.d"), (4, 5));
    assert_eq!(at(0, "a[0].gone.far"), (3, 5));
    assert_eq!(at(0, "a[7]"), (2, 1));
    assert_eq!(at(1, "e.f[1]"), (6, 12));
}

#[test]
fn syntax_errors_have_positions() {
    let (documents, errors) = parse("a: 1\na: 2\n---\nb: [1\nc: 2\n");
    assert_eq!(documents.len(), 1);
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.rule, error.at.line))
        .collect();
    assert_eq!(found[0], ("duplicate-key", 2));
    assert_eq!(found[1].0, "syntax");
    assert!(found[1].1 >= 4, "{found:?}");
}

#[test]
fn aliases_are_merged_and_limited() {
    let (documents, errors) = parse("a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\n");
    assert!(errors.is_empty());
    assert_eq!(documents[0].0["b"], json!({"z": 3, "x": 1}));
    let level = |level: u32| {
        let items = vec![format!("*a{level}"); 10].join(", ");
        format!("a{}: &a{} [{items}]\n", level + 1, level + 1)
    };
    let levels: String = (0..12).map(level).collect();
    let bomb = format!("a0: &a0 [x, x]\n{levels}");
    let (_, errors) = parse(&bomb);
    assert_eq!(errors[0].rule, "syntax");
}
