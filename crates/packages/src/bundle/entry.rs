//! Paths of entries.

use std::path::PathBuf;

/// A path that stays inside the folder that it is joined to; else why it does not.
///
/// `/` alone separates: a backslash would be a name here and a separator elsewhere.
pub(super) fn inside(path: &str) -> Result<PathBuf, &'static str> {
    let mut inner = PathBuf::new();
    if path.starts_with('/') {
        return Err("its path is absolute");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("its path has an empty part"),
            "." | ".." => return Err("its path has a part `.` or `..`"),
            _ if part.contains('\\') => return Err("its path has a backslash"),
            _ if part.contains(char::is_control) => return Err("its path has a control character"),
            _ if part.len() > 255 => return Err("a part of its path is longer than 255 bytes"),
            _ => inner.push(part),
        }
    }
    Ok(inner)
}
