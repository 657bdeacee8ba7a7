//! Shared state of the `package` verbs: sources, the cache, the trust policy.

use anyhow::{Context, Result};
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_packages::answer::versions::{Found, find};
use extension_registry_packages::answer::{is_supported, type_for_people};
use extension_registry_packages::catalog::{
    Catalog, Discovery, ListingCache, ResolvedVersion, Source,
};
use extension_registry_packages::config::{Config, Environment, Places};
use extension_registry_packages::deliver::{Delivery, Loader};
use extension_registry_packages::workspace::{Clock, Workspace};
use extension_registry_query::Note;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::bar::Bar;
use super::diagnostics::unwrap_config;
use crate::client;
use crate::flags::{Chosen, PlatformArgs, Sources};
use crate::output::{self, Spinner};
use crate::report::human::print_warnings;

/// Name of the source that `--registry` and `--namespace` configure.
pub(crate) const OCI: &str = "oci";

/// Hint for verbs with a flag for the repository.
pub(crate) const REPOSITORY: &str = "pass --repository NAME";

/// Opened configuration, as the flags narrow it.
pub(crate) struct Session {
    pub(crate) workspace: Workspace,
    pub(crate) offline: bool,
    /// The sources that `--source` selects; None if it was not given.
    pub(crate) only: Option<Vec<String>>,
    /// Whether command-line flags configure the `oci` source.
    sets_oci: bool,
    /// Owns the connections to servers.
    runtime: Runtime,
}

/// Checks that network access is allowed.
pub(crate) fn check_online(offline: bool) -> Result<()> {
    anyhow::ensure!(
        !offline,
        Failure::new("cannot query the sources with --offline").hint("remove --offline")
    );
    Ok(())
}

impl Session {
    /// Reads the configuration without sending a request.
    pub(crate) fn open(sources: &Sources) -> Result<Self> {
        let runtime = client::runtime()?;
        let (environment, config) = configuration(sources)?;
        let clock = Clock::stopped(Timestamp::now());
        let (mut workspace, warnings) = Workspace::open(config, &environment, clock)?;
        if let Some(named) = sources.named() {
            workspace.catalog = workspace.catalog.only(named);
            anyhow::ensure!(
                !workspace.catalog.sources().is_empty(),
                Failure::new(format!("unknown source or kind `{named}`"))
                    .hint(known(&workspace.config))
            );
        }
        let session = Self {
            offline: sources.offline,
            only: sources.narrows().then(|| ids(&workspace.catalog)),
            sets_oci: sources.sets_oci(),
            workspace,
            runtime,
        };
        print_warnings(&warnings)?;
        Ok(session)
    }

    /// Runs queries of sources, with a spinner.
    pub(crate) fn query<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        check_online(self.offline)?;
        let spinner = Spinner::start("querying the sources");
        let outcome = self.runtime.block_on(work);
        drop(spinner);
        print_warnings(&self.workspace.catalog.warnings())?;
        outcome
    }

    /// Runs a transfer, which shows its own progress.
    pub(crate) fn transfer<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        check_online(self.offline)?;
        let outcome = self.runtime.block_on(work);
        print_warnings(&self.workspace.catalog.warnings())?;
        outcome
    }

    /// Runs work on the cache alone, also with `--offline`.
    pub(crate) fn local<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }

    /// Returns the cache of listings.
    pub(crate) fn listing_cache(&self, refresh: bool) -> ListingCache {
        self.workspace.listing_cache(refresh)
    }

    pub(crate) fn discover(&self, text: Option<&str>, refresh: bool) -> Result<Discovery> {
        self.warn_if_no_sources()?;
        let listing_cache = self.listing_cache(refresh);
        self.query(async {
            Ok(self
                .workspace
                .catalog
                .discover(text, &self.workspace, &listing_cache)
                .await)
        })
    }

    /// Lists the packages in the cache.
    pub(crate) fn cached(&self) -> Discovery {
        Discovery::of_cache(self.workspace.cache.list(), self.only.as_deref())
    }

    /// Returns the versions of a package with their metadata.
    pub(crate) fn versions(&self, name: &str) -> Result<Found> {
        self.query(async {
            let found = find(&self.workspace.catalog, name).await;
            print_warnings(&found.warnings)?;
            Ok(found)
        })
    }

    /// Returns the version that a range selects from the sources. Failures of other sources are reported as
    /// warnings.
    pub(crate) async fn find(&self, chosen: &Chosen) -> Result<ResolvedVersion<'_>> {
        let (range, kind) = (chosen.range()?, chosen.kind());
        let found = self
            .workspace
            .catalog
            .find(&chosen.name, &range, kind.as_ref());
        let resolved = found.await?;
        print_warnings(&resolved.warnings)?;
        Ok(resolved)
    }

    /// Delivers a package from the cache if it matches, else from a source.
    pub(crate) fn delivered(
        &self,
        chosen: &Chosen,
        platform: &PlatformArgs,
        force: bool,
    ) -> Result<Delivery> {
        let loader = self.loader().on(platform.known());
        if !force {
            let here = loader.here(&chosen.name, &chosen.range()?, chosen.kind().as_ref());
            match here {
                Ok(Some(here)) => return Ok(here),
                // The source may have a valid copy.
                Err(error) if error.is_cache_error() && !self.offline => {}
                Err(error) => return Err(error.into()),
                Ok(None) => {}
            }
        }
        anyhow::ensure!(
            !self.offline,
            Failure::new(format!(
                "no matching version of `{}` in the cache",
                chosen.name
            ))
            .hint("remove --offline")
        );
        self.transfer(async {
            let resolved = self.find(chosen).await?;
            let bar = Bar::new(&resolved.spec.title());
            Ok(loader.fetch(&resolved, force, &bar).await?)
        })
    }

    /// Returns the loader of packages.
    pub(crate) fn loader(&self) -> Loader<'_> {
        let loader = self.workspace.loader();
        match &self.only {
            Some(only) => loader.only(only.clone()),
            None => loader,
        }
    }

    /// Warns if no source is configured: an empty result would be misleading.
    pub(crate) fn warn_if_no_sources(&self) -> Result<()> {
        if self.workspace.catalog.sources().is_empty() {
            output::warn(&Note::new("no source is configured").hint(NO_SOURCE))?;
        }
        Ok(())
    }

    /// Returns a source by name; without a name, the one from `--registry`, or the only one.
    pub(crate) fn source(&self, name: Option<&str>, how: &str) -> Result<&Source> {
        let sources = self.workspace.catalog.sources();
        let named = self.workspace.catalog.source(OCI).filter(|_| self.sets_oci);
        if let (None, Some(named)) = (name, named) {
            return Ok(named);
        }
        match name {
            Some(name) => self.workspace.catalog.source(name).ok_or_else(|| {
                Failure::new(format!("unknown repository `{name}`"))
                    .hint(known(&self.workspace.config))
                    .into()
            }),
            None if sources.len() == 1 => Ok(&sources[0]),
            None => {
                let hint = format!("{how}; {}", known(&self.workspace.config));
                anyhow::bail!(Failure::new("no repository given").hint(hint))
            }
        }
    }
}

/// Loads the configuration of this machine and the command line.
pub(crate) fn configuration(sources: &Sources) -> Result<(Environment, Config)> {
    let mut environment = Environment::of_process();
    if let Some(path) = &sources.config {
        environment.set(
            extension_registry_packages::config::CONFIG_VARIABLE,
            path.as_os_str(),
        );
    }
    let folder = std::env::current_dir().context("failed to get the working directory")?;
    let places = Places::of_machine(&environment, &folder);
    let config = Config::load(&places, &environment, &sources.flags()).map_err(unwrap_config)?;
    for warning in &config.warnings {
        output::write_error(&format!("warning: {}\n", warning.explained()))?;
    }
    Ok((environment, config))
}

fn ids(catalog: &Catalog) -> Vec<String> {
    let sources = catalog.sources().iter();
    sources.map(|source| source.id().to_owned()).collect()
}

/// Formats the platform requirements that were not checked.
pub(crate) fn unchecked(deliveries: &[Delivery], hint: &str) -> Vec<Note> {
    let some = deliveries.iter().filter(|one| !one.unchecked.is_empty());
    some.map(|one| {
        let message = format!(
            "{} {} requires {}, which was not checked",
            one.entry.name,
            one.entry.version,
            one.unchecked.join(" and ")
        );
        Note::new(message).hint(hint)
    })
    .collect()
}

/// Hint if no source is configured.
const NO_SOURCE: &str = "add one to ~/.config/extension-registry/packages.toml, or pass --path DIRECTORY or --registry HOST";

/// Explains why a package is skipped by operations on all packages; None if it is not.
pub(crate) fn skipped(name: &str, kind: &str) -> Option<Note> {
    (!is_supported(kind)).then(|| Note::new(format!("skipped {name}: {}", type_for_people(kind))))
}

fn known(config: &Config) -> String {
    let names = config.repositories.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        NO_SOURCE.to_owned()
    } else {
        format!("configured repositories: {}", names.join(", "))
    }
}
