//! Tests of offline resolution, from the cache alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;

use desk::{Desk, catalog};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::catalog::Gathered;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::solve::{RequestedPackage, Universe, solve};

/// The rule for sources of dependencies is the same, without querying a source.
#[tokio::test]
async fn cached_system_packages_remain_system_packages() {
    let desk = Desk::new();
    let (system, team) = (desk.folder("system"), desk.folder("team"));
    let loader = desk.loader();
    for (repository, name, more) in [
        (&team, "tool", "dependencies: [base]\n"),
        (&system, "base", ""),
    ] {
        let upload = desk.bench.package_with(name, "1.0.0", "a tool", more);
        desk.publish(&**repository, &upload).await;
        let catalog = catalog(&[repository]);
        let any = "*".parse().unwrap();
        let resolved = catalog.find(name, &any, None).await.unwrap();
        loader.fetch(&resolved, false, &Silent).await.unwrap();
    }
    let wanted = [RequestedPackage {
        name: "tool".to_owned(),
        range: "*".parse().unwrap(),
        kind: None,
        repository: None,
    }];
    let chosen = |system| {
        let universe = Universe::default();
        let gathered = Gathered::of_cache(&desk.cache, system, None, &wanted, universe).unwrap();
        solve(&wanted, &gathered.universe).map_err(|error| error.explained())
    };
    let solution = chosen(Some("system")).unwrap();
    let base = solution.get("base").unwrap();
    assert_eq!(base.origin.repository(), Some("system"));
    // Of any other repository it is none that the tool may have.
    for other in [None, Some("elsewhere")] {
        let refusal = chosen(other).unwrap_err();
        assert!(
            refusal.contains("only available in repository system"),
            "{refusal}"
        );
    }
}
