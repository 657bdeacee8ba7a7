//! Changes the version of a manifest.

use extension_registry_yaml::parse;

/// Returns the text of a manifest with another version, otherwise unchanged. None if the version is not on a
/// line of its own.
#[must_use]
pub fn renumber(manifest: &str, version: &semver::Version) -> Option<String> {
    let (documents, _) = parse(manifest);
    let (value, marks) = documents.first()?;
    let field = match value.get("extension") {
        Some(inner) if inner.get("version").is_some() => "extension.version",
        _ if value.get("version").is_some() => "version",
        _ => return None,
    };
    let at = marks.find(field);
    let mut lines: Vec<String> = manifest.split('\n').map(str::to_owned).collect();
    let line = lines.get_mut(at.line.checked_sub(1)?)?;
    // The position of a field is that of its name.
    let name = line.char_indices().nth(at.column.checked_sub(1)?)?.0;
    let colon = name + line[name..].find(':')? + 1;
    let start = colon + (line[colon..].len() - line[colon..].trim_start().len());
    let (before, rest) = line.split_at(start);
    // A plain or quoted scalar; a comment or the end of a flow mapping may follow.
    let end = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].find(quote)? + 2,
        _ => rest.find([' ', ',', '}', '#', '\r']).unwrap_or(rest.len()),
    };
    *line = format!("{before}{version}{}", &rest[end..]);
    let text = lines.join("\n");
    let (read, _) = crate::manifest::read(&text);
    read.filter(|read| read.version == *version).map(|_| text)
}
