//! A record: one registered instance of a third-party tool (seed 000, "Extended Proposal").
//!
//! These types are the resolver's own form. They are immutable once built, small (names are shared
//! where a caller interns them) and hold no Kubernetes type. The wire form is in the `api` crate.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::sensitive::Sensitive;
use crate::version::RecordVersion;

/// A name or selector value. Cloning is cheap.
pub type Name = Arc<str>;

/// Where a record lives, and so who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// Visible to every project, subject to its access lists.
    ClusterExtension,
    /// Belongs to one project.
    Extension,
}

impl RecordKind {
    /// The Kubernetes kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClusterExtension => "ClusterExtension",
            Self::Extension => "Extension",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Identity of a record. A namespace makes it a project's own record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// The project, or `None` for a cluster record.
    pub namespace: Option<Name>,
    /// `metadata.name`.
    pub name: Name,
}

impl RecordKey {
    /// The key of a cluster record.
    pub fn cluster(name: impl Into<Name>) -> Self {
        Self {
            namespace: None,
            name: name.into(),
        }
    }

    /// The key of a project's own record.
    pub fn project(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        Self {
            namespace: Some(namespace.into()),
            name: name.into(),
        }
    }

    /// The kind that goes with the scope.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        if self.namespace.is_some() {
            RecordKind::Extension
        } else {
            RecordKind::ClusterExtension
        }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "Extension {namespace}/{}", self.name),
            None => write!(formatter, "ClusterExtension {}", self.name),
        }
    }
}

/// One registered instance of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Identity.
    pub key: RecordKey,
    /// `metadata.generation` of the object this was read from.
    pub generation: i64,
    /// What was installed: `mlflow`, `minio`.
    pub product: Option<Name>,
    /// Any text; only a semantic version can match a range.
    pub version: Option<RecordVersion>,
    /// Where it runs.
    pub zone: Option<Name>,
    /// Wins where several candidates are left.
    pub default: bool,
    /// Whether a project's own record may take its place.
    pub shadowable: bool,
    /// Who may see it.
    pub access: Access,
    /// What it offers. A record written without services offers one of its own name.
    pub services: Box<[Service]>,
    /// Entries shared by all services.
    pub configuration: Box<[Entry]>,
}

impl Record {
    /// The version as it was written.
    #[must_use]
    pub fn version_text(&self) -> Option<&str> {
        self.version.as_ref().map(RecordVersion::text)
    }

    /// The service of that name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| &*service.name == name)
    }
}

/// Lists that admit: an absent list admits everyone, a present one only its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Where: namespaces.
    pub projects: Option<Box<[Name]>>,
    /// Who: user names, exact.
    pub users: Option<Box<[Name]>>,
    /// Who: group names, exact. Either `users` or `groups` is enough.
    pub groups: Option<Box<[Name]>>,
}

/// One API or UI of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Unique in the record.
    pub name: Name,
    /// Type of resource: `s3`, `git+http`, `kserve-api`.
    pub resource: Option<Name>,
    /// Category: `model-store`.
    pub category: Option<Name>,
    /// Equivalent addresses, in the order of preference.
    pub endpoints: Box<[Endpoint]>,
    /// Sets of credentials.
    pub credentials: Box<[Credentials]>,
    /// Entries of the service.
    pub configuration: Box<[Entry]>,
}

/// One address of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Unique in the service.
    pub name: Name,
    /// The address as written; see [`crate::projection`] for how it is taken apart.
    pub url: Option<Sensitive>,
    /// From where it can be reached.
    pub kind: EndpointKind,
    /// Entries of the endpoint.
    pub configuration: Box<[Entry]>,
}

/// From where an endpoint can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// Only from the record's own zone.
    Internal,
    /// From everywhere. The default.
    #[default]
    External,
}

impl EndpointKind {
    /// As written in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// One set of credentials of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// Unique in the service.
    pub name: Name,
    /// Who may have it.
    pub scope: Scope,
    /// Projects admitted: required by scope project, optional beside scope user.
    pub projects: Option<Box<[Name]>>,
    /// Users admitted: for scope user.
    pub users: Option<Box<[Name]>>,
    /// Wins among several of one scope.
    pub default: bool,
    /// Entries; they beat the same keys of `secret`.
    pub entries: Box<[CredentialEntry]>,
    /// A source Secret whose every key is an entry.
    pub secret: Option<Name>,
}

impl Credentials {
    /// The Secret whose every key is an entry.
    #[must_use]
    pub fn whole_secret(&self) -> Option<SourceSecret> {
        self.secret.clone().map(SourceSecret::Kept)
    }

    /// Every Secret that the set takes values from, in order and without repetition.
    #[must_use]
    pub fn source_secrets(&self) -> BTreeSet<SourceSecret> {
        let named = self.entries.iter().filter_map(|entry| match &entry.source {
            Source::SecretKey { secret, .. } => Some(secret.clone()),
            Source::Inline(_) | Source::Sealed(_) => None,
        });
        named.chain(self.whole_secret()).collect()
    }

    /// Whether a value is written in the record itself.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry.source, Source::Inline(_)))
    }
}

/// Who may have a set of credentials. The order is from wide to narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everyone. The default.
    #[default]
    Global,
    /// The projects listed.
    Project,
    /// The users listed, and where projects are listed too, only there.
    User,
}

impl Scope {
    /// As written in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}

/// A configuration entry outside credentials. Its value is still never printed: the minimal form
/// of a record has no other place for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A key of the rendered Secret.
    pub name: Name,
    /// The value.
    pub value: Sensitive,
}

/// A configuration entry of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialEntry {
    /// A key of the rendered Secret.
    pub name: Name,
    /// The value or where it is.
    pub source: Source,
}

/// Where the value of a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Written in the record.
    Inline(Sensitive),
    /// Encrypted in the record. Only the operator can decrypt it; the name of the entry is known.
    Sealed(Sensitive),
    /// A key of a source Secret.
    SecretKey {
        /// The Secret.
        secret: SourceSecret,
        /// The key in it.
        key: Name,
    },
}

/// A Secret that a record takes values from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceSecret {
    /// One that people keep: in the record's own namespace, or in the records namespace for a
    /// cluster record.
    Kept(Name),
    /// One that an earlier version of the operator made of values written into the record: always in
    /// the records namespace, and good for this one record.
    Sealed(Name),
}

impl SourceSecret {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Kept(name) | Self::Sealed(name) => name,
        }
    }
}

impl fmt::Display for SourceSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Orders services for people: by record, then service, then cluster before project.
pub(crate) fn display_order(left: (&Record, &Service), right: (&Record, &Service)) -> Ordering {
    (&left.0.key.name, &left.1.name, left.0.key.kind()).cmp(&(
        &right.0.key.name,
        &right.1.name,
        right.0.key.kind(),
    ))
}
