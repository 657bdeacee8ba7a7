//! Writes the bundle of authorities into the webhook configurations.
//!
//! It is applied under a field manager of its own that owns nothing else, so that whoever installed
//! the configurations keeps the rest, and an upgrade leaves the bundle alone.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{Error, code};

/// Owns the bundle and nothing else.
const MANAGER: &str = "extension-registry-webhook";

/// Makes sure that both configurations of this name trust the bundle. `false` when there is none of
/// one kind: nobody is asked then.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn run(client: &Client, name: &str, bundle: &str) -> Result<bool, Error> {
    let mutating = write(
        &Api::<MutatingWebhookConfiguration>::all(client.clone()),
        name,
        bundle,
        |configuration| {
            let webhooks = configuration.webhooks.iter().flatten();
            webhooks
                .map(|webhook| {
                    (
                        webhook.name.clone(),
                        webhook.client_config.ca_bundle.clone(),
                    )
                })
                .collect()
        },
    )
    .await?;
    let validating = write(
        &Api::<ValidatingWebhookConfiguration>::all(client.clone()),
        name,
        bundle,
        |configuration| {
            let webhooks = configuration.webhooks.iter().flatten();
            webhooks
                .map(|webhook| {
                    (
                        webhook.name.clone(),
                        webhook.client_config.ca_bundle.clone(),
                    )
                })
                .collect()
        },
    )
    .await?;
    Ok(mutating && validating)
}

async fn write<K>(
    api: &Api<K>,
    name: &str,
    bundle: &str,
    bundles: impl Fn(&K) -> Vec<(String, Option<ByteString>)>,
) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let kind = K::kind(&());
    let known = api
        .get_opt(name)
        .await
        .map_err(|error| Error::api(format!("read {kind} {name}"), &error))?;
    let Some(known) = known else {
        return Ok(false);
    };
    let bundles = bundles(&known);
    let is_current = |(_, known): &(String, Option<ByteString>)| {
        known
            .as_ref()
            .is_some_and(|known| known.0 == bundle.as_bytes())
    };
    if bundles.iter().all(is_current) {
        return Ok(true);
    }
    let encoded = ByteString(bundle.as_bytes().to_vec());
    let webhooks: Vec<Value> = bundles
        .iter()
        .map(|(name, _)| json!({ "name": name, "clientConfig": { "caBundle": encoded } }))
        .collect();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": kind,
        // Nothing is made where somebody has just deleted it.
        "metadata": { "uid": known.meta().uid },
        "webhooks": webhooks,
    });
    match api
        .patch(
            name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(patch),
        )
        .await
    {
        Ok(_) => {
            tracing::info!(%kind, name, "the bundle of authorities is written");
            Ok(true)
        }
        Err(error) if code(&error) == 404 => Ok(false),
        Err(error) => Err(Error::api(
            format!("write the bundle into {kind} {name}"),
            &error,
        )),
    }
}
