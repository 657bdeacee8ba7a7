//! Flags of dependencies, for pulling packages together.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::catalog::{Catalog, Gathered, ResolvedVersion};
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::dependencies::{Locking, Plan, Request};
use extension_registry_packages::lock::{self, Lock};
use extension_registry_packages::solve::RequestedPackage;

use crate::flags::{Chosen, PlatformArgs};
use crate::packages::{Bar, Session};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct DependencyArgs {
    /// Pull dependencies too: all or nothing
    #[arg(long, conflicts_with = "all")]
    with_deps: bool,
    /// Prefer versions in extensions.lock, and update it; implies --with-deps
    #[arg(long, conflicts_with = "all")]
    lock: bool,
    /// Pull exactly what extensions.lock lists; fail on any difference
    #[arg(long, conflicts_with_all = ["all", "lock"])]
    locked: bool,
    /// Approve a repository for a dependency; may be repeated; implies --with-deps
    #[arg(long, value_name = "DEPENDENCY@REPOSITORY", value_parser = pair, conflicts_with = "all")]
    approve: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) platform: PlatformArgs,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, repository) = text
        .split_once('@')
        .ok_or_else(|| "expected DEPENDENCY@REPOSITORY".to_owned())?;
    Ok((name.to_owned(), repository.to_owned()))
}

impl DependencyArgs {
    /// Returns whether dependency resolution is requested.
    pub(super) fn is_asked(&self) -> bool {
        self.with_deps
            || self.lock
            || self.locked
            || self.platform.is_given()
            || !self.approve.is_empty()
    }

    /// Pulls packages with their dependencies, each after its own dependencies.
    pub(super) fn pull(
        &self,
        session: &Session,
        chosen: &[Chosen],
        force: bool,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Delivery>> {
        let locking = self.locking()?;
        let mut packages = Vec::new();
        for one in chosen {
            packages.push(RequestedPackage {
                name: one.name.clone(),
                range: one.range()?,
                kind: one.kind(),
                repository: None,
            });
        }
        let request = Request::new(packages, locking)?
            .approve(self.approve.iter().cloned())
            .on(self.platform.known(), self.platform.is_given());
        let gathered = gather(session, &request)?;
        print_warnings(&gathered.warnings)?;
        let plan = request.solve(gathered)?;
        notes.extend(plan.notes());
        let deliveries = self.deliver(session, &plan, force)?;
        if self.lock {
            let saved = plan.lock(&deliveries).save(Path::new(lock::FILE));
            saved.with_context(|| {
                format!("failed to write {} to the working directory", lock::FILE)
            })?;
        }
        Ok(deliveries)
    }

    fn locking(&self) -> Result<Locking> {
        if !self.lock && !self.locked {
            return Ok(Locking::None);
        }
        let lock = Lock::load(Path::new(lock::FILE))?;
        ensure!(
            lock.is_some() || !self.locked,
            Failure::new(format!("{} not found", lock::FILE)).hint("create it with --lock")
        );
        Ok(match lock {
            Some(lock) if self.locked => Locking::Required(lock),
            Some(lock) => Locking::Preferred(lock),
            None => Locking::None,
        })
    }

    fn deliver(&self, session: &Session, plan: &Plan, force: bool) -> Result<Vec<Delivery>> {
        let loader = session.loader().on(self.platform.known());
        let catalog = (!session.offline).then_some(&session.workspace.catalog);
        let mut warnings = Vec::new();
        let work = async {
            let deliveries = plan.deliver(&loader, catalog, force, Bar::new, &mut warnings);
            Ok(deliveries.await?)
        };
        let deliveries = if session.offline {
            session.local(work)
        } else {
            session.transfer(work)
        };
        print_warnings(&warnings)?;
        deliveries
    }
}

fn gather(session: &Session, request: &Request) -> Result<Gathered> {
    if session.offline {
        let system = session.workspace.config.system_repository();
        let system = system.map(|repository| repository.name.as_str());
        return Ok(request.gather_cached(
            &session.workspace.cache,
            system,
            session.only.as_deref(),
        )?);
    }
    session.query(async { Ok(request.gather(&session.workspace.catalog).await?) })
}

/// Returns a package and its dependencies, each after its own dependencies, for any platform.
pub(super) fn plan_of(
    session: &Session,
    catalog: &Catalog,
    resolved: &ResolvedVersion<'_>,
    approved: &[(String, String)],
) -> Result<Plan> {
    let manifest = &resolved.spec.manifest;
    let requested = RequestedPackage {
        name: manifest.name.clone(),
        range: crate::flags::range(&manifest.name, Some(&format!("={}", manifest.version)))?,
        kind: Some(manifest.kind.clone()),
        repository: Some(resolved.source.id().to_owned()),
    };
    let request = Request::new(vec![requested], Locking::None)?.approve(approved.iter().cloned());
    let gathered = session.query(async { Ok(request.gather(catalog).await?) })?;
    Ok(request.solve(gathered)?)
}
