//! Records that are about to be applied. They may hold values of credentials, so nothing can print one
//! but in its redacted form.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use extension_registry_api::{ClusterExtension, Extension};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::args::Cluster;
use crate::world::cluster::{record_api, records_of};
use crate::{output, plain};

/// Name under which this program applies.
const MANAGER: &str = "kubectl-ext";

/// A record with its values.
pub(crate) struct Draft(Value);

impl Draft {
    /// Wraps an object.
    pub(crate) fn new(object: Value) -> Self {
        Self(object)
    }

    /// What may be shown of it.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = self.0.clone();
        for entry in entries(&mut shown) {
            for field in ["/value", "/valueFrom/sealed"] {
                if let Some(value) = entry.pointer_mut(field) {
                    *value = output::REDACTED.into();
                }
            }
        }
        plain::redact(&mut shown);
        shown
    }

    /// Writes what may be shown of it, with the fields in the order of their definition.
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let shown = self.shown();
        if shown["kind"] == "Extension" {
            output::yaml(out, &serde_json::from_value::<Extension>(shown)?)
        } else {
            output::yaml(out, &serde_json::from_value::<ClusterExtension>(shown)?)
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.as_str()
    }

    /// Applies it (server-side apply).
    pub(crate) async fn apply(&self, client: &Client) -> Result<()> {
        let api = records_of(client, self.text("namespace"));
        let object: DynamicObject = serde_json::from_value(self.0.clone())?;
        let parameters = PatchParams::apply(MANAGER);
        let result = api
            .patch(self.name(), &parameters, &Patch::Apply(&object))
            .await;
        let hint = "kubectl ext update changes single fields of it, whoever wrote them";
        self.explained(
            result,
            &format!("was written by somebody else, with other values; hint: {hint}"),
        )
    }

    /// Puts it in the place of what was read.
    pub(crate) async fn replace(&self, cluster: &Cluster) -> Result<()> {
        let api = record_api(cluster, self.text("namespace")).await?;
        let object: DynamicObject = serde_json::from_value(self.0.clone())?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let result = api.replace(self.name(), &parameters, &object).await;
        self.explained(
            result,
            "was changed by somebody else meanwhile; hint: try again",
        )
    }

    fn explained(&self, result: kube::Result<DynamicObject>, conflict: &str) -> Result<()> {
        match result {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => {
                ensure!(status.code != 409, "record `{}` {conflict}", self.name());
                // It may quote a field, but never one of a value that the API server accepted.
                bail!("{}", status.message)
            }
            Err(error) => Err(error).context("failed to write the record"),
        }
    }
}

/// Shows drafts, and asks whether to go on. False, where they were only to be shown.
pub(crate) fn confirmed(drafts: &[Draft], how: &How, out: &mut Vec<u8>) -> Result<bool> {
    let mut text = Vec::new();
    for draft in drafts {
        if drafts.len() > 1 {
            writeln!(text, "---")?;
        }
        draft.write(&mut text)?;
    }
    if how.dry_run {
        out.append(&mut text);
        return Ok(false);
    }
    if !how.yes {
        let question = format!("{}\nApply this?", String::from_utf8_lossy(&text));
        ensure!(output::confirm(&question)?, "nothing was applied");
    }
    Ok(true)
}

/// How a change is made.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct How {
    /// Print what would be applied, values redacted, and apply nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply it without a question
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// The entries of all credentials.
pub(crate) fn entries(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    items(object.get_mut("spec"), "services")
        .flat_map(|service| items(Some(service), "credentials"))
        .flat_map(|set| items(Some(set), "configuration"))
}

/// The items of a list that may not be there.
pub(crate) fn items<'v>(
    of: Option<&'v mut Value>,
    field: &str,
) -> impl Iterator<Item = &'v mut Value> + use<'v> {
    of.and_then(|value| value.get_mut(field))
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}
