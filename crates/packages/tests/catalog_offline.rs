//! What is chosen together when nobody is asked: the cache as all there is (R75).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod desk;

use desk::{Desk, catalog};
use extension_registry_packages::catalog::Gathered;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::solve::{Universe, Wanted, solve};

/// R17: the rule of where dependencies come from is the same, and no source has to be there for it.
#[tokio::test]
async fn r17_r75_what_is_cached_of_the_system_repository_counts_as_of_it() {
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
        let sighting = catalog.find(name, &any, None).await.unwrap();
        loader.bring(&sighting, false, &Silent).await.unwrap();
    }
    let wanted = [Wanted {
        name: "tool".to_owned(),
        range: "*".parse().unwrap(),
        kind: None,
        repository: None,
    }];
    let chosen = |system| {
        let universe = Universe::default();
        let gathered = Gathered::of_cache(&desk.cache, system, None, &wanted, universe).unwrap();
        solve(&wanted, &gathered.universe).map_err(|error| error.to_string())
    };
    let solution = chosen(Some("system")).unwrap();
    let base = solution.get("base").unwrap();
    assert_eq!(base.origin.repository(), Some("system"));
    // Of any other repository it is none that the tool may have.
    for other in [None, Some("elsewhere")] {
        let refusal = chosen(other).unwrap_err();
        assert!(refusal.contains("only in repository system"), "{refusal}");
    }
}
