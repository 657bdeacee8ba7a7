//! Builds a record from a template. Missing parameters are prompted for on a terminal, and reported together otherwise.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use anyhow::{Result, bail, ensure};
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::suggest::did_you_mean;
use extension_registry_query::template::{Filling, Parameter, Template};
use serde_json::Value;

use super::arguments::{RecordFormat, Register};
use super::credential::Entry;
use crate::{output, template};

pub(super) fn spec(verb: &Register, title: &str) -> Result<Value> {
    let template = template::find(title)?;
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
            let failure = Failure::new(format!("template `{title}` has no parameter `url`"));
            bail!(failure.hint("pass its parameters with --set"));
        }
    }
    values.extend(verb.set.iter().map(|(name, value)| (&**name, &**value)));
    let credentials = verb.credentials.iter().map(|credential| &*credential.key);
    for name in values.keys().copied().chain(credentials) {
        if !template.parameters.contains_key(name) {
            let hint = did_you_mean(name, known()).unwrap_or_else(|| {
                format!("use one of {}", known().collect::<Vec<_>>().join(", "))
            });
            let message = format!("template `{title}` has no parameter `{name}`");
            bail!(Failure::new(message).hint(hint));
        }
    }

    // Validate values before prompting for others.
    for (name, value) in &values {
        if let Some(wrong) = template.validate(name, value) {
            let failure = Failure::new(format!("`{name}`: {}", wrong.message));
            bail!(wrong.hints.into_iter().fold(failure, Failure::hint));
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
            if set.is_some() {
                let failure = Failure::new(format!("parameter `{name}` is a credential"));
                bail!(failure.hint(format!("pass --credential {name}=prompt")));
            }
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
        "missing template parameters ({}):\n{}",
        template.description,
        missing.join("\n")
    );
    Ok(template.fill(&fillings)?)
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
        // A chart contains no values.
        None if verb.output == RecordFormat::Helm => None,
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
            .map(|question| output::prompt(&question, |answer| template.validate(name, answer)))
            .transpose()?,
    };
    Ok(text.map(Filling::Text))
}
