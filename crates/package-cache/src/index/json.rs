//! The index as JSON.

use std::collections::BTreeSet;
use std::fmt;

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::version::VersionRange;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{API_VERSION, HIGHEST, Index, IndexedVersion, Package, Series};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{Dependency, From, Kind, Requirement, name};

/// Maximum size of an index.
const LARGEST: usize = 64 * 1024 * 1024;

/// Maximum number of reported faults of one index.
const FAULTS: usize = 100;

/// Why an index is invalid.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum IndexError {
    /// It is too large.
    #[error("the index is larger than {} MiB", LARGEST / (1024 * 1024))]
    TooLarge,
    /// It is not valid JSON, or a required field is missing or invalid.
    #[error("invalid index: {0}")]
    Json(String),
    /// Its format version is not supported.
    #[error("unsupported index version `{0}`: expected `{API_VERSION}`")]
    Version(String),
    /// Its serial number is out of range.
    #[error("the serial number of the index is larger than {HIGHEST}")]
    Serial,
}

impl Explain for IndexError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Version(_) => "upgrade kubectl-ext",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// An invalid entry. Other entries are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the entry: `packages[3].versions[0]`.
    pub at: String,
    /// Its name, if it can be read.
    pub name: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.at)?;
        if let Some(name) = &self.name {
            write!(formatter, " ({name})")?;
        }
        write!(formatter, " is invalid: {}", self.what)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: String,
    series: Series,
    serial: u64,
    created: Timestamp,
    expires: Timestamp,
    packages: Entries<RawPackage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'i> {
    api_version: &'static str,
    series: Series,
    serial: u64,
    created: Timestamp,
    expires: Timestamp,
    packages: Vec<WrittenPackage<'i>>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    keywords: Vec<String>,
    license: Option<String>,
    versions: Entries<RawVersion>,
}

#[derive(Serialize)]
struct WrittenPackage<'i> {
    name: &'i str,
    #[serde(rename = "type")]
    kind: &'i str,
    description: &'i str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    keywords: &'i [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'i str>,
    versions: Vec<RawVersion>,
}

#[derive(Serialize, Deserialize)]
struct RawVersion {
    version: String,
    content: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yanked: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requires: Vec<RawRange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<RawDependency>,
}

#[derive(Serialize, Deserialize)]
struct RawRange {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RawDependency {
    #[serde(flatten)]
    range: RawRange,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
}

/// The valid entries of a list with their positions, and the invalid ones with the cause. Entries are processed
/// one at a time, to bound memory.
struct Entries<T> {
    good: Vec<(usize, T)>,
    faults: Vec<(usize, Option<String>, String)>,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(std::marker::PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Each<T> {
            type Value = Entries<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<T>, A::Error> {
                let (mut good, mut faults, mut place) = (Vec::new(), Vec::new(), 0);
                while let Some(value) = list.next_element::<Value>()? {
                    let name = value.get("name").or_else(|| value.get("version"));
                    let name = name.and_then(Value::as_str).map(short);
                    match serde_json::from_value(value) {
                        Ok(entry) => good.push((place, entry)),
                        Err(error) if faults.len() < FAULTS => {
                            faults.push((place, name, error.to_string()));
                        }
                        Err(_) => {}
                    }
                    place += 1;
                }
                Ok(Entries { good, faults })
            }
        }

        deserializer.deserialize_seq(Each(std::marker::PhantomData))
    }
}

/// Truncates untrusted text for messages.
fn short(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(100)
        .collect()
}

/// Collects faults.
#[derive(Default)]
struct Log(Vec<Fault>);

impl Log {
    fn says(&mut self, at: String, name: Option<String>, what: impl Into<String>) {
        if self.0.len() < FAULTS {
            let what = short(&what.into());
            self.0.push(Fault { at, name, what });
        }
    }
}

impl Index {
    /// Checks the size of an index.
    pub(super) fn fits(json: &[u8]) -> Result<(), IndexError> {
        if json.len() > LARGEST {
            return Err(IndexError::TooLarge);
        }
        Ok(())
    }

    /// Parses an index, and returns its invalid entries. Unknown fields are ignored: a newer program may have
    /// written them.
    ///
    /// # Errors
    /// Returns an error if it is not an index of this version.
    pub fn read(json: &[u8]) -> Result<(Self, Vec<Fault>), IndexError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            api_version: String,
        }
        Self::fits(json)?;
        let wrong = |error: serde_json::Error| IndexError::Json(error.to_string());
        // Check the version first: others may have different fields.
        let kind: Kind = serde_json::from_slice(json).map_err(wrong)?;
        if kind.api_version != API_VERSION {
            return Err(IndexError::Version(short(&kind.api_version)));
        }
        let head: Head = serde_json::from_slice(json).map_err(wrong)?;
        debug_assert_eq!(head.api_version, API_VERSION);
        if head.serial > HIGHEST {
            return Err(IndexError::Serial);
        }
        let mut log = Log::default();
        for (place, name, what) in head.packages.faults {
            log.says(format!("packages[{place}]"), name, what);
        }
        let (mut packages, mut known) = (Vec::new(), BTreeSet::new());
        for (place, raw) in head.packages.good {
            let at = format!("packages[{place}]");
            if let Some(fault) = name::fault(&raw.name) {
                log.says(at, Some(short(&raw.name)), fault);
                continue;
            }
            let package = package(raw, &at, &mut log);
            if known.insert((package.name.clone(), package.kind.name().to_owned())) {
                packages.push(package);
            } else {
                log.says(at, Some(package.name), "duplicate package");
            }
        }
        let mut index = Self {
            series: head.series,
            serial: head.serial,
            created: head.created,
            expires: head.expires,
            packages,
        };
        index.sort();
        Ok((index, log.0))
    }

    /// Serializes the index deterministically. [`Index::read`] is the inverse.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut sorted = self.clone();
        sorted.sort();
        let written = Written {
            api_version: API_VERSION,
            series: self.series,
            serial: self.serial,
            created: self.created,
            expires: self.expires,
            packages: sorted.packages.iter().map(written).collect(),
        };
        // A struct of strings and numbers always serializes.
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

fn package(raw: RawPackage, at: &str, log: &mut Log) -> Package {
    for (place, version, what) in raw.versions.faults {
        let version = version.unwrap_or_default();
        let name = format!("{} {version}", raw.name);
        log.says(
            format!("{at}.versions[{place}]"),
            Some(name.trim_end().to_owned()),
            what,
        );
    }
    let (mut versions, mut known) = (Vec::<IndexedVersion>::new(), BTreeSet::new());
    for (place, entry) in raw.versions.good {
        let at = format!("{at}.versions[{place}]");
        let name = short(&format!("{} {}", raw.name, entry.version));
        match listed(entry) {
            Ok(listed) if known.insert(listed.version.clone()) => versions.push(listed),
            Ok(_) => log.says(at, Some(name), "duplicate version"),
            Err(what) => log.says(at, Some(name), what),
        }
    }
    Package {
        kind: raw.kind.as_deref().map_or_else(Kind::default, Kind::of),
        name: raw.name,
        description: raw.description,
        keywords: raw.keywords,
        license: raw.license,
        versions,
    }
}

fn listed(raw: RawVersion) -> Result<IndexedVersion, String> {
    let requires = raw.requires.into_iter().map(|raw| {
        let range = range(&raw)?;
        let name = raw.name;
        Ok::<_, String>(Requirement { name, range })
    });
    let dependencies = raw.dependencies.into_iter().map(dependency);
    Ok(IndexedVersion {
        version: semver::Version::parse(&raw.version)
            .map_err(|error| format!("version: {error}"))?,
        content: raw.content,
        configuration: raw.configuration,
        document: raw.document,
        published: raw.published,
        yanked: raw.yanked,
        requires: requires.collect::<Result<_, _>>()?,
        dependencies: dependencies.collect::<Result<_, _>>()?,
    })
}

fn range(raw: &RawRange) -> Result<VersionRange, String> {
    let text = raw.version.as_deref().unwrap_or("*");
    text.parse()
        .map_err(|error| format!("version of {}: {error}", raw.name))
}

fn dependency(raw: RawDependency) -> Result<Dependency, String> {
    if let Some(fault) = name::fault(&raw.range.name) {
        return Err(format!("dependency {}: {fault}", raw.range.name));
    }
    let from = match raw.repository.as_deref() {
        None | Some("same") => From::Same,
        Some("system") => From::System,
        Some(_) => {
            return Err("the repository of a dependency must be `same` or `system`".to_owned());
        }
    };
    Ok(Dependency {
        range: range(&raw.range)?,
        name: raw.range.name,
        kind: raw.kind.as_deref().map(Kind::of),
        optional: raw.optional,
        from,
    })
}

fn written(package: &Package) -> WrittenPackage<'_> {
    WrittenPackage {
        name: &package.name,
        kind: package.kind.name(),
        description: &package.description,
        keywords: &package.keywords,
        license: package.license.as_deref(),
        versions: package.versions.iter().map(raw).collect(),
    }
}

fn raw(listed: &IndexedVersion) -> RawVersion {
    let bounded = |name: &str, range: &VersionRange| RawRange {
        name: name.to_owned(),
        version: Some(range.to_string()),
    };
    let requires = listed.requires.iter();
    let dependencies = listed.dependencies.iter();
    RawVersion {
        version: listed.version.to_string(),
        content: listed.content,
        configuration: listed.configuration,
        document: listed.document,
        published: listed.published.clone(),
        yanked: listed.yanked.clone(),
        requires: requires
            .map(|requirement| bounded(&requirement.name, &requirement.range))
            .collect(),
        dependencies: dependencies
            .map(|dependency| RawDependency {
                range: bounded(&dependency.name, &dependency.range),
                kind: dependency.kind.as_ref().map(|kind| kind.name().to_owned()),
                optional: dependency.optional,
                repository: match dependency.from {
                    From::Same => None,
                    From::System => Some("system".to_owned()),
                },
            })
            .collect(),
    }
}
