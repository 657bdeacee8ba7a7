//! A record from a template. What is missing is asked for on a terminal, and else said, all at once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use anyhow::{Result, bail, ensure};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use extension_registry_core::suggest;
use serde_json::{Value, json};

use super::{Entry, Register};
use crate::finding::Level;
use crate::output;
use crate::template::{Filling, Parameter, Template, shipped};
use crate::world::World;

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

pub(super) fn spec(verb: &Register, title: &str) -> Result<Value> {
    let template = Template::find(title)?;
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
            bail!("template `{title}` has no parameter `url`; hint: --set");
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

    // What cannot be right is said before anything is asked.
    for (name, value) in &given {
        if let Some(wrong) = mistake(&template, name, value) {
            bail!("`{name}`: {wrong}");
        }
    }

    let mut fillings = BTreeMap::new();
    let mut missing = Vec::new();
    // Addresses before passwords.
    let mut parameters: Vec<_> = template.parameters.iter().collect();
    parameters.sort_by_key(|(_, parameter)| parameter.secret);
    for (name, parameter) in parameters {
        let set = given.get(&**name).copied();
        let (filling, flag) = if parameter.secret {
            ensure!(
                set.is_none(),
                "`{name}` is a credential; hint: --credential {name}=prompt"
            );
            let filling = credential(verb, name, parameter)?;
            (filling, format!("--credential {name}=SOURCE"))
        } else {
            (text(set, name, &template)?, format!("--set {name}=VALUE"))
        };
        match filling {
            Some(filling) => {
                fillings.insert(name.clone(), filling);
            }
            None if parameter.optional => {}
            None => missing.push(format!("  {flag}  {}", parameter.about())),
        }
    }
    ensure!(
        missing.is_empty(),
        "the template ({}) needs\n{}",
        template.description,
        missing.join("\n")
    );
    template.fill(&fillings)
}

/// What is wrong with the value of a parameter, where it alone can say: it is, or is a part of, an address.
fn mistake(template: &Template, name: &str, value: &str) -> Option<String> {
    let mut addresses = template.addresses(name).into_iter();
    addresses.find_map(|address| wrong_address(&address.replace(&format!("${{{name}}}"), value)))
}

/// What is wrong with the address of an endpoint.
fn wrong_address(url: &str) -> Option<String> {
    let endpoint = json!({"name": "main", "url": url});
    let spec = json!({"services": [{"name": "main", "endpoints": [endpoint]}]});
    let findings = World::check(super::object("main", None, &spec));
    let wrong = findings
        .into_iter()
        .find(|finding| finding.level == Level::Error)?;
    Some(format!("{}; hint: {}", wrong.message, wrong.hint))
}

/// What a person has to be asked; None where the record does without, or nobody is there.
fn question(name: &str, parameter: &Parameter) -> Option<String> {
    let asks = !parameter.optional && io::stdin().is_terminal();
    asks.then(|| format!("{name} ({})", parameter.about()))
}

fn credential(verb: &Register, name: &str, parameter: &Parameter) -> Result<Option<Filling>> {
    let mut credentials = verb.credentials.iter();
    let entry = match credentials.find(|credential| credential.key == *name) {
        Some(credential) => Some(credential.read()?),
        None => question(name, parameter)
            .map(|question| output::ask_secret(&question).map(Entry::Value))
            .transpose()?,
    };
    Ok(entry.map(|entry| Filling::Fields(entry.fields())))
}

fn text(set: Option<&str>, name: &str, template: &Template) -> Result<Option<Filling>> {
    let parameter = &template.parameters[name];
    let text = match set.or(parameter.default.as_deref()) {
        Some(text) => Some(text.to_owned()),
        None => question(name, parameter)
            .map(|question| output::ask(&question, |answer| mistake(template, name, answer)))
            .transpose()?,
    };
    Ok(text.map(Filling::Text))
}
