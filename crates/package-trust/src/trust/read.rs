//! Reads the trust policy from TOML.

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::suggest::closest;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::{Glob, Key, Mode, Policy, Rule};
use crate::signature::PublicKey;

/// Why a policy is invalid.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error("{field} {what}")]
pub struct PolicyError {
    /// Path of the field: `trust.rule[0].key[1].public`.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
    /// The way out; may be empty.
    pub hint: String,
}

impl Explain for PolicyError {
    fn hints(&self) -> Vec<String> {
        let hint = Some(&self.hint).filter(|hint| !hint.is_empty());
        hint.into_iter().cloned().collect()
    }
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
    /// repositories = ["hub"]      # names, with `*` and `?`
    /// names = ["mlflow-*"]        # default: all
    /// threshold = 1
    ///
    /// [[trust.rule.key]]
    /// name = "alice"
    /// public = "RWT…"             # minisign, or a cosign key as PEM
    /// not_before = 2026-01-01T00:00:00Z
    /// not_after = 2027-01-01T00:00:00Z
    /// revoked = "lost with a laptop"
    /// ```
    ///
    /// # Errors
    /// Returns the first error. A partial policy would trust too much or too little, so none is returned.
    pub fn read(table: &Table) -> Result<Self, PolicyError> {
        let table = Fields::of("trust", table, &["mode", "rule"])?;
        let mode = match table.text("mode")? {
            None | Some("enforce") => Mode::Enforce,
            Some("warn") => Mode::Warn,
            Some(_) => {
                return error(
                    &table.path("mode"),
                    "must be `enforce` or `warn`",
                    "remove it to use the default, `enforce`",
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
            "list the repositories that the rule applies to, or `[\"*\"]` for all",
        );
    };
    let names = table.globs("names")?;
    let keys = table.tables("key", key)?;
    for (index, key) in keys.iter().enumerate() {
        let path = format!("{}[{index}]", table.path("key"));
        for other in &keys[..index] {
            if other.name == key.name {
                let what = format!("has a duplicate name `{}`", key.name);
                return error(&path, what, "give each key a unique name");
            }
            if other.public == key.public {
                let what = format!("duplicates the key `{}`", other.name);
                return error(&path, what, "remove one of them: a key counts only once");
            }
        }
    }
    let threshold = match table.get("threshold") {
        None => 1,
        Some(value) => {
            let number = value.as_integer();
            let Some(number) = number.and_then(|number| usize::try_from(number).ok()) else {
                return error(&table.path("threshold"), "must be a positive integer", "");
            };
            number
        }
    };
    if threshold == 0 {
        return error(
            &table.path("threshold"),
            "must be at least 1",
            "set `mode = \"warn\"` to accept unsigned packages with a warning",
        );
    }
    if threshold > keys.len().max(1) {
        return error(
            &table.path("threshold"),
            format!(
                "is {threshold}, but the number of keys in the rule is {}",
                keys.len()
            ),
            "add keys, or lower the threshold",
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
            let hint = fault.hints().concat();
            return error(&table.path("public"), format!("is invalid: {fault}"), hint);
        }
    };
    let (not_before, not_after) = (table.time("not_before")?, table.time("not_after")?);
    if let (Some(from), Some(at)) = (not_before, not_after)
        && from >= at
    {
        return error(
            &table.path("not_after"),
            "must be later than `not_before`",
            "change one of them: the key would never be valid",
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

/// A table and its path.
struct Fields<'t> {
    path: &'t str,
    table: &'t Table,
}

impl<'t> Fields<'t> {
    /// Wraps a table after checking that it has only known fields. An ignored field might be one that makes a
    /// rule stricter.
    fn of(path: &'t str, table: &'t Table, known: &[&str]) -> Result<Self, PolicyError> {
        for name in table.keys() {
            if !known.contains(&name.as_str()) {
                let hint = match closest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("expected one of `{}`", known.join("`, `")),
                };
                return error(&format!("{path}.{name}"), "is an unknown field", hint);
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
                let what = format!("must be a string, not {}", kind(value));
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
                "must not be empty: the rule would match nothing",
                "use `[\"*\"]` to match everything",
            ),
            Some(texts) => Ok(Some(texts.into_iter().map(Glob::new).collect())),
            None => error(
                &path,
                "must be a list of strings",
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
                "must be a list of tables",
                format!("write `[[{}]]`", bare(&path)),
            );
        };
        let tables = tables.into_iter().enumerate();
        tables
            .map(|(index, table)| read(&format!("{path}[{index}]"), table))
            .collect()
    }

    /// Reads a timestamp with an offset, or a date, which starts in UTC.
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
                "must be a date or a timestamp",
                "use a date such as 2027-01-31, or a timestamp with an offset such as 2027-01-31T00:00:00Z",
            ),
        }
    }
}

/// Formats a path as the header of a TOML table, without indices.
fn bare(path: &str) -> String {
    let parts = path.split('.');
    let bare: Vec<&str> = parts
        .map(|part| part.split_once('[').map_or(part, |(part, _)| part))
        .collect();
    bare.join(".")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a timestamp",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
