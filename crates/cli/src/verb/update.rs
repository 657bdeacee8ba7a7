//! The command `update`, which changes single fields of a record.

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::Inventory;
use extension_registry_query::cluster::{connect, records_of};
use extension_registry_query::record::{self, Change, Changes};
use serde_json::{Value, json};

use super::register::{About, Credential, CredentialParser};
use crate::client::request;
use crate::draft::Draft;
use crate::exit::ExitStatus;
use crate::flags::{ApplyOptions, Cluster, Format};
use crate::output;
use crate::report::human::print_findings;

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Name of the record
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    about: About,
    /// New address of the endpoint
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Service whose endpoint or credentials to change, if the record has several services
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Endpoint to change, if the service has several
    #[arg(long, value_name = "ENDPOINT", requires = "url")]
    endpoint: Option<String>,
    /// Set of credentials to change, if the service has several
    #[arg(long, value_name = "SET", requires = "credentials")]
    set: Option<String>,
    /// Whether to prefer this record when several match
    #[arg(long, value_name = "BOOLEAN")]
    default: Option<bool>,
    /// New value or source of a credential: KEY=secret:NAME/KEY, KEY=file:PATH, KEY=env:NAME or KEY=prompt; may be repeated
    #[arg(long = "credential", value_name = "KEY=SOURCE", value_parser = CredentialParser)]
    credentials: Vec<Credential>,
    /// Project the record belongs to; if omitted, the record is cluster-scoped
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Output format of --dry-run
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    options: ApplyOptions,
    #[command(flatten)]
    cluster: Cluster,
}

pub(crate) fn run(verb: &Update, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let about = &verb.about;
    let has_changes = [&about.product, &about.version, &about.zone, &verb.url]
        .iter()
        .any(|field| field.is_some())
        || verb.default.is_some()
        || !verb.credentials.is_empty();
    ensure!(
        has_changes,
        Failure::new("no changes specified").hint("see `kubectl ext update --help`")
    );
    let object = request("querying the cluster", &verb.cluster, read(verb))?;
    let old = Draft::new(object.clone()).redacted();
    let object = changed(verb, object)?;
    let draft = Draft::new(object);
    if print_findings(&Inventory::check(draft.redacted()))? {
        return Ok(ExitStatus::Failure);
    }
    let mut changes = record::changes(&old["spec"], &draft.redacted()["spec"]);
    // Redacted values do not differ.
    changes.extend(verb.credentials.iter().map(|credential| Change {
        field: format!("credential {}", credential.key),
        before: Value::Null,
        after: Value::Null,
    }));
    if changes.is_empty() {
        output::write_line!(out, "{} unchanged", verb.name)?;
        return Ok(ExitStatus::Success);
    }
    if verb.options.dry_run {
        show(changes, verb.output, out)?;
        return Ok(ExitStatus::Success);
    }
    if !verb.options.yes {
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let question = format!("{}\nApply this to {}?", lines.join("\n"), verb.name);
        ensure!(output::confirm(&question)?, "canceled; nothing was changed");
    }
    request("applying", &verb.cluster, async {
        let (client, _) = connect(&verb.cluster.connection(None)).await?;
        draft.replace(&client).await
    })?;
    output::write_line!(out, "{} updated", verb.name)?;
    Ok(ExitStatus::Success)
}

fn show(changes: Vec<Change>, form: Format, out: &mut Vec<u8>) -> Result<()> {
    match form {
        Format::Json => output::json(out, &Changes { changes }),
        Format::Yaml => output::yaml(out, &Changes { changes }),
        Format::Name => {
            for change in changes {
                output::write_line!(out, "{}", change.field)?;
            }
            Ok(())
        }
        Format::Table | Format::Wide => {
            for change in changes {
                output::write_line!(out, "{change}")?;
            }
            Ok(())
        }
    }
}

async fn read(verb: &Update) -> Result<Value> {
    let (client, _) = connect(&verb.cluster.connection(None)).await?;
    let api = records_of(&client, verb.project.as_deref());
    let record = api
        .get_opt(&verb.name)
        .await
        .with_context(|| format!("failed to read record `{}`", verb.name))?;
    let mut record = record.ok_or_else(|| {
        Failure::new(format!("record `{}` not found", verb.name))
            .hint("list records with `kubectl ext list`")
    })?;
    record.metadata.managed_fields = None;
    Ok(serde_json::to_value(record)?)
}

fn changed(verb: &Update, mut object: Value) -> Result<Value> {
    let spec = object
        .get_mut("spec")
        .with_context(|| format!("record `{}` has no spec", verb.name))?;
    verb.about.write(spec);
    if let Some(default) = verb.default {
        spec["default"] = json!(default);
    }
    if verb.url.is_none() && verb.credentials.is_empty() {
        return Ok(object);
    }
    let service = record::only(spec, "services", verb.service.as_deref(), "service")?;
    if let Some(url) = &verb.url {
        let endpoint = record::only(service, "endpoints", verb.endpoint.as_deref(), "endpoint")?;
        endpoint["url"] = json!(url);
    }
    if verb.credentials.is_empty() {
        return Ok(object);
    }
    let set = record::only(service, "credentials", verb.set.as_deref(), "set")?;
    for credential in &verb.credentials {
        record::set_entry(set, credential.read()?.named(&credential.key));
    }
    Ok(object)
}
