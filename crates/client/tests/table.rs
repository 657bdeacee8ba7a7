//! A table of kubeconfigs against TLS servers on the loopback interface. `e2e/tests/kubectl_connection.rs` compares the
//! same table with kubectl.
mod support;

use std::fs;

use extension_registry_client::{Options, connect, flatten, reason};
use extension_registry_core::diagnostic::Explain;
use support::table::{Expected, Servers, cases};

/// Connects and sends a request; returns the error with its hints.
async fn request(options: &Options) -> Result<(), String> {
    let connection = connect(options)
        .await
        .map_err(|failure| flatten(&failure).explained())?;
    let version = connection.client.apiserver_version().await;
    version
        .map(drop)
        .map_err(|error| reason(&error).unwrap_or_else(|| error.to_string()))
}

#[tokio::test]
async fn kubeconfigs_connect_or_are_refused() {
    let servers = Servers::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let options = Options {
        kubeconfig: Some(path.clone()),
        ..Options::default()
    };
    let mut wrong = Vec::new();
    let table = cases(&servers, folder.path());
    for case in &table {
        fs::write(&path, &case.kubeconfig).unwrap();
        let result = request(&options).await;
        let seen = servers.seen();
        let is_right = match (case.expected, &result) {
            (Expected::Connects(header, certificate), Ok(())) => {
                seen == [(header.to_owned(), certificate)]
            }
            (Expected::Refuses(text), Err(error)) => seen.is_empty() && error.contains(text),
            _ => false,
        };
        let leaks = result
            .as_ref()
            .is_err_and(|error| error.contains("hunter2"));
        if !is_right || leaks {
            wrong.push(format!(
                "{}: expected {:?}, got {result:?}, seen {seen:?}",
                case.name, case.expected
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        wrong.len(),
        table.len(),
        wrong.join("\n")
    );
}
