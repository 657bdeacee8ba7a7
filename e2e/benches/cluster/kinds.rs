//! Kinds that the benchmarks read and write as JSON.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

/// Returns the resource of a kind.
pub(crate) fn resource(name: &str) -> ApiResource {
    let (group, version, plural) = match name {
        "ClusterExtension" => ("registry.fuseml.io", "v1alpha1", "clusterextensions"),
        "Workflow" => ("registry.fuseml.io", "v1alpha1", "workflows"),
        "ExtensionBinding" => ("registry.fuseml.io", "v1alpha1", "extensionbindings"),
        "ExtensionProjection" => ("registry.fuseml.io", "v1alpha1", "extensionprojections"),
        "RunGate" => ("registry.fuseml.io", "v1alpha1", "rungates"),
        "Pipeline" => ("tekton.dev", "v1", "pipelines"),
        "PipelineRun" => ("tekton.dev", "v1", "pipelineruns"),
        "Namespace" => ("", "v1", "namespaces"),
        _ => ("", "v1", "secrets"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural)
}

/// Returns the API of a kind in one namespace.
pub(crate) fn namespaced(client: &Client, name: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(name))
}

/// Returns the API of a kind in all namespaces.
pub(crate) fn all_namespaces(client: &Client, name: &str) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource(name))
}
