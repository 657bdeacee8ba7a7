//! Error messages for invalid kubeconfigs.

use std::error::Error;
use std::path::Path;

use extension_registry_core::diagnostic::Failure;
use kube::config::KubeconfigError;

/// Formats a kubeconfig error in one line.
pub(super) fn failure(error: KubeconfigError, path: Option<&Path>) -> Box<dyn Error + Send + Sync> {
    let message = match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("failed to read {}: {error}", path.display())
        }
        KubeconfigError::LoadContext(name) => {
            format!("context `{name}` not found in the kubeconfig")
        }
        KubeconfigError::Parse(error) => {
            // The following lines quote the file, which may contain a token.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let why = first.trim_start_matches("error: ");
            let file = path.map_or_else(
                || "the kubeconfig".to_owned(),
                |path| path.display().to_string(),
            );
            format!("failed to parse {file}: {why}")
        }
        error => return error.into(),
    };
    Failure::new(message).into()
}
