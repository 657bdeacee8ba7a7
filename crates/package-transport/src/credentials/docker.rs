//! Reads docker's `config.json`, and podman's `auth.json`, which has the same format.

mod helper;
mod key;
mod writer;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

pub use writer::{Stored, remove, store};

use super::{Credentials, CredentialsError, FoundCredentials};
use crate::environment::Environment;

/// Maximum size of a file.
const LONGEST: u64 = 1 << 20;

/// Base64 with and without padding is in use.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A docker configuration file.
struct Config {
    /// Path of the file, for display.
    place: String,
    fields: Map<String, Value>,
}

/// Result of a look-up.
enum Lookup {
    /// The file contains the credentials.
    Here(Credentials),
    /// A credential helper has them.
    Helper(String),
}

/// Searches a file, and calls the credential helper that it names.
pub(super) fn find(
    path: &Path,
    server: &str,
    environment: &Environment,
) -> Result<Option<FoundCredentials>, CredentialsError> {
    let Some(config) = Config::open(path)? else {
        return Ok(None);
    };
    for candidate in key::candidates(server) {
        let found = match config.lookup(&candidate)? {
            None => continue,
            Some(Lookup::Here(credentials)) => (credentials, config.place.clone()),
            Some(Lookup::Helper(name)) => {
                let asked = helper::Helper::new(&name, &config.place, &candidate, environment)?;
                match asked.get()? {
                    Some(credentials) => (credentials, asked.program().to_owned()),
                    None => continue,
                }
            }
        };
        return Ok(Some(FoundCredentials {
            credentials: found.0,
            place: Some(found.1),
            warnings: Vec::new(),
        }));
    }
    let Some(name) = config.text("credsStore")? else {
        return Ok(None);
    };
    let host = key::host(server);
    let asked = helper::Helper::new(name, &config.place, &host, environment)?;
    Ok(asked.get()?.map(|credentials| FoundCredentials {
        credentials,
        place: Some(asked.program().to_owned()),
        warnings: Vec::new(),
    }))
}

/// Finds the credentials of a server in a Secret of the type `kubernetes.io/dockerconfigjson` (its key
/// `.dockerconfigjson`). Helpers are not started: a Secret must not start programs.
///
/// # Errors
/// Returns an error if it is invalid.
/// When it cannot be understood.
pub fn from_docker_config(bytes: &[u8], server: &str) -> Result<Credentials, CredentialsError> {
    let config = Config::parse(bytes, "the Secret's .dockerconfigjson".to_owned())?;
    for candidate in key::candidates(server) {
        if let Some(credentials) = config.written(&candidate)? {
            return Ok(credentials);
        }
    }
    Ok(Credentials::Anonymous)
}

impl Config {
    /// Reads a file; None if it does not exist.
    fn open(path: &Path) -> Result<Option<Self>, CredentialsError> {
        let failed = |error| CredentialsError::Read {
            path: path.to_owned(),
            error,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        let length = file
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if length as u64 > LONGEST {
            return Err(failed(std::io::Error::other("larger than 1 MiB")));
        }
        Self::parse(&bytes, path.display().to_string()).map(Some)
    }

    fn parse(bytes: &[u8], place: String) -> Result<Self, CredentialsError> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            let fields = Map::new();
            return Ok(Self { place, fields });
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self { place, fields }),
            // The message of the parser may repeat the input.
            Ok(_) | Err(_) => Err(CredentialsError::Malformed {
                place,
                field: "the file".to_owned(),
                why: "is not a JSON object",
            }),
        }
    }

    fn malformed(&self, field: String, why: &'static str) -> CredentialsError {
        CredentialsError::Malformed {
            place: self.place.clone(),
            field,
            why,
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, CredentialsError> {
        text(&self.fields, name).map_err(|why| self.malformed(name.to_owned(), why))
    }

    fn map(&self, name: &str) -> Result<Option<&Map<String, Value>>, CredentialsError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.malformed(name.to_owned(), "is not an object")),
        }
    }

    /// Looks up one name of a server: a helper takes precedence over stored credentials.
    fn lookup(&self, candidate: &str) -> Result<Option<Lookup>, CredentialsError> {
        if let Some(name) = self.helper(candidate)? {
            return Ok(Some(Lookup::Helper(name.to_owned())));
        }
        Ok(self.written(candidate)?.map(Lookup::Here))
    }

    fn helper(&self, candidate: &str) -> Result<Option<&str>, CredentialsError> {
        let Some(helpers) = self.map("credHelpers")? else {
            return Ok(None);
        };
        let Some((key, _)) = key::entry(helpers, candidate) else {
            return Ok(None);
        };
        text(helpers, key).map_err(|why| self.malformed(format!("credHelpers.\"{key}\""), why))
    }

    /// Returns the stored credentials of one name of a server. An empty entry means that a helper has them.
    fn written(&self, candidate: &str) -> Result<Option<Credentials>, CredentialsError> {
        let Some(auths) = self.map("auths")? else {
            return Ok(None);
        };
        let Some((key, value)) = key::entry(auths, candidate) else {
            return Ok(None);
        };
        let field = |name: &str| format!("auths.\"{key}\".{name}");
        let Value::Object(entry) = value else {
            return Err(self.malformed(format!("auths.\"{key}\""), "is not an object"));
        };
        let text = |name: &str| text(entry, name).map_err(|why| self.malformed(field(name), why));
        if let Some(token) = text("identitytoken")? {
            return Ok(Some(Credentials::Identity(token.into())));
        }
        if let Some(token) = text("registrytoken")? {
            return Ok(Some(Credentials::Token(token.into())));
        }
        if let Some(auth) = text("auth")? {
            let why = "is not base64-encoded USERNAME:PASSWORD";
            let basic = decode(auth).ok_or_else(|| self.malformed(field("auth"), why))?;
            return Ok(Some(basic));
        }
        Ok(text("username")?
            .zip(text("password")?)
            .map(|(user, password)| Credentials::Basic {
                user: user.to_owned(),
                password: password.into(),
            }))
    }
}

/// Returns the text of a field; an empty one counts as missing.
fn text<'m>(map: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, &'static str> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err("is not a string"),
    }
}

fn decode(auth: &str) -> Option<Credentials> {
    // Tools such as `base64` wrap lines, and Docker ignores line ends.
    let auth: String = auth.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(auth).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credentials::Basic {
        user: user.to_owned(),
        // Docker pads with zeros and strips them.
        password: password.trim_end_matches('\0').into(),
    })
}
