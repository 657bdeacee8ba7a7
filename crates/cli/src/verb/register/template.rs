//! A record from a template. What is missing is asked for on a terminal, and else said, all at once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use anyhow::{Result, bail, ensure};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use extension_registry_core::suggest;
use serde_json::Value;

use super::{Entry, Register};
use crate::output;
use crate::template::{Filling, Template, shipped};

/// The name of a template. Help and completion know those that come with the program.
#[derive(Clone, Debug)]
pub(super) struct Named;

impl TypedValueParser for Named {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(shipped().map(PossibleValue::new)))
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "it has no `=`: write NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn spec(verb: &Register, name: &str) -> Result<Value> {
    let template = Template::find(name)?;
    let known = || template.parameters.keys().map(String::as_str);
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    let about = &verb.about;
    for (name, value) in [
        ("url", &verb.url),
        ("version", &about.version),
        ("zone", &about.zone),
    ] {
        if let Some(value) = value
            && template.parameters.contains_key(name)
        {
            given.insert(name, value);
        } else if name == "url" && value.is_some() {
            bail!(
                "template `{}` has no parameter `url`; hint: --set",
                verb.from_template.as_deref().unwrap_or_default()
            );
        }
    }
    given.extend(verb.set.iter().map(|(name, value)| (&**name, &**value)));
    let credentials = verb.credentials.iter().map(|credential| &*credential.key);
    for name in given.keys().copied().chain(credentials) {
        if !template.parameters.contains_key(name) {
            let hint = match suggest::closest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", known().collect::<Vec<_>>().join(", ")),
            };
            bail!("the template has no parameter `{name}`; hint: {hint}");
        }
    }

    let mut fillings = BTreeMap::new();
    let mut missing = Vec::new();
    let somebody_is_there = io::stdin().is_terminal();
    // Addresses before passwords.
    let mut parameters: Vec<_> = template.parameters.iter().collect();
    parameters.sort_by_key(|(_, parameter)| parameter.secret);
    for (name, parameter) in parameters {
        let filling = if parameter.secret {
            ensure!(
                !given.contains_key(&**name),
                "`{name}` is a credential; hint: --credential {name}=prompt"
            );
            let mut credentials = verb.credentials.iter();
            match credentials.find(|credential| credential.key == *name) {
                Some(credential) => Some(Filling::Fields(credential.read()?.fields())),
                None if parameter.optional => None,
                None if somebody_is_there => {
                    let question = format!("{name} ({})", parameter.about());
                    let value = output::ask_secret(&question)?;
                    Some(Filling::Fields(Entry::Value(value).fields()))
                }
                None => {
                    missing.push(format!(
                        "  --credential {name}=SOURCE  {}",
                        parameter.about()
                    ));
                    None
                }
            }
        } else {
            let value = given.get(&**name).copied().map(str::to_owned);
            match value.or_else(|| parameter.default.clone()) {
                Some(value) => Some(Filling::Text(value)),
                None if parameter.optional => None,
                None if somebody_is_there => {
                    let question = format!("{name} ({})", parameter.about());
                    Some(Filling::Text(output::ask(&question)?))
                }
                None => {
                    missing.push(format!("  --set {name}=VALUE  {}", parameter.about()));
                    None
                }
            }
        };
        fillings.extend(filling.map(|filling| (name.clone(), filling)));
    }
    ensure!(
        missing.is_empty(),
        "the template ({}) needs\n{}",
        template.description,
        missing.join("\n")
    );
    template.fill(&fillings)
}
