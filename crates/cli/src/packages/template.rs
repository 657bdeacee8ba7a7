//! Templates in packages.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use extension_registry_core::diagnostic::Failure;
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::manifest::{Manifest, Packaging, TemplateFile};
use extension_registry_query::suggest::did_you_mean;
use extension_registry_query::template::Parameter;

use super::session::{Session, unchecked};
use crate::flags::{Chosen, PlatformArgs, Sources, named};
use crate::report::human::print_warnings;

/// A template of a package.
pub(crate) struct Found {
    /// Description for display: `mlflow 1.2.0, main`.
    pub(crate) title: String,
    /// Text of the template.
    pub(crate) text: String,
    /// Parameters of the package.
    pub(crate) parameters: BTreeMap<String, Parameter>,
}

/// Loads the template `PACKAGE[/TEMPLATE][@RANGE]`, from the cache if the package is cached, else from a
/// source.
pub(crate) fn template(reference: &str) -> Result<Found> {
    let (path, range) = named(reference);
    let (package, name) = match path.split_once('/') {
        Some((package, template)) => (package, Some(template)),
        None => (path, None),
    };
    let session = Session::open(&Sources::default())?;
    let chosen_package = Chosen::new(package, range.map(str::to_owned), None);
    let delivery = session.delivered(&chosen_package, &PlatformArgs::default(), false)?;
    print_warnings(&delivery.warnings)?;
    print_warnings(&unchecked(std::slice::from_ref(&delivery), ""))?;
    let (manifest, entry) = (&delivery.manifest, &delivery.entry);
    let title = format!("{} {}", entry.name, entry.version);
    let (title, path) = if manifest.packaging == Packaging::Template {
        (title, entry.content_path())
    } else {
        let template = chosen(manifest, name).with_context(|| title.clone())?;
        let folder = session.workspace.cache.unpacked(entry, Limits::default())?;
        (
            format!("{title}, {}", template.name),
            folder.join(&template.file),
        )
    };
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let parameters = manifest.parameters.iter();
    let parameters = parameters.map(|(name, one)| {
        let parameter = Parameter {
            description: one.description.clone(),
            example: one.example.clone(),
            default: one.default.clone(),
            optional: one.optional,
            secret: one.secret,
        };
        (name.clone(), parameter)
    });
    Ok(Found {
        title,
        text,
        parameters: parameters.collect(),
    })
}

/// Returns the template with a name, or the only one.
fn chosen<'m>(manifest: &'m Manifest, name: Option<&str>) -> Result<&'m TemplateFile> {
    let names = || manifest.templates.iter().map(|one| one.name.as_str());
    let all = || names().collect::<Vec<_>>().join(", ");
    match (name, manifest.templates.as_slice()) {
        (_, []) => {
            let failure = Failure::new(format!("package `{}` has no templates", manifest.name));
            let hint = format!(
                "inspect it with `kubectl ext package info {}`",
                manifest.name
            );
            bail!(failure.hint(hint))
        }
        (None, [only]) => Ok(only),
        (None, _) => {
            let failure =
                Failure::new(format!("package `{}` has several templates", manifest.name));
            bail!(failure.hint(format!(
                "use package:{}/TEMPLATE, where TEMPLATE is one of {}",
                manifest.name,
                all()
            )))
        }
        (Some(name), templates) => {
            let found = templates.iter().find(|one| one.name == name);
            found.ok_or_else(|| {
                let hint = did_you_mean(name, names());
                Failure::new(format!("unknown template `{name}`"))
                    .hint(hint.unwrap_or_else(|| format!("use one of {}", all())))
                    .into()
            })
        }
    }
}
