use serde_json::json;

use super::super::{Position, parse, parse_with_keys_as_written};
use super::{one, refused};

#[test]
fn reports_duplicate_keys_with_source_text() {
    let text = "Y: 1\nTRUE: 2\n";
    let (documents, errors) = parse(text);
    assert_eq!(documents[0].0, json!({"true": 2}));
    assert_eq!(documents[0].1.find("true").line, 2);
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
    let (documents, errors) = parse("{\"a\": {\"b\": 1},\n \"a\": {\"c\": 2}}");
    assert_eq!(documents[0].0, json!({"a": {"c": 2}}));
    assert_eq!((errors[0].rule, errors[0].at.line), ("duplicate-key", 2));
}

#[test]
fn duplicate_keys_of_anchors_are_reported_once() {
    let (_, errors) = parse("a: &a {b: 1, b: 2}\nc: *a\nd: {<<: *a}\n");
    assert_eq!(errors.len(), 1);
    let (_, errors) = parse("a: {b: 1, <<: {b: 2}, c: 3}\n");
    assert!(errors.is_empty());
}

#[test]
fn merges_override_fields_before_them() {
    let merges = [
        ("{z: 3, <<: *a}", json!({"z": 2, "x": 1})),
        ("{<<: *a, z: 3}", json!({"z": 3, "x": 1})),
        ("{<<: [*a, {x: 4, v: 5}]}", json!({"x": 1, "v": 5, "z": 2})),
        ("{<<: {<<: *a, x: 4}, z: 3}", json!({"x": 4, "z": 3})),
        ("{<<: {x: 4, <<: *a}}", json!({"x": 1, "z": 2})),
        ("{<<: *a, <<: {x: 4}}", json!({"x": 4, "z": 2})),
        ("{<<: []}", json!({})),
        ("{'<<': *a}", json!({"<<": {"x": 1, "z": 2}})),
        ("{!!str <<: *a}", json!({"<<": {"x": 1, "z": 2}})),
        ("{! '<<': *a}", json!({"x": 1, "z": 2})),
        ("{!!merge '<<': *a}", json!({"x": 1, "z": 2})),
        ("[<<]", json!(["<<"])),
    ];
    for (text, expected) in merges {
        let value = one(&format!("a: &a {{x: 1, z: 2}}\nb: {text}\n"));
        assert_eq!(value["b"], expected, "{text}");
    }
    // JSON has no merge keys.
    let text = "{\"<<\": {\"a\": 1}}";
    assert_eq!(one(text), json!({"<<": {"a": 1}}));
    for text in ["~", "x", "[x]", "[[{a: 1}]]", "*s", "*l"] {
        let (line, ..) = refused(&format!("s: &s x\nl: &l [{{a: 1}}]\nb: {{<<: {text}}}\n"));
        assert_eq!(line, 3, "{text}");
    }
}

#[test]
fn merged_fields_have_positions() {
    let (documents, _) = parse("a: &a\n  x: 1\nb:\n  x: 2\n  <<: *a\n");
    assert_eq!(documents[0].0["b"]["x"], 1);
    let Position { line, column } = documents[0].1.find("b.x");
    assert_eq!((line, column), (2, 3));
}

#[test]
fn aliases_are_copied_and_limited() {
    let text = "a: &a 1\nb: *a\nc: &a {d: 2}\ne: [*a, *a]\n*a : f\n";
    assert_eq!(refused(text).0, 5);
    assert_eq!(
        one("a: &a 1\nb: *a\nc: &a d\ne: *a\n*a : f\n"),
        json!({"a": 1, "b": 1, "c": "d", "e": "d", "d": "f"})
    );
    for text in [
        "a: &a [*a]\n",
        "a: &a {b: *a}\n",
        "a: &a {<<: *a}\n",
        "a: *b\n",
        "a: &a 1\n---\nb: *a\n",
    ] {
        refused(text);
    }
    let level = |level: u32| {
        let items = vec![format!("*a{level}"); 10].join(", ");
        format!("a{}: &a{} [{items}]\n", level + 1, level + 1)
    };
    let levels: String = (0..12).map(level).collect();
    let (_, _, message) = refused(&format!("a0: &a0 [x, x]\n{levels}"));
    assert!(
        message.ends_with("document contains excessive aliasing"),
        "{message}"
    );
}

#[test]
fn flow_collections_follow_libyaml() {
    let values = [
        ("[a, b, ]", json!(["a", "b"])),
        ("{a, b: }", json!({"a": null, "b": null})),
        ("{a:1}", json!({"a:1": null})),
        ("[a: 1, ? b : 2]", json!([{"a": 1}, {"b": 2}])),
        ("[-a, -]", json!(["-a", "-"])),
        ("{\"a\":1}", json!({"a": 1})),
    ];
    for (text, value) in &values {
        assert_eq!(&one(&format!("x: {text}\n"))["x"], value, "{text}");
    }
    for text in [
        "[,]",
        "[- a]",
        "[a?b]",
        "{[a]: 1}",
        "[|a]",
        "[@a]",
        "[a}",
        "{{a: 1}: 2}",
    ] {
        refused(&format!("x: {text}\n"));
    }
    // Content need not be indented.
    assert_eq!(one("x: [a,\nb\n]\n"), json!({"x": ["a", "b"]}));
}

#[test]
fn flow_collections_follow_go_yaml() {
    let values = [
        ("[!a,b c, d]", json!(["c", "d"])),
        ("[!!str, 5]", json!(["5"])),
        ("[!!, 5, 6]", json!(["5", 6])),
        ("[!a[b] c]", json!(["c"])),
        ("[!<tag:yaml.org,2002:str> 5]", json!(["5"])),
        ("['!a', !b c, '!d, e']", json!(["!a", "c", "!d, e"])),
        ("[a !b, c]", json!(["a !b", "c"])),
        ("{a:,b: c}", json!({"a:": null, "b": "c"})),
        ("[a:]", json!(["a:"])),
        ("[\"\\'\", '\\''', \\'a]", json!(["'", "\\'", "\\'a"])),
        ("[ｶ, \u{feff}a]", json!(["ｶ", "\u{feff}a"])),
        ("[\u{1ffff}]", json!(["\u{1ffff}"])),
    ];
    for (text, value) in &values {
        assert_eq!(&one(text), value, "{text}");
    }
    for (text, column) in [
        ("[http://a/?b=c]", 11),
        ("['a'!b', c]", 5),
        ("[!<a>, b]", 2),
    ] {
        assert_eq!(refused(text).0, 1, "{text}");
        assert!(refused(text).1 >= column, "{text}");
    }
    let names = "'!a', ".repeat(100);
    assert_eq!(one(&format!("[{names}]")), json!(vec!["!a"; 100]));
}

#[test]
fn block_collections_follow_libyaml() {
    let text = "a:\n- b\n-\n- - c\nd:\n  ? e\n  : f\n? g\nh: i\n  j\n";
    let expected = json!({"a": ["b", null, ["c"]], "d": {"e": "f"}, "g": null, "h": "i j"});
    assert_eq!(one(text), expected);
    for text in [
        "a: b\n c: d\n",
        "a:\n\tb: c\n",
        "a: - b\n",
        "a:\n  - b\n - c\n",
        "a: b: c\n",
        "a\nb: c\n",
        "%a: b\n",
        "@a: b\n",
    ] {
        refused(text);
    }
    let key = "k".repeat(1024);
    assert_eq!(one(&format!("{key}: a\n"))[&key], "a");
    refused(&format!("{key}k: a\n"));
}

#[test]
fn rejects_deep_nesting() {
    for text in [
        format!("{}{}", "[".repeat(200), "]".repeat(200)),
        format!("{{\"a\": {}{}}}", "[".repeat(200), "]".repeat(200)),
        format!("{}a\n", "- ".repeat(200)),
    ] {
        assert_eq!(refused(&text).2, "invalid YAML: nested too deeply");
    }
}

/// A value may be a password that should have quotes.
#[test]
fn errors_contain_no_values() {
    let values = [
        "*hunter",
        "&hunter",
        "!hunter!x",
        "!!int hunter",
        "!!binary hunter*",
        "!hunter{",
        "@hunter",
        "`hunter",
        "%hunter",
        "'hunter",
        "\"hunter",
        "\"hunter\\q\"",
        "|hunter",
        ">hunter",
        "[hunter",
        "{hunter",
        "]hunter",
        "- hunter",
        "? hunter",
        "hunter: 2",
        "hunter\u{1}",
        "*hunter.",
        "&hunter.",
        "!%zzhunter",
        "!!hunter%",
    ];
    for value in values {
        for text in [
            format!("password: {value}\n"),
            format!("{{\"password\": {value}}}"),
            format!("[{value}]"),
            format!("a: 1\n--- {value}"),
        ] {
            for error in parse(&text).1 {
                assert!(
                    !error.message.contains("hunter"),
                    "{text}: {}",
                    error.message
                );
                assert!(!error.hint.contains("hunter"), "{text}: {}", error.hint);
            }
        }
    }
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
    assert_eq!(found, [("duplicate-key", 2), ("syntax", 5)]);
    for text in ["a: 1\nb: [\n", "a: 1\nb: {c: d,", "a: 1\nb: [c,\nd: e\n"] {
        let (line, column, message) = refused(text);
        assert_eq!((line, column), (2, 4));
        assert!(
            message.starts_with("invalid YAML: unclosed bracket"),
            "{message}"
        );
    }
    let (line, column, _) = refused("a: 1\nb: \"c\nd: e\n");
    assert_eq!((line, column), (2, 4));
}
