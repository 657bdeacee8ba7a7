//! What the verbs of `package` work on: sources, the cache, whom to trust.

mod arguments;
mod bar;
mod complaints;
mod explain;
mod template;

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context, Result};
use extension_registry_core::version::VersionRange;
use extension_registry_packages::cache::Cache;
use extension_registry_packages::catalog::{
    Catalog, Discovery, Found, Indexes, Lately, Listed, Sighting, Source,
};
use extension_registry_packages::config::{Config, Environment, Origin, Places};
use extension_registry_packages::deliver::{Delivery, Loader};
use extension_registry_packages::index::{self, Memory};
use extension_registry_packages::manifest::{self, Kind};
use extension_registry_packages::repository::IndexFile;
use extension_registry_packages::spec::Spec;
use extension_registry_packages::trust::Policy;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::runtime::Runtime;

pub(crate) use arguments::{Chosen, OnPlatform, Sources, named, unchecked};
pub(crate) use bar::Bar;
pub(crate) use complaints::{built, complain};
pub(crate) use template::template;

use crate::output::{self, Spinner};
use crate::world::cluster;

/// The source that `--registry` and `--namespace` are of.
pub(crate) const OCI: &str = "oci";

/// How a repository is named by a verb that has a flag for it.
pub(crate) const REPOSITORY: &str = "--repository NAME";
/// Requests under way at once.
const AT_ONCE: usize = 8;

/// Everything there is, as it is configured.
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) catalog: Catalog,
    pub(crate) cache: Cache,
    pub(crate) policy: Policy,
    pub(crate) memory: Memory,
    pub(crate) offline: bool,
    pub(crate) now: Timestamp,
    /// The sources that `--source` takes; None, where it was not said.
    pub(crate) only: Option<Vec<String>>,
    /// Whether the command line says where the source `oci` is.
    says_oci: bool,
    /// Connections to servers live in it.
    runtime: Runtime,
}

/// Whether sources may be asked.
pub(crate) fn may_ask(offline: bool) -> Result<()> {
    anyhow::ensure!(
        !offline,
        "the sources have to be asked, and --offline asks nobody; hint: leave --offline out"
    );
    Ok(())
}

impl Session {
    /// Reads the configuration. Nothing is asked yet.
    pub(super) fn open(sources: &Sources) -> Result<Self> {
        let runtime = cluster::runtime()?;
        let (environment, config) = configuration(sources)?;
        let (mut catalog, warnings) = Catalog::open(&config, &environment)?;
        if let Some(named) = sources.named() {
            catalog = catalog.only(named);
            anyhow::ensure!(
                !catalog.sources().is_empty(),
                "no source is called `{named}`, and none is of that kind; hint: {}",
                known(&config)
            );
        }
        let policy = match &config.trust {
            Some(trust) => Policy::read(&trust.value)
                .with_context(|| format!("the trust policy, {}", trust.origin))?,
            None => Policy::default(),
        };
        let state = environment
            .state_folder()
            .context("there is no folder for what was seen; hint: set HOME")?;
        let mut memory = Memory::at(state.join("indexes.json"));
        for repository in &config.repositories {
            if matches!(
                repository.url.origin,
                Origin::Flag(_) | Origin::Environment(_)
            ) {
                memory = memory.by_place(&repository.name, &repository.url.value.to_string());
            }
        }
        let session = Self {
            cache: Cache::open(&config.cache.path.value)?,
            memory,
            now: Timestamp::now(),
            offline: sources.offline,
            only: sources.narrows().then(|| ids(&catalog)),
            says_oci: sources.says_oci(),
            config,
            catalog,
            policy,
            runtime,
        };
        output::warn(&warnings)?;
        Ok(session)
    }

    /// Runs what waits for sources, and shows meanwhile that something goes on.
    pub(crate) fn ask<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        may_ask(self.offline)?;
        let spinner = Spinner::start("asking the sources");
        let outcome = self.runtime.block_on(work);
        drop(spinner);
        output::warn(&self.catalog.warnings())?;
        outcome
    }

    /// Runs a transfer, which shows itself.
    pub(crate) fn transfer<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        may_ask(self.offline)?;
        let outcome = self.runtime.block_on(work);
        output::warn(&self.catalog.warnings())?;
        outcome
    }

    /// What sources listed lately.
    pub(crate) fn lately(&self, refresh: bool) -> Lately {
        Lately::new(
            self.cache.listings(),
            self.config.cache.ttl.value,
            self.now,
            refresh,
        )
    }

    pub(crate) fn discover(&self, text: Option<&str>, refresh: bool) -> Result<Discovery> {
        self.say_if_nobody_is_asked()?;
        let lately = self.lately(refresh);
        self.ask(async { Ok(self.catalog.discover(text, self, &lately).await) })
    }

    /// What the cache has, as a list of packages.
    pub(crate) fn cached(&self) -> Discovery {
        let mut listing = self.cache.list();
        let only = self.only.as_ref();
        listing
            .entries
            .retain(|entry| only.is_none_or(|only| only.contains(&entry.repository)));
        let mut packages: BTreeMap<(String, String), Listed> = BTreeMap::new();
        for entry in listing.entries {
            let key = (entry.name.clone(), entry.kind.name().to_owned());
            let listed = packages.entry(key).or_insert_with(|| Listed {
                name: entry.name.clone(),
                repository: entry.repository.clone(),
                kind: entry.kind.name().to_owned(),
                description: String::new(),
                keywords: Vec::new(),
                license: None,
                versions: Vec::new(),
            });
            listed.versions.push(entry.version.clone());
            listed.versions.sort_by(|left, right| right.cmp(left));
            if listed.versions.first() == Some(&entry.version)
                && let Ok(text) = std::fs::read_to_string(entry.configuration_path())
                && let (Some(manifest), _) = manifest::read(&text)
            {
                listed.description = manifest.description;
                listed.keywords = manifest.keywords;
                listed.license = manifest.metadata.license;
            }
        }
        let faults = listing.faults.into_iter();
        Discovery {
            packages: packages.into_values().collect(),
            warnings: faults
                .map(|fault| format!("{}: {}", fault.path.display(), fault.why))
                .collect(),
            ..Discovery::default()
        }
    }

    /// Whether this machine has a version.
    pub(crate) fn has(&self, kind: &str, name: &str, version: &semver::Version) -> bool {
        let found = self.cache.get(&Kind::of(kind), name, version);
        found.is_ok_and(|entry| entry.is_some())
    }

    /// Versions of a package, and what is known of each.
    pub(crate) fn versions(&self, name: &str) -> Result<(Found, BTreeMap<semver::Version, Spec>)> {
        self.ask(async {
            let found = self.catalog.versions(name).await;
            let asked = stream::iter(found.versions.keys()).map(|version| {
                let found = &found;
                async move {
                    let sighting = self.catalog.sighting(found, version, None).await;
                    (version.clone(), sighting)
                }
            });
            let mut specs = BTreeMap::new();
            for (version, spec) in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
                match spec {
                    Ok(sighting) => {
                        output::warn(&sighting.warnings)?;
                        specs.insert(version, sighting.spec);
                    }
                    Err(error) => output::warn(&[error.to_string()])?,
                }
            }
            Ok((found, specs))
        })
    }

    /// The version that a range takes, of the sources. Those that could not be asked, and need not be, are said.
    pub(crate) async fn find(&self, chosen: &Chosen) -> Result<Sighting<'_>> {
        let (range, kind) = (chosen.range()?, chosen.kind());
        let found = self.catalog.find(&chosen.name, &range, kind.as_ref());
        let sighting = found.await?;
        output::warn(&sighting.warnings)?;
        Ok(sighting)
    }

    /// A package, from this machine where it has one that fits, else from a source.
    pub(crate) fn delivered(
        &self,
        chosen: &Chosen,
        platform: &OnPlatform,
        force: bool,
    ) -> Result<Delivery> {
        let loader = self.loader().on(platform.known());
        if !force {
            let here = loader.here(&chosen.name, &chosen.range()?, chosen.kind().as_ref());
            match here {
                Ok(Some(here)) => return Ok(here),
                // Its source may have it whole, and signed anew.
                Err(error) if error.is_of_cache() && !self.offline => {}
                Err(error) => return Err(error.into()),
                Ok(None) => {}
            }
        }
        anyhow::ensure!(
            !self.offline,
            "the cache has no `{}` that fits; hint: go without --offline",
            chosen.name
        );
        self.transfer(async {
            let sighting = self.find(chosen).await?;
            let bar = Bar::new(&sighting.spec.title());
            Ok(loader.bring(&sighting, force, &bar).await?)
        })
    }

    /// What brings packages here, wherever they are used.
    pub(crate) fn loader(&self) -> Loader<'_> {
        let most = self.config.cache.max_content.value;
        let loader = Loader::new(&self.cache, &self.policy, self.now, most);
        match &self.only {
            Some(only) => loader.only(only.clone()),
            None => loader,
        }
    }

    /// Says that there is nobody to ask, where that is so: an empty answer looks like an answer.
    pub(crate) fn say_if_nobody_is_asked(&self) -> Result<()> {
        if self.catalog.sources().is_empty() {
            output::warn(&[format!("there is no source to ask; hint: {NO_SOURCE}")])?;
        }
        Ok(())
    }

    /// A source by name; without one, the one that the command line says with `--registry`, or the only one.
    pub(crate) fn source(&self, name: Option<&str>, how: &str) -> Result<&Source> {
        let sources = self.catalog.sources();
        let said = self.catalog.source(OCI).filter(|_| self.says_oci);
        if let (None, Some(said)) = (name, said) {
            return Ok(said);
        }
        match name {
            Some(name) => self.catalog.source(name).with_context(|| {
                format!(
                    "no repository is called `{name}`; hint: {}",
                    known(&self.config)
                )
            }),
            None if sources.len() == 1 => Ok(&sources[0]),
            None => anyhow::bail!("which repository? hint: {how}; {}", known(&self.config)),
        }
    }
}

/// The configuration of this machine and the command line.
pub(crate) fn configuration(sources: &Sources) -> Result<(Environment, Config)> {
    let mut environment = Environment::of_process();
    if let Some(path) = &sources.config {
        environment.set(
            extension_registry_packages::config::CONFIG_VARIABLE,
            path.as_os_str(),
        );
    }
    let folder = std::env::current_dir().context("there is no working folder")?;
    let places = Places::of_machine(&environment, &folder);
    let config = Config::load(&places, &environment, &sources.flags())?;
    let mut err = io::stderr().lock();
    for warning in &config.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    Ok((environment, config))
}

fn ids(catalog: &Catalog) -> Vec<String> {
    let sources = catalog.sources().iter();
    sources.map(|source| source.id().to_owned()).collect()
}

/// A type, for people (R13).
pub(crate) fn type_for_people(kind: &str) -> String {
    match Kind::of(kind) {
        Kind::Unsupported(name) => format!("unsupported type {name}"),
        kind => kind.name().to_owned(),
    }
}

/// Whether this program can use packages of a type.
pub(crate) fn is_supported(kind: &str) -> bool {
    !matches!(Kind::of(kind), Kind::Unsupported(_))
}

/// What to do where no source is configured.
const NO_SOURCE: &str = "none is configured; ~/.config/extension-registry/packages.toml is the place for some, --path FOLDER and --registry HOST name one";

/// Why a package does not go along with all others; None where it does.
pub(crate) fn left_out(name: &str, kind: &str) -> Option<String> {
    (!is_supported(kind)).then(|| format!("{name} is left out: {}", type_for_people(kind)))
}

fn known(config: &Config) -> String {
    let names = config.repositories.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        NO_SOURCE.to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

impl Indexes for Session {
    fn read(
        &self,
        source: &Source,
        file: &IndexFile,
        warnings: &mut Vec<String>,
    ) -> Option<Vec<Listed>> {
        match index::open(&self.policy, &self.memory, source.id(), file, self.now) {
            Ok(opened) => {
                warnings.extend(opened.warnings.iter().map(ToString::to_string));
                warnings.extend(
                    opened
                        .faults
                        .iter()
                        .map(|fault| format!("the index of {}: {fault}", source.id())),
                );
                let packages = opened.index.packages.into_iter();
                Some(packages.map(|package| listed(source, package)).collect())
            }
            Err(error) => {
                warnings.push(format!("{error}; its packages are listed one by one"));
                None
            }
        }
    }
}

fn listed(source: &Source, package: index::Package) -> Listed {
    let versions = package
        .versions
        .into_iter()
        .filter(|one| one.yanked.is_none());
    Listed {
        name: package.name,
        repository: source.id().to_owned(),
        kind: package.kind.name().to_owned(),
        description: package.description,
        keywords: package.keywords,
        license: package.license,
        versions: versions.map(|one| one.version).collect(),
    }
}

/// Reads a range, and says of which package when it is none.
pub(crate) fn range(name: &str, text: Option<&str>) -> Result<VersionRange> {
    let text = text.unwrap_or("*");
    text.parse()
        .with_context(|| format!("`{text}`, the version of {name}"))
}
