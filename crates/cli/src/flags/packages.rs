//! Flags of the `package` verbs.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_core::version::VersionRange;
use extension_registry_packages::config::{Flags, Source};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::solve::platform::Platform;

/// Selection of sources.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Sources {
    /// Use only this source, given by name or kind: oci, gitea, maven, local; auto uses all sources
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// Add a directory of packages; may be repeated
    #[arg(long, value_name = "DIRECTORY")]
    path: Vec<PathBuf>,
    /// Registry of the `oci` source: host and port
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// Namespace of the `oci` source
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Configuration file to use instead of the user configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Use only the local cache; no network access
    #[arg(long)]
    pub(crate) offline: bool,
}

impl Sources {
    /// Returns the value of `--source` if it is the name of a source; None for a kind or `auto`, which the
    /// configuration handles.
    pub(crate) fn named(&self) -> Option<&str> {
        let source = self.source.as_deref()?;
        Source::of(source).is_err().then_some(source)
    }

    /// Returns whether `--source` excludes sources; `auto` excludes none.
    pub(crate) fn narrows(&self) -> bool {
        let source = self.source.as_deref();
        source.is_some_and(|source| !matches!(Source::of(source), Ok(Source::Auto)))
    }

    /// Returns whether flags configure the `oci` source.
    pub(crate) fn sets_oci(&self) -> bool {
        self.registry.is_some() || self.namespace.is_some()
    }

    pub(crate) fn flags(&self) -> Flags {
        let source = self.source.as_deref();
        Flags {
            source: source.and_then(|source| Source::of(source).ok()),
            registry: self.registry.clone(),
            namespace: self.namespace.clone(),
            paths: self.path.clone(),
            ..Flags::default()
        }
    }
}

/// The platform on which packages will be used.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlatformArgs {
    /// Available platform component, e.g. kubernetes=1.36.3, docker; may be repeated
    #[arg(long, value_name = "NAME[=VERSION]")]
    platform: Vec<String>,
}

impl PlatformArgs {
    /// Hint for requirements that were not checked.
    pub(crate) const HINT: &str = "pass --platform NAME=VERSION";

    /// Returns whether a component was given.
    pub(crate) fn is_given(&self) -> bool {
        !self.platform.is_empty()
    }

    /// Returns the given components, plus this program as a component.
    pub(crate) fn known(&self) -> Platform {
        let given = self.platform.iter().map(|text| match text.split_once('=') {
            Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
            None => (text.clone(), None),
        });
        let own = (
            "extension-registry".to_owned(),
            Some(env!("CARGO_PKG_VERSION").to_owned()),
        );
        std::iter::once(own).chain(given).collect()
    }
}

/// Selection of one package.
#[derive(Clone, Debug, Args)]
pub(crate) struct Chosen {
    /// Name of the package
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Version or range, e.g. 1.2.3, ^1.2; default is the highest release
    #[arg(long, value_name = "RANGE")]
    pub(crate) version: Option<String>,
    /// Type, to distinguish packages of the same name
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// Splits `NAME[@RANGE]` into a name and a range.
pub(crate) fn named(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((name, range)) => (name, Some(range)),
        None => (text, None),
    }
}

impl Chosen {
    pub(crate) fn new(name: &str, version: Option<String>, kind: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            version,
            kind,
        }
    }

    pub(crate) fn range(&self) -> Result<VersionRange> {
        range(&self.name, self.version.as_deref())
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind.as_deref().map(Kind::of)
    }
}

/// Parses a range, and names the package in the error.
pub(crate) fn range(name: &str, text: Option<&str>) -> Result<VersionRange> {
    let text = text.unwrap_or("*");
    text.parse()
        .with_context(|| format!("invalid version range `{text}` for package `{name}`"))
}
