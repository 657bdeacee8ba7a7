//! Expressions by example.

#![expect(clippy::panic, reason = "test helpers panic")]

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::expression::{ExpressionError, Segment, Template, canonical_key};

fn template(text: &str) -> Template<'_> {
    Template::parse(text).unwrap_or_else(|errors| panic!("`{text}`: {errors:?}"))
}

fn errors(text: &str) -> Vec<ExpressionError> {
    match Template::parse(text) {
        Ok(template) => panic!("`{text}` is {template:?}"),
        Err(errors) => errors,
    }
}

fn extension<'t>(requirement: &'t str, key: &'t str, column: usize) -> Segment<'t> {
    Segment::Extension {
        requirement,
        key,
        configuration_only: false,
        column,
    }
}

fn configuration<'t>(requirement: &'t str, key: &'t str, column: usize) -> Segment<'t> {
    Segment::Extension {
        requirement,
        key,
        configuration_only: true,
        column,
    }
}

fn input(name: &str, column: usize) -> Segment<'_> {
    Segment::Input { name, column }
}

fn output<'t>(step: &'t str, output: &'t str, column: usize) -> Segment<'t> {
    Segment::Output {
        step,
        output,
        column,
    }
}

#[test]
fn parses_whole_values() {
    for (text, segment) in [
        (
            "{{ extension.mlflow-storage.AWS_ACCESS_KEY_ID }}",
            extension("mlflow-storage", "AWS_ACCESS_KEY_ID", 4),
        ),
        ("{{ extensions.s3.uri }}", extension("s3", "uri", 4)),
        ("{{extension.s3.uri}}", extension("s3", "uri", 3)),
        ("{{\textension.s3.uri\n}}", extension("s3", "uri", 4)),
        ("{{ \n\n  extension.s3.uri }}", extension("s3", "uri", 8)),
        (
            "{{\u{a0}extension.s3.uri\u{a0}}}",
            extension("s3", "uri", 4),
        ),
        (
            "{{ extensions.mlflow-store.cfg.MLFLOW_S3_ENDPOINT_URL }}",
            configuration("mlflow-store", "MLFLOW_S3_ENDPOINT_URL", 4),
        ),
        ("{{ extension.x.cfg }}", extension("x", "cfg", 4)),
        ("{{ extension.x.cfg.cfg }}", configuration("x", "cfg", 4)),
        (
            "{{ extension.x.cfg.cfg.yaml }}",
            configuration("x", "cfg.yaml", 4),
        ),
        ("{{ extension.x.ca.crt }}", extension("x", "ca.crt", 4)),
        (
            "{{ extension.x.cfg.tls.key }}",
            configuration("x", "tls.key", 4),
        ),
        (
            "{{ extension.x..dockerconfigjson }}",
            extension("x", ".dockerconfigjson", 4),
        ),
        ("{{ extension.x.url }}", extension("x", "url", 4)),
        ("{{ extension.1.a-b_c }}", extension("1", "a-b_c", 4)),
        ("{{ inputs.predictor }}", input("predictor", 4)),
        ("{{inputs.mlflow-codeset}}", input("mlflow-codeset", 3)),
        (
            "{{ steps.builder.outputs.mlflow-env }}",
            output("builder", "mlflow-env", 4),
        ),
        (
            "{{ steps.outputs.outputs.outputs }}",
            output("outputs", "outputs", 4),
        ),
    ] {
        let template = template(text);
        assert_eq!(template.whole(), Some(&segment), "{text}");
        assert!(template.has_expressions());
        assert_eq!(template.sources(), [text]);
    }
}

#[test]
fn spaces_outside_braces_are_text() {
    let padded = template(" {{ inputs.a }}");
    assert_eq!(padded.segments, [Segment::Text(" "), input("a", 5)]);
    assert_eq!(padded.whole(), None);
    assert_eq!(
        template("{{ inputs.a }}\n").segments,
        [input("a", 4), Segment::Text("\n")]
    );
}

#[test]
fn parses_expressions_inside_text() {
    assert_eq!(
        template("größe={{ inputs.a }}{{inputs.b}}, {{ extension.s3.uri }}/x").segments,
        [
            Segment::Text("größe="),
            input("a", 10),
            input("b", 23),
            Segment::Text(", "),
            extension("s3", "uri", 38),
            Segment::Text("/x"),
        ],
    );
    assert_eq!(
        template(r#"{"a":{{ inputs.a }}}"#).segments,
        [Segment::Text(r#"{"a":"#), input("a", 9), Segment::Text("}")],
    );
}

#[test]
fn other_braces_are_literal() {
    for text in [
        "",
        " ",
        "plain",
        "$(params.a)",
        "$(VAR) ${VAR}",
        "{{ \"{{\" }}",
        "{{ .Values.a }}",
        "{{ .inputs.a }}",
        "{{- inputs.a -}}",
        "{{ $steps }}",
        "{{#inputs}}{{/inputs}}",
        "{{ inputs|join }}",
        "{{ steps[0].a }}",
        "{{ range .steps }}",
        "{{ print inputs.a }}",
        "{{ item }}",
        "{{ stew.a }}",
        "{{ steel.a }}",
        "{{ user.name }}",
        "{{ workflow.name }}",
        "{{ parameters.a }}",
        "{{ outputs.a }}",
        "{{ int.a }}",
        "{{ extension-packs.a }}",
        "{% extends %}",
        "{ inputs.a }",
        "{ { inputs.a } }",
        "inputs.a }}",
        "{{",
        "{{ ",
        "{{}}",
        "{{ foo",
        "{{ stepz.a",
        "}}{{",
        "{{{",
        "{{{{{{{{}}",
        "{{ große.a }}",
    ] {
        let template = template(text);
        assert_eq!(template.segments, [Segment::Text(text)], "{text}");
        assert_eq!(template.whole(), None);
        assert!(!template.has_expressions());
    }
}

#[test]
fn last_two_braces_open_and_first_two_close() {
    assert_eq!(
        template("{{{ extension.a.b }}}").segments,
        [
            Segment::Text("{"),
            extension("a", "b", 5),
            Segment::Text("}")
        ],
    );
    assert_eq!(
        template("{{{{inputs.a}}}}").segments,
        [Segment::Text("{{"), input("a", 5), Segment::Text("}}")],
    );
}

#[test]
fn literal_braces_do_not_protect_expressions() {
    assert_eq!(
        template("{{ print \"{{ inputs.a }}\" }}").segments,
        [
            Segment::Text("{{ print \""),
            input("a", 14),
            Segment::Text("\" }}")
        ],
    );
    assert_eq!(
        template("{{ own and {{ inputs.a }}").segments,
        [Segment::Text("{{ own and "), input("a", 15)],
    );
}

/// Text, column, part of the message, part of the hint.
const ERRORS: &[(&str, usize, &str, &str)] = &[
    (
        "{{ extention.a.b }}",
        4,
        "`extention`",
        "did you mean `extension`?",
    ),
    ("{{ extnsion.a.b }}", 4, "`extnsion`", "`extension`"),
    ("{{ extensoins.a.b }}", 4, "`extensoins`", "`extensions`"),
    ("{{ Extension.a.b }}", 4, "`Extension`", "`extension`"),
    ("{{ EXTENSIONS }}", 4, "`EXTENSIONS`", "`extensions`"),
    ("{{ input.a }}", 4, "`input`", "`inputs`"),
    ("{{ imputs.a }}", 4, "`imputs`", "`inputs`"),
    ("{{ Inputs.a }}", 4, "`Inputs`", "`inputs`"),
    ("{{ step.a.outputs.b }}", 4, "`step`", "`steps`"),
    ("{{ setps.a }}", 4, "`setps`", "`steps`"),
    ("{{ \u{435}xtension.a.b }}", 4, "xtension`", "`extension`"),
    ("größe {{ input }}", 10, "`input`", "`inputs`"),
    (
        "{{ extension }}",
        4,
        "missing requirement name",
        "{{ extension.NAME.KEY }}",
    ),
    (
        "{{ extension. }}",
        4,
        "missing requirement name",
        "{{ extension.NAME.KEY }}",
    ),
    (
        "{{ extension..key }}",
        4,
        "missing requirement name",
        "NAME",
    ),
    ("{{ extension.a }}", 4, "missing key", "KEY"),
    ("{{ extension.a. }}", 4, "missing key", "KEY"),
    ("{{ extension.a.cfg. }}", 4, "missing key", "KEY"),
    ("{{ extension.a... }}", 4, "invalid key `..`", ""),
    ("{{ extension.a.. }}", 4, "invalid key `.`", ""),
    ("{{ extension.A.b }}", 4, "invalid character `A`", ""),
    (
        "{{ extension.-a.b }}",
        4,
        "must not begin or end with `-`",
        "DNS label",
    ),
    ("{{ extension.größe.b }}", 4, "invalid character `ö`", ""),
    (
        "{{ extension.a.größe }}",
        4,
        "invalid character `ö` in key",
        "",
    ),
    (
        "{{ extension.a.b|upper }}",
        4,
        "invalid character `|` in key",
        "",
    ),
    (
        "{{ extension.a.b | upper }}",
        4,
        "expected one reference",
        "single reference",
    ),
    (
        "{{ extension . a . b }}",
        4,
        "expected one reference",
        "whitespace",
    ),
    (
        "{{ extension.a.extension.yaml }}",
        4,
        "`extension.yaml`",
        "key",
    ),
    (
        "{{ extension.a.cfg.extension.yaml }}",
        4,
        "`extension.yaml`",
        "key",
    ),
    ("{{ inputs }}", 4, "missing input name", "{{ inputs.NAME }}"),
    ("{{ inputs. }}", 4, "missing input name", ""),
    ("{{ inputs..a }}", 4, "missing input name", ""),
    (
        "{{ inputs.a.b }}",
        4,
        "invalid reference `inputs.a.b`: too many segments",
        "{{ inputs.NAME }}",
    ),
    ("{{ inputs.a. }}", 4, "too many segments", ""),
    ("{{ inputs.a+b }}", 4, "invalid character `+`", ""),
    (
        "{{ steps }}",
        4,
        "missing step name",
        "{{ steps.STEP.outputs.NAME }}",
    ),
    ("{{ steps..outputs.a }}", 4, "missing step name", ""),
    (
        "{{ steps.a }}",
        4,
        "missing `outputs`",
        "{{ steps.STEP.outputs.NAME }}",
    ),
    (
        "{{ steps.a.b }}",
        4,
        "found `b`",
        "{{ steps.STEP.outputs.NAME }}",
    ),
    (
        "{{ steps.a.output.b }}",
        4,
        "found `output`",
        "did you mean `outputs`?",
    ),
    (
        "{{ steps.a.Outputs.b }}",
        4,
        "found `Outputs`",
        "did you mean `outputs`?",
    ),
    ("{{ steps.a.outputs }}", 4, "missing output name", ""),
    ("{{ steps.a.outputs. }}", 4, "missing output name", ""),
    ("{{ steps.a.outputs.b.c }}", 4, "too many segments", ""),
    ("{{ extension.", 4, "unclosed", "`}}`"),
    ("{{ extension.a.b }", 4, "unclosed", "`}}`"),
    ("{{inputs", 3, "unclosed", "`}}`"),
];

#[test]
fn errors_have_column_message_and_hint() {
    for (text, column, message, hint) in ERRORS {
        let errors = errors(text);
        assert_eq!(errors.len(), 1, "`{text}`: {errors:?}");
        assert_eq!(errors[0].column, *column, "`{text}`: {}", errors[0]);
        assert!(
            errors[0].message.contains(message),
            "`{text}`: {}",
            errors[0]
        );
        assert!(
            errors[0].hint.as_deref().unwrap_or_default().contains(hint),
            "`{text}`: {}",
            errors[0]
        );
    }
}

#[test]
fn reports_all_errors() {
    let columns: Vec<usize> =
        errors("{{ input.a }} {{ inputs.b }} {{ steps.a }} {{ extension.a {{ foo }} {{inputs}}")
            .iter()
            .map(|error| error.column)
            .collect();
    assert_eq!(columns, [4, 33, 47, 71]);
    assert_eq!(
        errors("{{ input.a }}")[0].explained(),
        "column 4: unknown expression keyword `input`; hint: did you mean `inputs`?",
    );
}

#[test]
fn unclosed_expression_ends_before_next() {
    let errors = errors("{{ extension.a.b and {{ inputs.x }}");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].column, 4);
}

#[test]
fn errors_truncate_long_text() {
    let long = "x".repeat(100_000);
    for text in [
        format!("{{{{ inputs.a {long} }}}}"),
        format!("{{{{ inputs.a.{long} }}}}"),
        format!("{{{{ inputs.{long} }}}}"),
        format!("{{{{ extension.{long}.a }}}}"),
        format!("{{{{ extension.a.{long} }}}}"),
        format!("{{{{ extension.a...{long} }}}}"),
        format!("{{{{ steps.a.{long}.b }}}}"),
        format!("{{{{ steps.a.outputs.b.{long} }}}}"),
        "{{ inputs.\u{1b}[31m }}".to_owned(),
    ] {
        let error = errors(&text)[0].explained();
        assert!(error.len() < 300 && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn resolves_key_aliases() {
    for (key, canonical) in [
        ("url", "uri"),
        ("product", "provider"),
        ("service_resource", "type"),
        ("service_category", "category"),
        ("uri", "uri"),
        ("URL", "URL"),
        ("host", "host"),
    ] {
        assert_eq!(canonical_key(key), canonical);
    }
}

#[test]
fn parses_long_texts_in_linear_time() {
    for part in [
        "{",
        "{{",
        "{{ ",
        "{{ inputs.a }}",
        "{{ foo",
        "{{ x }}",
        "{{ extensiom",
        "}",
        "{{ inputs ",
    ] {
        let _ = Template::parse(&part.repeat(50_000));
    }
}
