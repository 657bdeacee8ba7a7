//! Credentials, and where they are read from. Never from the command line: a shell remembers that.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use extension_registry_core::sensitive::Sensitive;
use serde_json::{Map, Value, json};

use crate::output;

/// A credential, as it was typed.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    /// The entry that it becomes.
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

/// What the entry of the record says.
pub(crate) enum Entry {
    /// A key of a Secret.
    Reference { name: String, key: String },
    /// A value, which the operator seals.
    Value(Sensitive),
}

/// Reads a credential of the command line. The usual message would repeat what was typed, which may be a
/// password.
#[derive(Clone, Debug)]
pub(crate) struct Typed;

impl TypedValueParser for Typed {
    type Value = Credential;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Credential, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, argument, value)?;
        Credential::parse(&text).map_err(|why| {
            let message = format!("--credential cannot be read: {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

impl Credential {
    /// Reads what was typed.
    fn parse(text: &str) -> Result<Self, String> {
        let ways = "write KEY=secret:NAME/KEY, KEY=file:PATH, KEY=env:NAME or KEY=prompt";
        // What stands behind `=` may be a password: it is not repeated.
        let (key, source) = text
            .split_once('=')
            .ok_or_else(|| format!("it has no `=`: {ways}"))?;
        let from = match source.split_once(':') {
            Some(("secret", place)) => {
                let (name, key) = place
                    .split_once('/')
                    .ok_or_else(|| "a Secret is named as secret:NAME/KEY".to_owned())?;
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
                    "a value on the command line stays in the history of the shell: {ways}"
                ));
            }
        };
        Ok(Self {
            key: key.to_owned(),
            from,
        })
    }

    /// Reads the value, where it is one.
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
                // Editors end a file with a line break, which is no part of a password.
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                ensure!(
                    !text.is_empty(),
                    "{} holds nothing for {key}",
                    path.display()
                );
                Entry::Value(Sensitive::new(text))
            }
            From::Variable(name) => {
                let value = std::env::var(name)
                    .ok()
                    .with_context(|| format!("variable {name} for {key} is not set, or no text"))?;
                ensure!(!value.is_empty(), "variable {name} holds nothing for {key}");
                Entry::Value(Sensitive::new(value))
            }
            From::Prompt => Entry::Value(output::ask_secret(key)?),
        })
    }
}

impl Entry {
    /// The fields of an entry of that name, but for the name.
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

    /// A whole entry.
    pub(crate) fn named(&self, name: &str) -> Value {
        let mut fields = self.fields();
        fields.insert("name".to_owned(), json!(name));
        Value::Object(fields)
    }
}
