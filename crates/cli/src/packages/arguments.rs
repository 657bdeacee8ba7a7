//! What the verbs of `package` share on the command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use extension_registry_core::version::VersionRange;
use extension_registry_packages::config::{Flags, Source};
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::solve::platform::Platform;

use super::Session;

/// Where packages come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Sources {
    /// Only this source: its name, or a kind: oci, gitea, maven, local; auto is all
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// A folder of packages beside what is configured; may be repeated
    #[arg(long, value_name = "FOLDER")]
    path: Vec<PathBuf>,
    /// The registry of the source `oci`: host and port
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// The namespace of the source `oci`
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// A configuration file in the place of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Ask nobody: only what the cache has
    #[arg(long)]
    pub(crate) offline: bool,
}

impl Sources {
    /// Everything there is, as it is configured.
    pub(crate) fn open(&self) -> Result<Session> {
        Session::open(self)
    }

    /// A kind chooses in the configuration, a name among what it gave.
    pub(super) fn named(&self) -> Option<&str> {
        let source = self.source.as_deref()?;
        Source::of(source).is_err().then_some(source)
    }

    /// Whether `--source` leaves sources out: `auto` is all of them.
    pub(super) fn narrows(&self) -> bool {
        let source = self.source.as_deref();
        source.is_some_and(|source| !matches!(Source::of(source), Ok(Source::Auto)))
    }

    /// Whether it says where the source `oci` is.
    pub(crate) fn says_oci(&self) -> bool {
        self.registry.is_some() || self.namespace.is_some()
    }

    pub(super) fn flags(&self) -> Flags {
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

/// What is there where packages are used.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OnPlatform {
    /// What is there where the packages are used: kubernetes=1.36.3, docker; may be repeated
    #[arg(long, value_name = "NAME[=VERSION]")]
    platform: Vec<String>,
}

impl OnPlatform {
    /// How to say what is there, after what was not checked.
    pub(crate) const HINT: &str = "; hint: --platform NAME=VERSION";

    /// Whether anything was said.
    pub(crate) fn is_said(&self) -> bool {
        !self.platform.is_empty()
    }

    /// What was said, and this program.
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

/// What packages require that nobody said is there, and how to say it.
pub(crate) fn unchecked(deliveries: &[Delivery], hint: &str) -> Vec<String> {
    let some = deliveries.iter().filter(|one| !one.unchecked.is_empty());
    some.map(|one| {
        format!(
            "{} {} requires {}, which was not checked{hint}",
            one.entry.name,
            one.entry.version,
            one.unchecked.join(" and ")
        )
    })
    .collect()
}

/// One package.
#[derive(Clone, Debug, Args)]
pub(crate) struct Chosen {
    /// Name of the package
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A version or a range: 1.2.3, ^1.2; without it, the highest release
    #[arg(long, value_name = "RANGE")]
    pub(crate) version: Option<String>,
    /// Its type, where a name is there with two
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// A name, and the range that stands behind it: `NAME[@RANGE]`.
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
        super::range(&self.name, self.version.as_deref())
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind.as_deref().map(Kind::of)
    }
}
