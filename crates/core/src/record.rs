//! Records: registered instances of third-party tools.
//!
//! These are the resolver's internal types: immutable, small (callers intern names) and free of
//! Kubernetes types. The API types are in the `api` crate.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::sensitive::Sensitive;
use crate::version::RecordVersion;

/// A name or selector value. Cheap to clone.
pub type Name = Arc<str>;

/// Kind of a record, which determines its visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// Cluster-scoped: visible to every project, subject to its access lists.
    ClusterExtension,
    /// Namespaced: belongs to one project.
    Extension,
}

impl RecordKind {
    /// Returns the Kubernetes kind.
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

/// Identity of a record. A namespace makes it a project record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// The project, or `None` for a cluster record.
    pub namespace: Option<Name>,
    /// `metadata.name`.
    pub name: Name,
}

impl RecordKey {
    /// Creates the key of a cluster record.
    pub fn cluster(name: impl Into<Name>) -> Self {
        Self {
            namespace: None,
            name: name.into(),
        }
    }

    /// Creates the key of a project record.
    pub fn project(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        Self {
            namespace: Some(namespace.into()),
            name: name.into(),
        }
    }

    /// Creates the key of a record of this kind, which belongs to `namespace` if it is a project record.
    #[must_use]
    pub fn of_kind(kind: &str, namespace: &str, name: &str) -> Self {
        if kind == RecordKind::Extension.as_str() {
            Self::project(namespace, name)
        } else {
            Self::cluster(name)
        }
    }

    /// Returns the kind for the scope of the key.
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
    /// Identity of the record.
    pub key: RecordKey,
    /// `metadata.generation` of the source object.
    pub generation: i64,
    /// Product name: `mlflow`, `minio`.
    pub product: Option<Name>,
    /// Version as free text; only semantic versions match a range.
    pub version: Option<RecordVersion>,
    /// Zone in which it runs.
    pub zone: Option<Name>,
    /// Whether it is preferred when several candidates match.
    pub default: bool,
    /// Whether a project record may shadow it.
    pub shadowable: bool,
    /// Access lists.
    pub access: Access,
    /// Services. A record without services has one with its own name.
    pub services: Box<[Service]>,
    /// Configuration entries shared by all services.
    pub configuration: Box<[Entry]>,
}

impl Record {
    /// Returns the version as written.
    #[must_use]
    pub fn version_text(&self) -> Option<&str> {
        self.version.as_ref().map(RecordVersion::text)
    }

    /// Returns all source Secrets, sorted and without duplicates.
    #[must_use]
    pub fn source_secrets(&self) -> BTreeSet<SourceSecret> {
        let services = self.services.iter();
        services
            .flat_map(|service| &service.credentials)
            .flat_map(Credentials::source_secrets)
            .collect()
    }

    /// Returns the service with this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| &*service.name == name)
    }
}

/// Access lists: an absent list admits all, a present list only its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Namespaces with access.
    pub projects: Option<Box<[Name]>>,
    /// Users with access (exact match).
    pub users: Option<Box<[Name]>>,
    /// Groups with access (exact match). A match in either `users` or `groups` is sufficient.
    pub groups: Option<Box<[Name]>>,
}

/// One API or UI of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Name, unique in the record.
    pub name: Name,
    /// Type of resource: `s3`, `git+http`, `kserve-api`.
    pub resource: Option<Name>,
    /// Category: `model-store`.
    pub category: Option<Name>,
    /// Equivalent endpoints, in order of preference.
    pub endpoints: Box<[Endpoint]>,
    /// Sets of credentials.
    pub credentials: Box<[Credentials]>,
    /// Configuration entries of the service.
    pub configuration: Box<[Entry]>,
}

/// An endpoint of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Name, unique in the service.
    pub name: Name,
    /// The address as written; parsed by [`crate::projection::Address`].
    pub url: Option<Sensitive>,
    /// Reachability of the endpoint.
    pub kind: EndpointKind,
    /// Configuration entries of the endpoint.
    pub configuration: Box<[Entry]>,
}

/// Reachability of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// Reachable only from the zone of the record.
    Internal,
    /// Reachable from anywhere. The default.
    #[default]
    External,
}

impl EndpointKind {
    /// Returns the value used in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// A set of credentials of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// Name, unique in the service.
    pub name: Name,
    /// Scope of the credentials.
    pub scope: Scope,
    /// Projects with access: required for scope `project`, optional for scope `user`.
    pub projects: Option<Box<[Name]>>,
    /// Users with access, for scope `user`.
    pub users: Option<Box<[Name]>>,
    /// Whether it is preferred among several of the same scope.
    pub default: bool,
    /// Entries; they override the same keys of `secret`.
    pub entries: Box<[CredentialEntry]>,
    /// Source Secret whose keys all become entries.
    pub secret: Option<Name>,
}

impl Credentials {
    /// Returns the source Secret whose keys all become entries.
    #[must_use]
    pub fn whole_secret(&self) -> Option<SourceSecret> {
        self.secret.clone().map(SourceSecret::Referenced)
    }

    /// Returns all source Secrets, sorted and without duplicates.
    #[must_use]
    pub fn source_secrets(&self) -> BTreeSet<SourceSecret> {
        let named = self.entries.iter().filter_map(|entry| match &entry.source {
            Source::SecretKey { secret, .. } => Some(secret.clone()),
            Source::Inline(_) | Source::Sealed(_) => None,
        });
        named.chain(self.whole_secret()).collect()
    }

    /// Returns whether a value is stored inline in the record.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry.source, Source::Inline(_)))
    }
}

/// Scope of a set of credentials, ordered from general to specific.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// All consumers. The default.
    #[default]
    Global,
    /// The listed projects.
    Project,
    /// The listed users, restricted to the listed projects if any.
    User,
}

impl Scope {
    /// All scopes, the most specific first: the order in which credentials are chosen.
    pub const ALL: [Self; 3] = [Self::User, Self::Project, Self::Global];

    /// Returns the value used in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}

crate::listed! {
    /// Level at which a record has plain configuration, from general to specific.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ConfigurationLevel {
        /// The record, for all its services.
        Record,
        /// A service.
        Service,
        /// An endpoint of a service.
        Endpoint,
    }
}

impl ConfigurationLevel {
    /// Returns the lists that lead from the spec of a record to the objects with this configuration.
    #[must_use]
    pub fn lists(self) -> &'static [&'static str] {
        match self {
            Self::Record => &[],
            Self::Service => &["services"],
            Self::Endpoint => &["services", "endpoints"],
        }
    }
}

/// A configuration entry outside credentials. Its value is sensitive nevertheless, because the minimal
/// form of a record has no other place for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key of the rendered Secret.
    pub name: Name,
    /// The value.
    pub value: Sensitive,
}

/// A configuration entry of a set of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialEntry {
    /// Key of the rendered Secret.
    pub name: Name,
    /// Source of the value.
    pub source: Source,
}

/// Source of the value of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Stored in the record.
    Inline(Sensitive),
    /// Encrypted in the record. Only the operator can decrypt it; the name of the entry is public.
    Sealed(Sensitive),
    /// A key of a source Secret.
    SecretKey {
        /// The source Secret.
        secret: SourceSecret,
        /// The key in it.
        key: Name,
    },
}

/// A Secret that a record reads values from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceSecret {
    /// A Secret managed by users: in the namespace of the record, or in the records namespace for a
    /// cluster record.
    Referenced(Name),
    /// A Secret that an earlier version of the operator created for inline values: always in
    /// the records namespace, and only for this record.
    Sealed(Name),
}

impl SourceSecret {
    /// Returns the name of the Secret.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Referenced(name) | Self::Sealed(name) => name,
        }
    }
}

impl fmt::Display for SourceSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Orders services for display: by record, then service, then cluster before project.
pub(crate) fn display_order(left: (&Record, &Service), right: (&Record, &Service)) -> Ordering {
    (&left.0.key.name, &left.1.name, left.0.key.kind()).cmp(&(
        &right.0.key.name,
        &right.1.name,
        right.0.key.kind(),
    ))
}
