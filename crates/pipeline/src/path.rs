//! Paths of mounts, compared as the container runtime sees them.

/// The path without empty and `.` parts; `None` unless it is absolute and can be told in advance.
/// Parts `..` are not resolved: with links in the image nobody knows where they lead. A colon is
/// not allowed in `mountPath`, and `$(` would be filled in by the engine.
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

/// The path of something in a folder; both normalized.
pub(crate) fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Whether a normalized path lies below another one.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" && path != "/"
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_literal_paths_are_normalized() {
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
    fn below_is_strict_and_by_whole_parts() {
        assert!(is_below("/a/b", "/a"));
        assert!(is_below("/a", "/"));
        assert!(!is_below("/a", "/a"));
        assert!(!is_below("/ab", "/a"));
        assert!(!is_below("/", "/"));
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/r", "a"), "/r/a");
    }
}
