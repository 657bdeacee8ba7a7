use serde_json::json;

use super::super::{Position, decode, parse};
use super::{all, one, refused};

#[test]
fn separators_are_lines_that_begin_with_three_dashes() {
    let text = "# c\n---\na: 1\n--- # c\n---\nb: |\n  ---\n  c\n---\r\nd: 2\r\n";
    assert_eq!(
        all(text),
        [json!({"a": 1}), json!({"b": "---\nc\n"}), json!({"d": 2})]
    );
    for text in [
        "a: 1\n--- b\n",
        "--- |\n  a\n",
        "---a: 1\n",
        "a: 1\n----\n",
        "a: 'b\n---\nc'\n",
    ] {
        refused(text);
    }
    assert_eq!(refused("a: 1\n---  b\n").0, 2);
    assert_eq!(refused("a: 1\n---  b\n").1, 6);
}

#[test]
fn rest_after_the_end_of_a_document_is_ignored() {
    assert_eq!(
        all("a: 1\n...\n[\n---\nb: 2\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(all("[a] b\n"), [json!(["a"])]);
}

#[test]
fn documents_after_directives_are_refused() {
    let (line, _, message) = refused("%YAML 1.1\n---\na: 1\n");
    assert_eq!(line, 2);
    assert_eq!(
        message,
        "invalid YAML: `kubectl` reads no document after directives"
    );
    // Only a line feed separates lines there.
    assert_eq!(
        one("%TAG !a! tag:yaml.org,2002:\r---\ra: !a!str 5"),
        json!({"a": "5"})
    );
    assert_eq!(all("---\n%YAML 1.1\na: 1\n"), [json!(null)]);
    refused("%YAML 1.2\r---\ra: 1");
}

#[test]
fn json_values_follow_each_other() {
    let text = "{\"a\": 1}{\"b\": 2}\n\n {\"c\":\n  [3]} null";
    assert_eq!(
        all(text),
        [
            json!({"a": 1}),
            json!({"b": 2}),
            json!({"c": [3]}),
            json!(null)
        ]
    );
    let (documents, _) = parse(text);
    let Position { line, column } = documents[2].1.find("c[0]");
    assert_eq!((line, column), (4, 4));
    let Position { line, column } = documents[2].1.find("c");
    assert_eq!((line, column), (3, 3));
}

#[test]
fn one_json_object_may_be_followed_by_yaml() {
    assert_eq!(
        all("{\"a\": 1}\n---\nb: 2\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(all("{\"a\": 1} # c\n"), [json!({"a": 1})]);
    assert_eq!(all("{\"a\": 1,}\n"), [json!({"a": 1})]);
    // The end is too short for kubectl.
    refused("{\"a\": 1}\nb\n");
    let (documents, errors) = parse("{\"a\": 1}{\"b\": 2}\n---\nc: 3\n");
    assert_eq!((documents.len(), errors[0].at.line), (2, 2));
    let (line, column, _) = refused("{\"a\": 1}\n  {\"b\": [}\n");
    assert_eq!((line, column), (2, 10));
}

#[test]
fn numbers_of_json_are_those_of_the_api_server() {
    let text = "{\"a\": 1.0, \"b\": -0, \"c\": 18446744073709551615, \"d\": 1e3, \"e\": 0.5}";
    let expected = json!({"a": 1, "b": 0, "c": 18_446_744_073_709_551_616.0, "d": 1000, "e": 0.5});
    assert_eq!(one(text), expected);
    let (documents, errors) = parse("{\"a\": 1e999}{\"b\": 1}");
    assert_eq!(documents.len(), 1);
    assert_eq!(
        (errors[0].at.column, &*errors[0].message),
        (7, "number out of range")
    );
}

#[test]
fn byte_order_marks_may_start_documents() {
    assert_eq!(
        all("\u{feff}a: 1\n---\n\u{feff}b: 2\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(one("# c\n\u{feff}a: 1\n"), json!({"\u{feff}a": 1}));
}

#[test]
fn empty_texts_have_no_documents() {
    for text in ["", "\n", "# c\n", "---\n# c\n"] {
        assert!(all(text).iter().all(serde_json::Value::is_null), "{text:?}");
    }
}

#[test]
fn decodes_utf8_and_utf16() {
    let text = "a: ä😀\n";
    let marked = format!("\u{feff}{text}");
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [text.as_bytes(), marked.as_bytes(), &little, &big] {
        assert_eq!(decode(bytes).unwrap(), text);
    }
    let error = |bytes: &[u8]| {
        let error = decode(bytes).unwrap_err();
        (error.at.line, error.at.column, error.message)
    };
    assert_eq!(error(b"a\nb\xff"), (2, 2, "not valid UTF-8".to_owned()));
    assert_eq!(
        error(b"\xff\xfea\0\0\xd8"),
        (1, 2, "not valid UTF-16".to_owned())
    );
    assert_eq!(
        error(b"\xff\xfea\0b"),
        (1, 2, "not valid UTF-16".to_owned())
    );
}
