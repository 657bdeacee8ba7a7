//! Parses a manifest and reports problems with line and column.

use std::collections::BTreeMap;

use extension_registry_core::version::VersionRange;
use extension_registry_yaml::{Complaints, Content, Given, Node, Position, items, parse};

use super::json::API_VERSION;
use super::{
    Dependency, Docs, From, Kind, Manifest, Metadata, Packaging, Parameter, Provided, Requirement,
    TemplateFile, name,
};

/// Parses a manifest. None if it has errors, which are returned beside it.
#[must_use]
pub fn read(text: &str) -> (Option<Manifest>, Complaints) {
    let mut log = Complaints::default();
    let (mut documents, faults) = parse(text);
    for fault in faults {
        log.error(fault.rule, fault.at, "")
            .says(fault.message, fault.hint);
    }
    if documents.len() > 1 {
        let at = documents[1].1.at();
        log.error("syntax", at, "")
            .says("unexpected second document", "keep only one document");
    }
    let manifest = if documents.is_empty() {
        // Invalid YAML was already reported.
        if !log.has_errors() {
            let at = Position { line: 1, column: 1 };
            log.error("missing-field", at, "extension")
                .says("is missing", "add it, with a `name` and a `version`");
        }
        None
    } else {
        let (value, marks) = documents.swap_remove(0);
        Given::of(&mut log, String::new(), Node::join(value, marks))
            .and_then(|given| manifest(given, &mut log))
    };
    log.list.sort_by_key(|complaint| complaint.at);
    (manifest.filter(|_| !log.has_errors()), log)
}

/// The fields of `extension` and those beside it. Both layouts are supported.
struct ManifestParts {
    inner: Option<Given>,
    outer: Given,
}

impl ManifestParts {
    /// Returns the part that identifies the package.
    fn head(&mut self) -> &mut Given {
        self.inner.as_mut().unwrap_or(&mut self.outer)
    }

    /// Returns the part that contains a field allowed in both.
    fn with(&mut self, name: &str) -> &mut Given {
        match &mut self.inner {
            Some(inner) if inner.has(name) => inner,
            _ => &mut self.outer,
        }
    }
}

fn manifest(mut outer: Given, log: &mut Complaints) -> Option<Manifest> {
    let at = outer.at;
    let inner = match outer.take("extension") {
        Some(node) => Some(Given::of(log, "extension".to_owned(), node)?),
        None => None,
    };
    let mut parts = ManifestParts { inner, outer };
    if let Some(node) = parts.outer.text("apiVersion")
        && node.as_written() != Some(API_VERSION)
    {
        log.error("bad-version", node.at, "apiVersion").says(
            "is not supported",
            format!("use `{API_VERSION}`, or upgrade kubectl-ext"),
        );
    }

    let head = parts.head();
    let (name, version) = (identity(head, at, log), version(head, at, log));
    let kind = word(head, "type", log).map(|text| Kind::of(&text));
    let packaging = word(head, "packaging", log).map(|text| Packaging::of(&text));
    let description = word(head, "description", log).unwrap_or_default();
    let author = word(head, "author", log);
    let product = word(head, "product", log);
    let category = word(head, "category", log);
    let keywords = words(head, "keywords", log);
    let deprecated = word(head, "deprecated", log);
    let replaces = word(head, "replaces", log);

    let requires = list(parts.with("requires"), "requires", log, requirement);
    let dependencies = list(parts.with("dependencies"), "dependencies", log, dependency);
    let provides = list(parts.with("provides"), "provides", log, provided);
    let parameters = parameters(parts.with("parameters"), log);
    let templates = list(parts.with("templates"), "templates", log, template);
    let docs = docs(parts.with("docs"), log);
    let changes = words(parts.with("changes"), "changes", log);
    let metadata = match nested(parts.with("metadata"), "metadata", log) {
        Some(mut given) => {
            let metadata = metadata(&mut given, log);
            given.end_mildly(log);
            metadata
        }
        None if parts.inner.is_none() => metadata(&mut parts.outer, log),
        None => Metadata::default(),
    };
    if let Some(inner) = parts.inner {
        inner.end_mildly(log);
    }
    parts.outer.end_mildly(log);
    Some(Manifest {
        name: name?,
        version: version?,
        kind: kind.unwrap_or_default(),
        packaging: packaging.unwrap_or_default(),
        description,
        author,
        product,
        category,
        keywords,
        deprecated,
        replaces,
        requires,
        dependencies,
        provides,
        parameters,
        templates,
        docs,
        changes,
        metadata,
    })
}

impl Kind {
    /// Parses a name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "record" => Self::Record,
            "provider" => Self::Provider,
            "taskserv" => Self::Taskserv,
            "cluster" => Self::Cluster,
            other => Self::Unsupported(other.to_owned()),
        }
    }
}

impl Packaging {
    /// Parses a name.
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "bundle" => Self::Bundle,
            "template" => Self::Template,
            other => Self::Unsupported(other.to_owned()),
        }
    }
}

fn identity(given: &mut Given, at: Position, log: &mut Complaints) -> Option<String> {
    let field = given.path("name");
    let Some(node) = given.text("name") else {
        log.error("missing-field", at, &field)
            .says("is missing", "add it");
        return None;
    };
    let text = text(&node, &field, log)?;
    if let Some(fault) = name::fault(&text) {
        log.error("bad-name", node.at, &field)
            .says(format!("is not a valid package name: `{text}`"), fault);
        return None;
    }
    Some(text)
}

fn version(given: &mut Given, at: Position, log: &mut Complaints) -> Option<semver::Version> {
    let field = given.path("version");
    let Some(node) = given.text("version") else {
        log.error("missing-field", at, &field)
            .says("is missing", "add it");
        return None;
    };
    let text = text(&node, &field, log)?;
    let version = semver::Version::parse(&text).ok();
    if version.is_none() {
        log.error("bad-version", node.at, &field).says(
            format!("is not a semantic version: `{text}`"),
            "expected MAJOR.MINOR.PATCH without `v`, e.g. 1.2.0",
        );
    }
    version
}

/// Returns the text of a scalar.
fn text(node: &Node, field: &str, log: &mut Complaints) -> Option<String> {
    if let Some(text) = node.as_written() {
        return Some(text.to_owned());
    }
    let message = format!("must be a string, not {}", node.kind());
    log.error("wrong-type", node.at, field).says(message, "");
    None
}

fn word(given: &mut Given, name: &'static str, log: &mut Complaints) -> Option<String> {
    let node = given.text(name)?;
    text(&node, &given.path(name), log)
}

fn flag(given: &mut Given, name: &'static str, log: &mut Complaints) -> bool {
    let Some(node) = given.take(name) else {
        return false;
    };
    let Content::Word(value, _) = &node.content else {
        log.error("wrong-type", node.at, &given.path(name))
            .says(format!("must be a boolean, not {}", node.kind()), "");
        return false;
    };
    value.as_bool().unwrap_or_else(|| {
        log.error("wrong-type", node.at, &given.path(name))
            .says("must be `true` or `false`", "");
        false
    })
}

fn words(given: &mut Given, name: &'static str, log: &mut Complaints) -> Vec<String> {
    list(given, name, log, |field, node, log| {
        text(&node.into_text(), field, log)
    })
}

fn nested(given: &mut Given, name: &'static str, log: &mut Complaints) -> Option<Given> {
    let node = given.take(name)?;
    Given::of(log, given.path(name), node)
}

/// Returns the valid items of a list.
fn list<T>(
    given: &mut Given,
    name: &'static str,
    log: &mut Complaints,
    mut read: impl FnMut(&str, Node, &mut Complaints) -> Option<T>,
) -> Vec<T> {
    let Some(node) = given.take(name) else {
        return Vec::new();
    };
    let path = given.path(name);
    let items = items(log, &path, node).unwrap_or_default();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| read(&format!("{path}[{index}]"), item, log))
        .collect()
}

fn range(node: Option<&Node>, field: &str, log: &mut Complaints) -> Option<VersionRange> {
    let written = match node {
        Some(node) => text(node, field, log)?,
        None => "*".to_owned(),
    };
    match written.parse::<VersionRange>() {
        Ok(range) => Some(range),
        Err(error) => {
            let at = node.map_or_else(Position::default, |node| node.at);
            log.error("bad-range", at, field)
                .says(error.to_string(), "");
            None
        }
    }
}

/// Reads a bare name, `NAME: RANGE`, or a mapping with `name` and `version`.
fn named(
    field: &str,
    node: Node,
    log: &mut Complaints,
) -> Option<(String, VersionRange, Option<Given>)> {
    if node.as_written().is_some() {
        let name = text(&node, field, log)?;
        return Some((name, range(None, field, log)?, None));
    }
    if let Content::Fields(fields) = &node.content
        && let [(name, version)] = fields.as_slice()
        && name != "name"
    {
        let version = version.clone().into_text();
        let range = range(Some(&version), &format!("{field}.{name}"), log)?;
        return Some((name.clone(), range, None));
    }
    let mut given = Given::of(log, field.to_owned(), node)?;
    let name = word(&mut given, "name", log);
    let version = given.text("version");
    let range = range(version.as_ref(), &given.path("version"), log);
    let Some(name) = name else {
        log.error("missing-field", given.at, &given.path("name"))
            .says("is missing", "add it");
        return None;
    };
    Some((name, range?, Some(given)))
}

fn requirement(field: &str, node: Node, log: &mut Complaints) -> Option<Requirement> {
    let (name, range, rest) = named(field, node, log)?;
    if let Some(rest) = rest {
        rest.end_mildly(log);
    }
    Some(Requirement { name, range })
}

fn dependency(field: &str, node: Node, log: &mut Complaints) -> Option<Dependency> {
    let at = node.at;
    let (name, range, rest) = named(field, node, log)?;
    if let Some(fault) = name::fault(&name) {
        log.error("bad-name", at, field)
            .says(format!("is not a valid package name: `{name}`"), fault);
        return None;
    }
    let mut dependency = Dependency {
        name,
        kind: None,
        range,
        optional: false,
        from: From::default(),
    };
    if let Some(mut given) = rest {
        dependency.kind = word(&mut given, "type", log).map(|text| Kind::of(&text));
        dependency.optional = flag(&mut given, "optional", log);
        if let Some(node) = given.text("repository") {
            let path = given.path("repository");
            dependency.from = match node.as_written() {
                Some("same") => From::Same,
                Some("system") => From::System,
                // Naming a repository here would break every mirror of this one.
                _ => {
                    log.error("unknown-value", node.at, &path).says(
                        "must be `same` or `system`",
                        "remove it: repositories are configured where packages are installed",
                    );
                    return None;
                }
            };
        }
        given.end_mildly(log);
    }
    Some(dependency)
}

fn provided(field: &str, node: Node, log: &mut Complaints) -> Option<Provided> {
    let mut given = Given::of(log, field.to_owned(), node)?;
    let provided = Provided {
        product: word(&mut given, "product", log),
        resource: word(&mut given, "resource", log),
        category: word(&mut given, "category", log),
    };
    given.end_mildly(log);
    Some(provided)
}

fn parameters(given: &mut Given, log: &mut Complaints) -> BTreeMap<String, Parameter> {
    let Some(node) = given.take("parameters") else {
        return BTreeMap::new();
    };
    let path = given.path("parameters");
    let Content::Fields(fields) = node.content else {
        let message = format!("must be a mapping, not {}", node.kind());
        log.error("wrong-type", node.at, &path).says(message, "");
        return BTreeMap::new();
    };
    let mut parameters = BTreeMap::new();
    for (name, node) in fields {
        let Some(mut given) = Given::of(log, format!("{path}.{name}"), node) else {
            continue;
        };
        // As in OpenAPI; all parameters are strings.
        let _ = given.take("type");
        let parameter = Parameter {
            description: word(&mut given, "description", log).unwrap_or_default(),
            example: word(&mut given, "example", log),
            default: word(&mut given, "default", log),
            optional: flag(&mut given, "optional", log),
            secret: flag(&mut given, "secret", log),
        };
        if parameter.secret && parameter.default.is_some() {
            log.error("secret-default", given.at, &given.path("default"))
                .says(
                    "must not be set for a credential: it would be public",
                    "remove it",
                );
        }
        given.end_mildly(log);
        parameters.insert(name, parameter);
    }
    parameters
}

fn template(field: &str, node: Node, log: &mut Complaints) -> Option<TemplateFile> {
    let mut given = Given::of(log, field.to_owned(), node)?;
    let _ = given.take("kind");
    let name = word(&mut given, "name", log);
    let Some(file) = word(&mut given, "file", log) else {
        log.error("missing-field", given.at, &given.path("file"))
            .says("is missing", "add it: templates/NAME.yaml");
        return None;
    };
    let path = given.path("file");
    let at = given.at;
    given.end_mildly(log);
    let inside = inside(&file, at, &path, log)?;
    let stem = inside.rsplit('/').next().unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    Some(TemplateFile {
        name: name.unwrap_or_else(|| stem.to_owned()),
        file: inside,
    })
}

fn docs(given: &mut Given, log: &mut Complaints) -> Docs {
    let Some(mut given) = nested(given, "docs", log) else {
        return Docs::default();
    };
    let mut path = |name: &'static str, given: &mut Given| {
        let text = word(given, name, log)?;
        inside(&text, given.at, &given.path(name), log)
    };
    let readme = path("readme", &mut given);
    let details = path("details", &mut given);
    let format = word(&mut given, "format", log);
    given.end_mildly(log);
    Docs {
        readme,
        details,
        format,
    }
}

/// Validates a path in the package.
fn inside(path: &str, at: Position, field: &str, log: &mut Complaints) -> Option<String> {
    let is_inside = !path.is_empty()
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
    if !is_inside {
        log.error("bad-path", at, field).says(
            format!("is not a path in the package: `{path}`"),
            "use a path relative to the manifest: templates/NAME.yaml",
        );
        return None;
    }
    Some(path.to_owned())
}

fn metadata(given: &mut Given, log: &mut Complaints) -> Metadata {
    Metadata {
        homepage: word(given, "homepage", log),
        repository: word(given, "repository", log),
        license: word(given, "license", log),
        maintainers: words(given, "maintainers", log),
    }
}
