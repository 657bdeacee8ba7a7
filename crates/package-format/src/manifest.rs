//! The package manifest, `extension.yaml`.

mod json;
pub mod name;
mod reader;

use std::collections::BTreeMap;

use extension_registry_core::version::VersionRange;

pub use reader::read;

/// Name of the file.
pub const FILE: &str = "extension.yaml";

/// A package manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Name: lowercase letters and digits, separated by single `.`, `_` or `-`; at most 100 characters. It is a
    /// valid component of an OCI repository name, so it never begins with `_`.
    pub name: String,
    /// A full semantic version.
    pub version: semver::Version,
    /// Type of the package.
    pub kind: Kind,
    /// Packaging of its content.
    pub packaging: Packaging,
    /// Short description.
    pub description: String,
    /// Author.
    pub author: Option<String>,
    /// The tool that its templates create records of.
    pub product: Option<String>,
    /// Category of the tool.
    pub category: Option<String>,
    /// Search keywords.
    pub keywords: Vec<String>,
    /// Why the package is deprecated.
    pub deprecated: Option<String>,
    /// Name of the package that this one replaces.
    pub replaces: Option<String>,
    /// Requirements on the platform; they are not installed.
    pub requires: Vec<Requirement>,
    /// Dependencies on other packages.
    pub dependencies: Vec<Dependency>,
    /// What the records of its templates provide.
    pub provides: Vec<Provided>,
    /// Parameters of its templates, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its templates.
    pub templates: Vec<TemplateFile>,
    /// Its documentation.
    pub docs: Docs,
    /// Changes in this version.
    pub changes: Vec<String>,
    /// Origin and maintainers.
    pub metadata: Metadata,
}

impl Manifest {
    /// Creates a manifest with nothing but a name and a version, for packages of other tools.
    #[must_use]
    pub fn minimal(name: &str, version: semver::Version) -> Self {
        Self {
            name: name.to_owned(),
            version,
            kind: Kind::default(),
            packaging: Packaging::default(),
            description: String::new(),
            author: None,
            product: None,
            category: None,
            keywords: Vec::new(),
            deprecated: None,
            replaces: None,
            requires: Vec::new(),
            dependencies: Vec::new(),
            provides: Vec::new(),
            parameters: BTreeMap::new(),
            templates: Vec::new(),
            docs: Docs::default(),
            changes: Vec::new(),
            metadata: Metadata::default(),
        }
    }
}

/// Type of a package. The set is closed: a package of another type is listed but never loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Templates of records.
    #[default]
    Record,
    /// An infrastructure provider.
    Provider,
    /// A task that installs a service.
    Taskserv,
    /// A cluster definition.
    Cluster,
    /// A type that is not supported.
    Unsupported(String),
}

/// Packaging of the content. The set is closed, like that of [`Kind`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Packaging {
    /// An archive that contains the manifest.
    #[default]
    Bundle,
    /// A single template file.
    Template,
    /// A packaging that is not supported.
    Unsupported(String),
}

/// A requirement on the platform.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Name of the component: `docker`, `kubernetes`.
    pub name: String,
    /// Accepted versions.
    pub range: VersionRange,
}

/// A dependency on another package.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Name of the package.
    pub name: String,
    /// Its type, to distinguish packages of one name.
    pub kind: Option<Kind>,
    /// Accepted versions.
    pub range: VersionRange,
    /// Whether it is optional.
    pub optional: bool,
    /// Where it may come from.
    pub from: From,
}

/// Where a dependency may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// The repository of the dependent package, or the System Repository.
    #[default]
    Same,
    /// The System Repository only.
    System,
}

/// What a record provides, as workflows request it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provided {
    /// Product of the record.
    pub product: Option<String>,
    /// Resource of a service.
    pub resource: Option<String>,
    /// Category of a service.
    pub category: Option<String>,
}

/// A parameter of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Short description.
    pub description: String,
    /// Example value.
    pub example: Option<String>,
    /// Default value.
    pub default: Option<String>,
    /// Whether it may be omitted.
    pub optional: bool,
    /// Whether it is a credential.
    pub secret: bool,
}

/// A template of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// Path in the package.
    pub file: String,
    /// Name; by default that of the file.
    pub name: String,
}

/// Documentation of a package, as paths in the package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// The main document.
    pub readme: Option<String>,
    /// Additional documentation.
    pub details: Option<String>,
    /// Format: `markdown` or `asciidoc`.
    pub format: Option<String>,
}

/// Origin and maintainers of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Address of its homepage.
    pub homepage: Option<String>,
    /// Address of its source repository.
    pub repository: Option<String>,
    /// Licence, as an SPDX expression.
    pub license: Option<String>,
    /// Maintainers.
    pub maintainers: Vec<String>,
}
