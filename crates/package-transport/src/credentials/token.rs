//! Token files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use extension_registry_core::diagnostic::Note;

use super::{Credentials, CredentialsError, FoundCredentials};

/// Maximum size of a token file.
const LONGEST: u64 = 64 << 10;

/// Reads a token file: a token, or `USERNAME:TOKEN`. A bearer token contains no `:` (RFC 6750, section 2.1), so
/// the two are unambiguous.
pub(super) fn read(path: &Path) -> Result<FoundCredentials, CredentialsError> {
    let failed = |error| CredentialsError::Read {
        path: path.to_owned(),
        error,
    };
    let wrong = |why, hint| CredentialsError::Token {
        path: path.to_owned(),
        why,
        hint,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(wrong(
                "does not exist",
                "create the file and write the token to it, or remove `auth_token_path`",
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
        return Err(wrong("is larger than 64 KiB", ""));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(wrong("is empty", "write the token to it"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(
            "has more than one line",
            "remove everything but the token",
        ));
    }
    let credentials = match text.split_once(':') {
        Some((user, password)) => Credentials::Basic {
            user: user.to_owned(),
            password: password.into(),
        },
        None => Credentials::Token(text.into()),
    };
    Ok(FoundCredentials {
        credentials,
        place: Some(path.display().to_string()),
        warnings,
    })
}

#[cfg(unix)]
fn warnings(path: &Path, file: &File) -> std::io::Result<Vec<Note>> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if matches!(mode, 0o600 | 0o400) {
        return Ok(Vec::new());
    }
    let path = path.display();
    let message =
        format!("{path} has mode {mode:04o}, so other users might be able to read the token");
    Ok(vec![
        Note::new(message).hint(format!("run `chmod 600 {path}`")),
    ])
}

#[cfg(not(unix))]
fn warnings(_: &Path, _: &File) -> std::io::Result<Vec<Note>> {
    Ok(Vec::new())
}
