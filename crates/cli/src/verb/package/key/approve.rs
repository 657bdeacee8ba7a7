//! `package key approve`: a key into the rule that it belongs to, in the user's own configuration.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_packages::config::CONFIG_VARIABLE;
use extension_registry_packages::trust::{Glob, Policy, Rule};
use schemars::JsonSchema;
use serde::Serialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::public;
use crate::output::{self, Answer};
use crate::packages::{Sources, configuration};

#[derive(Debug, Args)]
pub(super) struct Approve {
    /// A public key: of minisign, or PEM of cosign
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// For packages of these repositories; `*` is any
    #[arg(long, value_name = "NAME", default_value = "*")]
    repository: Vec<String>,
    /// For packages of these names; `*` is any
    #[arg(long = "package", value_name = "NAME", default_value = "*")]
    packages: Vec<String>,
    #[command(flatten)]
    sources: Sources,
}

/// A key that is trusted now.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Approved {
    id: String,
    name: String,
    /// The file that says so
    configuration: String,
}

impl Answer for Approved {
    fn names(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self {
            id,
            name,
            configuration,
        } = self;
        writeln!(out, "key {id} ({name}) is trusted: {configuration}")?;
        Ok(())
    }
}

pub(super) fn approve(verb: &Approve) -> Result<Approved> {
    let (key, text) = public(&verb.file)?;
    let base = verb.file.file_name().and_then(|base| base.to_str());
    let stem = base.and_then(|base| base.split('.').find(|part| !part.is_empty()));
    let name = verb.name.as_deref().or(stem).unwrap_or("key");
    let (environment, config) = configuration(&verb.sources)?;
    let path = environment
        .path(CONFIG_VARIABLE)
        .or_else(|| environment.user_file());
    let path = path.context("there is no configuration of yours; hint: set HOME")?;
    // The system's policy is the only one where there is one.
    if let Some(trust) = &config.trust {
        ensure!(
            trust.origin.is_of(&path),
            "{} says whom this machine trusts, and only that counts; hint: ask its administrator to add the key there",
            trust.origin
        );
    }
    let (after, policy, rule) = added(&path, verb, name, text.trim_end())?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
    }
    fs::write(&path, after).with_context(|| format!("failed to write {}", path.display()))?;
    let is_hidden = |earlier: &&Rule| {
        may_meet(&earlier.repositories, &policy.rules[rule].repositories)
            && may_meet(&earlier.names, &policy.rules[rule].names)
    };
    if let Some(earlier) = policy.rules[..rule].iter().position(|one| is_hidden(&one)) {
        output::warn(&[format!(
            "trust.rule[{earlier}] stands before the rule of this key and decides for the packages that both are for; hint: where this key may sign those too, approve it with the same --repository and --package"
        )])?;
    }
    Ok(Approved {
        id: key.id().clone(),
        name: name.to_owned(),
        configuration: path.display().to_string(),
    })
}

/// The file with the key in it, what it says then, and the number of the key's rule.
fn added(path: &Path, verb: &Approve, name: &str, public: &str) -> Result<(String, Policy, usize)> {
    let by_hand = || {
        format!(
            "{} could not be extended; hint: add the key by hand",
            path.display()
        )
    };
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", path.display()));
        }
    };
    let mut document: DocumentMut = before.parse().with_context(by_hand)?;
    let trust = document.entry("trust").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let trust = trust.as_table_mut().with_context(by_hand)?;
    let rules = tables(trust, "rule").with_context(by_hand)?;
    let is_same = |rule: &Table| {
        let says = |field: &str, wanted: &[String]| {
            let all = rule.get(field).and_then(Item::as_array);
            let all = all.map(|all| {
                all.iter()
                    .filter_map(|one| one.as_str())
                    .collect::<Vec<_>>()
            });
            all.is_some_and(|all| all == wanted)
        };
        says("repositories", &verb.repository) && says("names", &verb.packages)
    };
    let known = rules.iter().position(is_same);
    let number = known.unwrap_or_else(|| {
        let mut rule = Table::new();
        rule.insert("repositories", array(&verb.repository));
        rule.insert("names", array(&verb.packages));
        rules.push(rule);
        rules.len() - 1
    });
    let rule = rules.get_mut(number).with_context(by_hand)?;
    let known = tables(rule, "key").with_context(by_hand)?;
    let says = |key: &Table, field: &str, text: &str| {
        let said = key.get(field).and_then(Item::as_str);
        said.is_some_and(|said| said.trim() == text.trim())
    };
    if let Some(there) = known.iter().find(|key| says(key, "public", public)) {
        let there = there.get("name").and_then(Item::as_str);
        anyhow::bail!(
            "this key is approved there already, as `{}`",
            there.unwrap_or_default()
        );
    }
    ensure!(
        !known.iter().any(|key| says(key, "name", name)),
        "another key is approved there as `{name}`; hint: --name gives this one a name of its own"
    );
    let mut key = Table::new();
    key.insert("name", value(name));
    key.insert("public", value(public));
    tables(rule, "key").with_context(by_hand)?.push(key);
    let after = document.to_string();
    let table: toml::Table = after.parse().with_context(by_hand)?;
    let trust = table.get("trust").and_then(toml::Value::as_table);
    let policy = Policy::read(trust.with_context(by_hand)?)?;
    Ok((after, policy, number))
}

/// The tables of this name, none where there are none yet; None where it is something else.
fn tables<'t>(table: &'t mut Table, name: &str) -> Option<&'t mut ArrayOfTables> {
    let item = table
        .entry(name)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut()
}

fn array(texts: &[String]) -> Item {
    value(texts.iter().collect::<Array>())
}

/// Whether something may be meant by both. Patterns that only overlap in part are not seen.
fn may_meet(left: &[Glob], right: &[Glob]) -> bool {
    left.iter().any(|left| {
        let meets = |right: &Glob| left.matches(right.as_str()) || right.matches(left.as_str());
        right.iter().any(meets)
    })
}
