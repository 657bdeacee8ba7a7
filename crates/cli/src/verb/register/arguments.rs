//! Flags of `register`, and those that `update` shares.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueEnum};
use extension_registry_query::template::built_in;
use serde_json::{Value, json};

use super::credential::{Credential, CredentialParser};
use crate::flags::{ApplyOptions, Cluster};

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Name of the record; default for --product
    #[arg(
        value_name = "NAME",
        required_unless_present_any = ["files", "from_service"],
        conflicts_with = "files"
    )]
    pub(super) name: Option<String>,
    /// Address of the service
    #[arg(
        long,
        value_name = "URL",
        required_unless_present_any = ["files", "from_service", "from_template"]
    )]
    pub(super) url: Option<String>,
    #[command(flatten)]
    pub(super) about: About,
    /// Resource that the service offers, e.g. `s3` or `mlflow-tracking`
    #[arg(long, value_name = "RESOURCE")]
    pub(super) resource: Option<String>,
    /// Category of the resource, e.g. `object-storage`
    #[arg(long, value_name = "CATEGORY")]
    pub(super) category: Option<String>,
    /// Name of the service; default is the resource, or the name of the record
    #[arg(long, value_name = "SERVICE")]
    pub(super) service: Option<String>,
    /// Mark the endpoint as internal: reachable only from the zone of the record
    #[arg(long)]
    pub(super) internal: bool,
    /// Prefer this record when several match
    #[arg(long)]
    pub(super) default: bool,
    /// Create a namespaced Extension in this project
    #[arg(long, value_name = "PROJECT")]
    pub(super) project: Option<String>,
    /// File or directory of complete records, or `-` for standard input; may be repeated
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "PATH",
        conflicts_with_all = ["url", "resource", "category", "service", "internal", "default", "credentials", "from_service", "from_template"]
    )]
    pub(super) files: Vec<PathBuf>,
    /// Propose a record from this Service and the Ingresses that route to it
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        conflicts_with_all = ["url", "internal", "from_template"]
    )]
    pub(super) from_service: Option<String>,
    /// Template to fill in: a built-in one, a file, or package:NAME[/TEMPLATE][@RANGE]
    #[arg(
        long,
        value_name = "TEMPLATE",
        value_parser = TemplateParser,
        conflicts_with_all = ["internal", "resource", "category", "service"]
    )]
    pub(super) from_template: Option<String>,
    /// Template parameter; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "from_template", value_parser = setting)]
    pub(super) set: Vec<(String, String)>,
    /// Credential: KEY=secret:NAME/KEY references a Secret; KEY=file:PATH, KEY=env:NAME and KEY=prompt read a value, which the operator seals
    #[arg(long = "credential", value_name = "KEY=SOURCE", value_parser = CredentialParser)]
    pub(super) credentials: Vec<Credential>,
    /// Project that may use the credentials; default is every project; may be repeated
    #[arg(long, value_name = "PROJECT", conflicts_with = "files")]
    pub(super) for_project: Vec<String>,
    /// User who may use the credentials; may be repeated
    #[arg(long, value_name = "USER", conflicts_with = "files")]
    pub(super) for_user: Vec<String>,
    /// Output format of --dry-run; `helm` writes a template and values for a chart, and applies nothing
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: RecordFormat,
    /// Chart to which -o helm adds the template and the values; by default, they are printed
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) chart: Option<PathBuf>,
    #[command(flatten)]
    pub(super) options: ApplyOptions,
    #[command(flatten)]
    pub(super) cluster: Cluster,
}

/// Output format of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordFormat {
    /// YAML documents
    #[default]
    Yaml,
    /// JSON list
    Json,
    /// Template and values for a Helm chart
    Helm,
}

/// Flags that describe the product.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct About {
    /// Installed product
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Option<String>,
    /// Version of the product; only semantic versions match ranges
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// Zone in which the product runs
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
}

impl About {
    /// Sets the given fields of a spec.
    pub(crate) fn write(&self, spec: &mut Value) {
        set(spec, "product", self.product.as_deref());
        set(spec, "version", self.version.as_deref());
        set(spec, "zone", self.zone.as_deref());
    }
}

/// Parser of template names. Help and completion list the built-in templates.
#[derive(Clone, Debug)]
pub(super) struct TemplateParser;

impl TypedValueParser for TemplateParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(built_in().map(PossibleValue::new)))
    }
}

/// Parses `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Sets a field that is given.
pub(super) fn set(object: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[field] = json!(value);
    }
}
