//! A file with a token.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Credentials, CredentialsError, Found};

/// A token is no longer than this.
const LONGEST: u64 = 64 << 10;

/// Reads a token file: one token, or `NAME:TOKEN`. A token that is shown as `Bearer` has no `:` in it
/// (RFC 6750, section 2.1), so the two cannot be confused.
pub(super) fn read(path: &Path) -> Result<Found, CredentialsError> {
    let failed = |error| CredentialsError::Read {
        path: path.to_owned(),
        error,
    };
    let wrong = |why| CredentialsError::Token {
        path: path.to_owned(),
        why,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(wrong(
                "is not there; hint: write the token into it, or take the field out",
            ));
        }
        Err(error) => return Err(failed(error)),
    };
    let warnings = warnings(path, &file).map_err(failed)?;
    let mut text = String::new();
    let length = file
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > LONGEST {
        return Err(wrong("has more than 64 KiB: that is no token"));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong("is empty; hint: write the token into it"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong("has more than one line; hint: keep the token alone"));
    }
    let credentials = match text.split_once(':') {
        Some((user, password)) => Credentials::Basic {
            user: user.to_owned(),
            password: password.into(),
        },
        None => Credentials::Token(text.into()),
    };
    Ok(Found {
        credentials,
        place: Some(path.display().to_string()),
        warnings,
    })
}

#[cfg(unix)]
fn warnings(path: &Path, file: &File) -> std::io::Result<Vec<String>> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if matches!(mode, 0o600 | 0o400) {
        return Ok(Vec::new());
    }
    let path = path.display();
    Ok(vec![format!(
        "{path} has mode {mode:04o}, and others may read the token; hint: chmod 600 {path}"
    )])
}

#[cfg(not(unix))]
fn warnings(_: &Path, _: &File) -> std::io::Result<Vec<String>> {
    Ok(Vec::new())
}
