use serde_json::json;

use super::super::{parse, parse_with_keys_as_written};
use super::{one, refused};

#[test]
fn plain_scalars_have_types_of_kubectl() {
    let text = "a: no\nb: 1.19\nc: 1.19.0\nd: '1'\ne: 0x10\nf: ~\ng: 010\nh: -3\ni: 1e3\nj: 2024-01-01\nk: !!str 5\nl: .5\n\
        m: 190:20:30\ns: =\no: +1\np: 1.\nq: yEs\nr: 'null'\n";
    let expected = json!({"a": false, "b": 1.19, "c": "1.19.0", "d": "1", "e": 16, "f": null,
        "g": 8, "h": -3, "i": 1000, "j": "2024-01-01", "k": "5", "l": 0.5, "m": "190:20:30",
        "s": "=", "o": 1, "p": 1, "q": "yEs", "r": "null"});
    assert_eq!(one(text), expected);
}

#[test]
fn integers_have_64_bits_with_a_sign() {
    let values = [
        ("-0x8000000000000000", json!(i64::MIN)),
        ("9223372036854775807", json!(i64::MAX)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808.0)),
        ("0xffffffffffffffff", json!(18_446_744_073_709_551_616.0)),
        ("+0xffffffffffffffff", json!("+0xffffffffffffffff")),
        ("-0x-8000000000000000", json!("-0x-8000000000000000")),
        ("0x+5", json!("0x+5")),
        ("99999999999999999999", json!(1e20)),
        ("-9223372036854775809", json!(-9_223_372_036_854_775_809.0)),
        ("0X1F", json!(31)),
        ("0o17", json!(15)),
        ("017", json!(15)),
        ("089", json!(89)),
        ("-010", json!(-8)),
        ("0b11", json!(3)),
        ("0b-1", json!(-1)),
        ("0b2", json!("0b2")),
        ("1_000", json!(1000)),
        ("_1", json!("_1")),
        ("--1", json!("--1")),
        ("-0", json!(0)),
    ];
    for (text, value) in values {
        assert_eq!(one(&format!("a: {text}\n"))["a"], value, "{text}");
    }
}

#[test]
fn floats_without_fraction_are_integers() {
    let values = [
        ("1.0", json!(1)),
        ("-0.0", json!(0)),
        (
            "1152921504606846976.0",
            json!(1_152_921_504_606_847_000_i64),
        ),
        ("1e21", json!(1e21)),
        ("1e999", json!("1e999")),
        (".1_0", json!(0.1)),
        ("._1", json!("._1")),
        ("inf", json!("inf")),
        ("0x1p4", json!("0x1p4")),
    ];
    for (text, value) in values {
        assert_eq!(one(&format!("a: {text}\n"))["a"], value, "{text}");
        assert_eq!(one(&format!("[{text}]"))[0], value, "{text}");
    }
    for text in [".inf", "-.INF", ".nan", "!!float .Inf"] {
        let (line, column, message) = refused(&format!("a:\n- {text}\n"));
        assert_eq!((line, column), (2, 3), "{text}");
        assert_eq!(message, "infinity and NaN are not allowed in JSON");
    }
}

#[test]
fn tags_determine_types() {
    let values = [
        ("!!int '0x1F'", json!(31)),
        ("!!float 5", json!(5)),
        ("!!bool 'yes'", json!(true)),
        ("!!null ''", json!(null)),
        ("!!str", json!("")),
        ("!!str ~", json!("~")),
        ("!!binary aGVsbG8=", json!("hello")),
        ("!!binary /w==", json!("\u{fffd}")),
        ("!!timestamp 2001-01-01", json!("2001-01-01")),
        ("!!foo 5", json!("5")),
        ("!foo yes", json!("yes")),
        ("! 5", json!("5")),
        ("!<tag:yaml.org,2002:int> '5'", json!(5)),
        ("!!%69nt '5'", json!(5)),
        ("!!null []", json!([])),
    ];
    for (text, value) in values {
        assert_eq!(one(&format!("a: {text}\n"))["a"], value, "{text}");
    }
    for text in [
        "!!int secret",
        "!!int 5.0",
        "!!bool 1",
        "!!null secret",
        "!!float secret",
        "!!float 18446744073709551615",
        "!!int",
        "!!timestamp secret",
        "!!binary secret*",
        "!a!secret x",
    ] {
        let (line, column, message) = refused(&format!("a:\n- {text}\n"));
        assert_eq!((line, column), (2, 3), "{text}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn keys_are_converted_like_kubectl_or_kept_as_written() {
    let text = "Y: 1\n007: 2\n0x1F: 3\n1.20: 4\n1e3: 6\n'no': 7\n1e6: 8\n16777217.0: 9\n.inf: 10\n2001-01-01: 11\n";
    let expected = json!({"true": 1, "7": 2, "31": 3, "1.2": 4, "1000": 6, "no": 7, "1e+06": 8,
        "1.6777216e+07": 9, ".inf": 10, "2001-01-01": 11});
    assert_eq!(one(text), expected);
    let (documents, errors) = parse_with_keys_as_written(&format!("%YAML 1.1\n---\n{text}~: 5\n"));
    assert!(errors.is_empty());
    let expected = json!({"Y": 1, "007": 2, "0x1F": 3, "1.20": 4, "~": 5, "1e3": 6, "no": 7,
        "1e6": 8, "16777217.0": 9, ".inf": 10, "2001-01-01": 11});
    assert_eq!(documents[0].0, expected);
    assert_eq!(documents[0].1.find("0x1F").line, 5);
}

#[test]
fn rejects_keys_that_are_not_scalars_or_too_large() {
    for key in [
        "~",
        "null",
        "18446744073709551615",
        "[a]",
        "{a: b}",
        "!!null ''",
    ] {
        let (line, column, _) = refused(&format!("a: b\nc: {{{key}: d}}\n"));
        assert_eq!((line, column), (2, 5), "{key}");
    }
}

#[test]
fn replaced_values_need_not_be_json() {
    let texts = ["{a: .nan, <<: {a: 1}}", "{<<: {a: {~: b}}, a: 1}"];
    for text in texts {
        assert_eq!(one(&format!("[{text}]")), json!([{"a": 1}]));
    }
    let (documents, errors) = parse("[{a: [.inf], a: 1}]");
    assert_eq!(documents[0].0, json!([{"a": 1}]));
    assert_eq!(errors[0].rule, "duplicate-key");
    let (documents, errors) = parse("[{~: b, '~': c}]");
    assert!(documents.is_empty());
    assert_eq!(errors[1].rule, "syntax");
}

#[test]
fn escape_sequences_are_those_of_yaml_or_json() {
    assert_eq!(
        one(r#"["\u0041\x41\U0001F600\N\_\L\P\e\0"]"#)[0],
        "AA😀\u{85}\u{a0}\u{2028}\u{2029}\u{1b}\0"
    );
    for text in [
        r#"["\/"]"#,
        r#"["\ud83d\ude00"]"#,
        r#"["\ud83d"]"#,
        r#"["\z"]"#,
        r#"["\x1"]"#,
    ] {
        refused(text);
    }
    let text = r#"{"a": "\/\ud83d\ude00", "b": "\ud83d", "c": "\ud83d\u0041"}"#;
    assert_eq!(
        one(text),
        json!({"a": "/😀", "b": "\u{fffd}", "c": "\u{fffd}A"})
    );
}

#[test]
fn block_scalars_have_indentation_and_chomping() {
    let text =
        "a: |2-\n    b\n   c\n\nd: >\n  e\n  f\n\n  g\n    h\n  i\nj: |+\n  k\n\nl: >-\n  m\n";
    let expected = json!({"a": "  b\n c", "d": "e f\ng\n  h\ni\n", "j": "k\n\n", "l": "m"});
    assert_eq!(one(text), expected);
    // kubectl adds a line break at the end of the text.
    assert_eq!(one("a: |\n  b"), json!({"a": "b\n"}));
}

#[test]
fn unicode_line_breaks_are_line_breaks() {
    assert_eq!(
        one("a: b\u{85}c: 'd\u{2028} e'\rf: g"),
        json!({"a": "b", "c": "d\u{2028}e", "f": "g"})
    );
}

#[test]
fn rejects_control_characters() {
    for character in ['\0', '\u{1}', '\u{7f}', '\u{80}', '\u{ffff}'] {
        let (line, column, message) = refused(&format!("a: b\nc: d{character}"));
        assert_eq!((line, column), (2, 5));
        assert!(message.ends_with("is not allowed"), "{message}");
    }
    assert_eq!(
        one("{\"a\": \"\u{7f}\u{80}\"}"),
        json!({"a": "\u{7f}\u{80}"})
    );
}
