//! The kinds that are read and written, as JSON.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

/// A kind by its name.
pub(crate) fn kind(name: &str) -> ApiResource {
    let (group, version, plural) = match name {
        "ClusterExtension" => ("registry.fuseml.io", "v1alpha1", "clusterextensions"),
        "Workflow" => ("registry.fuseml.io", "v1alpha1", "workflows"),
        "ExtensionProjection" => ("registry.fuseml.io", "v1alpha1", "extensionprojections"),
        "RunGate" => ("registry.fuseml.io", "v1alpha1", "rungates"),
        "Pipeline" => ("tekton.dev", "v1", "pipelines"),
        "PipelineRun" => ("tekton.dev", "v1", "pipelineruns"),
        "Namespace" => ("", "v1", "namespaces"),
        _ => ("", "v1", "secrets"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural)
}

/// Objects of a kind in one namespace.
pub(crate) fn within(client: &Client, name: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &kind(name))
}

/// Objects of a kind everywhere.
pub(crate) fn everywhere(client: &Client, name: &str) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &kind(name))
}
