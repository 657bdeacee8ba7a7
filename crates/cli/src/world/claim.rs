//! What a document says it is: kind and version, and its names. What the API server would refuse of an
//! object of ours is wrong here; objects of others are nobody's business here.

use extension_registry_api::convert::{LABEL_HINT, is_label, is_subdomain};
use extension_registry_api::{GROUP, VERSION, limits, shape};
use extension_registry_core::suggest;
use serde_json::Value;

/// What a document is to us.
pub(super) enum Claim {
    /// An object of our group, of a kind and version that there is.
    Ours,
    /// A Secret, which may be the source of values.
    Secret,
    /// Of somebody else.
    Other,
    /// It has no kind, and does not say that it is ours.
    NoObject,
    /// It says that it is ours, and no server would take it.
    Wrong(Vec<Wrong>),
}

/// What is wrong with a claim.
pub(super) struct Wrong {
    pub(super) is_error: bool,
    pub(super) rule: &'static str,
    pub(super) field: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Wrong {
    fn error(
        rule: &'static str,
        field: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            is_error: true,
            rule,
            field,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Reads `apiVersion` and `kind` of a document.
pub(super) fn claim(document: &Value) -> Claim {
    let text = |field: &str| document.get(field).and_then(Value::as_str);
    let kind = text("kind").filter(|kind| !kind.is_empty());
    let version = text("apiVersion").filter(|version| !version.is_empty());
    match (version, kind) {
        (None, None) => Claim::NoObject,
        (None, Some(kind)) => without_version(kind),
        (Some(version), kind) => match version.split_once('/').unwrap_or((version, "")) {
            (GROUP, version) => ours(version, kind),
            _ if kind.is_none() => Claim::NoObject,
            ("v1", "") if kind == Some("Secret") => Claim::Secret,
            (group, _) => slip(group, kind.unwrap_or_default()),
        },
    }
}

/// A kind of ours without a version: nobody else can be meant.
fn without_version(kind: &str) -> Claim {
    if shape::kinds().any(|known| known.eq_ignore_ascii_case(kind)) {
        let hint = format!("add `apiVersion: {GROUP}/{VERSION}`");
        Claim::Wrong(vec![Wrong::error(
            "missing-field",
            "apiVersion",
            "is missing",
            hint,
        )])
    } else {
        Claim::Other
    }
}

fn ours(version: &str, kind: Option<&str>) -> Claim {
    let mut wrong = Vec::new();
    if version != VERSION {
        let message = if version.is_empty() {
            "has no version".to_owned()
        } else {
            format!("group {GROUP} has no version `{}`", shown(version))
        };
        let hint = format!("did you mean `{GROUP}/{VERSION}`?");
        wrong.push(Wrong::error("unknown-version", "apiVersion", message, hint));
    }
    match kind {
        None => wrong.push(Wrong::error(
            "missing-field",
            "kind",
            "is missing",
            format!("known are {}", known_kinds()),
        )),
        Some(kind) if !shape::kinds().any(|known| known == kind) => {
            let hint = suggest::closest(kind, shape::kinds()).map_or_else(
                || format!("known are {}", known_kinds()),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("group {GROUP} has no kind `{}`", shown(kind));
            wrong.push(Wrong::error("unknown-kind", "kind", message, hint));
        }
        Some(_) => {}
    }
    if wrong.is_empty() {
        Claim::Ours
    } else {
        Claim::Wrong(wrong)
    }
}

/// A kind of ours in a group that is nearly ours. It may be somebody's, so it is left alone, but not
/// silently.
fn slip(group: &str, kind: &str) -> Claim {
    if shape::kinds().any(|known| known == kind) && suggest::closest(group, [GROUP]).is_some() {
        let mut wrong = Wrong::error(
            "unknown-group",
            "apiVersion",
            format!(
                "group {} is not that of the registry, so it was left out",
                shown(group)
            ),
            format!("did you mean `{GROUP}/{VERSION}`?"),
        );
        wrong.is_error = false;
        Claim::Wrong(vec![wrong])
    } else {
        Claim::Other
    }
}

fn known_kinds() -> String {
    let mut kinds: Vec<&str> = shape::kinds().collect();
    kinds.sort_unstable();
    format!("`{}`", kinds.join("`, `"))
}

/// A word of a document, short enough for a line.
fn shown(word: &str) -> String {
    let mut shown: String = word.chars().take(64).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
}

/// How an object of ours is named.
pub(super) struct Named {
    /// Empty, where it has none.
    pub(super) name: String,
    /// The one that is written there.
    pub(super) namespace: Option<String>,
    /// What the API server refuses.
    pub(super) wrong: Vec<Wrong>,
}

/// Reads the names of an object of ours.
pub(super) fn names(kind: &str, document: &Value) -> Named {
    let mut wrong = Vec::new();
    let mut text = |name: &str, field: &'static str| {
        let value = document.get("metadata")?.get(name)?;
        if value.is_null() {
            return None;
        }
        let text = value.as_str();
        if text.is_none() {
            wrong.push(Wrong::error("wrong-type", field, "is no text", "quote it"));
        }
        text.map(str::to_owned)
    };
    let name = text("name", "metadata.name").unwrap_or_default();
    let namespace = text("namespace", "metadata.namespace").filter(|text| !text.is_empty());
    if name.is_empty() && wrong.is_empty() {
        wrong.push(Wrong::error(
            "missing-field",
            "metadata.name",
            "is missing",
            "add it",
        ));
    }
    // The operator keeps names of records in labels and file names, so they are shorter than others.
    let (longest, hint) = if matches!(kind, "ClusterExtension" | "Extension") {
        (
            limits::NAME,
            "use 1 to 63 lower-case letters, digits, `-` or `.`, with a letter or digit at both ends of each part",
        )
    } else {
        (
            limits::KEY,
            "use 1 to 253 lower-case letters, digits, `-` or `.`, with a letter or digit at both ends of each part",
        )
    };
    let fits = name.len() <= longest && is_subdomain(&name);
    if !name.is_empty() && !fits {
        wrong.push(Wrong::error(
            "invalid-name",
            "metadata.name",
            "is no name that Kubernetes takes (a DNS subdomain, RFC 1123)",
            hint,
        ));
    }
    match &namespace {
        // The API server drops it, and kustomize writes it: it is no mistake that stops anything.
        Some(_) if kind == "ClusterExtension" => wrong.push(Wrong {
            is_error: false,
            ..Wrong::error(
                "ignored-namespace",
                "metadata.namespace",
                "a ClusterExtension is in no namespace: every project sees it",
                "remove the namespace, or make it kind `Extension`, which one project has",
            )
        }),
        Some(namespace) if !is_label(namespace) => wrong.push(Wrong::error(
            "invalid-name",
            "metadata.namespace",
            "is no namespace that Kubernetes takes (a DNS label, RFC 1123)",
            LABEL_HINT,
        )),
        _ => {}
    }
    Named {
        name,
        namespace,
        wrong,
    }
}
