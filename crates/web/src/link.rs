//! Addresses of pages.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use url::form_urlencoded;

/// Characters that separate the parts of a path, or end it.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Characters of a path that are not shown as they are.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'#')
    .add(b'?');

/// Returns the path of parts.
pub(crate) fn path(parts: &[&str]) -> String {
    let mut path = String::new();
    for part in parts {
        path.push('/');
        path.extend(utf8_percent_encode(part, PART));
    }
    path
}

/// Splits a path into its parts.
pub(crate) fn parts(path: &str) -> Vec<String> {
    let parts = path.trim_matches('/').split('/');
    parts
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

/// Returns the path of a record.
pub(crate) fn record(kind: &str, namespace: Option<&str>, name: &str) -> String {
    let kind = kind.to_lowercase();
    match namespace {
        Some(namespace) => path(&["records", &kind, namespace, name]),
        None => path(&["records", &kind, name]),
    }
}

/// Returns a path with a query, without empty values.
pub(crate) fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = query.extend_pairs(filled).finish();
    let mut link: String = utf8_percent_encode(path, PATH).collect();
    if !query.is_empty() {
        link.push('?');
        link.push_str(&query);
    }
    link
}

#[cfg(test)]
mod tests {
    use super::{parts, path, query, record};

    #[test]
    fn names_survive_in_paths() {
        let name = "a/b ?#<ü>%2f";
        assert_eq!(parts(&path(&["records", name])), ["records", name]);
        assert_eq!(
            record("ClusterExtension", None, "m"),
            "/records/clusterextension/m"
        );
        assert_eq!(
            record("Extension", Some("dev"), "m"),
            "/records/extension/dev/m"
        );
    }

    #[test]
    fn empty_values_are_left_out() {
        assert_eq!(query("/records", &[("q", ""), ("zone", "")]), "/records");
        assert_eq!(
            query("/records", &[("q", "a&b"), ("page", "2")]),
            "/records?q=a%26b&page=2"
        );
    }
}
