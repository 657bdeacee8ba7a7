//! Secrets with keys that the operator creates in its own namespace on the first start.

use std::collections::BTreeMap;

use anyhow::Context as _;
use extension_registry_core::diagnostic::explained;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};

/// Length of a new key in bytes.
const KEY_LENGTH: usize = 32;

/// Returns the data of a Secret and creates it with one random key if it does not exist.
///
/// # Errors
/// If a request fails or the system provides no random bytes.
pub async fn read_or_create(
    client: &Client,
    namespace: &str,
    name: &str,
    entry: &str,
) -> anyhow::Result<BTreeMap<String, ByteString>> {
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    loop {
        let known = api
            .get_opt(name)
            .await
            .with_context(|| format!("failed to read Secret {namespace}/{name}"))?;
        if let Some(secret) = known {
            return Ok(secret.data.unwrap_or_default());
        }
        let mut key = vec![0; KEY_LENGTH];
        getrandom::fill(&mut key).context("failed to get random bytes")?;
        let data = BTreeMap::from([(entry.to_owned(), ByteString(key))]);
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(data.clone()),
            ..Secret::default()
        };
        match api.create(&PostParams::default(), &secret).await {
            Ok(_) => return Ok(data),
            // Another replica created it first; read its key.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    explained(
                        &format!("failed to create Secret {namespace}/{name}"),
                        &[format!("check that namespace {namespace} exists")],
                    )
                });
            }
        }
    }
}
