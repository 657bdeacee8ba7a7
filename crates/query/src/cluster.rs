//! Reads objects from a cluster. Secrets are never read: the permissions of the user differ from those of the
//! operator.

pub mod unreachable;

mod connection;

pub use connection::{Connection, connect};

use std::error::Error;
use std::fmt;

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::diagnostic::Failure;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::Value;

use crate::Result;
use crate::inventory::{Note, ReadLog, Scope, Settings};

/// Kind of bindings.
const BINDING: &str = "ExtensionBinding";

/// Page size of lists.
const PAGE: u32 = 500;

/// Returns the API of the records of a project, or of cluster-scoped records.
#[must_use]
pub fn records_of(client: &Client, project: Option<&str>) -> Api<DynamicObject> {
    match project {
        Some(project) => api(client, "Extension", "extensions", Some(project)),
        None => api(client, "ClusterExtension", "clusterextensions", None),
    }
}

/// The API server denied a request; the text is its message.
#[derive(Debug)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl Error for Forbidden {}

/// Lists the objects of a scope. `namespace` is the one to read unless all are.
pub(crate) async fn list(
    client: &Client,
    namespace: &str,
    settings: &Settings,
    scope: Scope,
    log: &mut ReadLog,
) -> Result<Vec<Value>> {
    let mut objects = Vec::new();
    if scope.records {
        let api = api(client, "ClusterExtension", "clusterextensions", None);
        objects.extend(all(&api, "ClusterExtension").await.map_err(explain)?);
    }
    let kinds = [
        ("Extension", "extensions", scope.records),
        ("Workflow", "workflows", scope.consumers),
        (BINDING, "extensionbindings", scope.consumers),
    ];
    for (kind, plural, _) in kinds.into_iter().filter(|(_, _, is_read)| *is_read) {
        let own = api(client, kind, plural, Some(namespace));
        let is_wide =
            settings.all_namespaces || (scope.all_namespaces && settings.namespace.is_none());
        let listed = if is_wide {
            match all(&api(client, kind, plural, None), kind).await {
                // All namespaces were not requested explicitly: fall back to one.
                Err(kube::Error::Api(status)) if status.code == 403 && !settings.all_namespaces => {
                    log.notes.push(Note::new(format!(
                        "not allowed to list {plural} in all namespaces; using namespace `{namespace}` only"
                    )));
                    all(&own, kind).await
                }
                result => result,
            }
        } else {
            all(&own, kind).await
        };
        match listed {
            // Installations and roles that are older than the kind.
            Err(kube::Error::Api(status))
                if kind == BINDING && matches!(status.code, 403 | 404) =>
            {
                log.notes.push(unread_bindings(status.code));
            }
            listed => objects.extend(listed.map_err(explain)?),
        }
    }
    Ok(objects)
}

fn unread_bindings(code: u16) -> Note {
    if code == 404 {
        let note = Note::new("bindings are not included: the cluster has no kind ExtensionBinding");
        return note.hint("upgrade the chart and its CRDs");
    }
    let note = Note::new("bindings are not included: not allowed to list extensionbindings");
    note.hint("ask a cluster administrator to grant you the ClusterRole extension-registry-view")
}

fn explain(error: kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) if status.code == 403 => Failure::new(status.message.clone())
            .hint("ask a cluster administrator to grant you the ClusterRole extension-registry-view, or pass one of your namespaces with -n")
            .caused_by(Forbidden(status.message)),
        kube::Error::Api(status) if status.code == 404 => Failure::new(format!(
            "the Extension Registry is not installed ({GROUP}/{VERSION} not found)"
        ))
        .hint("run `kubectl ext doctor`"),
        error => Failure::new("failed to query the cluster").caused_by(error),
    }
}

/// Checks that the cluster is reachable, before the user is prompted for values.
///
/// # Errors
/// If the server does not respond, or rejects the credentials of the user.
pub async fn check_reachable(client: &Client) -> Result<()> {
    match client.apiserver_version().await {
        Ok(_) => Ok(()),
        // Permissions are checked by the actual request, except for invalid credentials.
        Err(kube::Error::Api(status)) if status.code != 401 => Ok(()),
        Err(error) => Err(explain(error)),
    }
}

fn api(client: &Client, kind: &str, plural: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn all(api: &Api<DynamicObject>, kind: &str) -> kube::Result<Vec<Value>> {
    let mut objects = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&parameters).await?;
        for mut object in page.items {
            object.metadata.managed_fields = None;
            let mut object = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
            object["apiVersion"] = format!("{GROUP}/{VERSION}").into();
            object["kind"] = kind.into();
            objects.push(object);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(objects),
        }
    }
}
