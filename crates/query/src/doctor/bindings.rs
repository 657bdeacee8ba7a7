//! Checks of bindings and the Pods that request them.

use std::collections::BTreeMap;

use extension_registry_api::status::{READY, is_true};
use extension_registry_api::{BIND_ANNOTATION, ExtensionBinding};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

use super::check::{Check, Verdict};
use super::checks::{not_seen, resources};

/// Group and version of admission policies.
const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");

/// Maximum number of Pods to name.
const MOST: usize = 5;

/// Checks that the API server injects bindings into Pods.
pub(super) async fn injection(client: &Client) -> Check {
    const NAME: &str = "injection";
    let (group, version) = ADMISSION;
    let Some(known) = resources(client, group, version).await else {
        return Check::new(NAME, Verdict::Unknown, "not found here", "");
    };
    let mut known = known.resources.iter();
    if !known.any(|resource| resource.name == "mutatingadmissionpolicies") {
        let detail = format!(
            "the API server has no MutatingAdmissionPolicy, so it cannot add the bindings that Pods request in the annotation {BIND_ANNOTATION}"
        );
        let hint = "mount the Secret `ext-NAME` and list the Secret `ext-NAME.env` in `envFrom`, or upgrade to Kubernetes 1.36";
        return Check::new(NAME, Verdict::Unknown, detail, hint);
    }
    let kind = GroupVersionKind::gvk(group, version, "MutatingAdmissionPolicy");
    let resource = ApiResource::from_gvk_with_plural(&kind, "mutatingadmissionpolicies");
    let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
    let parameters = ListParams::default().labels("app.kubernetes.io/name=extension-registry");
    let policies = match api.list(&parameters).await {
        Ok(list) => list.items,
        Err(error) => return not_seen(NAME, &error),
    };
    let mut names = policies
        .iter()
        .filter_map(|policy| policy.metadata.name.as_ref());
    match names.find(|name| name.ends_with(NAME)) {
        Some(name) => Check::new(NAME, Verdict::Ok, format!("policy {name}"), ""),
        None => Check::new(
            NAME,
            Verdict::Unknown,
            format!("not installed, so the annotation {BIND_ANNOTATION} has no effect"),
            "set the value `injection.enabled` of the chart",
        ),
    }
}

/// Checks that the bindings that Pods of a namespace request are ready. Without them, the Pods do not start.
pub(super) async fn pods(client: &Client, namespace: &str) -> Check {
    let name = format!("bindings in {namespace}");
    let all = ListParams::default();
    let bindings = Api::<ExtensionBinding>::namespaced(client.clone(), namespace);
    let ready: BTreeMap<String, bool> = match bindings.list(&all).await {
        Err(error) => return not_seen(&name, &error),
        Ok(list) => list
            .items
            .into_iter()
            .filter_map(|binding| {
                let conditions = binding.status.unwrap_or_default().conditions;
                Some((binding.metadata.name?, is_true(&conditions, READY)))
            })
            .collect(),
    };
    let pods = match Api::<Pod>::namespaced(client.clone(), namespace)
        .list(&all)
        .await
    {
        Ok(list) => list.items,
        Err(error) => return not_seen(&name, &error),
    };
    let mut waiting = Vec::new();
    for pod in &pods {
        let annotations = pod.metadata.annotations.as_ref();
        let Some(names) = annotations.and_then(|all| all.get(BIND_ANNOTATION)) else {
            continue;
        };
        let pod = pod.metadata.name.as_deref().unwrap_or_default();
        let names = names.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match ready.get(name) {
                Some(true) => {}
                Some(false) => waiting.push(format!("Pod {pod}: `{name}` is not ready")),
                None => waiting.push(format!("Pod {pod}: `{name}` not found")),
            }
        }
    }
    if waiting.is_empty() {
        let ready = ready.values().filter(|is_ready| **is_ready).count();
        return Check::new(&name, Verdict::Ok, format!("{ready} ready"), "");
    }
    let more = waiting.len().saturating_sub(MOST);
    waiting.truncate(MOST);
    if more > 0 {
        waiting.push(format!("and {more} more"));
    }
    let hint = format!("run `kubectl ext status -n {namespace}`");
    Check::new(&name, Verdict::Unknown, waiting.join("; "), &hint)
}
