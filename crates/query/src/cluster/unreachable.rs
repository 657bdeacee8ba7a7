//! Error messages for unreachable servers.

use std::error::Error;

use extension_registry_client::{address, problem, root};
use extension_registry_core::diagnostic::{Explain, Failure, Note};

use super::connection::Connection;

/// Suggested fix for an unreachable server.
pub(crate) const HINT: &str = "check the current kubeconfig context";

/// Rewrites an error with the address and the context if the server is unreachable; None for another error.
#[must_use]
pub fn describe(error: &(dyn Error + 'static), connection: &Connection) -> Option<Failure> {
    let mut before = Vec::new();
    let mut cause = error;
    while !is_unreachable(cause) {
        let hints = cause.downcast_ref::<Failure>().map(Explain::hints);
        before.push((cause.to_string(), hints.unwrap_or_default()));
        cause = cause.source()?;
    }
    let failure = Failure::from(message(connection, cause));
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

/// Formats the address of a server and why a request to it failed.
#[must_use]
pub fn message(connection: &Connection, error: &(dyn Error + 'static)) -> Note {
    let server = address(&connection.options())
        .map_or_else(|_| "the cluster".to_owned(), |address| address.to_string());
    if let Some(problem) = problem(error) {
        return Note::of(&problem).under(format!("cannot connect to {server}"));
    }
    Note::new(format!("{server} is unreachable: {}", root(error))).hint(HINT)
}
