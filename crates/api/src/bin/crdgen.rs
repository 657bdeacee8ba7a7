//! Writes the custom resource definitions into a folder: `crdgen [FOLDER]`, `crds` if none is given.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("crds"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    for (name, content) in extension_registry_api::crd::files()? {
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}
