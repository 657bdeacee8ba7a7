//! The policy as TOML.

use extension_registry_core::suggest::closest;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::{Glob, Key, Mode, Policy, Rule};
use crate::signature::PublicKey;

/// What is wrong with a policy.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error("{field} {what}{}", if hint.is_empty() { String::new() } else { format!("; hint: {hint}") })]
pub struct PolicyError {
    /// Which field: `trust.rule[0].key[1].public`.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub hint: String,
}

fn error<T>(
    field: &str,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> Result<T, PolicyError> {
    Err(PolicyError {
        field: field.to_owned(),
        what: what.into(),
        hint: hint.into(),
    })
}

impl Policy {
    /// Reads the table `[trust]` of a configuration.
    ///
    /// ```toml
    /// [trust]
    /// mode = "enforce"            # or "warn"
    ///
    /// [[trust.rule]]
    /// repositories = ["hub"]      # ids, with `*` and `?`
    /// names = ["mlflow-*"]        # all, where it is not said
    /// threshold = 1
    ///
    /// [[trust.rule.key]]
    /// name = "alice"
    /// public = "RWT…"             # minisign, or PEM of cosign
    /// not_before = 2026-01-01T00:00:00Z
    /// not_after = 2027-01-01T00:00:00Z
    /// revoked = "lost with a laptop"
    /// ```
    ///
    /// # Errors
    /// At the first thing that is wrong. Half a policy would trust too much or too little, so there is none.
    pub fn read(table: &Table) -> Result<Self, PolicyError> {
        let table = Fields::of("trust", table, &["mode", "rule"])?;
        let mode = match table.text("mode")? {
            None | Some("enforce") => Mode::Enforce,
            Some("warn") => Mode::Warn,
            Some(_) => {
                return error(
                    &table.path("mode"),
                    "is neither `enforce` nor `warn`",
                    "leave it out to enforce",
                );
            }
        };
        let rules = table.tables("rule", rule)?;
        Ok(Self { mode, rules })
    }
}

fn rule(path: &str, table: &Table) -> Result<Rule, PolicyError> {
    let fields = ["repositories", "names", "threshold", "key"];
    let table = Fields::of(path, table, &fields)?;
    let Some(repositories) = table.globs("repositories")? else {
        return error(
            &table.path("repositories"),
            "is missing",
            "write the ids of the repositories that the rule is for, or `[\"*\"]` for all",
        );
    };
    let names = table.globs("names")?;
    let keys = table.tables("key", key)?;
    for (index, key) in keys.iter().enumerate() {
        let path = format!("{}[{index}]", table.path("key"));
        for other in &keys[..index] {
            if other.name == key.name {
                let what = format!("has the name `{}`, as another one", key.name);
                return error(&path, what, "give each key a name of its own");
            }
            if other.public == key.public {
                let what = format!("is the same key as `{}`", other.name);
                return error(&path, what, "remove one: a key counts once");
            }
        }
    }
    let threshold = match table.get("threshold") {
        None => 1,
        Some(value) => {
            let number = value.as_integer();
            let Some(number) = number.and_then(|number| usize::try_from(number).ok()) else {
                return error(&table.path("threshold"), "is no number of keys", "");
            };
            number
        }
    };
    if threshold == 0 {
        return error(
            &table.path("threshold"),
            "is 0, so that nobody would have to sign",
            "`mode = \"warn\"` delivers what is not signed, and says so",
        );
    }
    if threshold > keys.len().max(1) {
        return error(
            &table.path("threshold"),
            format!("is {threshold}, and there are {} keys", keys.len()),
            "add keys, or lower it",
        );
    }
    Ok(Rule {
        repositories,
        names: names.unwrap_or_else(|| vec![Glob::new("*")]),
        threshold,
        keys,
    })
}

fn key(path: &str, table: &Table) -> Result<Key, PolicyError> {
    let fields = ["name", "public", "not_before", "not_after", "revoked"];
    let table = Fields::of(path, table, &fields)?;
    let required = |name: &str| match table.text(name)? {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => error(&table.path(name), "is missing", "add it"),
    };
    let name = required("name")?.to_owned();
    let public = match PublicKey::read(required("public")?) {
        Ok(key) => key,
        Err(fault) => {
            return error(
                &table.path("public"),
                format!("cannot be used: {fault}"),
                "",
            );
        }
    };
    let (not_before, not_after) = (table.time("not_before")?, table.time("not_after")?);
    if let (Some(from), Some(at)) = (not_before, not_after)
        && from >= at
    {
        return error(
            &table.path("not_after"),
            "is not after `not_before`",
            "the key would never count",
        );
    }
    let revoked = table.text("revoked")?.map(str::to_owned);
    Ok(Key {
        name,
        public,
        not_before,
        not_after,
        revoked,
    })
}

/// A table, and where it is.
struct Fields<'t> {
    path: &'t str,
    table: &'t Table,
}

impl<'t> Fields<'t> {
    /// A table with no fields but these. A field that nobody reads could be the one that was to make a rule
    /// stricter.
    fn of(path: &'t str, table: &'t Table, known: &[&str]) -> Result<Self, PolicyError> {
        for name in table.keys() {
            if !known.contains(&name.as_str()) {
                let hint = match closest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are `{}`", known.join("`, `")),
                };
                return error(&format!("{path}.{name}"), "is no field of it", hint);
            }
        }
        Ok(Self { path, table })
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn get(&self, name: &str) -> Option<&'t Value> {
        self.table.get(name)
    }

    fn text(&self, name: &str) -> Result<Option<&'t str>, PolicyError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => {
                let what = format!("is {} where text belongs", kind(value));
                error(&self.path(name), what, "put it in quotes")
            }
        }
    }

    fn globs(&self, name: &str) -> Result<Option<Vec<Glob>>, PolicyError> {
        let path = self.path(name);
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_str).collect());
        match texts {
            Some(texts) if texts.is_empty() => error(
                &path,
                "is empty, so that the rule would be for nothing",
                "write `[\"*\"]` for all",
            ),
            Some(texts) => Ok(Some(texts.into_iter().map(Glob::new).collect())),
            None => error(
                &path,
                "is no list of texts",
                format!("write `{name} = [\"*\"]`"),
            ),
        }
    }

    fn tables<T>(
        &self,
        name: &str,
        read: impl Fn(&str, &Table) -> Result<T, PolicyError>,
    ) -> Result<Vec<T>, PolicyError> {
        let path = self.path(name);
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        let tables: Option<Vec<&Table>> = value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_table).collect());
        let Some(tables) = tables else {
            return error(
                &path,
                "is no list of tables",
                format!("write `[[{}]]`", bare(&path)),
            );
        };
        let tables = tables.into_iter().enumerate();
        tables
            .map(|(index, table)| read(&format!("{path}[{index}]"), table))
            .collect()
    }

    /// A time with its offset, or a day, which begins in UTC.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, PolicyError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Datetime(time)) => time.to_string(),
            Some(_) => String::new(),
        };
        let day = || {
            let day: Date = (text.len() == 10).then(|| text.parse().ok())??;
            Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        match text.parse::<Timestamp>().ok().or_else(day) {
            Some(time) => Ok(Some(time)),
            None => error(
                &self.path(name),
                "is no time",
                "write a day or a time with its offset: 2027-01-31T00:00:00Z",
            ),
        }
    }
}

/// A path as the header of a table: without positions.
fn bare(path: &str) -> String {
    let parts = path.split('.');
    let bare: Vec<&str> = parts
        .map(|part| part.split_once('[').map_or(part, |(part, _)| part))
        .collect();
    bare.join(".")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
