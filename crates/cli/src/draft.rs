//! Records to be applied. They may contain credentials, so they can be printed only in redacted form.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use extension_registry_api::{ClusterExtension, Extension};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::args::Cluster;
use crate::inventory::cluster::{record_api, records_of};
use crate::{output, plain};

/// Field manager of this program.
const MANAGER: &str = "kubectl-ext";

/// A record with its credentials.
pub(crate) struct Draft(Value);

impl Draft {
    /// Wraps an object.
    pub(crate) fn new(object: Value) -> Self {
        Self(object)
    }

    /// Returns the redacted record.
    pub(crate) fn redacted(&self) -> Value {
        let mut redacted = self.0.clone();
        for entry in entries(&mut redacted) {
            for field in ["/value", "/valueFrom/sealed"] {
                if let Some(value) = entry.pointer_mut(field) {
                    *value = output::REDACTED.into();
                }
            }
        }
        plain::redact(&mut redacted);
        redacted
    }

    /// Writes the redacted record, with fields in the order of the type definition.
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let object = self.redacted();
        if object["kind"] == "Extension" {
            output::yaml(out, &serde_json::from_value::<Extension>(object)?)
        } else {
            output::yaml(out, &serde_json::from_value::<ClusterExtension>(object)?)
        }
    }

    /// Returns the name of the record.
    pub(crate) fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.as_str()
    }

    /// Applies the record (server-side apply).
    pub(crate) async fn apply(&self, client: &Client) -> Result<()> {
        let api = records_of(client, self.text("namespace"));
        let object: DynamicObject = serde_json::from_value(self.0.clone())?;
        let parameters = PatchParams::apply(MANAGER);
        let result = api
            .patch(self.name(), &parameters, &Patch::Apply(&object))
            .await;
        let hint = "change single fields with `kubectl ext update`";
        self.check_conflict(
            result,
            &format!("conflicts with fields of another manager; hint: {hint}"),
        )
    }

    /// Replaces the record, unless it changed since it was read.
    pub(crate) async fn replace(&self, cluster: &Cluster) -> Result<()> {
        let api = record_api(cluster, self.text("namespace")).await?;
        let object: DynamicObject = serde_json::from_value(self.0.clone())?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let result = api.replace(self.name(), &parameters, &object).await;
        self.check_conflict(result, "was modified by another client; hint: try again")
    }

    fn check_conflict(&self, result: kube::Result<DynamicObject>, conflict: &str) -> Result<()> {
        match result {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => {
                ensure!(status.code != 409, "record `{}` {conflict}", self.name());
                // The message may quote fields, but no credential that passed validation.
                bail!("{}", status.message)
            }
            Err(error) => Err(error).context("failed to write the record"),
        }
    }
}

/// Prints drafts and asks for confirmation. Returns false for a dry run.
pub(crate) fn confirm(drafts: &[Draft], options: &ApplyOptions, out: &mut Vec<u8>) -> Result<bool> {
    let mut text = Vec::new();
    for draft in drafts {
        if drafts.len() > 1 {
            writeln!(text, "---")?;
        }
        draft.write(&mut text)?;
    }
    if options.dry_run {
        out.append(&mut text);
        return Ok(false);
    }
    if !options.yes {
        let question = format!("{}\nApply this?", String::from_utf8_lossy(&text));
        ensure!(output::confirm(&question)?, "canceled, nothing was applied");
    }
    Ok(true)
}

/// Flags of commands that apply records.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ApplyOptions {
    /// Print what would be applied, with values redacted, without applying it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Returns the entries of all credentials.
pub(crate) fn entries(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    items(object.get_mut("spec"), "services")
        .flat_map(|service| items(Some(service), "credentials"))
        .flat_map(|set| items(Some(set), "configuration"))
}

/// Returns the items of a list, none if the list does not exist.
pub(crate) fn items<'v>(
    of: Option<&'v mut Value>,
    field: &str,
) -> impl Iterator<Item = &'v mut Value> + use<'v> {
    of.and_then(|value| value.get_mut(field))
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}
