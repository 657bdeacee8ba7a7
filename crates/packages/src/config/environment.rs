//! The environment as a value, so that nobody reads that of the process behind a caller's back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// The folder of this program below those of the system and the user.
const FOLDER: &str = "extension-registry";

/// Variables of an environment. Their values are not printed: they may be credentials.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable. An empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// All of them, for a program that is started.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }

    /// Sets a variable, for those who start from it.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.insert(name.into(), value.into());
    }

    /// The user's own folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// Where the user's configuration is: `$XDG_CONFIG_HOME`, else `~/.config`.
    #[must_use]
    pub fn configuration_folder(&self) -> Option<PathBuf> {
        self.base("XDG_CONFIG_HOME", ".config")
    }

    /// Where copies are kept if nobody says otherwise: `extension-registry` in `$XDG_CACHE_HOME`, else in
    /// `~/.cache`.
    #[must_use]
    pub fn cache_folder(&self) -> Option<PathBuf> {
        Some(self.base("XDG_CACHE_HOME", ".cache")?.join(FOLDER))
    }

    /// Where this program remembers what it saw: `extension-registry` in `$XDG_STATE_HOME`, else in
    /// `~/.local/state`. Unlike the cache, nobody should empty it.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        Some(self.base("XDG_STATE_HOME", ".local/state")?.join(FOLDER))
    }

    /// The user's own configuration file.
    #[must_use]
    pub fn user_file(&self) -> Option<PathBuf> {
        let folder = self.configuration_folder()?.join(FOLDER);
        Some(folder.join(super::FILE))
    }

    /// A path with `~` replaced by the user's folder. None, where there is a `~` and no such folder.
    #[must_use]
    pub fn expand(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix('~') {
            Some("") => self.home(),
            Some(rest) if rest.starts_with('/') => {
                Some(self.home()?.join(rest.trim_start_matches('/')))
            }
            _ => Some(PathBuf::from(path)),
        }
    }

    /// A relative path there is ignored, as the XDG Base Directory Specification wants it.
    fn base(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.path(variable)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.home()?.join(below_home)))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self { variables }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.variables.keys())
            .finish()
    }
}

/// The three files of a configuration, lowest first. Each may be missing. They are given, so that a test
/// touches none of the machine's.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The file of the machine: its administrator's.
    pub system: Option<PathBuf>,
    /// The file of the user.
    pub user: Option<PathBuf>,
    /// The file of the project: that of the working folder, whose author may be anybody.
    pub project: Option<PathBuf>,
}

impl Places {
    /// Those of a machine: `/etc/extension-registry/packages.toml`,
    /// `$XDG_CONFIG_HOME/extension-registry/packages.toml` and `packages.toml` in the working folder. Folders
    /// above it are not searched.
    #[must_use]
    pub fn of_machine(environment: &Environment, working_folder: &Path) -> Self {
        Self {
            system: Some(Path::new("/etc").join(FOLDER).join(super::FILE)),
            user: environment.user_file(),
            project: Some(working_folder.join(super::FILE)),
        }
    }
}
