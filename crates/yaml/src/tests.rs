mod documents;
mod scalars;
mod structure;

use serde_json::Value;

use super::parse;

/// Returns the only document of a text.
fn one(text: &str) -> Value {
    let (mut documents, errors) = parse(text);
    assert!(errors.is_empty(), "{text:?}: {errors:?}");
    assert_eq!(documents.len(), 1, "{text:?}");
    documents.remove(0).0
}

/// Returns all documents of a text.
fn all(text: &str) -> Vec<Value> {
    let (documents, errors) = parse(text);
    assert!(errors.is_empty(), "{text:?}: {errors:?}");
    documents.into_iter().map(|(value, _)| value).collect()
}

/// Returns line, column and message of the first error.
fn refused(text: &str) -> (usize, usize, String) {
    let (_, errors) = parse(text);
    assert!(!errors.is_empty(), "{text:?}");
    let error = &errors[0];
    assert_eq!(error.rule, "syntax", "{text:?}");
    (error.at.line, error.at.column, error.message.clone())
}
