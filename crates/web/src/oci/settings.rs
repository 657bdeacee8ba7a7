//! Settings of the registry.

use std::time::Duration;

use extension_registry_packages::repository::oci::names::{VENDOR_EXTENSION, repository_fault};

/// Names of extensions that others define (distribution-spec, "extensions/README.md").
const RESERVED: [&str; 4] = ["_oci", "_catalog", "_docker", "_chainguard"];
/// Address of the documentation of the extension.
const DOCUMENTATION: &str =
    "https://github.com/fuseml/extension-registry/blob/main/docs/reference/oci-endpoint.md";

/// Settings of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The search extension; None disables it.
    pub extension: Option<Extension>,
    /// How long a version, a list or a verdict of the trust policy is used before the source is queried again.
    pub refresh: Duration,
}

/// A protocol extension, as `_oci/ext/discover` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its name, with the leading `_`.
    pub name: String,
    /// Address of its documentation.
    pub url: String,
}

/// Why the registry cannot start.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// The name of the extension is reserved.
    #[error("the extension name `{0}` is reserved by the OCI distribution specification")]
    Reserved(String),
    /// The name of the extension is invalid.
    #[error("invalid extension name `{0}`: expected `_` and lowercase letters or digits")]
    Invalid(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extension: Some(Extension {
                name: VENDOR_EXTENSION.to_owned(),
                url: DOCUMENTATION.to_owned(),
            }),
            refresh: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// Checks the name of the extension.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Some(Extension { name, .. }) = &self.extension else {
            return Ok(());
        };
        if RESERVED.contains(&name.as_str()) {
            return Err(SettingsError::Reserved(name.clone()));
        }
        let word = name.strip_prefix('_').unwrap_or_default();
        if word.contains('/') || repository_fault(word).is_some() {
            return Err(SettingsError::Invalid(name.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Settings {
        Settings {
            extension: Some(Extension {
                name: name.to_owned(),
                url: String::new(),
            }),
            ..Settings::default()
        }
    }

    #[test]
    fn rejects_reserved_and_invalid_extension_names() {
        for name in RESERVED {
            let error = named(name).check().unwrap_err();
            assert_eq!(error, SettingsError::Reserved(name.to_owned()));
        }
        for name in ["fuseml", "_", "_A", "_a/b", ""] {
            let error = named(name).check().unwrap_err();
            assert_eq!(error, SettingsError::Invalid(name.to_owned()));
        }
        assert_eq!(Settings::default().check(), Ok(()));
        assert_eq!(named("_fuseml-2").check(), Ok(()));
    }
}
