//! Builds a record from a template. Missing parameters are prompted for on a terminal, and reported together otherwise.

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
use crate::inventory::Inventory;
use crate::output;
use crate::template::{Filling, Parameter, Template, built_in};

/// Parser of template names. Help and completion list the built-in templates.
#[derive(Clone, Debug)]
pub(super) struct TemplateParser;

impl TypedValueParser for TemplateParser {
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
        Some(Box::new(built_in().map(PossibleValue::new)))
    }
}

/// Parses `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn spec(verb: &Register, title: &str) -> Result<Value> {
    let template = Template::find(title)?;
    let known = || template.parameters.keys().map(String::as_str);
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    let about = &verb.about;
    for (name, value) in [
        ("url", &verb.url),
        ("version", &about.version),
        ("zone", &about.zone),
    ] {
        if let Some(value) = value
            && template.parameters.contains_key(name)
        {
            values.insert(name, value);
        } else if name == "url" && value.is_some() {
            bail!(
                "template `{title}` has no parameter `url`; hint: pass its parameters with --set"
            );
        }
    }
    values.extend(verb.set.iter().map(|(name, value)| (&**name, &**value)));
    let credentials = verb.credentials.iter().map(|credential| &*credential.key);
    for name in values.keys().copied().chain(credentials) {
        if !template.parameters.contains_key(name) {
            let hint = match suggest::closest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of {}", known().collect::<Vec<_>>().join(", ")),
            };
            bail!("template `{title}` has no parameter `{name}`; hint: {hint}");
        }
    }

    // Validate values before prompting for others.
    for (name, value) in &values {
        if let Some(wrong) = validate(&template, name, value) {
            bail!("`{name}`: {wrong}");
        }
    }

    let mut fillings = BTreeMap::new();
    let mut missing = Vec::new();
    // Prompt for addresses before passwords.
    let mut parameters: Vec<_> = template.parameters.iter().collect();
    parameters.sort_by_key(|(_, parameter)| parameter.secret);
    for (name, parameter) in parameters {
        let set = values.get(&**name).copied();
        let (filling, flag) = if parameter.secret {
            ensure!(
                set.is_none(),
                "parameter `{name}` is a credential; hint: pass --credential {name}=prompt"
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
        "missing parameters of the template ({}):\n{}",
        template.description,
        missing.join("\n")
    );
    template.fill(&fillings)
}

/// Validates the value of a parameter that is the only one in an address.
fn validate(template: &Template, name: &str, value: &str) -> Option<String> {
    let mut addresses = template.addresses(name).into_iter();
    addresses.find_map(|address| validate_url(&address.replace(&format!("${{{name}}}"), value)))
}

/// Validates the address of an endpoint.
fn validate_url(url: &str) -> Option<String> {
    let endpoint = json!({"name": "main", "url": url});
    let spec = json!({"services": [{"name": "main", "endpoints": [endpoint]}]});
    let findings = Inventory::check(super::object("main", None, &spec));
    let wrong = findings
        .into_iter()
        .find(|finding| finding.level == Level::Error)?;
    Some(format!("{}; hint: {}", wrong.message, wrong.hint))
}

/// Returns the prompt for a parameter; None if it is optional or standard input is not a terminal.
fn prompt_text(name: &str, parameter: &Parameter) -> Option<String> {
    let is_prompted = !parameter.optional && io::stdin().is_terminal();
    is_prompted.then(|| format!("{name} ({})", parameter.about()))
}

fn credential(verb: &Register, name: &str, parameter: &Parameter) -> Result<Option<Filling>> {
    let mut credentials = verb.credentials.iter();
    let entry = match credentials.find(|credential| credential.key == *name) {
        Some(credential) => Some(credential.read()?),
        None => prompt_text(name, parameter)
            .map(|question| output::prompt_secret(&question).map(Entry::Value))
            .transpose()?,
    };
    Ok(entry.map(|entry| Filling::Fields(entry.fields())))
}

fn text(set: Option<&str>, name: &str, template: &Template) -> Result<Option<Filling>> {
    let parameter = &template.parameters[name];
    let text = match set.or(parameter.default.as_deref()) {
        Some(text) => Some(text.to_owned()),
        None => prompt_text(name, parameter)
            .map(|question| output::prompt(&question, |answer| validate(template, name, answer)))
            .transpose()?,
    };
    Ok(text.map(Filling::Text))
}
