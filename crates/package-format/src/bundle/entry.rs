//! Paths of entries.

use std::path::PathBuf;

/// Returns a path that stays inside the folder that it is joined to.
///
/// Only `/` is a separator: a backslash would be part of a name here and a separator elsewhere.
pub(super) fn inside(path: &str) -> Result<PathBuf, &'static str> {
    let mut inner = PathBuf::new();
    if path.starts_with('/') {
        return Err("absolute paths are not allowed");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("empty path segments are not allowed"),
            "." | ".." => return Err("path segments `.` and `..` are not allowed"),
            _ if part.contains('\\') => return Err("backslashes in paths are not allowed"),
            _ if part.contains(char::is_control) => {
                return Err("control characters in paths are not allowed");
            }
            _ if part.len() > 255 => return Err("path segments must not exceed 255 bytes"),
            _ => inner.push(part),
        }
    }
    Ok(inner)
}
