//! An OCI registry keeps what every repository keeps: against a registry in this process, as it is and with what
//! others lack.

mod contract;
mod quirk;

use quirk::Server;

#[tokio::test(flavor = "multi_thread")]
async fn registry_satisfies_contract() {
    let server = Server::registry().await;
    contract::all(&server.driver()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_without_referrers_satisfies_contract() {
    let server = Server::without_referrers().await;
    contract::all(&server.driver()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_with_small_pages_satisfies_contract() {
    let server = Server::registry().await;
    contract::all(&server.driver().with_page(2)).await;
}
