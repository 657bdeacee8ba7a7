//! Writes the custom resource definitions: `crdgen [FOLDER]...`, to `crds` by default.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(PathBuf::from("crds"));
    }
    let files = extension_registry_api::crd::files()?;
    for folder in folders {
        fs::create_dir_all(&folder)?;
        for (name, content) in &files {
            fs::write(folder.join(name), content)?;
        }
    }
    Ok(())
}
