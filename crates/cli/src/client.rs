//! Requests to servers, with a spinner.

use anyhow::{Context, Result};
use extension_registry_query::cluster::unreachable;
use tokio::runtime::Runtime;

use crate::flags::Cluster;
use crate::output::Spinner;

/// Runs requests to a cluster with a spinner. If the server is unreachable, the error contains its address.
pub(crate) fn request<T>(
    what: &'static str,
    cluster: &Cluster,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    block_on(what, async {
        match work.await {
            Ok(answer) => Ok(answer),
            Err(error) => match unreachable::describe(&*error, &cluster.connection(None)) {
                Some(failure) => Err(failure.into()),
                None => Err(error),
            },
        }
    })
}

/// Runs requests to any server with a spinner.
pub(crate) fn block_on<T>(what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let _spinner = Spinner::start(what);
    runtime()?.block_on(work)
}

/// Creates the runtime for requests, with TLS.
pub(crate) fn runtime() -> Result<Runtime> {
    // Only the first call of a process succeeds.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")
}
