//! Mount paths, and the directory of bindings.

use extension_registry_core::projection::environment::ROOT_VARIABLE;
use extension_registry_core::refusal::{Reason, Refusal};

/// Returns the path without empty and `.` parts; `None` unless it is absolute and literal. Paths with
/// `..` are rejected, because symbolic links in the image make their target unpredictable. Colons are
/// invalid in `mountPath`, and the engine would substitute `$(`.
pub(crate) fn normalize(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains("$(") || path.contains(':') || path.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return None;
    }
    Some(format!("/{}", parts.join("/")))
}

/// Joins a directory and a name; both normalized.
pub(crate) fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Returns whether a normalized path is strictly below another.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" && path != "/"
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the directory in a value of `SERVICE_BINDING_ROOT`.
pub(crate) fn root_path(
    value: &str,
    is_reserved: impl Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let path = normalize(value)
        .filter(|_| !value.contains("{{") && !value.contains("$$"))
        .ok_or_else(invalid_root)?;
    if is_reserved(&path) {
        return Err(Refusal::new(
            Reason::Invalid,
            format!("bindings cannot be mounted below the reserved path `{path}`"),
            format!("set `{ROOT_VARIABLE}` to another directory"),
        ));
    }
    Ok(path)
}

pub(crate) fn invalid_root() -> Refusal {
    Refusal::new(
        Reason::Invalid,
        format!("`{ROOT_VARIABLE}` must be a literal absolute path"),
        "use a path such as `/bindings`, without expressions, `$(…)`, `..` or `:`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes_only_absolute_literal_paths() {
        for (path, expected) in [
            ("/bindings", Some("/bindings")),
            ("//bindings/./x//", Some("/bindings/x")),
            ("/", Some("/")),
            ("bindings", None),
            ("", None),
            ("/a/../b", None),
            ("/a$(B)", None),
            ("/a:b", None),
        ] {
            assert_eq!(normalize(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn is_below_compares_whole_segments() {
        assert!(is_below("/a/b", "/a"));
        assert!(is_below("/a", "/"));
        assert!(!is_below("/a", "/a"));
        assert!(!is_below("/ab", "/a"));
        assert!(!is_below("/", "/"));
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/r", "a"), "/r/a");
    }
}
