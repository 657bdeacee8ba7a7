//! The command `register`. Builds a record from flags, a template, a Service or files, and shows it before it is
//! applied.

mod arguments;
mod build;
mod chart;
mod credential;
mod template;

use std::io::{self, IsTerminal};

use anyhow::{Result, bail, ensure};
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::cluster::{check_reachable, connect};
use extension_registry_query::service::{self, Offer};
use extension_registry_query::{Inventory, record};
use serde_json::{Value, json};

use crate::client::request;
use crate::draft::{self, Draft};
use crate::exit::ExitStatus;
use crate::flags::ObjectFormat;
use crate::open::{self, logged};
use crate::output;
use crate::report::human::print_findings;

use arguments::RecordFormat;
pub(crate) use arguments::{About, Register};
pub(crate) use credential::{Credential, CredentialParser};

pub(crate) fn run(verb: &Register, out: &mut Vec<u8>) -> Result<ExitStatus> {
    chart::check(verb)?;
    if let Some(partial) = partial_record(verb)
        && print_findings(&Inventory::check(partial))?
    {
        return Ok(ExitStatus::Failure);
    }
    let is_applied = !verb.options.dry_run && verb.output != RecordFormat::Helm;
    if is_applied && io::stdin().is_terminal() {
        request("querying the cluster", &verb.cluster, async {
            let (client, _) = connect(&verb.cluster.connection(None)).await?;
            Ok(check_reachable(&client).await?)
        })?;
    }
    let objects = if verb.files.is_empty() {
        vec![build_record(verb)?]
    } else {
        let input = open::input(&verb.files, "register");
        let project = verb.project.as_deref();
        let (objects, findings) = logged(|log| Ok(Inventory::objects(&input, project, log)?))?;
        if print_findings(&findings)? {
            return Ok(ExitStatus::Failure);
        }
        objects
    };
    ensure!(!objects.is_empty(), "no records found in the files");
    if verb.files.is_empty() && print_findings(&Inventory::check(record::redacted(&objects[0])))? {
        return Ok(ExitStatus::Failure);
    }
    if verb.output == RecordFormat::Helm {
        return chart::write(verb, &objects, out);
    }
    let drafts: Vec<Draft> = objects.into_iter().map(Draft::new).collect();
    if verb.options.dry_run && verb.output == RecordFormat::Json {
        let shown: Vec<Value> = drafts.iter().map(Draft::redacted).collect();
        output::objects(out, ObjectFormat::Json, &shown)?;
        return Ok(ExitStatus::Success);
    }
    if !draft::confirm(&drafts, &verb.options, out)? {
        return Ok(ExitStatus::Success);
    }
    request("applying", &verb.cluster, async {
        let (client, _) = connect(&verb.cluster.connection(None)).await?;
        for draft in &drafts {
            draft.apply(&client).await?;
            output::write_line!(out, "{} registered", draft.name())?;
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
            let failure = Failure::new(format!("invalid Service `{place}`"));
            bail!(failure.hint("pass --from-service NAMESPACE/NAME"));
        };
        let name = verb.name.clone().unwrap_or_else(|| service.to_owned());
        (name, proposed(verb, namespace, service)?)
    } else {
        let name = verb.name.clone().unwrap_or_default();
        let spec = build::spec(verb, &name)?;
        (name, spec)
    };
    verb.about.write(&mut spec);
    if verb.default {
        spec["default"] = json!(true);
    }
    record::restrict(&mut spec, &verb.for_project, &verb.for_user)?;
    Ok(record::object(&name, verb.project.as_deref(), &spec))
}

/// Proposes the spec of a record for a Service of the cluster.
fn proposed(verb: &Register, namespace: &str, name: &str) -> Result<Value> {
    let found = logged(|log| {
        request("querying the cluster", &verb.cluster, async {
            let (client, _) = connect(&verb.cluster.connection(None)).await?;
            Ok(service::find(&client, namespace, name, log).await?)
        })
    })?;
    let offer = Offer {
        service: verb.service.as_deref(),
        resource: verb.resource.as_deref(),
        category: verb.category.as_deref(),
    };
    let mut spec = service::propose(&found, &offer)?;
    if let Some(credentials) = build::credentials(verb)? {
        for service in record::items(Some(&mut spec), "services") {
            service["credentials"] = credentials.clone();
        }
    }
    Ok(spec)
}

/// Returns the part of the record that needs no prompt and no cluster. It is validated first, so that the user does
/// not enter a password in vain.
fn partial_record(verb: &Register) -> Option<Value> {
    let name = verb.name.as_ref()?;
    let mut spec = json!({"product": name});
    // A template may change the address.
    if verb.from_template.is_none() && verb.url.is_some() {
        spec = build::without_credentials(verb, name);
    }
    verb.about.write(&mut spec);
    Some(record::object(name, verb.project.as_deref(), &spec))
}
