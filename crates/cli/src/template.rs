//! Finds templates of records: built-in ones, files and those of packages.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::suggest::did_you_mean;
use extension_registry_query::template::{Template, built_in, built_in_text};

use crate::packages;

/// Prefix of templates in packages.
const PACKAGE: &str = "package:";

/// Finds a built-in template, or reads one from a package or a file.
pub(crate) fn find(name: &str) -> Result<Template> {
    if let Some(text) = built_in_text(name) {
        return Template::parse(text).with_context(|| format!("template `{name}`"));
    }
    if let Some(reference) = name.strip_prefix(PACKAGE) {
        let found = packages::template(reference)?;
        let parse = Template::parse_with(&found.text, found.parameters);
        return parse.with_context(|| format!("template {}", found.title));
    }
    let extension = Path::new(name).extension();
    let is_yaml = extension.is_some_and(|extension| extension == "yaml" || extension == "yml");
    if is_yaml || name.contains('/') {
        let text = fs::read_to_string(name).with_context(|| format!("failed to read {name}"))?;
        return Template::parse(&text).with_context(|| format!("template {name}"));
    }
    let hint = did_you_mean(name, built_in()).unwrap_or_else(|| {
        let names: Vec<&str> = built_in().collect();
        format!("use one of {}, a file, or {PACKAGE}NAME", names.join(", "))
    });
    bail!(Failure::new(format!("unknown template `{name}`")).hint(hint))
}
