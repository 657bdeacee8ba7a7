//! Tests of failed sources: a lower-priority source never replaces a failed one.
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

use desk::{Desk, source};
use extension_registry_core::diagnostic::{Explain, Note};
use extension_registry_packages::catalog::{Catalog, FindError, Source};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository;
use extension_registry_packages::solve::{RequestedPackage, Universe, solve};
use quirk::{Server, text};

async fn publish(desk: &Desk, repository: &Arc<dyn Repository>, name: &str, more: &str) {
    let upload = desk.bench.package_with(name, "1.0.0", "a tool", more);
    repository.publish(&upload, false, &Silent).await.unwrap();
}

fn wanted(name: &str, repository: Option<&str>) -> RequestedPackage {
    RequestedPackage {
        name: name.to_owned(),
        range: "*".parse().unwrap(),
        kind: None,
        repository: repository.map(str::to_owned),
    }
}

/// Finds the tool, as those verbs do that take one package.
async fn find(catalog: &Catalog) -> Result<(String, Vec<Note>), FindError> {
    let any = "*".parse().unwrap();
    let resolved = catalog.find("tool", &any, None).await?;
    Ok((resolved.source.id().to_owned(), resolved.warnings))
}

/// Why the tool is not gathered.
async fn ungathered(catalog: &Catalog) -> String {
    let wanted = [wanted("tool", None)];
    let gathered = catalog.gather(&wanted, Universe::default()).await;
    gathered.unwrap_err().explained()
}

/// Neither 503 nor 403 means that the source does not have the package.
#[tokio::test(flavor = "multi_thread")]
async fn no_fallback_below_unreachable_source() {
    let desk = Desk::new();
    let public = desk.folder("public");
    publish(&desk, &public, "tool", "").await;
    for (status, said) in [(503, "503"), (403, "denied access")] {
        let server = Server::of(move |_| Some(text(status, "not now"))).await;
        let with = |priority| {
            let company = source(server.source("company"), priority);
            Catalog::new(vec![source(Arc::clone(&public), 0), company])
        };
        let above = with(10);
        let error = find(&above).await.unwrap_err();
        assert!(
            matches!(error, FindError::SourceUnavailable { .. }),
            "{error}"
        );
        for error in [error.explained(), ungathered(&above).await] {
            for part in [
                "is available from public",
                "company",
                said,
                "--source public",
            ] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
        // Who chose a source has it.
        let (from, _) = find(&above.only("public")).await.unwrap();
        assert_eq!(from, "public");
        let chosen = [wanted("tool", Some("public"))];
        let gathered = above.gather(&chosen, Universe::default()).await.unwrap();
        assert!(solve(&chosen, &gathered.universe).is_ok());
        // One that does not come before is said.
        for priority in [0, -5] {
            let catalog = with(priority);
            let (from, warnings) = find(&catalog).await.unwrap();
            assert_eq!(from, "public");
            let any = [wanted("tool", None)];
            let gathered = catalog.gather(&any, Universe::default());
            for warnings in [warnings, gathered.await.unwrap().warnings] {
                assert_eq!(warnings.len(), 1, "{warnings:?}");
                assert!(warnings[0].message.contains("company"), "{warnings:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fallback_below_source_with_corrupt_version() {
    let desk = Desk::new();
    let server = Server::before(|asked| {
        let is_release = asked.method == "GET" && asked.path.ends_with("tool/manifests/1.0.0");
        is_release.then(|| text(500, "no"))
    })
    .await;
    let (company, public) = (server.source("company"), desk.folder("public"));
    for repository in [&company, &public] {
        publish(&desk, repository, "tool", "").await;
    }
    let with = |priority| {
        let company = source(Arc::clone(&company), priority);
        Catalog::new(vec![source(Arc::clone(&public), 0), company])
    };
    let above = with(10);
    let error = find(&above).await.unwrap_err().explained();
    for part in [
        "tool 1.0.0 is available from public",
        "company",
        "500",
        "--source public",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    for part in [
        "`tool` is available from public",
        "company",
        "500",
        "--source public",
    ] {
        let error = ungathered(&above).await;
        assert!(error.contains(part), "{part}: {error}");
    }
    // Nor in place of a newer one: what the one above would have is not known.
    let newer = desk.bench.package("tool", "2.0.0", "a newer tool");
    public.publish(&newer, false, &Silent).await.unwrap();
    assert!(matches!(
        find(&above).await,
        Err(FindError::SourceUnavailable { .. })
    ));
    let error = ungathered(&above).await;
    assert!(
        error.contains("higher-priority repository company could not be queried"),
        "{error}"
    );
    for priority in [0, -5] {
        let (from, warnings) = find(&with(priority)).await.unwrap();
        assert_eq!(from, "public");
        assert!(warnings[0].message.contains("company"), "{warnings:?}");
    }
}

/// Only permitted sources of a dependency matter.
#[tokio::test(flavor = "multi_thread")]
async fn no_dependency_fallback_below_unreachable_system_repository() {
    let desk = Desk::new();
    let team = desk.folder("team");
    publish(&desk, &team, "tool", "dependencies: [base]\n").await;
    publish(&desk, &team, "base", "").await;
    let server = Server::before(|asked| {
        let is_base = asked.path.contains("/base/");
        is_base.then(|| text(503, "not now"))
    })
    .await;
    let above = |is_system| Source {
        is_system,
        ..source(server.source("above"), 10)
    };
    let any = [wanted("tool", None)];
    let catalog = |is_system| Catalog::new(vec![above(is_system), source(Arc::clone(&team), 0)]);
    let error = ungathered(&catalog(true)).await;
    for part in ["`base` is available from team", "above", "503"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // A lock is no way around: it says where it comes from, and that does not answer.
    let mut locked = Universe::default();
    let place = ("1.0.0".parse().unwrap(), "above".to_owned());
    locked.preferred.insert("base".to_owned(), place);
    let error = catalog(true).gather(&any, locked).await.unwrap_err();
    assert!(
        error.to_string().contains("`base` is available from team"),
        "{error}"
    );
    // What a lock says is where it comes from.
    let mut locked = Universe::default();
    let version = "1.0.0".parse().unwrap();
    let place = (version, "team".to_owned());
    locked.preferred.insert("base".to_owned(), place);
    for (is_system, universe) in [(false, Universe::default()), (true, locked)] {
        let catalog = catalog(is_system);
        let gathered = catalog.gather(&any, universe).await.unwrap();
        let solution = solve(&any, &gathered.universe).unwrap();
        let base = solution.get("base").unwrap();
        assert_eq!(base.origin.repository(), Some("team"), "{is_system}");
    }
}

/// The transport of these sources would wait for 20 s, and say so in other words.
#[tokio::test(flavor = "multi_thread")]
async fn source_timeout_is_respected() {
    let desk = Desk::new();
    let team = desk.folder("team");
    publish(&desk, &team, "tool", "").await;
    let impatient = |repository, priority| Source {
        timeout: Duration::from_millis(100),
        ..source(repository, priority)
    };
    let silent = Server::hanging("").await;
    let dead = |priority| impatient(silent.source("dead"), priority);
    let why = "no response within 0.1 s";

    let below = Catalog::new(vec![source(Arc::clone(&team), 0), dead(-1)]);
    let found = below.versions("tool").await;
    assert_eq!(found.versions.len(), 1);
    assert!(found.failures[0].why.contains(why), "{:?}", found.failures);
    let (from, warnings) = find(&below).await.unwrap();
    assert_eq!(from, "team");
    assert!(warnings[0].message.contains(why), "{warnings:?}");
    let above = Catalog::new(vec![source(Arc::clone(&team), 0), dead(1)]);
    let error = find(&above).await.unwrap_err().explained();
    assert!(error.contains(why), "{error}");

    // It says which versions it has, and no more.
    let half = Server::hanging("/manifests/1.0.0").await;
    publish(&desk, &half.source("half"), "tool", "").await;
    let alone = Catalog::new(vec![impatient(half.source("half"), 0)]);
    let error = find(&alone).await.unwrap_err().explained();
    assert!(error.contains("read tool 1.0.0"), "{error}");
    assert!(error.contains(why), "{error}");
}
