//! The command `bind`, which creates a binding and requests it in the Pod template of a workload.

use anyhow::{Result, bail, ensure};
use clap::Args;
use extension_registry_api::ExtensionBinding;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_query::Inventory;
use extension_registry_query::bind::{Workload, binding, bindings, name, selectors};
use extension_registry_query::cluster::connect;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::client::request;
use crate::draft::MANAGER;
use crate::exit::ExitStatus;
use crate::flags::{ApplyOptions, Cluster, ObjectFormat, namespace};
use crate::output;
use crate::report::human::print_findings;

#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// Workload with a Pod template, e.g. deployment/app or cronjob/nightly
    #[arg(value_name = "KIND/NAME")]
    workload: String,
    /// Selectors of the service, e.g. product=mlflow,resource=s3; without them, --name must name an existing binding
    #[arg(
        long,
        value_name = "SELECTOR=VALUE,...",
        required_unless_present = "name"
    )]
    to: Option<String>,
    /// Name of the binding; default is the value of the first selector of resource, product, service, extension and category
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Container that uses the binding; default is all containers of the Pod; may be repeated
    #[arg(long = "container", value_name = "CONTAINER")]
    containers: Vec<String>,
    /// Namespace to use
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    /// Output format of --dry-run
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
    #[command(flatten)]
    options: ApplyOptions,
    #[command(flatten)]
    cluster: Cluster,
}

pub(crate) fn run(verb: &Bind, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let workload = Workload::parse(&verb.workload)?;
    let wanted = verb.to.as_deref().map(selectors).transpose()?;
    let name = name(verb.name.as_deref(), wanted.as_deref().unwrap_or_default())?;
    let namespace = verb.namespace.as_deref();
    let object = wanted.map(|wanted| binding(&name, namespace, &wanted));
    if let Some(object) = &object
        && print_findings(&Inventory::check(object.clone()))?
    {
        return Ok(ExitStatus::Failure);
    }
    let manifest = workload.manifest(namespace, &name, &verb.containers);
    let objects: Vec<Value> = object.iter().cloned().chain([manifest]).collect();
    let mut text = Vec::new();
    output::objects(&mut text, verb.output, &objects)?;
    if verb.options.dry_run {
        let note = Note::new("the cluster was not contacted");
        output::note(
            &note.hint("if the Pod template has these annotations, add the names to them"),
        )?;
        out.append(&mut text);
        return Ok(ExitStatus::Success);
    }
    if !verb.options.yes {
        let question = format!("{}\nApply this?", String::from_utf8_lossy(&text));
        ensure!(output::confirm(&question)?, "canceled; nothing was applied");
    }
    let is_changed = request("applying", &verb.cluster, async {
        let (client, default_namespace) = connect(&verb.cluster.connection(None)).await?;
        let namespace = namespace.unwrap_or(&default_namespace);
        let api =
            Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &workload.resource());
        let live = api.get_opt(&workload.name).await.map_err(received)?;
        let Some(live) = live else {
            bail!(Failure::new(format!(
                "{} not found in namespace {namespace}",
                workload.text()
            )));
        };
        let bindings = bindings(&client, namespace);
        if let Some(object) = object {
            apply(&bindings, &name, object).await?;
        } else if bindings.get_opt(&name).await.map_err(received)?.is_none() {
            let failure = Failure::new(format!("binding `{name}` not found"));
            bail!(
                failure.hint("pass selectors with --to, or list bindings with `kubectl get extb`")
            );
        }
        let live = serde_json::to_value(live)?;
        let Some(patch) = workload.patch(&live, &name, &verb.containers) else {
            return Ok(false);
        };
        let parameters = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patched = api
            .patch(&workload.name, &parameters, &Patch::Merge(&patch))
            .await;
        match patched {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let failure = Failure::new(format!(
                    "{} was modified by another client",
                    workload.text()
                ));
                bail!(failure.hint("try again"))
            }
            patched => patched.map(|_| true).map_err(received),
        }
    })?;
    let change = if is_changed {
        "bound to"
    } else {
        "already bound to"
    };
    output::write_line!(out, "{} {change} {name}", workload.text())?;
    Ok(ExitStatus::Success)
}

async fn apply(api: &Api<ExtensionBinding>, name: &str, object: Value) -> Result<()> {
    let parameters = PatchParams::apply(MANAGER);
    match api.patch(name, &parameters, &Patch::Apply(&object)).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let message =
                format!("binding `{name}` has other selectors, which another field manager owns");
            let hint = format!("pass another --name, or omit --to to use `{name}` as it is");
            bail!(Failure::new(message).hint(hint))
        }
        applied => applied.map(|_| ()).map_err(received),
    }
}

/// Returns the error of a request, without escape sequences that the server sent.
fn received(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => Failure::from(Note::received(&status.message)).into(),
        error => error.into(),
    }
}
