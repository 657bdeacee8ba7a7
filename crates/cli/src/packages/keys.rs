//! Files of signing keys.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::signature::{PublicKey, minisign};

use crate::output;

/// Environment variable with the password of a secret key.
pub(crate) const PASSWORD: &str = "EXTENSION_REGISTRY_KEY_PASSWORD";

/// Reads a secret key, and its password if it has one.
pub(crate) fn secret_key(path: &Path) -> Result<(Sensitive, Option<Sensitive>)> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let secret = Sensitive::new(text);
    match minisign::public(&secret, None) {
        Ok(_) => Ok((secret, None)),
        Err(minisign::SignError::PasswordNeeded) => {
            let password = match std::env::var(PASSWORD) {
                Ok(password) => Sensitive::new(password),
                Err(_) => output::prompt_secret_with_hint(
                    &format!("password for {}", path.display()),
                    &format!("set {PASSWORD}"),
                )?,
            };
            minisign::public(&secret, Some(&password))?;
            Ok((secret, Some(password)))
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Reads a public key, and returns its text too.
pub(crate) fn public_key(file: &Path) -> Result<(PublicKey, String)> {
    let text =
        fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    let key = PublicKey::read(&text).with_context(|| file.display().to_string())?;
    Ok((key, text))
}
