//! A machine whose files and variables say what is configured.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::path::PathBuf;

use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::config::{Config, ConfigError, Environment, Flags, Places};

/// Files of a machine that is not this one.
pub(crate) struct Machine {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) flags: Flags,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let home = home.to_str().unwrap().to_owned();
        Self {
            folder,
            variables: vec![("HOME".to_owned(), home)],
            flags: Flags::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn system(&self, text: &str) -> &Self {
        self.write("system/packages.toml", text)
    }

    pub(crate) fn user(&self, text: &str) -> &Self {
        self.write("user/packages.toml", text)
    }

    pub(crate) fn project(&self, text: &str) -> &Self {
        self.write("project/packages.toml", text)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn outcome(&self) -> Result<Config, ConfigError> {
        let places = Places {
            system: Some(self.path("system/packages.toml")),
            user: Some(self.path("user/packages.toml")),
            project: Some(self.path("project/packages.toml")),
        };
        let environment = Environment::from_iter(self.variables.clone());
        Config::load(&places, &environment, &self.flags)
    }

    pub(crate) fn load(&self) -> Config {
        self.outcome().unwrap()
    }

    /// What has to be mended, without the folder of the test.
    pub(crate) fn wrong(&self) -> String {
        let text = self.outcome().unwrap_err().explained();
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let prefix = format!("{}/", self.folder.path().display());
        let warnings = self.load().warnings;
        let texts = warnings.iter().map(Explain::explained);
        texts.map(|text| text.replace(&prefix, "")).collect()
    }

    /// A value as `config show` has it, and its origin.
    pub(crate) fn shown(&self, key: &str) -> (String, String) {
        let rows = self.load().show();
        let row = rows.into_iter().find(|row| row.key == key).unwrap();
        let prefix = format!("{}/", self.folder.path().display());
        (
            row.value.replace(&prefix, ""),
            row.origin.to_string().replace(&prefix, ""),
        )
    }
}

pub(crate) fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

/// What an address is, as text.
pub(crate) fn place(config: &Config, name: &str) -> String {
    config.repository(name).unwrap().url.value.to_string()
}
