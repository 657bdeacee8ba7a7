//! Writes docker's `config.json`, as `login` and `logout` do.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_format::atomic::{self, Purpose};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::helper::Helper;
use super::{BASE64, Config, key};
use crate::credentials::CredentialsError;
use crate::environment::Environment;

/// Fields of an entry that contain credentials.
const SECRETS: [&str; 5] = [
    "auth",
    "username",
    "password",
    "identitytoken",
    "registrytoken",
];

/// Where credentials were stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the file, in plain text.
    File(PathBuf),
    /// In a credential helper.
    Helper(String),
}

/// Stores a username and a password for a server, where docker and other tools find them: with the helper that
/// the file names for it, else in the file. Other entries are preserved, and the file is readable by its owner
/// only.
///
/// # Errors
/// Returns an error if the file cannot be read, parsed or written, or the helper fails; the file is unchanged
/// then.
pub fn store(
    path: &Path,
    server: &str,
    user: &str,
    password: &Sensitive,
    environment: &Environment,
) -> Result<Stored, CredentialsError> {
    if user.contains(':') {
        return Err(CredentialsError::User);
    }
    let mut config = open(path)?;
    let server = key::canonical(server);
    let helper = helper(&config, &server, environment)?;
    let place = config.place.clone();
    let auths = auths(&mut config.fields, &place)?;
    let name = key::entry(auths, &server)
        .map_or_else(|| key::written(&server), |(name, _)| name)
        .to_owned();
    let entry = auths.entry(name).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    if let Some(entry) = entry.as_object_mut() {
        entry.retain(|name, _| !SECRETS.contains(&name.as_str()));
        if helper.is_none() {
            let auth = BASE64.encode(format!("{user}:{}", password.reveal()));
            entry.insert("auth".to_owned(), Value::String(auth));
        }
    }
    let stored = match helper {
        Some(helper) => {
            helper.store(user, password)?;
            Stored::Helper(helper.program().to_owned())
        }
        None => Stored::File(path.to_owned()),
    };
    write(path, &config.fields)?;
    Ok(stored)
}

/// Removes the credentials of a server from the file and its helper. Returns whether there were any.
///
/// # Errors
/// Returns an error if the file cannot be read, parsed or written, or the helper fails.
pub fn remove(
    path: &Path,
    server: &str,
    environment: &Environment,
) -> Result<bool, CredentialsError> {
    let mut config = open(path)?;
    let server = key::canonical(server);
    let mut was_there = match helper(&config, &server, environment)? {
        Some(helper) => helper.erase()?,
        None => false,
    };
    let place = config.place.clone();
    let mut is_written = false;
    if config.fields.contains_key("auths") {
        let auths = auths(&mut config.fields, &place)?;
        let before = auths.len();
        auths.retain(|name, _| key::canonical(name) != server);
        is_written = auths.len() < before;
    }
    if is_written {
        write(path, &config.fields)?;
        was_there = true;
    }
    Ok(was_there)
}

fn open(path: &Path) -> Result<Config, CredentialsError> {
    Ok(Config::open(path)?.unwrap_or_else(|| Config {
        place: path.display().to_string(),
        fields: Map::new(),
    }))
}

/// Returns the helper for a server.
fn helper<'e>(
    config: &Config,
    server: &str,
    environment: &'e Environment,
) -> Result<Option<Helper<'e>>, CredentialsError> {
    let name = match config.helper(server)? {
        Some(name) => Some(name),
        None => config.text("credsStore")?,
    };
    name.map(|name| Helper::new(name, &config.place, server, environment))
        .transpose()
}

fn auths<'f>(
    fields: &'f mut Map<String, Value>,
    place: &str,
) -> Result<&'f mut Map<String, Value>, CredentialsError> {
    let auths = fields.entry("auths").or_insert(Value::Null);
    if auths.is_null() {
        *auths = json!({});
    }
    auths
        .as_object_mut()
        .ok_or_else(|| CredentialsError::Malformed {
            place: place.to_owned(),
            field: "auths".to_owned(),
            why: "is not an object",
        })
}

/// Replaces a file atomically.
fn write(path: &Path, fields: &Map<String, Value>) -> Result<(), CredentialsError> {
    put(path, fields).map_err(|error| CredentialsError::Write {
        path: path.to_owned(),
        error,
    })
}

fn put(path: &Path, fields: &Map<String, Value>) -> std::io::Result<()> {
    make_folder(atomic::folder_of(path))?;
    atomic::write(path, Purpose::Private, |file| {
        let format = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut *file, format);
        fields.serialize(&mut serializer)?;
        file.write_all(b"\n")
    })
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
