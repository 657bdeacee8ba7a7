//! The command `rebind`, which lets the operator select the service of a binding again.

use anyhow::{Result, bail};
use clap::Args;
use extension_registry_api::REBIND_ANNOTATION;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_query::bind::bindings;
use extension_registry_query::cluster::connect;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::client::request;
use crate::draft::MANAGER;
use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format, namespace};
use crate::output::{self, Answer};

#[derive(Debug, Args)]
pub(crate) struct Rebind {
    /// Name of the binding
    #[arg(value_name = "NAME")]
    name: String,
    /// Namespace to use
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    cluster: Cluster,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A request to select the service of a binding again.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Rebound {
    namespace: String,
    binding: String,
    /// Value of the annotation `registry.fuseml.io/rebind`; once the operator has handled it, it is in
    /// `status.lastRebind`
    requested: String,
}

impl Answer for Rebound {
    fn names(&self) -> Vec<String> {
        vec![format!("{}/{}", self.namespace, self.binding)]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self {
            namespace, binding, ..
        } = self;
        output::write_line!(out, "{binding}: the operator selects its service again")?;
        output::hint(
            out,
            &format!("see the result with `kubectl ext status {binding} -n {namespace}`"),
        )?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Rebind, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let name = &verb.name;
    let answer = request("requesting", &verb.cluster, async {
        let (client, default_namespace) = connect(&verb.cluster.connection(None)).await?;
        let namespace = verb.namespace.as_deref().unwrap_or(&default_namespace);
        let requested = Timestamp::now().to_string();
        let patch = json!({"metadata": {"annotations": {REBIND_ANNOTATION: requested}}});
        let parameters = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let api = bindings(&client, namespace);
        match api.patch(name, &parameters, &Patch::Merge(&patch)).await {
            Ok(_) => Ok(Rebound {
                namespace: namespace.to_owned(),
                binding: name.clone(),
                requested,
            }),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                let failure = Failure::new(format!(
                    "binding `{name}` not found in namespace {namespace}"
                ));
                bail!(failure.hint("list bindings with `kubectl get extb`"))
            }
            Err(kube::Error::Api(status)) => bail!(Failure::from(Note::received(&status.message))),
            Err(error) => Err(error.into()),
        }
    })?;
    output::answer(out, verb.output, &answer)?;
    Ok(ExitStatus::Success)
}
