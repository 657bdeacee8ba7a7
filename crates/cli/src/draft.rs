//! Records to be applied. They may contain credentials, so they can be printed only in redacted form.

use anyhow::{Context, Result, bail, ensure};
use extension_registry_api::{ClusterExtension, Extension};
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_query::cluster::records_of;
use extension_registry_query::record;
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::flags::ApplyOptions;
use crate::output;

/// Field manager of this program.
pub(crate) const MANAGER: &str = "kubectl-ext";

/// A record with its credentials.
pub(crate) struct Draft(Value);

impl Draft {
    /// Wraps an object.
    pub(crate) fn new(object: Value) -> Self {
        Self(object)
    }

    /// Returns the redacted record.
    pub(crate) fn redacted(&self) -> Value {
        record::redacted(&self.0)
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
        self.check_conflict(
            result,
            "conflicts with fields owned by another field manager",
            "change individual fields with `kubectl ext update`",
        )
    }

    /// Replaces the record, unless it changed since it was read.
    pub(crate) async fn replace(&self, client: &Client) -> Result<()> {
        let api = records_of(client, self.text("namespace"));
        let object: DynamicObject = serde_json::from_value(self.0.clone())?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let result = api.replace(self.name(), &parameters, &object).await;
        self.check_conflict(result, "was modified by another client", "try again")
    }

    fn check_conflict(
        &self,
        result: kube::Result<DynamicObject>,
        conflict: &str,
        hint: &str,
    ) -> Result<()> {
        match result {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => {
                if status.code == 409 {
                    let message = format!("record `{}` {conflict}", self.name());
                    bail!(Failure::new(message).hint(hint));
                }
                // The message may quote fields, but no credential that passed validation.
                bail!(Failure::from(Note::received(&status.message)))
            }
            Err(error) => {
                Err(error).with_context(|| format!("failed to write record `{}`", self.name()))
            }
        }
    }
}

/// Prints drafts and asks for confirmation. Returns false for a dry run.
pub(crate) fn confirm(drafts: &[Draft], options: &ApplyOptions, out: &mut Vec<u8>) -> Result<bool> {
    let mut text = Vec::new();
    for draft in drafts {
        if drafts.len() > 1 {
            output::write_line!(&mut text, "---")?;
        }
        draft.write(&mut text)?;
    }
    if drafts
        .iter()
        .any(|draft| record::has_literal_credentials(&draft.0))
    {
        let note = Note::new(
            "literal credentials become part of the request, which an audit log may record",
        );
        output::note(
            &note.hint("store them in a Secret, and pass --credential KEY=secret:NAME/KEY"),
        )?;
    }
    if options.dry_run {
        out.append(&mut text);
        return Ok(false);
    }
    if !options.yes {
        let question = format!("{}\nApply this?", String::from_utf8_lossy(&text));
        ensure!(output::confirm(&question)?, "canceled; nothing was applied");
    }
    Ok(true)
}
