//! Statuses of objects with an invalid spec, which the stores cannot hold.

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// An object whose spec cannot be deserialized.
pub(crate) struct Live<S> {
    /// `metadata.generation`.
    pub(crate) generation: i64,
    /// The status; the default if it cannot be deserialized.
    pub(crate) status: S,
}

/// Reads generation and status of an object without deserializing its spec; `None` if it does not exist.
///
/// # Errors
/// If the request fails.
pub(crate) async fn read<K, S>(
    client: &Client,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<Live<S>>, Error>
where
    K: Resource<DynamicType = ()>,
    S: DeserializeOwned + Default,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let object = api
        .get_opt(name)
        .await
        .map_err(|error| Error::api(format!("get {} {name}", resource.kind), &error))?;
    Ok(object.map(|mut object| Live {
        generation: object.metadata.generation.unwrap_or_default(),
        status: serde_json::from_value(object.data["status"].take()).unwrap_or_default(),
    }))
}
