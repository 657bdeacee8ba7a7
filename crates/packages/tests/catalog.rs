//! Tests of the catalog of several repositories.
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

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use desk::{Desk, NoIndex, catalog, source};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::catalog::{
    Catalog, Discovery, FindError, Gathered, missing_dependencies,
};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::{DiscoveryMethod, Repository};
use extension_registry_packages::solve::{RequestedPackage, Universe, solve};

const HOUR: Duration = Duration::from_hours(1);

fn names(discovery: &Discovery) -> Vec<(&str, &str)> {
    let packages = discovery.packages.iter();
    packages
        .map(|one| (one.name.as_str(), one.repository.as_str()))
        .collect()
}

async fn publish(desk: &Desk, repository: &Arc<dyn Repository>, name: &str, version: &str) {
    let upload = desk.bench.package(name, version, "a tool");
    repository.publish(&upload, false, &Silent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_source_hides_no_others() {
    let desk = Desk::new();
    let (a, b) = (desk.folder("a"), desk.folder("b"));
    publish(&desk, &a, "mlflow", "1.0.0").await;
    publish(&desk, &b, "minio", "1.0.0").await;
    let silent = quirk::Server::hanging("").await;
    let mut impatient = source(silent.source("dead"), 0);
    impatient.timeout = Duration::from_millis(200);
    let catalog = Catalog::new(vec![source(a, 0), impatient, source(b, 0)]);
    let listing_cache = desk.listing_cache(HOUR, false);
    let discovery = catalog.discover(None, &NoIndex, &listing_cache).await;
    assert_eq!(names(&discovery), [("minio", "b"), ("mlflow", "a")]);
    assert_eq!(discovery.failures.len(), 1);
    assert_eq!(discovery.failures[0].repository, "dead");
    // The transport would wait longer, and say it otherwise.
    let why = &discovery.failures[0].why;
    assert!(why.contains("no response within 0.2 s"), "{why}");
    let ways: Vec<_> = discovery
        .reports
        .iter()
        .map(|one| (one.repository.as_str(), one.method))
        .collect();
    assert_eq!(
        ways,
        [
            ("a", DiscoveryMethod::Catalog),
            ("b", DiscoveryMethod::Catalog)
        ]
    );
    let filtered = catalog
        .discover(Some("FLOW"), &NoIndex, &listing_cache)
        .await;
    assert_eq!(names(&filtered), [("mlflow", "a")]);
}

/// None of the four answers before all were asked: one after the other, nobody would.
#[tokio::test(flavor = "multi_thread")]
async fn queries_sources_concurrently() {
    let desk = Desk::new();
    let barrier = Arc::new(tokio::sync::Barrier::new(4));
    let mut servers = Vec::new();
    let mut sources = Vec::new();
    for _ in 0..4 {
        let server = quirk::Server::meeting(Arc::clone(&barrier)).await;
        sources.push(source(Arc::new(server.driver()), 0));
        servers.push(server);
    }
    let catalog = Catalog::new(sources);
    let found = catalog
        .discover(None, &NoIndex, &desk.listing_cache(HOUR, true))
        .await;
    assert_eq!(found.failures, []);
}

#[tokio::test]
async fn conflicting_content_is_error() {
    let desk = Desk::new();
    let (a, b) = (desk.folder("a"), desk.folder("b"));
    let first = desk.bench.package("tool", "1.0.0", "first");
    a.publish(&first, false, &Silent).await.unwrap();
    let second = desk.bench.package("tool", "1.0.0", "second");
    b.publish(&second, false, &Silent).await.unwrap();
    let any = "*".parse().unwrap();
    // Whatever their priorities are.
    for priorities in [(0, 0), (1, 0), (0, 1)] {
        let sources = vec![
            source(Arc::clone(&a), priorities.0),
            source(Arc::clone(&b), priorities.1),
        ];
        let catalog = Catalog::new(sources);
        let error = catalog.find("tool", &any, None).await.unwrap_err();
        assert!(matches!(error, FindError::Conflict { .. }), "{error}");
        let text = error.explained();
        assert!(text.contains(&first.digest.to_string()), "{text}");
        assert!(text.contains(&second.digest.to_string()), "{text}");
        assert!(text.contains("hint: pass --source"), "{text}");
        let chosen = catalog.only("b");
        let resolved = chosen.find("tool", &any, None).await.unwrap();
        assert_eq!(resolved.spec.release.content.digest, Some(second.digest));
    }
}

#[tokio::test]
async fn selects_source_by_name_or_kind() {
    let desk = Desk::new();
    let (a, b) = (desk.folder("a"), desk.folder("b"));
    let catalog = catalog(&[&a, &b]);
    let ids = |catalog: &Catalog| -> Vec<String> {
        catalog
            .sources()
            .iter()
            .map(|one| one.id().to_owned())
            .collect()
    };
    assert_eq!(ids(&catalog.only("a")), ["a"]);
    assert_eq!(ids(&catalog.only("local")), ["a", "b"]);
    assert_eq!(ids(&catalog.only("oci")), Vec::<String>::new());
    assert_eq!(ids(&catalog.without("a")), ["b"]);
}

#[tokio::test]
async fn lower_priority_cannot_override_with_newer_version() {
    let desk = Desk::new();
    let (company, public) = (desk.folder("company"), desk.folder("public"));
    publish(&desk, &company, "tool", "1.0.0").await;
    publish(&desk, &public, "tool", "9.9.9").await;
    publish(&desk, &public, "other", "1.0.0").await;
    let any = "*".parse().unwrap();
    let sources = vec![
        source(Arc::clone(&public), 0),
        source(Arc::clone(&company), 10),
    ];
    let ranked = Catalog::new(sources);
    let resolved = ranked.find("tool", &any, None).await.unwrap();
    assert_eq!(resolved.source.id(), "company");
    assert_eq!(resolved.spec.manifest.version.to_string(), "1.0.0");
    // What it has alone is taken from it.
    let resolved = ranked.find("other", &any, None).await.unwrap();
    assert_eq!(resolved.source.id(), "public");
    // Of equal ones the newest is taken.
    let equal = catalog(&[&public, &company]);
    let resolved = equal.find("tool", &any, None).await.unwrap();
    assert_eq!(resolved.source.id(), "public");
}

#[tokio::test(flavor = "multi_thread")]
async fn lower_priority_does_not_replace_corrupt_version() {
    let desk = Desk::new();
    let (company, public) = (desk.folder("company"), desk.folder("public"));
    for repository in [&company, &public] {
        publish(&desk, repository, "tool", "1.0.0").await;
    }
    let any = "*".parse().unwrap();
    let sources = || {
        vec![
            source(Arc::clone(&public), 0),
            source(Arc::clone(&company), 10),
        ]
    };
    let ranked = Catalog::new(sources());
    assert_eq!(
        ranked.find("tool", &any, None).await.unwrap().source.id(),
        "company"
    );
    let manifest = desk.root("company").join("tool/1.0.0/tool-1.0.0.json");
    fs::write(&manifest, "{").unwrap();
    let error = Catalog::new(sources())
        .find("tool", &any, None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("company"), "{error}");
    // One below that is broken changes nothing.
    let sources = vec![
        source(Arc::clone(&public), 10),
        source(Arc::clone(&company), 0),
    ];
    let catalog = Catalog::new(sources);
    assert_eq!(
        catalog.find("tool", &any, None).await.unwrap().source.id(),
        "public"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_listing_is_reused_until_refresh() {
    let desk = Desk::new();
    let server = quirk::Server::registry().await;
    let registry: Arc<dyn Repository> = Arc::new(server.driver());
    publish(&desk, &registry, "tool", "1.0.0").await;
    let catalog = catalog(&[&registry]);
    let first = catalog
        .discover(None, &NoIndex, &desk.listing_cache(HOUR, false))
        .await;
    server.lines();
    let second = catalog
        .discover(None, &NoIndex, &desk.listing_cache(HOUR, false))
        .await;
    assert_eq!(server.lines(), Vec::<String>::new());
    assert_eq!(second.packages, first.packages);
    publish(&desk, &registry, "tool", "2.0.0").await;
    server.lines();
    let refreshed = catalog
        .discover(None, &NoIndex, &desk.listing_cache(HOUR, true))
        .await;
    assert!(!server.lines().is_empty());
    assert_eq!(refreshed.packages[0].newest().unwrap().to_string(), "2.0.0");
    // A listing that is older than it may be is none.
    server.lines();
    catalog
        .discover(None, &NoIndex, &desk.listing_cache(Duration::ZERO, false))
        .await;
    assert!(!server.lines().is_empty());
}

#[tokio::test]
async fn metadata_is_known_before_download() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let more = "dependencies: [{name: other, version: ^1}]\nrequires: [docker]\n";
    let upload = desk.bench.package_with("tool", "1.0.0", "a tool", more);
    folder.publish(&upload, false, &Silent).await.unwrap();
    let catalog = catalog(&[&folder]);
    let spec = catalog
        .find("tool", &"*".parse().unwrap(), None)
        .await
        .unwrap()
        .spec;
    assert_eq!(
        format!("{:?}", spec.manifest),
        format!("{:?}", upload.manifest)
    );
    assert_eq!(spec.release.content.digest, Some(upload.digest));
    assert!(spec.release.document.is_some());
    assert_eq!(desk.cache.list().entries.len(), 0);
}

fn wanted(name: &str) -> RequestedPackage {
    RequestedPackage {
        name: name.to_owned(),
        range: "*".parse().unwrap(),
        kind: None,
        repository: None,
    }
}

#[tokio::test]
async fn dependencies_come_from_same_or_system_repository_only() {
    let desk = Desk::new();
    let (system, a, b) = (desk.folder("system"), desk.folder("a"), desk.folder("b"));
    let needs = |what: &str| format!("dependencies: [{{name: {what}, version: ^1}}]\n");
    for (repository, name, more) in [
        (&a, "beside", needs("near")),
        (&a, "near", String::new()),
        (&a, "trusting", needs("base")),
        (&system, "base", String::new()),
        (&a, "far", needs("foreign")),
        (&b, "foreign", String::new()),
    ] {
        let upload = desk.bench.package_with(name, "1.0.0", "a tool", &more);
        repository.publish(&upload, false, &Silent).await.unwrap();
    }
    let mut trusted = source(Arc::clone(&system), 100);
    trusted.is_system = true;
    let catalog = Catalog::new(vec![trusted, source(a, 0), source(b, 0)]);
    let gather = async |name: &str, universe: Universe| -> Gathered {
        catalog.gather(&[wanted(name)], universe).await.unwrap()
    };
    for (name, from) in [("beside", ["a", "a"]), ("trusting", ["system", "a"])] {
        let gathered = gather(name, Universe::default()).await;
        let solution = solve(&[wanted(name)], &gathered.universe).unwrap();
        let origins = solution
            .chosen
            .iter()
            .map(|one| one.origin.repository().unwrap());
        assert_eq!(
            origins.collect::<Vec<_>>(),
            from,
            "{name}: what it needs comes first"
        );
    }
    let gathered = gather("far", Universe::default()).await;
    let refusal = solve(&[wanted("far")], &gathered.universe)
        .unwrap_err()
        .explained();
    assert!(
        refusal.contains("only available in repository b"),
        "{refusal}"
    );
    assert!(
        refusal.contains("kubectl ext package pull far --approve foreign@b"),
        "{refusal}"
    );
    let approved = Universe {
        approved: BTreeSet::from([("foreign".to_owned(), "b".to_owned())]),
        ..Universe::default()
    };
    let gathered = gather("far", approved).await;
    let solution = solve(&[wanted("far")], &gathered.universe).unwrap();
    let foreign = solution.get("foreign").unwrap();
    let resolved = gathered.resolved(&catalog, "foreign", &foreign.version, &foreign.origin);
    assert_eq!(resolved.unwrap().source.id(), "b");
}

#[tokio::test]
async fn reports_missing_dependencies_of_repository() {
    let desk = Desk::new();
    let folder = desk.folder("system");
    for (name, version, more) in [
        ("base", "1.0.0", ""),
        (
            "whole",
            "1.0.0",
            "dependencies: [{name: base, version: ^1}]\n",
        ),
        ("old", "1.0.0", "dependencies: [base]\n"),
        ("old", "1.1.0", "dependencies: [base]\n"),
        (
            "modest",
            "1.0.0",
            "dependencies: [{name: nowhere, optional: true}]\n",
        ),
    ] {
        let upload = desk.bench.package_with(name, version, "a tool", more);
        folder.publish(&upload, false, &Silent).await.unwrap();
    }
    let system = source(folder, 0);
    let (found, warnings) = missing_dependencies(&system).await.unwrap();
    assert_eq!((found, warnings), (Vec::new(), Vec::new()));
    // Whoever pins an old version, or one that comes before its release, needs what that one needs.
    for (name, version, more) in [
        ("outside", "1.0.0", "dependencies: [nowhere]\n"),
        ("outside", "2.0.0", "dependencies: [base]\n"),
        (
            "newer",
            "1.0.0",
            "dependencies: [{name: base, version: ^2}]\n",
        ),
        ("old", "0.9.0-rc.1", "dependencies: [nowhere]\n"),
    ] {
        let upload = desk.bench.package_with(name, version, "a tool", more);
        system
            .repository
            .publish(&upload, false, &Silent)
            .await
            .unwrap();
    }
    let (found, _) = missing_dependencies(&system).await.unwrap();
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "newer 1.0.0 depends on base `^2`, which is not in the repository",
            "old 0.9.0-rc.1 depends on nowhere `*`, which is not in the repository",
            "outside 1.0.0 depends on nowhere `*`, which is not in the repository",
        ]
    );
}
