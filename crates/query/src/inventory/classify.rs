//! Classifies documents by kind and version, and validates their names. Objects of this API group are validated
//! as by the API server; other objects are ignored.

use extension_registry_api::convert::{LABEL_HINT, is_label, is_subdomain};
use extension_registry_api::{GROUP, VERSION, limits, shape};
use extension_registry_core::diagnostic::Diagnostic;
use extension_registry_core::suggest;
use serde_json::Value;

use crate::suggest::did_you_mean;

/// Class of a document.
pub(super) enum DocumentClass {
    /// An object of this API group, with a known kind and version.
    Known,
    /// A Secret, which may be the source of values.
    Secret,
    /// Another kind of object.
    Other,
    /// Not a Kubernetes object: it has no kind.
    NotAnObject,
    /// An object of this API group that the API server would reject.
    Invalid(Vec<Diagnostic>),
}

/// Classifies a document by `apiVersion` and `kind`.
pub(super) fn classify(document: &Value) -> DocumentClass {
    let text = |field: &str| document.get(field).and_then(Value::as_str);
    let kind = text("kind").filter(|kind| !kind.is_empty());
    let version = text("apiVersion").filter(|version| !version.is_empty());
    match (version, kind) {
        (None, None) => DocumentClass::NotAnObject,
        (None, Some(kind)) => without_version(kind),
        (Some(version), kind) => match version.split_once('/').unwrap_or((version, "")) {
            (GROUP, version) => own_group(version, kind),
            _ if kind.is_none() => DocumentClass::NotAnObject,
            ("v1", "") if kind == Some("Secret") => DocumentClass::Secret,
            (group, _) => other_group(group, kind.unwrap_or_default()),
        },
    }
}

/// Classifies a document without `apiVersion`.
fn without_version(kind: &str) -> DocumentClass {
    if shape::kinds().any(|known| known.eq_ignore_ascii_case(kind)) {
        let hint = format!("add `apiVersion: {GROUP}/{VERSION}`");
        DocumentClass::Invalid(vec![Diagnostic::error(
            "missing-field",
            "apiVersion",
            "is missing",
            hint,
        )])
    } else {
        DocumentClass::Other
    }
}

fn own_group(version: &str, kind: Option<&str>) -> DocumentClass {
    let mut problems = Vec::new();
    if version != VERSION {
        let message = if version.is_empty() {
            "has no version".to_owned()
        } else {
            format!("unknown version `{}` of group {GROUP}", truncate(version))
        };
        let hint = format!("did you mean `{GROUP}/{VERSION}`?");
        problems.push(Diagnostic::error(
            "unknown-version",
            "apiVersion",
            message,
            hint,
        ));
    }
    match kind {
        None => problems.push(Diagnostic::error(
            "missing-field",
            "kind",
            "is missing",
            format!("use one of {}", known_kinds()),
        )),
        Some(kind) if !shape::kinds().any(|known| known == kind) => {
            let hint = did_you_mean(kind, shape::kinds())
                .unwrap_or_else(|| format!("use one of {}", known_kinds()));
            let message = format!("unknown kind `{}` in group {GROUP}", truncate(kind));
            problems.push(Diagnostic::error("unknown-kind", "kind", message, hint));
        }
        Some(_) => {}
    }
    if problems.is_empty() {
        DocumentClass::Known
    } else {
        DocumentClass::Invalid(problems)
    }
}

/// Classifies an object of another group. Warns if kind and group look like a typo of this API group.
fn other_group(group: &str, kind: &str) -> DocumentClass {
    if shape::kinds().any(|known| known == kind) && suggest::closest(group, [GROUP]).is_some() {
        let problem = Diagnostic::warning(
            "unknown-group",
            "apiVersion",
            format!("skipped: unknown group `{}`", truncate(group)),
            format!("did you mean `{GROUP}/{VERSION}`?"),
        );
        DocumentClass::Invalid(vec![problem])
    } else {
        DocumentClass::Other
    }
}

fn known_kinds() -> String {
    let mut kinds: Vec<&str> = shape::kinds().collect();
    kinds.sort_unstable();
    format!("`{}`", kinds.join("`, `"))
}

/// Truncates a word of a document for a message.
fn truncate(word: &str) -> String {
    let mut truncated: String = word.chars().take(64).collect();
    if truncated.len() < word.len() {
        truncated.push('…');
    }
    truncated
}

/// Name and namespace of an object.
pub(super) struct Named {
    /// Empty if it has none.
    pub(super) name: String,
    /// Whether the API server generates the name, and this is an example.
    pub(super) is_generated: bool,
    /// Namespace as written.
    pub(super) namespace: Option<String>,
    /// Problems with the names.
    pub(super) problems: Vec<Diagnostic>,
}

/// Reads and validates the name and namespace of an object.
pub(super) fn names(kind: &str, document: &Value) -> Named {
    let mut problems = Vec::new();
    let mut text = |name: &str, field: &'static str| {
        let value = document.get("metadata")?.get(name)?;
        if value.is_null() {
            return None;
        }
        let text = value.as_str();
        if text.is_none() {
            problems.push(Diagnostic::error(
                "wrong-type",
                field,
                "must be a string",
                "quote it",
            ));
        }
        text.map(str::to_owned)
    };
    let mut name = text("name", "metadata.name").unwrap_or_default();
    let namespace = text("namespace", "metadata.namespace").filter(|text| !text.is_empty());
    let prefix = document["metadata"]["generateName"].as_str();
    let prefix = prefix.filter(|prefix| name.is_empty() && !prefix.is_empty());
    if let Some(prefix) = prefix {
        name = generated(prefix);
    }
    if name.is_empty() && problems.is_empty() {
        problems.push(Diagnostic::error(
            "missing-field",
            "metadata.name",
            "is missing",
            "add it",
        ));
    }
    // Names of records are used in labels and file names, so their limit is lower.
    let (longest, hint) = if matches!(kind, "ClusterExtension" | "Extension") {
        (
            limits::NAME,
            "use 1 to 63 lowercase letters, digits, `-` or `.`; start and end each dot-separated part with a letter or digit",
        )
    } else {
        (
            limits::KEY,
            "use 1 to 253 lowercase letters, digits, `-` or `.`; start and end each dot-separated part with a letter or digit",
        )
    };
    let fits = name.len() <= longest && is_subdomain(&name);
    // An invalid prefix is reported as such.
    if !name.is_empty() && !fits && prefix.is_none() {
        problems.push(Diagnostic::error(
            "invalid-name",
            "metadata.name",
            "invalid name: must be a DNS subdomain (RFC 1123)",
            hint,
        ));
    }
    match &namespace {
        // The API server ignores it, and kustomize may write it, so it is not an error.
        Some(_) if kind == "ClusterExtension" => problems.push(Diagnostic::warning(
            "ignored-namespace",
            "metadata.namespace",
            "ignored: a ClusterExtension is cluster-scoped",
            "remove the namespace, or use kind `Extension` for a record of one project",
        )),
        Some(namespace) if !is_label(namespace) => problems.push(Diagnostic::error(
            "invalid-name",
            "metadata.namespace",
            "invalid namespace: must be a DNS label (RFC 1123)",
            LABEL_HINT,
        )),
        _ => {}
    }
    Named {
        is_generated: prefix.is_some(),
        name,
        namespace,
        problems,
    }
}

/// Returns a name like those that the API server generates: the prefix, and five characters.
fn generated(prefix: &str) -> String {
    const LONGEST_PREFIX: usize = 58;
    let prefix: String = prefix.chars().take(LONGEST_PREFIX).collect();
    format!("{prefix}xxxxx")
}
