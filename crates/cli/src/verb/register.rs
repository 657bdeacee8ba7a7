//! The command `register`. Builds a record from flags, a template, a Service or files, and shows it before it is
//! applied.

mod credential;
mod line;
mod service;
mod template;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use extension_registry_api::{GROUP, VERSION};
use serde_json::{Map, Value, json};

use crate::ExitStatus;
use crate::args::Cluster;
use crate::draft::{self, ApplyOptions, Draft};
use crate::inventory::Inventory;
use crate::inventory::cluster;
use crate::output::{self, ObjectFormat};
use crate::report::human::print_findings;

pub(crate) use credential::{Credential, CredentialParser, Entry};

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Name of the record; default for --product
    #[arg(
        value_name = "NAME",
        required_unless_present_any = ["files", "from_service"],
        conflicts_with = "files"
    )]
    name: Option<String>,
    /// Address of the service
    #[arg(
        long,
        value_name = "URL",
        required_unless_present_any = ["files", "from_service", "from_template"]
    )]
    url: Option<String>,
    #[command(flatten)]
    about: About,
    /// Resource that the service offers: `s3`, `mlflow-tracking`
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Category of the resource: `object-storage`
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Name of the service; default is the resource, or the name of the record
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// The URL is reachable only from its own zone
    #[arg(long)]
    internal: bool,
    /// Prefer this record when several match
    #[arg(long)]
    default: bool,
    /// Create a namespaced Extension in this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// File or folder of complete records, or `-` for standard input; may be repeated
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "PATH",
        conflicts_with_all = ["url", "resource", "category", "service", "internal", "default", "credentials", "from_service", "from_template"]
    )]
    files: Vec<PathBuf>,
    /// Propose a record from this Service and the Ingresses that route to it
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        conflicts_with_all = ["url", "internal", "from_template"]
    )]
    from_service: Option<String>,
    /// Template to fill in: a built-in one, a file, or package:NAME[/TEMPLATE][@RANGE]
    #[arg(
        long,
        value_name = "TEMPLATE",
        value_parser = template::TemplateParser,
        conflicts_with_all = ["internal", "resource", "category", "service"]
    )]
    from_template: Option<String>,
    /// Template parameter; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "from_template", value_parser = template::setting)]
    set: Vec<(String, String)>,
    /// Credential: KEY=secret:NAME/KEY references a Secret; KEY=file:PATH, KEY=env:NAME and KEY=prompt read a value, which the operator seals
    #[arg(long = "credential", value_name = "KEY=SOURCE", value_parser = CredentialParser)]
    credentials: Vec<Credential>,
    /// Project that may use the credentials; default is every project; may be repeated
    #[arg(long, value_name = "PROJECT", conflicts_with = "files")]
    for_project: Vec<String>,
    /// User who may use the credentials; may be repeated
    #[arg(long, value_name = "USER", conflicts_with = "files")]
    for_user: Vec<String>,
    /// Output format of --dry-run
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
    #[command(flatten)]
    options: ApplyOptions,
    #[command(flatten)]
    cluster: Cluster,
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

pub(crate) fn run(verb: &Register, out: &mut Vec<u8>) -> Result<ExitStatus> {
    if let Some(partial) = partial_record(verb)
        && print_findings(&Inventory::check(partial))?
    {
        return Ok(ExitStatus::Failure);
    }
    if !verb.options.dry_run && io::stdin().is_terminal() {
        cluster::request(
            "querying the cluster",
            &verb.cluster,
            cluster::answers(&verb.cluster),
        )?;
    }
    let drafts = if verb.files.is_empty() {
        vec![Draft::new(build_record(verb)?)]
    } else {
        let (objects, findings) = Inventory::objects(&verb.files, verb.project.as_deref())?;
        if print_findings(&findings)? {
            return Ok(ExitStatus::Failure);
        }
        objects.into_iter().map(Draft::new).collect()
    };
    ensure!(!drafts.is_empty(), "no records found in the files");
    if verb.files.is_empty() && print_findings(&Inventory::check(drafts[0].redacted()))? {
        return Ok(ExitStatus::Failure);
    }
    if verb.options.dry_run && verb.output == ObjectFormat::Json {
        let shown: Vec<Value> = drafts.iter().map(Draft::redacted).collect();
        output::objects(out, ObjectFormat::Json, &shown)?;
        return Ok(ExitStatus::Success);
    }
    if !draft::confirm(&drafts, &verb.options, out)? {
        return Ok(ExitStatus::Success);
    }
    cluster::request("applying", &verb.cluster, async {
        let (client, _) = cluster::connect(&verb.cluster).await?;
        for draft in &drafts {
            draft.apply(&client).await?;
            writeln!(out, "{} registered", draft.name())?;
        }
        Ok(ExitStatus::Success)
    })
}

/// Builds the record from the flags.
fn build_record(verb: &Register) -> Result<Value> {
    let (name, mut spec) = if let Some(template) = &verb.from_template {
        let name = verb.name.clone().unwrap_or_default();
        (name, template::spec(verb, template)?)
    } else if let Some(place) = &verb.from_service {
        let Some((namespace, service)) = place.split_once('/') else {
            bail!("invalid Service `{place}`; hint: pass --from-service NAMESPACE/NAME");
        };
        let name = verb.name.clone().unwrap_or_else(|| service.to_owned());
        let found = cluster::request(
            "querying the cluster",
            &verb.cluster,
            service::find(&verb.cluster, namespace, service),
        )?;
        (name, service::spec(verb, &found)?)
    } else {
        let name = verb.name.clone().unwrap_or_default();
        let spec = line::spec(verb, &name)?;
        (name, spec)
    };
    verb.about.write(&mut spec);
    if verb.default {
        spec["default"] = json!(true);
    }
    restrict(verb, &mut spec)?;
    Ok(object(&name, verb.project.as_deref(), &spec))
}

/// Builds a cluster-scoped record, or one of a project.
fn object(name: &str, project: Option<&str>, spec: &Value) -> Value {
    let mut metadata = Map::from_iter([("name".to_owned(), json!(name))]);
    let kind = if let Some(project) = project {
        metadata.insert("namespace".to_owned(), json!(project));
        "Extension"
    } else {
        "ClusterExtension"
    };
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    })
}

/// Returns the part of the record that needs no prompt and no cluster. It is validated first, so that the user does
/// not enter a password in vain.
fn partial_record(verb: &Register) -> Option<Value> {
    let name = verb.name.as_ref()?;
    let mut spec = json!({"product": name});
    // A template may change the address.
    if verb.from_template.is_none() && verb.url.is_some() {
        spec = line::without_credentials(verb, name);
    }
    verb.about.write(&mut spec);
    Some(object(name, verb.project.as_deref(), &spec))
}

/// Restricts the credentials to projects and users.
fn restrict(verb: &Register, spec: &mut Value) -> Result<()> {
    let scope = match (verb.for_user.is_empty(), verb.for_project.is_empty()) {
        (false, _) => "user",
        (true, false) => "project",
        (true, true) => return Ok(()),
    };
    let mut sets = 0;
    for service in draft::items(Some(spec), "services") {
        for set in draft::items(Some(service), "credentials") {
            sets += 1;
            set["scope"] = json!(scope);
            if !verb.for_project.is_empty() {
                set["project"] = json!(verb.for_project);
            }
            if !verb.for_user.is_empty() {
                set["user"] = json!(verb.for_user);
            }
        }
    }
    ensure!(
        sets > 0,
        "--for-project and --for-user apply only to credentials; hint: pass --credential KEY=SOURCE, or set `access` in a record and pass it with -f FILE"
    );
    Ok(())
}

/// Builds a set of credentials for everyone; None without --credential.
fn credentials(verb: &Register) -> Result<Option<Value>> {
    if verb.credentials.is_empty() {
        return Ok(None);
    }
    let mut configuration = Vec::new();
    for credential in &verb.credentials {
        configuration.push(credential.read()?.named(&credential.key));
    }
    let set = json!({"name": "main", "scope": "global", "configuration": configuration});
    Ok(Some(json!([set])))
}

pub(crate) fn set(object: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[field] = json!(value);
    }
}
