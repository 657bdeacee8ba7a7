//! Writes the reference of the API and of commands, the man pages and the schemas of `-o json`: `docgen [FOLDER]`, by
//! default into `docs`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use extension_registry_cli::documentation;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("docs"), PathBuf::from);
    let man = folder.join("man");
    fs::create_dir_all(&man)?;
    let reference = folder.join("reference");
    fs::create_dir_all(reference.join("api"))?;
    fs::write(reference.join("commands.md"), documentation::reference())?;
    for (name, text) in extension_registry_api::reference::pages()? {
        fs::write(reference.join("api").join(name), text)?;
    }
    for (name, text) in documentation::pages()? {
        fs::write(man.join(name), text)?;
    }
    let schemas = folder.join("schemas");
    fs::create_dir_all(&schemas)?;
    for (name, schema) in documentation::schemas() {
        let text = documentation::schema_text(&schema)?;
        fs::write(schemas.join(format!("{name}.json")), text)?;
    }
    Ok(())
}
