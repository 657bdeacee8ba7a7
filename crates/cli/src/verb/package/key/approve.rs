//! The verb `package key approve`: adds a key to the matching rule in the user's configuration.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_packages::atomic::{self, Purpose};
use extension_registry_packages::config::{CONFIG_VARIABLE, user_file};
use extension_registry_packages::trust::{Glob, Policy, Rule};
use extension_registry_query::Note;
use schemars::JsonSchema;
use serde::Serialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::flags::Sources;
use crate::output::{self, Answer};
use crate::packages::{configuration, public_key};

#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Public key: minisign, or cosign as PEM
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name for the key
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Trust it for packages from these repositories; `*` matches any
    #[arg(long, value_name = "NAME", default_value = "*")]
    repository: Vec<String>,
    /// Trust it for packages with these names; `*` matches any
    #[arg(long = "package", value_name = "NAME", default_value = "*")]
    packages: Vec<String>,
    #[command(flatten)]
    sources: Sources,
}

/// A trusted key.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Approved {
    id: String,
    name: String,
    /// Configuration file that it was added to
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
        output::write_line!(
            out,
            "key {id} ({name}) added to the trust policy in {configuration}"
        )?;
        Ok(())
    }
}

pub(super) fn approve(verb: &Approve) -> Result<Approved> {
    let (key, text) = public_key(&verb.file)?;
    let base = verb.file.file_name().and_then(|base| base.to_str());
    let stem = base.and_then(|base| base.split('.').find(|part| !part.is_empty()));
    let name = verb.name.as_deref().or(stem).unwrap_or("key");
    let (environment, config) = configuration(&verb.sources)?;
    let path = environment
        .path(CONFIG_VARIABLE)
        .or_else(|| user_file(&environment));
    let path = path.ok_or_else(|| {
        Failure::new("cannot determine the path of the user configuration file").hint("set HOME")
    })?;
    // The policy of the system overrides all others.
    if let Some(trust) = &config.trust {
        ensure!(
            trust.origin.is_of(&path),
            Failure::new(format!(
                "the trust policy is set in {}, which overrides your user configuration file",
                trust.origin
            ))
            .hint("ask the administrator of this machine to add the key there")
        );
    }
    let (after, policy, rule) = added(&path, verb, name, text.trim_end())?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
    }
    atomic::write_bytes(&path, Purpose::Document, after.as_bytes())
        .with_context(|| format!("failed to write {}", path.display()))?;
    let is_hidden = |earlier: &&Rule| {
        may_meet(&earlier.repositories, &policy.rules[rule].repositories)
            && may_meet(&earlier.names, &policy.rules[rule].names)
    };
    if let Some(earlier) = policy.rules[..rule].iter().position(|one| is_hidden(&one)) {
        let warning = Note::new(format!(
            "trust.rule[{earlier}] precedes the rule of this key and applies to packages that match both rules"
        ));
        output::warn(&warning.hint(
            "to trust this key for those packages too, approve it with the same --repository and --package values as that rule",
        ))?;
    }
    Ok(Approved {
        id: key.id().clone(),
        name: name.to_owned(),
        configuration: path.display().to_string(),
    })
}

/// Returns the new text of the file, its policy, and the index of the rule of the key.
fn added(path: &Path, verb: &Approve, name: &str, public: &str) -> Result<(String, Policy, usize)> {
    let by_hand =
        || Failure::new(format!("failed to edit {}", path.display())).hint("add the key by hand");
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", path.display()));
        }
    };
    let parsed = before.parse::<DocumentMut>();
    let mut document = parsed.map_err(|error| by_hand().caused_by(error))?;
    let trust = document.entry("trust").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let trust = trust.as_table_mut().ok_or_else(by_hand)?;
    let rules = tables(trust, "rule").ok_or_else(by_hand)?;
    let is_same = |rule: &Table| {
        let has_value = |field: &str, wanted: &[String]| {
            let all = rule.get(field).and_then(Item::as_array);
            let all = all.map(|all| {
                all.iter()
                    .filter_map(|one| one.as_str())
                    .collect::<Vec<_>>()
            });
            all.is_some_and(|all| all == wanted)
        };
        has_value("repositories", &verb.repository) && has_value("names", &verb.packages)
    };
    let known = rules.iter().position(is_same);
    let number = known.unwrap_or_else(|| {
        let mut rule = Table::new();
        rule.insert("repositories", array(&verb.repository));
        rule.insert("names", array(&verb.packages));
        rules.push(rule);
        rules.len() - 1
    });
    let rule = rules.get_mut(number).ok_or_else(by_hand)?;
    let known = tables(rule, "key").ok_or_else(by_hand)?;
    let has_value = |key: &Table, field: &str, text: &str| {
        let named = key.get(field).and_then(Item::as_str);
        named.is_some_and(|named| named.trim() == text.trim())
    };
    if let Some(there) = known.iter().find(|key| has_value(key, "public", public)) {
        let there = there.get("name").and_then(Item::as_str);
        anyhow::bail!(
            "this key is already trusted for these repositories and packages, as `{}`",
            there.unwrap_or_default()
        );
    }
    ensure!(
        !known.iter().any(|key| has_value(key, "name", name)),
        Failure::new(format!(
            "another key is already trusted for these repositories and packages as `{name}`"
        ))
        .hint("choose another name with --name")
    );
    let mut key = Table::new();
    key.insert("name", value(name));
    key.insert("public", value(public));
    tables(rule, "key").ok_or_else(by_hand)?.push(key);
    let after = document.to_string();
    let parsed = after.parse::<toml::Table>();
    let table = parsed.map_err(|error| by_hand().caused_by(error))?;
    let trust = table.get("trust").and_then(toml::Value::as_table);
    let policy = Policy::read(trust.ok_or_else(by_hand)?)?;
    Ok((after, policy, number))
}

/// Returns the tables with this name, creating an empty list; None if it is not a list of tables.
fn tables<'t>(table: &'t mut Table, name: &str) -> Option<&'t mut ArrayOfTables> {
    let item = table
        .entry(name)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut()
}

fn array(texts: &[String]) -> Item {
    value(texts.iter().collect::<Array>())
}

/// Returns whether two lists of patterns may match the same name. Partial overlaps are not detected.
fn may_meet(left: &[Glob], right: &[Glob]) -> bool {
    left.iter().any(|left| {
        let meets = |right: &Glob| left.matches(right.as_str()) || right.matches(left.as_str());
        right.iter().any(meets)
    })
}
