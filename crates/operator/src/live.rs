//! Statuses of objects that the stores cannot hold, read from the API server.

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// What stands in the cluster of an object whose spec cannot be read.
pub(crate) struct Live<S> {
    /// `metadata.generation`.
    pub(crate) generation: i64,
    /// The status, as far as it can be read.
    pub(crate) status: S,
}

/// Reads generation and status of an object, whatever its spec looks like; `None` when it is gone.
///
/// # Errors
/// When the API server does not answer.
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
        .map_err(|error| Error::api(format!("look at {} {name}", resource.kind), &error))?;
    Ok(object.map(|mut object| Live {
        generation: object.metadata.generation.unwrap_or_default(),
        status: serde_json::from_value(object.data["status"].take()).unwrap_or_default(),
    }))
}
