//! The verb `package init`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_packages::package;
use extension_registry_query::template::{built_in, built_in_text};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::Format;
use crate::output;
use crate::output::Answer;

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Directory to create
    #[arg(value_name = "DIRECTORY")]
    folder: PathBuf,
    /// Name of the package; default is the name of the directory
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Built-in template to start from
    #[arg(long, value_name = "TEMPLATE", default_value = "minio")]
    from: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A new package.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Begun {
    name: String,
    folder: String,
    files: Vec<&'static str>,
}

impl Answer for Begun {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(out, "package created in {}", self.folder)?;
        output::write_line!(out)?;
        output::write_line!(
            out,
            "  kubectl ext package publish {} --dry-run",
            self.folder
        )?;
        output::write_line!(out)?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Init, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let folder = &verb.folder;
    ensure!(
        folder.symlink_metadata().is_err(),
        Failure::new(format!("{} already exists", folder.display()))
            .hint("choose another directory")
    );
    let base = folder.file_name().and_then(|name| name.to_str());
    let name = verb.name.as_deref().or(base).unwrap_or_default();
    let template = built_in_text(&verb.from).ok_or_else(|| {
        let names: Vec<&str> = built_in().collect();
        Failure::new(format!("unknown built-in template `{}`", verb.from))
            .hint(format!("use one of {}", names.join(", ")))
    })?;
    let manifest = manifest(name, &verb.from);
    let (readme, manifest) = (readme(name), manifest.as_str());
    let files = [
        ("extension.yaml", manifest),
        ("templates/main.yaml", template),
        ("README.md", &readme),
        ("LICENSE", LICENSE),
    ];
    for (path, text) in files {
        write(&folder.join(path), text)?;
    }
    // The name is validated by building the package.
    if let Err(error) = package::manifest(folder) {
        fs::remove_dir_all(folder)
            .with_context(|| format!("failed to remove {}", folder.display()))?;
        return crate::packages::unwrap_build(Err(error));
    }
    let data = Begun {
        name: name.to_owned(),
        folder: folder.display().to_string(),
        files: files.map(|(path, _)| path).into(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

fn manifest(name: &str, template: &str) -> String {
    format!(
        "extension:
  name: {name}
  version: 0.1.0
  type: record
  description: Registers {template}
  product: {template}
  keywords: [{template}]

templates:
  - file: templates/main.yaml

metadata:
  license: Apache-2.0
"
    )
}

fn readme(name: &str) -> String {
    format!(
        "# {name}

Describe what this package registers and which values users have to fill in.

```sh
kubectl ext register NAME --from-template package:{name}
```
"
    )
}

const LICENSE: &str = "Replace this text with the license text of the package, and set `license` in extension.yaml to its SPDX identifier.\n";
