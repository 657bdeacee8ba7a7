//! Error messages for unreachable servers.

use std::error::Error;

use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_core::lookalike;
use kube::config::Kubeconfig;

use super::connection::{Connection, configuration};

/// Suggested fix for an unreachable server.
pub const HINT: &str = "check the current kubeconfig context";

/// Rewrites an error with the address and the context if the server is unreachable; None for another error.
pub async fn describe(error: &(dyn Error + 'static), connection: &Connection) -> Option<Failure> {
    let mut before = Vec::new();
    let mut cause = error;
    while !is_unreachable(cause) {
        let hints = cause.downcast_ref::<Failure>().map(Explain::hints);
        before.push((cause.to_string(), hints.unwrap_or_default()));
        cause = cause.source()?;
    }
    let failure = Failure::new(message(connection, cause).await).hint(HINT);
    let outer = before.into_iter().rev();
    Some(outer.fold(failure, |inner, (message, hints)| {
        let failure = Failure::new(message).caused_by(inner);
        hints.into_iter().fold(failure, Failure::hint)
    }))
}

fn is_unreachable(cause: &(dyn Error + 'static)) -> bool {
    matches!(
        cause.downcast_ref(),
        Some(kube::Error::Service(_) | kube::Error::HyperError(_))
    )
}

/// Formats the address of an unreachable server and the cause.
pub async fn message(connection: &Connection, error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{} is unreachable: {cause}", server(connection).await)
}

/// Formats the address and the context: `https://host:6443 (context `dev`)`.
async fn server(connection: &Connection) -> String {
    let address = configuration(connection).await.ok();
    let address = address.map_or_else(
        || "the cluster".to_owned(),
        |config| {
            let url = config.cluster_url.to_string();
            lookalike::without_credentials(url.trim_end_matches('/'))
        },
    );
    let current = || {
        let file = match &connection.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        file.ok()?.current_context
    };
    match connection.context.clone().or_else(current) {
        Some(context) => format!("{address} (context `{context}`)"),
        None => address,
    }
}
