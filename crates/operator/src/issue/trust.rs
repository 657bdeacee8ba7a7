//! Sets `caBundle` in the webhook configurations.
//!
//! It is applied under a field manager of its own that owns nothing else, so the installer of the configurations keeps
//! the rest, and an upgrade keeps the bundle. Only the named webhooks are applied: one that the next version of the
//! chart leaves out then belongs to the installer alone, who can remove it.

use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Error;
use crate::issue::IssueArgs;

/// Owns `caBundle` and nothing else.
const MANAGER: &str = "extension-registry-webhook";

/// Makes both configurations trust these authorities. `false` where one of them does not exist.
///
/// # Errors
/// When the API server rejects a request.
pub(super) async fn set(
    client: &Client,
    args: &IssueArgs,
    authorities: &[u8],
) -> Result<bool, Error> {
    let bundle = ByteString(authorities.to_vec());
    let mutating = apply::<MutatingWebhookConfiguration>(client, args, &bundle, |known| {
        let webhooks = known.webhooks.into_iter().flatten();
        webhooks.map(|webhook| webhook.name).collect()
    });
    let validating = apply::<ValidatingWebhookConfiguration>(client, args, &bundle, |known| {
        let webhooks = known.webhooks.into_iter().flatten();
        webhooks.map(|webhook| webhook.name).collect()
    });
    Ok(mutating.await? & validating.await?)
}

async fn apply<K>(
    client: &Client,
    args: &IssueArgs,
    bundle: &ByteString,
    names: impl Fn(K) -> Vec<String>,
) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let (api, kind) = (Api::<K>::all(client.clone()), K::kind(&()));
    let name = &args.configuration;
    let failed =
        |verb: &str, error: &kube::Error| Error::api(format!("{verb} {kind} {name}"), error);
    let known = api.get_opt(name).await;
    let Some(known) = known.map_err(|error| failed("read", &error))? else {
        return Ok(false);
    };
    let uid = known.meta().uid.clone();
    let webhooks: Vec<Value> = names(known)
        .into_iter()
        .filter(|webhook| args.webhooks.contains(webhook))
        .map(|webhook| json!({ "name": webhook, "clientConfig": { "caBundle": bundle } }))
        .collect();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": kind,
        // Fails where the configuration was deleted meanwhile.
        "metadata": { "uid": uid },
        "webhooks": webhooks,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let applied = api.patch(name, &parameters, &Patch::Apply(patch)).await;
    applied.map_err(|error| failed("apply caBundle to", &error))?;
    tracing::info!(%kind, name, "caBundle set");
    Ok(true)
}
