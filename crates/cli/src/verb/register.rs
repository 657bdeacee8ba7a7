//! `register`: a tool in one line. What was not said is taken from what was, from a template or from a
//! Service, and shown before it is applied.

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

use crate::args::Cluster;
use crate::draft::{self, Draft, How};
use crate::output::{self, Form};
use crate::report::human::complain;
use crate::world::World;
use crate::world::cluster;
use crate::{FINE, WRONG};

pub(crate) use credential::{Credential, Entry, Typed};

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Name of the record; also its product, where that is not said
    #[arg(
        value_name = "NAME",
        required_unless_present_any = ["files", "from_service"],
        conflicts_with = "files"
    )]
    name: Option<String>,
    /// Where it is reached
    #[arg(
        long,
        value_name = "URL",
        required_unless_present_any = ["files", "from_service", "from_template"]
    )]
    url: Option<String>,
    #[command(flatten)]
    about: About,
    /// What it offers: `s3`, `mlflow-tracking`
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// A wider word for that: `object-storage`
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Name of the service; the resource or the name of the record, where it is not said
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// The URL is reached from its own zone only
    #[arg(long)]
    internal: bool,
    /// It wins where several match
    #[arg(long)]
    default: bool,
    /// Of one project alone: makes an Extension there
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Whole records from a file or folder, or `-` for standard input; may be repeated
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "PATH",
        conflicts_with_all = ["url", "resource", "category", "service", "internal", "default", "credentials", "from_service", "from_template"]
    )]
    files: Vec<PathBuf>,
    /// Propose a record of this Service of the cluster, and of the Ingresses that lead to it
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        conflicts_with_all = ["url", "internal", "from_template"]
    )]
    from_service: Option<String>,
    /// Fill in a template: one of these, that of a file, or that of a package: package:NAME[/TEMPLATE][@RANGE]
    #[arg(
        long,
        value_name = "TEMPLATE",
        value_parser = template::Named,
        conflicts_with_all = ["internal", "resource", "category", "service"]
    )]
    from_template: Option<String>,
    /// A parameter of the template; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "from_template", value_parser = template::setting)]
    set: Vec<(String, String)>,
    /// A credential: KEY=secret:NAME/KEY refers to a Secret; KEY=file:PATH, KEY=env:NAME and KEY=prompt read a value, which the operator seals
    #[arg(long = "credential", value_name = "KEY=SOURCE", value_parser = Typed)]
    credentials: Vec<Credential>,
    /// Only this project may have the credentials; may be repeated
    #[arg(long, value_name = "PROJECT", conflicts_with = "files")]
    for_project: Vec<String>,
    /// Only this user may have the credentials; may be repeated
    #[arg(long, value_name = "USER", conflicts_with = "files")]
    for_user: Vec<String>,
    /// The form of what --dry-run prints
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    cluster: Cluster,
}

/// What a record says about its tool.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct About {
    /// What was installed
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Option<String>,
    /// Its version; a semantic version can match a range
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// Where it runs
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
}

impl About {
    /// Writes what was said over what there is.
    pub(crate) fn write(&self, spec: &mut Value) {
        set(spec, "product", self.product.as_deref());
        set(spec, "version", self.version.as_deref());
        set(spec, "zone", self.zone.as_deref());
    }
}

pub(crate) fn run(verb: &Register, out: &mut Vec<u8>) -> Result<u8> {
    if let Some(typed) = typed(verb)
        && complain(&World::check(typed))?
    {
        return Ok(WRONG);
    }
    if !verb.how.dry_run && io::stdin().is_terminal() {
        cluster::ask(
            "asking the cluster",
            &verb.cluster,
            cluster::answers(&verb.cluster),
        )?;
    }
    let drafts = if verb.files.is_empty() {
        vec![Draft::new(proposed(verb)?)]
    } else {
        let (objects, findings) = World::objects(&verb.files, verb.project.as_deref())?;
        if complain(&findings)? {
            return Ok(WRONG);
        }
        objects.into_iter().map(Draft::new).collect()
    };
    ensure!(!drafts.is_empty(), "no record in these files");
    if verb.files.is_empty() && complain(&World::check(drafts[0].shown()))? {
        return Ok(WRONG);
    }
    if verb.how.dry_run && verb.output == Form::Json {
        let shown: Vec<Value> = drafts.iter().map(Draft::shown).collect();
        output::objects(out, Form::Json, &shown)?;
        return Ok(FINE);
    }
    if !draft::confirmed(&drafts, &verb.how, out)? {
        return Ok(FINE);
    }
    cluster::ask("applying", &verb.cluster, async {
        let (client, _) = cluster::connect(&verb.cluster).await?;
        for draft in &drafts {
            draft.apply(&client).await?;
            writeln!(out, "{} registered", draft.name())?;
        }
        Ok(FINE)
    })
}

/// The record that was described in one line.
fn proposed(verb: &Register) -> Result<Value> {
    let (name, mut spec) = if let Some(template) = &verb.from_template {
        let name = verb.name.clone().unwrap_or_default();
        (name, template::spec(verb, template)?)
    } else if let Some(place) = &verb.from_service {
        let Some((namespace, service)) = place.split_once('/') else {
            bail!("`{place}` is no Service; hint: --from-service NAMESPACE/NAME");
        };
        let name = verb.name.clone().unwrap_or_else(|| service.to_owned());
        let found = cluster::ask(
            "asking the cluster",
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
    admit(verb, &mut spec)?;
    Ok(object(&name, verb.project.as_deref(), &spec))
}

/// A record: one of the cluster, or of a project.
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

/// What was typed of a record, as far as it needs no question and no cluster. What is wrong with that is said
/// first: nobody types a password for nothing.
fn typed(verb: &Register) -> Option<Value> {
    let name = verb.name.as_ref()?;
    let mut spec = json!({"product": name});
    // A template may make another address of it.
    if verb.from_template.is_none() && verb.url.is_some() {
        spec = line::offered(verb, name);
    }
    verb.about.write(&mut spec);
    Some(object(name, verb.project.as_deref(), &spec))
}

/// Writes who may have the credentials.
fn admit(verb: &Register, spec: &mut Value) -> Result<()> {
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
        "there are no credentials for them alone; hint: --credential KEY=SOURCE, or `access` in a record of -f FILE"
    );
    Ok(())
}

/// One set of credentials of everybody; None without any.
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
