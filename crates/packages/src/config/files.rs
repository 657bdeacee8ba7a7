//! The configuration files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, FOLDER};

/// Name of a configuration file.
pub const FILE: &str = "packages.toml";

/// Maximum size of a configuration file.
const LONGEST: u64 = 1 << 20;

/// The three configuration files, lowest precedence first; each is optional. They are passed explicitly, so
/// that tests do not touch those of the machine.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The system file.
    pub system: Option<PathBuf>,
    /// The user file.
    pub user: Option<PathBuf>,
    /// The project file in the working folder, which is untrusted.
    pub project: Option<PathBuf>,
}

impl Places {
    /// Returns the default files: `/etc/extension-registry/packages.toml`,
    /// `$XDG_CONFIG_HOME/extension-registry/packages.toml` and `packages.toml` in the working folder. Parent
    /// folders are not searched.
    #[must_use]
    pub fn of_machine(environment: &Environment, working_folder: &Path) -> Self {
        Self {
            system: Some(Path::new("/etc").join(FOLDER).join(FILE)),
            user: user_file(environment),
            project: Some(working_folder.join(FILE)),
        }
    }
}

/// Returns the user's configuration file.
#[must_use]
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    let folder = environment.configuration_folder()?.join(FOLDER);
    Some(folder.join(FILE))
}

/// Reads a file that is expected to be small.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    if length as u64 > LONGEST {
        return Err(std::io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}
