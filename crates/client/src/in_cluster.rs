//! The connection of a Pod to its own cluster, as client-go makes it.

use std::net::IpAddr;
use std::path::Path;

use extension_registry_core::diagnostic::Failure;

use crate::credentials::Credentials;
use crate::kubeconfig::Impersonate;
use crate::proxy::Proxy;
use crate::target::{Roots, Target, Trust};

/// Folder of the `ServiceAccount` in a Pod.
pub(crate) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Returns the target of a Pod; None outside of a cluster. With `has_token`, the Pod needs no token of its own.
pub(crate) fn find(
    folder: &Path,
    has_token: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Target>, Failure> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let (Some(host), Some(port)) = (
        set("KUBERNETES_SERVICE_HOST"),
        set("KUBERNETES_SERVICE_PORT"),
    ) else {
        return Ok(None);
    };
    let token = folder.join("token");
    if !token.is_file() && !has_token {
        return Ok(None);
    }
    let host = match host.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host,
    };
    let url: http::Uri = format!("https://{host}:{port}/").parse().map_err(|_| {
        Failure::new("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not a valid address")
    })?;
    let namespace = std::fs::read_to_string(folder.join("namespace")).unwrap_or_default();
    let namespace = match namespace.trim() {
        "" => "default",
        name => name,
    };
    let proxy = Proxy::of_environment(&url, variable)?;
    Ok(Some(Target {
        context: None,
        url,
        namespace: namespace.to_owned(),
        proxy,
        trust: Trust {
            roots: Roots::File(folder.join("ca.crt")),
            server_name: None,
            cluster: None,
        },
        identity: None,
        credentials: Credentials::File(token, None),
        impersonate: Impersonate::default(),
    }))
}
