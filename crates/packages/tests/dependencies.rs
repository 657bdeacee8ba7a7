//! Packages with their dependencies: resolved, delivered all or none, and locked.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;

use std::sync::Arc;

use desk::{Desk, catalog};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::catalog::Catalog;
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::dependencies::{DependencyError, Locking, Plan, Request};
use extension_registry_packages::lock::{self, Lock};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository;
use extension_registry_packages::solve::RequestedPackage;

fn requested(names: &[&str]) -> Vec<RequestedPackage> {
    let requested = names.iter().map(|name| RequestedPackage {
        name: (*name).to_owned(),
        range: "*".parse().unwrap(),
        kind: None,
        repository: None,
    });
    requested.collect()
}

/// Publishes and signs a package with further lines in its manifest.
async fn publish(desk: &Desk, repository: &Arc<dyn Repository>, name: &str, more: &str) {
    let upload = desk.bench.package_with(name, "1.0.0", "first", more);
    desk.publish(&**repository, &upload).await;
}

async fn plan(catalog: &Catalog, request: Request) -> Result<Plan, DependencyError> {
    let gathered = request.gather(catalog).await?;
    request.solve(gathered)
}

async fn deliver(
    desk: &Desk,
    plan: &Plan,
    catalog: Option<&Catalog>,
    force: bool,
) -> Result<Vec<Delivery>, DependencyError> {
    let mut warnings = Vec::new();
    let loader = desk.loader();
    let deliveries = plan.deliver(&loader, catalog, force, |_| Silent, &mut warnings);
    let deliveries = deliveries.await;
    assert_eq!(warnings, []);
    deliveries
}

/// Delivers `app`, which depends on `base`, and returns the lock file.
async fn locked(desk: &Desk, catalog: &Catalog, repository: &Arc<dyn Repository>) -> Lock {
    publish(desk, repository, "base", "").await;
    publish(desk, repository, "app", "dependencies: [base]\n").await;
    let request = Request::new(requested(&["app"]), Locking::None).unwrap();
    let plan = plan(catalog, request).await.unwrap();
    let deliveries = deliver(desk, &plan, Some(catalog), false).await.unwrap();
    let names = deliveries.iter().map(|one| one.entry.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["base", "app"]);
    plan.lock(&deliveries)
}

#[tokio::test]
async fn failed_delivery_removes_only_new_packages() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let catalog = catalog(&[&team]);
    publish(&desk, &team, "known", "").await;
    let request = Request::new(requested(&["known"]), Locking::None).unwrap();
    let known = plan(&catalog, request).await.unwrap();
    deliver(&desk, &known, Some(&catalog), false).await.unwrap();
    publish(&desk, &team, "base", "").await;
    let more = "dependencies: [base, known]\n";
    let unsigned = desk.bench.package_with("unsigned", "1.0.0", "first", more);
    team.publish(&unsigned, false, &Silent).await.unwrap();
    let request = Request::new(requested(&["unsigned"]), Locking::None).unwrap();
    let plan = plan(&catalog, request).await.unwrap();
    let delivered = deliver(&desk, &plan, Some(&catalog), false).await;
    assert!(matches!(delivered, Err(DependencyError::Deliver(_))));
    let entries = desk.cache.list().entries;
    let names = entries.iter().map(|entry| entry.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["known"]);
}

#[tokio::test]
async fn required_lock_rejects_other_solution() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let catalog = catalog(&[&team]);
    let lock = locked(&desk, &catalog, &team).await;
    let request = Request::new(requested(&["base"]), Locking::Required(lock.clone())).unwrap();
    let error = plan(&catalog, request).await.unwrap_err();
    assert_eq!(
        error.explained(),
        "extensions.lock does not match the requested packages:\n  app is locked but not required; \
         hint: update it with --lock"
    );
    let request = Request::new(requested(&["base"]), Locking::Preferred(lock)).unwrap();
    assert!(plan(&catalog, request).await.is_ok());
}

#[tokio::test]
async fn lock_alone_requests_direct_packages() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let catalog = catalog(&[&team]);
    let lock = locked(&desk, &catalog, &team).await;
    let request = Request::new(Vec::new(), Locking::Required(lock.clone())).unwrap();
    // From the cache alone.
    let gathered = request.gather_cached(&desk.cache, None, None).unwrap();
    let plan = request.solve(gathered).unwrap();
    let deliveries = deliver(&desk, &plan, None, false).await.unwrap();
    assert_eq!(plan.lock(&deliveries), lock);
}

#[tokio::test]
async fn changed_content_differs_from_lock() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let catalog = catalog(&[&team]);
    let lock = locked(&desk, &catalog, &team).await;
    let changed = desk.bench.package("base", "1.0.0", "second");
    team.publish(&changed, true, &Silent).await.unwrap();
    let release = team.release("base", &changed.version).await.unwrap();
    let statement = extension_registry_packages::signature::Statement::of_upload(&changed);
    desk.sign(&*team, &release, &statement).await;
    let request = Request::new(requested(&["app"]), Locking::Preferred(lock)).unwrap();
    let plan = plan(&catalog, request).await.unwrap();
    let error = deliver(&desk, &plan, Some(&catalog), false)
        .await
        .unwrap_err();
    assert!(matches!(error, DependencyError::Mismatch(_)), "{error}");
    assert!(deliver(&desk, &plan, Some(&catalog), true).await.is_ok());
}

#[tokio::test]
async fn lock_file_is_saved_and_loaded() {
    let desk = Desk::new();
    let path = desk.bench.path().join(lock::FILE);
    assert_eq!(Lock::load(&path).unwrap(), None);
    let team = desk.folder("team");
    let lock = locked(&desk, &catalog(&[&team]), &team).await;
    lock.save(&path).unwrap();
    let loaded = Lock::load(&path).unwrap().unwrap();
    assert_eq!(loaded.to_text(), lock.to_text());
    std::fs::write(&path, "version = 9\n").unwrap();
    let error = Lock::load(&path).unwrap_err();
    assert_eq!(error.to_string(), path.display().to_string());
}
