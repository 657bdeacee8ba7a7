//! Files of a binding that have an additional name.

use crate::projection::{DOCUMENT_KEY, Layout, RESERVED_KEYS, environment};
use crate::record::Name;
use crate::refusal::{Reason, Refusal};

/// Gives a key of the projection an additional name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAlias {
    /// The additional name.
    pub name: Name,
    /// The key; `url` is an alias of `uri`.
    pub key: Name,
}

/// Returns the aliases with the key of the projection that each of them names.
///
/// # Errors
/// `UnknownKey` for a key that the choice does not have, `Conflict` for a reserved or duplicate name, or one that
/// the choice uses for another value. Returns all errors.
pub fn files(
    requirement: &str,
    layout: &Layout,
    aliases: &[FileAlias],
) -> Result<Vec<FileAlias>, Vec<Refusal>> {
    let mut found: Vec<FileAlias> = Vec::with_capacity(aliases.len());
    let mut refusals = Vec::new();
    for alias in aliases {
        let is_duplicate = found.iter().any(|other| other.name == alias.name);
        match resolve(requirement, layout, alias) {
            Ok(_) if is_duplicate => refusals.push(Refusal::new(
                Reason::Conflict,
                format!("duplicate file `{}` in `files`", alias.name),
                "remove one of the entries",
            )),
            Ok(file) => found.push(file),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        Ok(found)
    } else {
        Err(refusals)
    }
}

fn resolve(requirement: &str, layout: &Layout, alias: &FileAlias) -> Result<FileAlias, Refusal> {
    let FileAlias { name, key } = alias;
    let canonical = if &**key == "url" { "uri" } else { key };
    let found = layout.get(canonical).or_else(|| layout.get(key));
    let Some(found) = found.filter(|found| &**found.name != DOCUMENT_KEY) else {
        return Err(environment::unknown_key(requirement, layout, key));
    };
    if RESERVED_KEYS.contains(&&**name) {
        return Err(Refusal::new(
            Reason::Conflict,
            format!("file `{name}` in `files` is reserved for the operator"),
            "choose another file name",
        ));
    }
    if name != found.name && layout.get(name).is_some() {
        return Err(Refusal::new(
            Reason::Conflict,
            format!("the selected service already provides a file `{name}`"),
            "choose another file name, or remove the entry to use the value of the service",
        ));
    }
    Ok(FileAlias {
        name: name.clone(),
        key: found.name.clone(),
    })
}
