//! Tests of names with two types, in the sources and in the cache.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;

use std::sync::Arc;

use desk::{Desk, catalog, publish_kind, source};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::catalog::{Catalog, Gathered};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::solve::{RequestedPackage, Universe, solve};

/// What is found of the tool: its type, version and source; else what is said.
async fn find(catalog: &Catalog, range: &str, kind: Option<Kind>) -> Result<String, String> {
    let range = range.parse().unwrap();
    let found = catalog.find("tool", &range, kind.as_ref()).await;
    let resolved = found.map_err(|error| error.explained())?;
    let manifest = &resolved.spec.manifest;
    let (kind, version) = (manifest.kind.name(), &manifest.version);
    Ok(format!("{kind} {version} {}", resolved.source.id()))
}

/// The same, where it is chosen together with what it needs.
async fn gather(catalog: &Catalog, range: &str, kind: Option<Kind>) -> Result<String, String> {
    let wanted = [wanted(range, kind)];
    let gathered = catalog.gather(&wanted, Universe::default()).await;
    chosen(&wanted, &gathered.map_err(|error| error.explained())?)
}

fn wanted(range: &str, kind: Option<Kind>) -> RequestedPackage {
    RequestedPackage {
        name: "tool".to_owned(),
        range: range.parse().unwrap(),
        kind,
        repository: None,
    }
}

fn chosen(wanted: &[RequestedPackage], gathered: &Gathered) -> Result<String, String> {
    let solution = solve(wanted, &gathered.universe).map_err(|error| error.explained())?;
    let chosen = solution.get("tool").unwrap();
    let place = chosen.origin.repository().unwrap();
    Ok(format!("{} {} {place}", chosen.kind.name(), chosen.version))
}

const BOTH: &str = "hint: pass --type";

/// A record 1.0.0 and a provider 2.0.0, each in a source of its own, or both in one.
async fn two(
    desk: &Desk,
    provider: &str,
) -> [Arc<dyn extension_registry_packages::repository::Repository>; 2] {
    let (a, b) = (desk.folder("a"), desk.folder(provider));
    publish_kind(desk, &*a, ("tool", "1.0.0"), "record").await;
    publish_kind(desk, &*b, ("tool", "2.0.0"), "provider").await;
    [a, b]
}

/// A source that may not provide a dependency does not affect its type.
#[tokio::test]
async fn other_type_elsewhere_does_not_block_dependency() {
    let desk = Desk::new();
    let (team, public) = (desk.folder("team"), desk.folder("public"));
    let tool = desk
        .bench
        .package_with("tool", "1.0.0", "a tool", "dependencies: [base]\n");
    team.publish(&tool, false, &Silent).await.unwrap();
    publish_kind(&desk, &*team, ("base", "1.0.0"), "record").await;
    publish_kind(&desk, &*public, ("base", "1.0.0"), "provider").await;
    let found = gather(&catalog(&[&team, &public]), "*", None).await;
    assert_eq!(found.unwrap(), "record 1.0.0 team");
}

#[tokio::test]
async fn ambiguous_type_is_never_guessed() {
    for (provider, priority) in [("b", 0), ("b", -1), ("b", 1), ("a", 0)] {
        let desk = Desk::new();
        let [a, b] = two(&desk, provider).await;
        let mut sources = vec![source(a, 0)];
        if provider != "a" {
            sources.push(source(b, priority));
        }
        let catalog = Catalog::new(sources);
        let found = find(&catalog, "*", None).await.unwrap_err();
        let gathered = gather(&catalog, "*", None).await.unwrap_err();
        for error in [found, gathered] {
            for part in [
                BOTH,
                "record (1.0.0 in a)",
                &format!("provider (2.0.0 in {provider})"),
            ] {
                assert!(
                    error.contains(part),
                    "{provider} {priority}: {part}: {error}"
                );
            }
        }
        // A range that leaves one type out has chosen.
        if priority == 0 {
            let second = format!("provider 2.0.0 {provider}");
            for (range, expected) in [("^1", "record 1.0.0 a"), ("=2.0.0", &second)] {
                let expected = Ok(expected.to_owned());
                assert_eq!(find(&catalog, range, None).await, expected);
                assert_eq!(gather(&catalog, range, None).await, expected);
            }
        }
    }
}

#[tokio::test]
async fn selects_newest_version_of_type() {
    for (provider, priority) in [("b", 0), ("b", -1), ("b", 1), ("a", 0)] {
        let desk = Desk::new();
        let [a, b] = two(&desk, provider).await;
        // Newer than both, and no record.
        publish_kind(&desk, &*a, ("tool", "3.0.0"), "taskserv").await;
        let mut sources = vec![source(a, 0)];
        if provider != "a" {
            sources.push(source(b, priority));
        }
        let catalog = Catalog::new(sources);
        let provider = format!("provider 2.0.0 {provider}");
        for (kind, expected) in [
            (Kind::Record, "record 1.0.0 a"),
            (Kind::Provider, &provider),
        ] {
            let found = find(&catalog, "*", Some(kind.clone())).await;
            assert_eq!(found, Ok(expected.to_owned()), "{priority}");
            let gathered = gather(&catalog, "*", Some(kind)).await;
            assert_eq!(gathered, Ok(expected.to_owned()), "{priority}");
        }
        let error = find(&catalog, "*", Some(Kind::Cluster)).await.unwrap_err();
        assert!(error.contains("not a cluster"), "{error}");
        let error = find(&catalog, "^5", Some(Kind::Record)).await.unwrap_err();
        assert!(error.contains("no version matches `^5`"), "{error}");
    }
}

/// Priorities apply to each type separately.
#[tokio::test]
async fn type_comes_from_highest_priority_source() {
    let desk = Desk::new();
    let (company, public) = (desk.folder("company"), desk.folder("public"));
    publish_kind(&desk, &*company, ("tool", "1.0.0"), "record").await;
    publish_kind(&desk, &*company, ("tool", "1.1.0"), "provider").await;
    publish_kind(&desk, &*public, ("tool", "9.9.9"), "record").await;
    let catalog = Catalog::new(vec![source(company, 1), source(public, 0)]);
    let expected = Ok("record 1.0.0 company".to_owned());
    assert_eq!(find(&catalog, "*", Some(Kind::Record)).await, expected);
    assert_eq!(gather(&catalog, "*", Some(Kind::Record)).await, expected);
    let error = find(&catalog, "^9", Some(Kind::Record)).await.unwrap_err();
    assert!(error.contains("no version matches `^9`"), "{error}");
}

#[tokio::test]
async fn ambiguous_type_in_cache_is_never_guessed() {
    let desk = Desk::new();
    let [a, b] = two(&desk, "b").await;
    let loader = desk.loader();
    for (repository, kind) in [(&a, Kind::Record), (&b, Kind::Provider)] {
        let catalog = catalog(&[repository]);
        let any = "*".parse().unwrap();
        let resolved = catalog.find("tool", &any, Some(&kind)).await.unwrap();
        loader.fetch(&resolved, false, &Silent).await.unwrap();
    }
    let here = |range: &str, kind: Option<Kind>| {
        let loader = desk.loader();
        let here = loader.here("tool", &range.parse().unwrap(), kind.as_ref());
        here.map(|here| here.map(|here| here.entry.kind))
    };
    let gathered = |kind| {
        let wanted = [wanted("*", kind)];
        let gathered = Gathered::of_cache(&desk.cache, None, None, &wanted, Universe::default());
        gathered.map(|gathered| chosen(&wanted, &gathered).unwrap())
    };
    let error = here("*", None).unwrap_err();
    // It is nothing that a source could mend.
    assert!(!error.is_cache_error(), "{error}");
    for error in [error.explained(), gathered(None).unwrap_err().explained()] {
        for part in ["record (1.0.0)", "provider (2.0.0)", BOTH] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    assert_eq!(here("*", Some(Kind::Record)).unwrap(), Some(Kind::Record));
    assert_eq!(here("^1", None).unwrap(), Some(Kind::Record));
    assert_eq!(here("^3", None).unwrap(), None);
    assert_eq!(gathered(Some(Kind::Record)).unwrap(), "record 1.0.0 a");
}

#[tokio::test]
async fn version_with_two_types_is_ambiguous() {
    let desk = Desk::new();
    let (a, b) = (desk.folder("a"), desk.folder("b"));
    publish_kind(&desk, &*a, ("tool", "1.0.0"), "record").await;
    publish_kind(&desk, &*b, ("tool", "1.0.0"), "provider").await;
    let catalog = catalog(&[&a, &b]);
    for error in [
        find(&catalog, "*", None).await.unwrap_err(),
        gather(&catalog, "*", None).await.unwrap_err(),
    ] {
        let hint = "hint: pass --type record or --type provider";
        assert!(error.contains(hint), "{error}");
    }
    let expected = Ok("provider 1.0.0 b".to_owned());
    let provider = Some(Kind::Provider);
    assert_eq!(find(&catalog, "*", provider.clone()).await, expected);
    assert_eq!(gather(&catalog, "*", provider).await, expected);
}
