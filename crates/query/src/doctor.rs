//! The question whether a cluster has what the registry needs, and what the user may do.

mod bindings;
mod check;
mod checks;

pub use check::{Check, Checks, Verdict};

use kube::Client;

use crate::cluster::Connection;

/// Checks a cluster, and the permissions of the user in a namespace.
pub async fn check(client: &Client, connection: &Connection, namespace: &str) -> Checks {
    let mut found = Checks {
        checks: checks::server(client, connection).await,
    };
    if found.are_bad() {
        // The other checks need the API server.
        return found;
    }
    let checks = &mut found.checks;
    checks.push(checks::kinds(client).await);
    checks.push(checks::engine(client).await);
    checks.push(checks::operator(client).await);
    checks.push(checks::webhooks(client).await);
    checks.push(bindings::injection(client).await);
    checks.push(bindings::pods(client, namespace).await);
    checks.extend(checks::permissions(client, namespace).await);
    found
}
