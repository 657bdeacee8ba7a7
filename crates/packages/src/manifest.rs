//! `extension.yaml`: what a package is, what it needs and what it gives.

mod json;
pub(crate) mod name;
mod reader;

use std::collections::BTreeMap;

use extension_registry_core::version::VersionRange;

pub use reader::read;

/// Name of the file.
pub(crate) const FILE: &str = "extension.yaml";

/// What a package is (seed 003, "Extension Manifest").
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Small letters and digits, with `.`, `_` or `-` between them; at most 100. It can be a component of the
    /// name of an OCI repository, so it never begins with `_`.
    pub name: String,
    /// A semantic version with all three parts.
    pub version: semver::Version,
    /// What is done with it.
    pub kind: Kind,
    /// How its content is put together.
    pub packaging: Packaging,
    /// What it is for.
    pub description: String,
    /// Who made it.
    pub author: Option<String>,
    /// The tool whose records its templates make.
    pub product: Option<String>,
    /// What kind of tool.
    pub category: Option<String>,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Why nobody should take it any more.
    pub deprecated: Option<String>,
    /// A package of another name, in whose place this one comes.
    pub replaces: Option<String>,
    /// What has to be there already; nothing fetches it.
    pub requires: Vec<Requirement>,
    /// Packages that come along.
    pub dependencies: Vec<Dependency>,
    /// What the records of its templates offer.
    pub provides: Vec<Provided>,
    /// What has to be filled in, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its templates.
    pub templates: Vec<TemplateFile>,
    /// Where its documentation is.
    pub docs: Docs,
    /// What is new.
    pub changes: Vec<String>,
    /// Where it comes from.
    pub metadata: Metadata,
}

/// What is done with a package. The set is closed (seed 001, use case 5): one of another type is listed, and
/// never loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Templates of records.
    #[default]
    Record,
    /// A provider of infrastructure (seed 003).
    Provider,
    /// A task that installs a service (seed 003).
    Taskserv,
    /// A description of a cluster (seed 003).
    Cluster,
    /// Nothing that this program knows.
    Unsupported(String),
}

/// How the content of a package is put together. The set is closed, as that of [`Kind`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Packaging {
    /// An archive with the manifest in it.
    #[default]
    Bundle,
    /// One template, and nothing around it.
    Template,
    /// Nothing that this program knows.
    Unsupported(String),
}

/// Something that has to be there: a capability, a platform.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// `docker`, `kubernetes`.
    pub name: String,
    /// Versions that will do.
    pub range: VersionRange,
}

/// A package that comes along.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its type, where two packages of one name have different ones.
    pub kind: Option<Kind>,
    /// Versions that will do.
    pub range: VersionRange,
    /// Whether it can be missing.
    pub optional: bool,
    /// Where it comes from.
    pub from: From,
}

/// Where a dependency comes from (seed 001, section 6.A).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// The repository of the package that needs it, or the System Repository.
    #[default]
    Same,
    /// The System Repository alone.
    System,
}

/// What a record offers (seed 000): what requirements of workflows ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provided {
    /// Product of the record.
    pub product: Option<String>,
    /// Resource of a service.
    pub resource: Option<String>,
    /// Category of a service.
    pub category: Option<String>,
}

/// Something to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// What it is.
    pub description: String,
    /// How it may look.
    pub example: Option<String>,
    /// What it is where nobody says.
    pub default: Option<String>,
    /// Whether the template does without.
    pub optional: bool,
    /// Whether it is a credential.
    pub secret: bool,
}

/// A template of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// Its path in the package.
    pub file: String,
    /// Its name; that of the file, where it is not said.
    pub name: String,
}

/// Documentation of a package. Paths in the package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// What to read first.
    pub readme: Option<String>,
    /// What to read then.
    pub details: Option<String>,
    /// `markdown` or `asciidoc`.
    pub format: Option<String>,
}

/// Where a package comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its page.
    pub homepage: Option<String>,
    /// Its source.
    pub repository: Option<String>,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// Who looks after it.
    pub maintainers: Vec<String>,
}
