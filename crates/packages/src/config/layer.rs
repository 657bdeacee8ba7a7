//! Parses one configuration file.

use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use super::fields::{Fields, Source as Text};
use super::model::{OCI, Source};
use super::origin::{ConfigDiagnostics, Origin, Valued};
use super::part::{Level, Part, Table, YEAR, seconds};
use crate::repository::Kind;

/// The valid parts of a file.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) level: Level,
    pub(super) source: Option<Valued<Source>>,
    pub(super) folders: Vec<Valued<String>>,
    pub(super) parts: Vec<Part>,
    pub(super) cache_path: Option<Valued<String>>,
    pub(super) cache_ttl: Option<Valued<Duration>>,
    pub(super) cache_max_content: Option<Valued<u64>>,
    pub(super) trust: Option<Valued<toml::Table>>,
}

/// Parses a file. Invalid TOML yields an empty layer and an error.
pub(super) fn read(
    level: Level,
    path: &Path,
    text: &str,
    findings: &mut ConfigDiagnostics,
) -> Layer {
    let text = Text { path, text };
    let mut layer = Layer {
        level,
        source: None,
        folders: Vec::new(),
        parts: Vec::new(),
        cache_path: None,
        cache_ttl: None,
        cache_max_content: None,
        trust: None,
    };
    let table = match DeTable::parse(text.text) {
        Ok(table) => table,
        Err(error) => {
            let origin = text.origin(&error.span().unwrap_or_default());
            // The full message of the parser shows the line, which may contain a password.
            let message = format!("invalid TOML: {}", error.message());
            findings.error(&origin, "", message, "");
            return layer;
        }
    };
    let mut fields = Fields::new(&text, table.get_ref(), "");
    if let Some((fields, origin)) = fields.table(OCI, findings) {
        layer.parts.push(oci(level, fields, origin, findings));
    }
    if let Some((fields, _)) = fields.table("extensions", findings) {
        layer.read_extensions(fields, findings);
    }
    for (fields, origin) in fields.tables("repository", findings) {
        if let Some(part) = repository(level, fields, origin, findings) {
            layer.add(part, findings);
        }
    }
    if let Some((fields, _)) = fields.table("cache", findings) {
        layer.read_cache(fields, findings);
    }
    if let Some((_, origin)) = fields.table("trust", findings) {
        let whole: Option<toml::Table> = text.text.parse().ok();
        if let Some(toml::Value::Table(trust)) = whole.and_then(|mut whole| whole.remove("trust")) {
            layer.trust = Some(Valued::new(trust, origin));
        }
    }
    fields.end(findings);
    layer
}

impl Layer {
    fn read_extensions(&mut self, mut fields: Fields<'_, '_>, findings: &mut ConfigDiagnostics) {
        if let Some(given) = fields.text("source_type", findings) {
            let Valued { value, origin } = given;
            match Source::of(&value) {
                Ok(source) => self.source = Some(Valued::new(source, origin)),
                Err(hint) => {
                    let message = format!("has an invalid value `{value}`");
                    findings.error(&origin, fields.path("source_type"), message, hint);
                }
            }
        }
        self.folders.extend(fields.text("path", findings));
        self.folders
            .extend(fields.texts("paths", findings).unwrap_or_default());
        fields.end(findings);
    }

    fn read_cache(&mut self, mut fields: Fields<'_, '_>, findings: &mut ConfigDiagnostics) {
        self.cache_path = fields.text("path", findings);
        self.cache_ttl = fields
            .number("ttl", 0..=YEAR, findings)
            .map(|given| given.map(seconds));
        self.cache_max_content = fields
            .number("max_content", 1..=i64::MAX, findings)
            .map(|given| given.map(i64::unsigned_abs));
        fields.end(findings);
    }

    fn add(&mut self, part: Part, findings: &mut ConfigDiagnostics) {
        if let Some(first) = self.parts.iter().find(|first| first.name == part.name) {
            let message = format!(
                "is a duplicate repository name; first defined at {}",
                first.defined
            );
            let field = format!("repository.{}", part.name);
            findings.error(&part.defined, field, message, "rename one of them");
            return;
        }
        self.parts.push(part);
    }
}

fn oci(
    level: Level,
    mut fields: Fields<'_, '_>,
    defined: Origin,
    findings: &mut ConfigDiagnostics,
) -> Part {
    let mut part = Part::new(OCI, defined.clone(), Some(level));
    part.kind = Some(Valued::new(Kind::Oci, defined));
    part.read(Table::Oci, &mut fields, findings);
    fields.end(findings);
    part
}

fn repository(
    level: Level,
    mut fields: Fields<'_, '_>,
    defined: Origin,
    findings: &mut ConfigDiagnostics,
) -> Option<Part> {
    let name = name(&mut fields, &defined, findings);
    if let Some(name) = &name {
        fields.rename(format!("repository.{name}"));
    }
    let mut part = Part::new(name.as_deref().unwrap_or_default(), defined, Some(level));
    // A field with an invalid value was already reported; it is not missing too.
    let (has_kind, has_url) = (fields.has("kind"), fields.has("url"));
    part.read(Table::Repository, &mut fields, findings);
    let is_read = part.kind.is_some() == has_kind && part.url.is_some() == has_url;
    fields.end(findings);
    name.filter(|_| is_read).map(|_| part)
}

fn name(
    fields: &mut Fields<'_, '_>,
    defined: &Origin,
    findings: &mut ConfigDiagnostics,
) -> Option<String> {
    let field = fields.path("name");
    if !fields.has("name") {
        findings.error(defined, field, "is missing", "add `name`");
        return None;
    }
    let Valued { value, origin } = fields.text("name", findings)?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if value.is_empty() || value.len() > 63 || !value.bytes().all(fits) {
        let hint = "use lowercase letters, digits and `-`, at most 63 characters";
        findings.error(&origin, field, "is not a valid repository name", hint);
        return None;
    }
    let made_by = match value.as_str() {
        OCI => "`[oci]`",
        "local" => "`[extensions]`",
        other if other.strip_prefix("local-").is_some_and(is_number) => "`[extensions]`",
        _ => return Some(value),
    };
    let message = format!("is reserved: {made_by} defines the repository `{value}`");
    findings.error(&origin, field, message, "choose another name");
    None
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
