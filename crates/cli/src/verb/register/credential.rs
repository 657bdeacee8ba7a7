//! Sources of credentials. Values are not accepted on the command line, because shells store it in their history.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use extension_registry_core::sensitive::Sensitive;
use serde_json::{Map, Value, json};

use crate::output;

/// A credential as given on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    /// Name of the entry in the record.
    pub(crate) key: String,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    Secret { name: String, key: String },
    File(PathBuf),
    Variable(String),
    Prompt,
}

/// Value of an entry of the record.
pub(crate) enum Entry {
    /// Reference to a key of a Secret.
    Reference { name: String, key: String },
    /// Literal value, which the operator seals.
    Value(Sensitive),
}

/// Parser of credentials. Its error does not quote the argument, which may contain a password.
#[derive(Clone, Debug)]
pub(crate) struct CredentialParser;

impl TypedValueParser for CredentialParser {
    type Value = Credential;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Credential, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, argument, value)?;
        Credential::parse(&text).map_err(|why| {
            let message = format!("invalid --credential: {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

impl Credential {
    /// Parses `KEY=SOURCE`.
    fn parse(text: &str) -> Result<Self, String> {
        let ways = "expected KEY=secret:NAME/KEY, KEY=file:PATH, KEY=env:NAME or KEY=prompt";
        // The text after `=` may be a password: errors do not quote it.
        let (key, source) = text
            .split_once('=')
            .ok_or_else(|| format!("missing `=`: {ways}"))?;
        let from = match source.split_once(':') {
            Some(("secret", place)) => {
                let (name, key) = place
                    .split_once('/')
                    .ok_or_else(|| "expected secret:NAME/KEY".to_owned())?;
                From::Secret {
                    name: name.to_owned(),
                    key: key.to_owned(),
                }
            }
            Some(("file", path)) => From::File(path.into()),
            Some(("env", name)) => From::Variable(name.to_owned()),
            None if source == "prompt" => From::Prompt,
            _ => {
                return Err(format!(
                    "credential values are not accepted on the command line, because the shell history stores them: {ways}"
                ));
            }
        };
        Ok(Self {
            key: key.to_owned(),
            from,
        })
    }

    /// Returns whether it refers to a Secret.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.from, From::Secret { .. })
    }

    /// Reads the value, unless it is a reference.
    pub(crate) fn read(&self) -> Result<Entry> {
        let key = &self.key;
        Ok(match &self.from {
            From::Secret { name, key } => Entry::Reference {
                name: name.clone(),
                key: key.clone(),
            },
            From::File(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("failed to read {} for {key}", path.display()))?;
                // Editors append a line break, which is not part of the password.
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                ensure!(
                    !text.is_empty(),
                    "cannot read {key}: {} is empty",
                    path.display()
                );
                Entry::Value(Sensitive::new(text))
            }
            From::Variable(name) => {
                let value = std::env::var(name)
                    .ok()
                    .with_context(|| format!("cannot read {key}: environment variable {name} is not set or not valid UTF-8"))?;
                ensure!(
                    !value.is_empty(),
                    "cannot read {key}: environment variable {name} is empty"
                );
                Entry::Value(Sensitive::new(value))
            }
            From::Prompt => Entry::Value(output::prompt_secret(key)?),
        })
    }
}

impl Entry {
    /// Returns the fields of the entry except its name.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let (field, value) = match self {
            Self::Reference { name, key } => (
                "valueFrom",
                json!({"secretKeyRef": {"name": name, "key": key}}),
            ),
            Self::Value(value) => ("value", json!(value.reveal())),
        };
        Map::from_iter([(field.to_owned(), value)])
    }

    /// Returns the entry with a name.
    pub(crate) fn named(&self, name: &str) -> Value {
        let mut fields = self.fields();
        fields.insert("name".to_owned(), json!(name));
        Value::Object(fields)
    }
}
