//! Sets `caBundle` in the webhook configurations.
//!
//! A dedicated field manager owns only `caBundle`, so that the installer of the configurations keeps the other fields and
//! an upgrade keeps the bundle. Only the named webhooks are applied, so that a webhook which the next version of the chart
//! drops is owned by the installer alone and removed.

use std::fmt::Debug;

use extension_registry_runtime::error::Error;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Field manager that owns only `caBundle`.
const MANAGER: &str = "extension-registry-webhook";

/// The webhooks whose `caBundle` to set.
#[derive(Clone, Copy)]
pub(super) struct Webhooks<'a> {
    /// Name of the two configurations.
    pub(super) configuration: &'a str,
    /// Names of the webhooks in them.
    pub(super) names: &'a [String],
}

/// Sets `caBundle` in both configurations. Returns `false` if one of them does not exist.
///
/// # Errors
/// If a request fails.
pub(super) async fn set(
    client: &Client,
    webhooks: Webhooks<'_>,
    ca_bundle: &[u8],
) -> Result<bool, Error> {
    let bundle = ByteString(ca_bundle.to_vec());
    let mutating = apply::<MutatingWebhookConfiguration>(client, webhooks, &bundle, |known| {
        let webhooks = known.webhooks.into_iter().flatten();
        webhooks.map(|webhook| webhook.name).collect()
    });
    let validating = apply::<ValidatingWebhookConfiguration>(client, webhooks, &bundle, |known| {
        let webhooks = known.webhooks.into_iter().flatten();
        webhooks.map(|webhook| webhook.name).collect()
    });
    Ok(mutating.await? & validating.await?)
}

async fn apply<K>(
    client: &Client,
    webhooks: Webhooks<'_>,
    bundle: &ByteString,
    names: impl Fn(K) -> Vec<String>,
) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let (api, kind) = (Api::<K>::all(client.clone()), K::kind(&()));
    let name = webhooks.configuration;
    let failed =
        |verb: &str, error: &kube::Error| Error::api(format!("{verb} {kind} {name}"), error);
    let known = api.get_opt(name).await;
    let Some(known) = known.map_err(|error| failed("get", &error))? else {
        return Ok(false);
    };
    let uid = known.meta().uid.clone();
    let applied: Vec<Value> = names(known)
        .into_iter()
        .filter(|webhook| webhooks.names.contains(webhook))
        .map(|webhook| json!({ "name": webhook, "clientConfig": { "caBundle": bundle } }))
        .collect();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": kind,
        // With the uid, the apply fails if the configuration was deleted in the meantime.
        "metadata": { "uid": uid },
        "webhooks": applied,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let applied = api.patch(name, &parameters, &Patch::Apply(patch)).await;
    applied.map_err(|error| failed("apply caBundle to", &error))?;
    tracing::info!(%kind, name, "caBundle set");
    Ok(true)
}
