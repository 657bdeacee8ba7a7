//! Tests of registries that deny listing but have an index.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;
#[path = "../../package-repository/tests/quirk/mod.rs"]
mod quirk;

use std::sync::Arc;
use std::time::Duration;

use desk::{Desk, NoIndex, SignedIndex, catalog};
use extension_registry_packages::catalog::Discovery;
use extension_registry_packages::index::{IndexedVersion, Package};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::repository::{DiscoveryMethod, Repository};
use quirk::{Server, text};

fn package(name: &str, description: &str, keywords: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        kind: Kind::Record,
        description: description.to_owned(),
        keywords: keywords.iter().map(ToString::to_string).collect(),
        license: None,
        versions: vec![IndexedVersion {
            version: "1.0.0".parse().unwrap(),
            content: extension_registry_packages::Digest::of(name.as_bytes()),
            configuration: None,
            document: None,
            published: None,
            yanked: None,
            requires: Vec::new(),
            dependencies: Vec::new(),
        }],
    }
}

fn names(discovery: &Discovery) -> Vec<&str> {
    let packages = discovery.packages.iter();
    packages.map(|listed| listed.name.as_str()).collect()
}

/// A registry that answers so to whoever asks for everything.
async fn unlisted(status: u16) -> Server {
    Server::before(move |asked| asked.path.contains("_catalog").then(|| text(status, "no"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn index_replaces_missing_catalog() {
    for status in [401, 403, 404] {
        let desk = Desk::new();
        let server = unlisted(status).await;
        let hub = server.source("hub");
        let packages = vec![
            package("mlflow", "tracks", &[]),
            package("minio", "keeps", &[]),
        ];
        desk.put_index(&*hub, packages).await;
        let catalog = catalog(&[&hub]);
        for (wanted, expected) in [
            (None, vec!["minio", "mlflow"]),
            (Some("tracks"), vec!["mlflow"]),
        ] {
            let listing_cache = desk.listing_cache(Duration::ZERO, true);
            let found = catalog
                .discover(wanted, &SignedIndex(&desk), &listing_cache)
                .await;
            assert_eq!(names(&found), expected, "{status}");
            assert_eq!(
                (found.failures, found.warnings),
                (vec![], vec![]),
                "{status}"
            );
            let [report] = &found.reports[..] else {
                panic!("{status}: {:?}", found.reports)
            };
            assert_eq!(
                (report.method, report.packages),
                (DiscoveryMethod::Index, 2),
                "{status}"
            );
        }
        // The index was why.
        let listing_cache = desk.listing_cache(Duration::ZERO, true);
        let found = catalog.discover(None, &NoIndex, &listing_cache).await;
        assert_eq!(found.failures.len(), 1, "{status}");
    }
}

/// The index is refused, and so is the list: each alone would be half of the reason.
#[tokio::test(flavor = "multi_thread")]
async fn reports_both_index_and_listing_errors() {
    let desk = Desk::new();
    let server = unlisted(403).await;
    let hub = server.source("hub");
    let stranger = Desk::new();
    stranger
        .put_index(&*hub, vec![package("mlflow", "", &[])])
        .await;
    let catalog = catalog(&[&hub]);
    let listing_cache = desk.listing_cache(Duration::ZERO, true);
    let found = catalog
        .discover(None, &SignedIndex(&desk), &listing_cache)
        .await;
    assert_eq!(names(&found), Vec::<&str>::new());
    assert!(found.failures[0].is_denied, "{:?}", found.failures);
    let [warning] = &found.warnings[..] else {
        panic!("{:?}", found.warnings)
    };
    assert!(
        warning.message.contains("the index of hub is not trusted"),
        "{warning}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn search_matches_all_words_and_ranks_results() {
    let desk = Desk::new();
    let server = Server::registry().await;
    let hub: Arc<dyn Repository> = server.source("hub");
    let packages = vec![
        package("zeta", "needs mlflow", &[]),
        package("tracker", "", &["mlflow"]),
        package("my-mlflow", "", &[]),
        package("mlflow-server", "", &[]),
        package("mlflow", "", &[]),
        package("alpha", "needs mlflow", &[]),
        package("other", "has nothing to do with it", &[]),
    ];
    desk.put_index(&*hub, packages).await;
    let catalog = catalog(&[&hub]);
    let hour = Duration::from_hours(1);
    for refresh in [true, false] {
        if !refresh {
            let kept = desk.listing_cache(hour, true);
            catalog.discover(None, &SignedIndex(&desk), &kept).await;
            server.lines();
        }
        let search = async |text: &str| {
            let listing_cache = desk.listing_cache(hour, refresh);
            let indexes = SignedIndex(&desk);
            let found = catalog.discover(Some(text), &indexes, &listing_cache).await;
            let packages = found.packages.into_iter();
            packages.map(|listed| listed.name).collect::<Vec<_>>()
        };
        let all = [
            "mlflow",
            "mlflow-server",
            "tracker",
            "my-mlflow",
            "alpha",
            "zeta",
        ];
        assert_eq!(search("MLflow").await, all);
        assert_eq!(search("needs mlflow").await, ["alpha", "zeta"]);
        assert_eq!(search("mlflow nowhere").await, Vec::<String>::new());
        assert_eq!(search(" ").await.len(), 7, "no word finds all");
        assert_eq!(server.lines().is_empty(), !refresh);
    }
}
