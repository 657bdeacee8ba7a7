//! The settings of one repository in one file, each declared once.

use std::time::Duration;

use super::fields::Fields;
use super::model::near;
use super::origin::{ConfigDiagnostics, Origin, Valued};
use crate::repository::Kind;

/// Maximum of all times: a year, in seconds.
pub(super) const YEAR: i64 = 366 * 24 * 3600;

/// Which file a value comes from. Later ones take precedence, within what they may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    System,
    User,
    Project,
}

/// Declares the settings of a repository: `name: type, tables, guard, reader`.
///
/// The functions that treat all settings alike are generated, so that no setting is missing in one of them. The
/// fields of a table are read, and listed in hints, in the order of the declaration.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $tables:ident, $guard:ident, $read:expr;)*) => {
        /// The settings of one repository in one file. All are optional: another file may have them.
        #[derive(Clone, Debug)]
        pub(super) struct Part {
            pub(super) name: String,
            pub(super) defined: Origin,
            pub(super) level: Option<Level>,
            $($(#[$doc])* pub(super) $name: Option<$type>,)*
        }

        impl Part {
            pub(super) fn new(name: &str, defined: Origin, level: Option<Level>) -> Self {
                Self {
                    name: name.to_owned(),
                    defined,
                    level,
                    $($name: None,)*
                }
            }

            /// Reads the fields of a table.
            pub(super) fn read(
                &mut self,
                table: Table,
                fields: &mut Fields<'_, '_>,
                findings: &mut ConfigDiagnostics,
            ) {
                $(if Tables::$tables.include(table) {
                    self.$name = $read(fields, stringify!($name), findings);
                })*
            }

            /// Replaces the settings that another file has too.
            pub(super) fn overlay(&mut self, above: Self) {
                $(if above.$name.is_some() {
                    self.$name = above.$name;
                })*
            }

            /// Removes guarded settings that have the same value in the other file. A token file stays: where it is
            /// repeated, it is also for the server that this file sets.
            pub(super) fn drop_same(&mut self, below: &Self) {
                $(if !matches!(Guard::$guard, Guard::None | Guard::Token)
                    && let (Some(new), Some(old)) = (&self.$name, &below.$name)
                    && new.is_same(old)
                {
                    self.$name = None;
                })*
            }

            /// Returns the names and origins of the settings that decide where credentials are sent.
            pub(super) fn guarded(&self) -> Vec<(&'static str, Guard, &Origin)> {
                let mut guarded = Vec::new();
                $(if Guard::$guard != Guard::None && let Some(given) = &self.$name {
                    let origin = given.origin().unwrap_or(&self.defined);
                    guarded.push((stringify!($name), Guard::$guard, origin));
                })*
                guarded.sort_by_key(|(_, guard, _)| *guard);
                guarded
            }
        }
    };
}

settings! {
    kind: Valued<Kind>, Repository, Kind, kind;
    url: Valued<String>, Repository, Address, Fields::text;
    /// Only `[oci]` has registry and namespace instead of an address.
    registry: Valued<String>, Oci, Address, Fields::text;
    namespace: Valued<String>, Oci, Address, Fields::text;
    owner: Valued<String>, Repository, Address, segment;
    group: Valued<String>, Repository, Address, segment;
    priority: Valued<i64>, Repository, None, priority;
    system: Valued<bool>, Repository, None, Fields::flag;
    names: Vec<Valued<String>>, Repository, None, Fields::texts;
    mirrors: Vec<Valued<String>>, Repository, Mirrors, Fields::texts;
    ca: Valued<String>, Repository, Authorities, Fields::text;
    insecure: Valued<bool>, Both, Encryption, Fields::flag;
    timeout: Valued<Duration>, Both, None, timeout;
    retry_count: Valued<usize>, Both, None, retry_count;
    auth_token_path: Valued<String>, Both, Token, Fields::text;
}

/// A table with settings of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// `[oci]`.
    Oci,
    /// `[[repository]]`.
    Repository,
}

/// The tables that have a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    Oci,
    Repository,
    Both,
}

impl Tables {
    fn include(self, table: Table) -> bool {
        match self {
            Self::Oci => table == Table::Oci,
            Self::Repository => table == Table::Repository,
            Self::Both => true,
        }
    }
}

/// What a setting decides about credentials, in the order in which changes are reported. A project file cannot change
/// it for a repository of another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// Nothing.
    None,
    /// Which server, and which part of it, receives them.
    Address,
    /// Whose certificates prove the identity of the server.
    Authorities,
    /// Which file has them.
    Token,
    /// Whether they are encrypted.
    Encryption,
    /// By which protocol they are sent. `[oci]` does not set it.
    Kind,
    /// Which other servers are queried.
    Mirrors,
}

/// A value of a setting.
trait Setting {
    /// Returns where it was set; None for an empty list.
    fn origin(&self) -> Option<&Origin>;

    /// Returns whether the values are equal, wherever they were set.
    fn is_same(&self, other: &Self) -> bool;
}

impl<T: PartialEq> Setting for Valued<T> {
    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: PartialEq> Setting for Vec<Valued<T>> {
    fn origin(&self) -> Option<&Origin> {
        self.first().map(|first| &first.origin)
    }

    fn is_same(&self, other: &Self) -> bool {
        let values = self.iter().map(|given| &given.value);
        values.eq(other.iter().map(|given| &given.value))
    }
}

fn kind(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<Kind>> {
    let Valued { value, origin } = fields.text(name, findings)?;
    let Some(kind) = Kind::of(&value) else {
        let message = format!("has an invalid value `{value}`");
        let hint = near(&value, &Kind::ALL.map(Kind::name));
        findings.error(&origin, fields.path(name), message, hint);
        return None;
    };
    Some(Valued::new(kind, origin))
}

/// Reads a text that becomes a path segment of a URL.
fn segment(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<String>> {
    let given = fields.text(name, findings)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let text = &given.value;
    let is_fine = !text.is_empty() && text.bytes().all(fits);
    if !is_fine || text.starts_with('.') || text.ends_with('.') || text.contains("..") {
        let hint = "use letters, digits, `_`, `-`, and single dots between them";
        findings.error(
            &given.origin,
            fields.path(name),
            "is not a valid name",
            hint,
        );
        return None;
    }
    Some(given)
}

fn priority(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<i64>> {
    fields.number(name, -1_000_000..=1_000_000, findings)
}

fn timeout(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<Duration>> {
    let given = fields.number(name, 1..=YEAR, findings)?;
    Some(given.map(seconds))
}

fn retry_count(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<usize>> {
    let given = fields.number(name, 0..=100, findings)?;
    Some(given.map(|number| usize::try_from(number).unwrap_or_default()))
}

pub(super) fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.unsigned_abs())
}
