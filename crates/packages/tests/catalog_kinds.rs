//! A name that is there with two types (R57, R69), in the sources and in the cache.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod desk;

use std::sync::Arc;

use desk::{Desk, catalog, publish_kind, source};
use extension_registry_packages::catalog::{Catalog, Gathered};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::solve::{Universe, Wanted, solve};

/// What is found of the tool: its type, version and source; else what is said.
async fn find(catalog: &Catalog, range: &str, kind: Option<Kind>) -> Result<String, String> {
    let range = range.parse().unwrap();
    let found = catalog.find("tool", &range, kind.as_ref()).await;
    let sighting = found.map_err(|error| error.to_string())?;
    let manifest = &sighting.spec.manifest;
    let (kind, version) = (manifest.kind.name(), &manifest.version);
    Ok(format!("{kind} {version} {}", sighting.source.id()))
}

/// The same, where it is chosen together with what it needs.
async fn gather(catalog: &Catalog, range: &str, kind: Option<Kind>) -> Result<String, String> {
    let wanted = [wanted(range, kind)];
    let gathered = catalog.gather(&wanted, Universe::default()).await;
    chosen(&wanted, &gathered.map_err(|error| error.to_string())?)
}

fn wanted(range: &str, kind: Option<Kind>) -> Wanted {
    Wanted {
        name: "tool".to_owned(),
        range: range.parse().unwrap(),
        kind,
        repository: None,
    }
}

fn chosen(wanted: &[Wanted], gathered: &Gathered) -> Result<String, String> {
    let solution = solve(wanted, &gathered.universe).map_err(|error| error.to_string())?;
    let chosen = solution.get("tool").unwrap();
    let place = chosen.origin.repository().unwrap();
    Ok(format!("{} {} {place}", chosen.kind.name(), chosen.version))
}

const BOTH: &str = "hint: --type";

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

/// R17: whoever a dependency cannot come from has no say in what it is.
#[tokio::test]
async fn r17_another_type_elsewhere_stops_nobody_who_needs_it_from_here() {
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
async fn r57_no_type_is_chosen_that_nobody_named_whatever_is_newer() {
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
async fn r57_the_newest_is_chosen_among_those_of_the_type() {
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
        assert!(error.contains("no version is in `^5`"), "{error}");
    }
}

/// R74: the rule of priorities is one for each type.
#[tokio::test]
async fn r74_a_type_that_one_above_has_is_taken_from_there() {
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
    assert!(error.contains("no version is in `^9`"), "{error}");
}

#[tokio::test]
async fn r57_r75_the_cache_chooses_no_type_that_nobody_named() {
    let desk = Desk::new();
    let [a, b] = two(&desk, "b").await;
    let loader = desk.loader();
    for (repository, kind) in [(&a, Kind::Record), (&b, Kind::Provider)] {
        let catalog = catalog(&[repository]);
        let any = "*".parse().unwrap();
        let sighting = catalog.find("tool", &any, Some(&kind)).await.unwrap();
        loader.bring(&sighting, false, &Silent).await.unwrap();
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
    assert!(!error.is_of_cache(), "{error}");
    for error in [error.to_string(), gathered(None).unwrap_err().to_string()] {
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
async fn r57_a_version_with_two_types_asks_which() {
    let desk = Desk::new();
    let (a, b) = (desk.folder("a"), desk.folder("b"));
    publish_kind(&desk, &*a, ("tool", "1.0.0"), "record").await;
    publish_kind(&desk, &*b, ("tool", "1.0.0"), "provider").await;
    let catalog = catalog(&[&a, &b]);
    for error in [
        find(&catalog, "*", None).await.unwrap_err(),
        gather(&catalog, "*", None).await.unwrap_err(),
    ] {
        let hint = "hint: --type record or --type provider";
        assert!(error.contains(hint), "{error}");
    }
    let expected = Ok("provider 1.0.0 b".to_owned());
    let provider = Some(Kind::Provider);
    assert_eq!(find(&catalog, "*", provider.clone()).await, expected);
    assert_eq!(gather(&catalog, "*", provider).await, expected);
}
