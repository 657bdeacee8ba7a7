//! Reads fields of a TOML table, with their positions.

use std::ops::Range;
use std::path::Path;

use extension_registry_core::suggest;
use toml::de::{DeTable, DeValue};

use super::origin::{ConfigDiagnostics, Origin, Valued};

/// Names of fields that would hold a credential. None of them is a valid field.
const SECRETS: [&str; 10] = [
    "password",
    "passwd",
    "token",
    "auth_token",
    "auth",
    "secret",
    "username_password",
    "api_key",
    "credentials",
    "identitytoken",
];

/// A file that is being read.
pub(super) struct Source<'s> {
    pub(super) path: &'s Path,
    pub(super) text: &'s str,
}

impl Source<'_> {
    /// Returns the position of a span.
    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A table whose fields are read one by one. Fields that are never read are unknown.
pub(super) struct Fields<'f, 's> {
    source: &'f Source<'s>,
    table: &'f DeTable<'f>,
    prefix: String,
    known: Vec<&'static str>,
}

impl<'f, 's> Fields<'f, 's> {
    pub(super) fn new(source: &'f Source<'s>, table: &'f DeTable<'f>, prefix: &str) -> Self {
        Self {
            source,
            table,
            prefix: prefix.to_owned(),
            known: Vec::new(),
        }
    }

    /// Returns the full name of a field.
    pub(super) fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }

    /// Sets the prefix, once the name of the repository is known.
    pub(super) fn rename(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// Returns whether the table has a field, and marks it as known.
    pub(super) fn has(&mut self, name: &'static str) -> bool {
        self.take(name).is_some()
    }

    fn take(&mut self, name: &'static str) -> Option<(&'f DeValue<'f>, Origin)> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        let (_, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((value.get_ref(), self.source.origin(&value.span())))
    }

    pub(super) fn text(
        &mut self,
        name: &'static str,
        findings: &mut ConfigDiagnostics,
    ) -> Option<Valued<String>> {
        let (value, origin) = self.take(name)?;
        let Some(text) = value.as_str() else {
            self.wrong(name, &origin, value, "a string", findings);
            return None;
        };
        Some(Valued::new(text.to_owned(), origin))
    }

    pub(super) fn flag(
        &mut self,
        name: &'static str,
        findings: &mut ConfigDiagnostics,
    ) -> Option<Valued<bool>> {
        let (value, origin) = self.take(name)?;
        let Some(flag) = value.as_bool() else {
            self.wrong(name, &origin, value, "`true` or `false`", findings);
            return None;
        };
        Some(Valued::new(flag, origin))
    }

    /// Reads an integer within bounds.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<i64>,
        findings: &mut ConfigDiagnostics,
    ) -> Option<Valued<i64>> {
        let (value, origin) = self.take(name)?;
        let Some(integer) = value.as_integer() else {
            self.wrong(name, &origin, value, "an integer", findings);
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let Some(number) = number.filter(|number| bounds.contains(number)) else {
            let message = format!("must be between {} and {}", bounds.start(), bounds.end());
            findings.error(&origin, self.path(name), message, "");
            return None;
        };
        Some(Valued::new(number, origin))
    }

    /// Reads a list of strings.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
        findings: &mut ConfigDiagnostics,
    ) -> Option<Vec<Valued<String>>> {
        let (value, origin) = self.take(name)?;
        let Some(items) = value.as_array() else {
            self.wrong(name, &origin, value, "a list of strings", findings);
            return None;
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let origin = self.source.origin(&item.span());
            if let Some(text) = item.get_ref().as_str() {
                texts.push(Valued::new(text.to_owned(), origin));
            } else {
                let field = format!("{}[{index}]", self.path(name));
                findings.error(&origin, field, wrong_type(item.get_ref(), "a string"), "");
            }
        }
        Some(texts)
    }

    pub(super) fn table(
        &mut self,
        name: &'static str,
        findings: &mut ConfigDiagnostics,
    ) -> Option<(Fields<'f, 's>, Origin)> {
        let (value, origin) = self.take(name)?;
        let Some(table) = value.as_table() else {
            self.wrong(name, &origin, value, "a table", findings);
            return None;
        };
        Some((Fields::new(self.source, table, &self.path(name)), origin))
    }

    /// Reads a list of tables.
    pub(super) fn tables(
        &mut self,
        name: &'static str,
        findings: &mut ConfigDiagnostics,
    ) -> Vec<(Fields<'f, 's>, Origin)> {
        let Some((value, origin)) = self.take(name) else {
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            let message = wrong_type(value, "a list of tables");
            let hint = format!("write each table as `[[{name}]]`, with double brackets");
            findings.error(&origin, self.path(name), message, hint);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let origin = self.source.origin(&item.span());
            let field = format!("{}[{index}]", self.path(name));
            match item.get_ref().as_table() {
                Some(table) => tables.push((Fields::new(self.source, table, &field), origin)),
                None => findings.error(&origin, field, wrong_type(item.get_ref(), "a table"), ""),
            }
        }
        tables
    }

    /// Reports unknown fields. One that is named like a credential is an error.
    pub(super) fn end(self, findings: &mut ConfigDiagnostics) {
        for (key, value) in self.table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let origin = self.source.origin(&key.span());
            let field = self.path(name);
            if is_secret(name) || holds_secret(value.get_ref()) {
                findings.error(
                    &origin,
                    field,
                    "is not allowed: credentials do not belong in this file",
                    "use `kubectl ext package login`, or set `auth_token_path` to a file",
                );
                continue;
            }
            let known = self.known.iter().copied();
            let hint = match suggest::closest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected one of {}", known.collect::<Vec<_>>().join(", ")),
            };
            findings.warning(&origin, field, "is an unknown field and is ignored", hint);
        }
    }

    fn wrong(
        &self,
        name: &str,
        origin: &Origin,
        value: &DeValue<'_>,
        wanted: &str,
        findings: &mut ConfigDiagnostics,
    ) {
        findings.error(origin, self.path(name), wrong_type(value, wanted), "");
    }
}

fn is_secret(name: &str) -> bool {
    let plain = name.to_lowercase().replace('-', "_");
    SECRETS.contains(&plain.as_str())
}

/// Returns whether an unknown value contains a credential.
fn holds_secret(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(table) => table
            .iter()
            .any(|(key, value)| is_secret(key.get_ref()) || holds_secret(value.get_ref())),
        DeValue::Array(items) => items.iter().any(|item| holds_secret(item.get_ref())),
        _ => false,
    }
}

fn wrong_type(value: &DeValue<'_>, wanted: &str) -> String {
    let kind = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("must be {wanted}, not {kind}")
}
