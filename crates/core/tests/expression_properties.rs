//! Properties of expressions.

use extension_registry_core::expression::{Segment, Template};
use proptest::prelude::*;

/// Fragments that combine in ways random text would not.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        Just("{{ extension.a.b }}".to_owned()),
        Just("{{inputs.a}}".to_owned()),
        Just("{{ steps.a.outputs.b }}".to_owned()),
        "(extensions?|inputs|steps|input|foo)",
        "[.a{} \n\"ö$()-]{0,4}",
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// A valid expression.
fn expression() -> impl Strategy<Value = String> {
    let body = prop_oneof![
        "extensions?[.][a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?([.]cfg)?[.][A-Za-z_][A-Za-z0-9_.-]{0,6}",
        "inputs[.][A-Za-z0-9_-]{1,6}",
        "steps[.][A-Za-z0-9_-]{1,6}[.]outputs[.][A-Za-z0-9_-]{1,6}",
    ];
    ("[ \t\n]{0,2}", body, "[ \t\n]{0,2}")
        .prop_map(|(left, body, right)| format!("{{{{{left}{body}{right}}}}}"))
}

fn column_of(segment: &Segment<'_>) -> Option<usize> {
    match segment {
        Segment::Text(_) => None,
        Segment::Extension { column, .. }
        | Segment::Input { column, .. }
        | Segment::Output { column, .. } => Some(*column),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = Template::parse(&text);
    }

    #[test]
    fn sources_concatenate_to_whole_text(text in text()) {
        match Template::parse(&text) {
            Ok(template) => {
                prop_assert_eq!(template.sources().concat(), text.clone());
                prop_assert_eq!(template.to_string(), text.clone());
                prop_assert_eq!(template.sources().len(), template.segments.len());
                for (segment, source) in template.segments.iter().zip(template.sources()) {
                    match segment {
                        Segment::Text(own) => prop_assert_eq!(own, source),
                        _ => prop_assert!(source.starts_with("{{") && source.ends_with("}}")),
                    }
                }
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.is_sorted_by_key(|error| error.column));
                for error in errors {
                    prop_assert!((1..=text.chars().count()).contains(&error.column), "{error}");
                }
            }
        }
    }

    #[test]
    fn text_segments_are_merged_and_not_empty(text in text()) {
        let Ok(template) = Template::parse(&text) else { return Ok(()) };
        let is_text = |segment: &Segment<'_>| matches!(segment, Segment::Text(_));
        prop_assert!(!template.segments.windows(2).any(|pair| is_text(&pair[0]) && is_text(&pair[1])));
        prop_assert!(text.is_empty() || !template.segments.contains(&Segment::Text("")));
        prop_assert_eq!(template.has_expressions(), !template.segments.iter().all(is_text));
    }

    #[test]
    fn text_without_keywords_is_one_segment(text in "[a-d{}.$()\" \n\\-|#ö]{0,40}") {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(template.segments, vec![Segment::Text(&text)]);
    }

    #[test]
    fn expression_has_same_segment_alone_and_in_text(
        expression in expression(),
        before in "[a-dö }\n$()]{0,8}",
        after in "[a-dö }\n$()]{0,8}",
    ) {
        let whole = Template::parse(&expression).unwrap();
        let alone = whole.whole().copied();
        prop_assert!(alone.is_some());
        let text = format!("{before}{expression}{after}");
        let template = Template::parse(&text).unwrap();
        let inside: Vec<_> = template.segments.iter().filter_map(column_of).collect();
        prop_assert_eq!(inside, vec![column_of(&alone.unwrap()).unwrap() + before.chars().count()]);
        prop_assert_eq!(template.whole().is_some(), before.is_empty() && after.is_empty());
        prop_assert!(template.sources().contains(&expression.as_str()));
    }

    #[test]
    fn column_is_that_of_first_word(text in text()) {
        let Ok(template) = Template::parse(&text) else { return Ok(()) };
        for column in template.segments.iter().filter_map(column_of) {
            let from: String = text.chars().skip(column - 1).collect();
            prop_assert!(["extension", "inputs.", "steps."].iter().any(|word| from.starts_with(word)), "{from}");
        }
    }
}
