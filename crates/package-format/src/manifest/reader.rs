//! Parses a manifest and reports problems with line and column.

use std::collections::BTreeMap;

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::version::VersionRange;
use extension_registry_yaml::{Content, Diagnostics, MappingReader, Node, Position, items, parse};

use super::json::API_VERSION;
use super::{
    Dependency, Docs, From, Kind, Manifest, Metadata, Packaging, Parameter, Provided, Requirement,
    TemplateFile, name,
};

/// Parses a manifest. None if it has errors, which are returned beside it.
#[must_use]
pub fn read(text: &str) -> (Option<Manifest>, Diagnostics) {
    let mut log = Diagnostics::default();
    let (mut documents, faults) = parse(text);
    for fault in faults {
        log.error(fault.rule, fault.at, "")
            .message(fault.message, fault.hint);
    }
    if documents.len() > 1 {
        let at = documents[1].1.at();
        log.error("syntax", at, "")
            .message("unexpected second document", "keep only one document");
    }
    let manifest = if documents.is_empty() {
        // Invalid YAML was already reported.
        if !log.has_errors() {
            let at = Position { line: 1, column: 1 };
            log.error("missing-field", at, "extension")
                .message("is missing", "add it, with a `name` and a `version`");
        }
        None
    } else {
        let (value, marks) = documents.swap_remove(0);
        MappingReader::new(&mut log, String::new(), Node::join(value, marks))
            .and_then(|mapping| manifest(mapping, &mut log))
    };
    log.list.sort_by_key(|diagnostic| diagnostic.at);
    (manifest.filter(|_| !log.has_errors()), log)
}

/// The fields of `extension` and those beside it. Both layouts are supported.
struct ManifestParts {
    inner: Option<MappingReader>,
    outer: MappingReader,
}

impl ManifestParts {
    /// Returns the part that identifies the package.
    fn head(&mut self) -> &mut MappingReader {
        self.inner.as_mut().unwrap_or(&mut self.outer)
    }

    /// Returns the part that contains a field allowed in both.
    fn with(&mut self, name: &str) -> &mut MappingReader {
        match &mut self.inner {
            Some(inner) if inner.has(name) => inner,
            _ => &mut self.outer,
        }
    }
}

fn manifest(mut outer: MappingReader, log: &mut Diagnostics) -> Option<Manifest> {
    let at = outer.at;
    let inner = match outer.take("extension") {
        Some(node) => Some(MappingReader::new(log, "extension".to_owned(), node)?),
        None => None,
    };
    let mut parts = ManifestParts { inner, outer };
    if let Some(node) = parts.outer.text("apiVersion")
        && node.as_written() != Some(API_VERSION)
    {
        log.error("bad-version", node.at, "apiVersion").message(
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
        Some(mut mapping) => {
            let metadata = metadata(&mut mapping, log);
            mapping.finish_lenient(log);
            metadata
        }
        None if parts.inner.is_none() => metadata(&mut parts.outer, log),
        None => Metadata::default(),
    };
    if let Some(inner) = parts.inner {
        inner.finish_lenient(log);
    }
    parts.outer.finish_lenient(log);
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
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "bundle" => Self::Bundle,
            "template" => Self::Template,
            other => Self::Unsupported(other.to_owned()),
        }
    }
}

fn identity(mapping: &mut MappingReader, at: Position, log: &mut Diagnostics) -> Option<String> {
    let field = mapping.path("name");
    let Some(node) = mapping.text("name") else {
        log.error("missing-field", at, &field)
            .message("is missing", "add it");
        return None;
    };
    let text = text(&node, &field, log)?;
    if let Some(fault) = name::fault(&text) {
        log.error("bad-name", node.at, &field)
            .message(format!("is not a valid package name: `{text}`"), fault);
        return None;
    }
    Some(text)
}

fn version(
    mapping: &mut MappingReader,
    at: Position,
    log: &mut Diagnostics,
) -> Option<semver::Version> {
    let field = mapping.path("version");
    let Some(node) = mapping.text("version") else {
        log.error("missing-field", at, &field)
            .message("is missing", "add it");
        return None;
    };
    let text = text(&node, &field, log)?;
    let version = semver::Version::parse(&text).ok();
    if version.is_none() {
        log.error("bad-version", node.at, &field).message(
            format!("is not a semantic version: `{text}`"),
            "expected MAJOR.MINOR.PATCH without `v`, e.g. 1.2.0",
        );
    }
    version
}

/// Returns the text of a scalar.
fn text(node: &Node, field: &str, log: &mut Diagnostics) -> Option<String> {
    if let Some(text) = node.as_written() {
        return Some(text.to_owned());
    }
    let message = format!("must be a string, not {}", node.kind());
    log.error("wrong-type", node.at, field).message(message, "");
    None
}

fn word(mapping: &mut MappingReader, name: &'static str, log: &mut Diagnostics) -> Option<String> {
    let node = mapping.text(name)?;
    text(&node, &mapping.path(name), log)
}

fn flag(mapping: &mut MappingReader, name: &'static str, log: &mut Diagnostics) -> bool {
    let Some(node) = mapping.take(name) else {
        return false;
    };
    let Content::Scalar(value, _) = &node.content else {
        log.error("wrong-type", node.at, &mapping.path(name))
            .message(format!("must be a boolean, not {}", node.kind()), "");
        return false;
    };
    value.as_bool().unwrap_or_else(|| {
        log.error("wrong-type", node.at, &mapping.path(name))
            .message("must be `true` or `false`", "");
        false
    })
}

fn words(mapping: &mut MappingReader, name: &'static str, log: &mut Diagnostics) -> Vec<String> {
    list(mapping, name, log, |field, node, log| {
        text(&node.into_text(), field, log)
    })
}

fn nested(
    mapping: &mut MappingReader,
    name: &'static str,
    log: &mut Diagnostics,
) -> Option<MappingReader> {
    let node = mapping.take(name)?;
    MappingReader::new(log, mapping.path(name), node)
}

/// Returns the valid items of a list.
fn list<T>(
    mapping: &mut MappingReader,
    name: &'static str,
    log: &mut Diagnostics,
    mut read: impl FnMut(&str, Node, &mut Diagnostics) -> Option<T>,
) -> Vec<T> {
    let Some(node) = mapping.take(name) else {
        return Vec::new();
    };
    let path = mapping.path(name);
    let items = items(log, &path, node).unwrap_or_default();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| read(&format!("{path}[{index}]"), item, log))
        .collect()
}

fn range(node: Option<&Node>, field: &str, log: &mut Diagnostics) -> Option<VersionRange> {
    let written = match node {
        Some(node) => text(node, field, log)?,
        None => "*".to_owned(),
    };
    match written.parse::<VersionRange>() {
        Ok(range) => Some(range),
        Err(error) => {
            let at = node.map_or_else(Position::default, |node| node.at);
            log.error("bad-range", at, field)
                .message(error.explained(), "");
            None
        }
    }
}

/// Reads a bare name, `NAME: RANGE`, or a mapping with `name` and `version`.
fn named(
    field: &str,
    node: Node,
    log: &mut Diagnostics,
) -> Option<(String, VersionRange, Option<MappingReader>)> {
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
    let mut mapping = MappingReader::new(log, field.to_owned(), node)?;
    let name = word(&mut mapping, "name", log);
    let version = mapping.text("version");
    let range = range(version.as_ref(), &mapping.path("version"), log);
    let Some(name) = name else {
        log.error("missing-field", mapping.at, &mapping.path("name"))
            .message("is missing", "add it");
        return None;
    };
    Some((name, range?, Some(mapping)))
}

fn requirement(field: &str, node: Node, log: &mut Diagnostics) -> Option<Requirement> {
    let (name, range, rest) = named(field, node, log)?;
    if let Some(rest) = rest {
        rest.finish_lenient(log);
    }
    Some(Requirement { name, range })
}

fn dependency(field: &str, node: Node, log: &mut Diagnostics) -> Option<Dependency> {
    let at = node.at;
    let (name, range, rest) = named(field, node, log)?;
    if let Some(fault) = name::fault(&name) {
        log.error("bad-name", at, field)
            .message(format!("is not a valid package name: `{name}`"), fault);
        return None;
    }
    let mut dependency = Dependency {
        name,
        kind: None,
        range,
        optional: false,
        from: From::default(),
    };
    if let Some(mut mapping) = rest {
        dependency.kind = word(&mut mapping, "type", log).map(|text| Kind::of(&text));
        dependency.optional = flag(&mut mapping, "optional", log);
        if let Some(node) = mapping.text("repository") {
            let path = mapping.path("repository");
            dependency.from = match node.as_written() {
                Some("same") => From::Same,
                Some("system") => From::System,
                // Naming a repository here would break every mirror of this one.
                _ => {
                    log.error("unknown-value", node.at, &path).message(
                        "must be `same` or `system`",
                        "remove it: repositories are configured by users of the package, not in the package",
                    );
                    return None;
                }
            };
        }
        mapping.finish_lenient(log);
    }
    Some(dependency)
}

fn provided(field: &str, node: Node, log: &mut Diagnostics) -> Option<Provided> {
    let mut mapping = MappingReader::new(log, field.to_owned(), node)?;
    let provided = Provided {
        product: word(&mut mapping, "product", log),
        resource: word(&mut mapping, "resource", log),
        category: word(&mut mapping, "category", log),
    };
    mapping.finish_lenient(log);
    Some(provided)
}

fn parameters(mapping: &mut MappingReader, log: &mut Diagnostics) -> BTreeMap<String, Parameter> {
    let Some(node) = mapping.take("parameters") else {
        return BTreeMap::new();
    };
    let path = mapping.path("parameters");
    let Content::Fields(fields) = node.content else {
        let message = format!("must be a mapping, not {}", node.kind());
        log.error("wrong-type", node.at, &path).message(message, "");
        return BTreeMap::new();
    };
    let mut parameters = BTreeMap::new();
    for (name, node) in fields {
        let Some(mut mapping) = MappingReader::new(log, format!("{path}.{name}"), node) else {
            continue;
        };
        // As in OpenAPI; all parameters are strings.
        let _ = mapping.take("type");
        let parameter = Parameter {
            description: word(&mut mapping, "description", log).unwrap_or_default(),
            example: word(&mut mapping, "example", log),
            default: word(&mut mapping, "default", log),
            optional: flag(&mut mapping, "optional", log),
            secret: flag(&mut mapping, "secret", log),
        };
        if parameter.secret && parameter.default.is_some() {
            log.error("secret-default", mapping.at, &mapping.path("default"))
                .message(
                    "must not be set for a credential: it would be public",
                    "remove it",
                );
        }
        mapping.finish_lenient(log);
        parameters.insert(name, parameter);
    }
    parameters
}

fn template(field: &str, node: Node, log: &mut Diagnostics) -> Option<TemplateFile> {
    let mut mapping = MappingReader::new(log, field.to_owned(), node)?;
    let _ = mapping.take("kind");
    let name = word(&mut mapping, "name", log);
    let Some(file) = word(&mut mapping, "file", log) else {
        log.error("missing-field", mapping.at, &mapping.path("file"))
            .message("is missing", "set it to a path such as templates/NAME.yaml");
        return None;
    };
    let path = mapping.path("file");
    let at = mapping.at;
    mapping.finish_lenient(log);
    let inside = inside(&file, at, &path, log)?;
    let stem = inside.rsplit('/').next().unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    Some(TemplateFile {
        name: name.unwrap_or_else(|| stem.to_owned()),
        file: inside,
    })
}

fn docs(mapping: &mut MappingReader, log: &mut Diagnostics) -> Docs {
    let Some(mut mapping) = nested(mapping, "docs", log) else {
        return Docs::default();
    };
    let mut path = |name: &'static str, mapping: &mut MappingReader| {
        let text = word(mapping, name, log)?;
        inside(&text, mapping.at, &mapping.path(name), log)
    };
    let readme = path("readme", &mut mapping);
    let details = path("details", &mut mapping);
    let format = word(&mut mapping, "format", log);
    mapping.finish_lenient(log);
    Docs {
        readme,
        details,
        format,
    }
}

/// Validates a path in the package.
fn inside(path: &str, at: Position, field: &str, log: &mut Diagnostics) -> Option<String> {
    let is_inside = !path.is_empty()
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
    if !is_inside {
        log.error("bad-path", at, field).message(
            format!("is not a path in the package: `{path}`"),
            "use a path relative to the manifest, such as templates/NAME.yaml",
        );
        return None;
    }
    Some(path.to_owned())
}

fn metadata(mapping: &mut MappingReader, log: &mut Diagnostics) -> Metadata {
    Metadata {
        homepage: word(mapping, "homepage", log),
        repository: word(mapping, "repository", log),
        license: word(mapping, "license", log),
        maintainers: words(mapping, "maintainers", log),
    }
}
