//! The question which objects bind a workload to a service: an `ExtensionBinding`, and an annotation of the Pod template.

use extension_registry_api::convert::{BINDING_NAME_HINT, is_binding_name};
use extension_registry_api::{
    BIND_ANNOTATION, BIND_CONTAINERS_ANNOTATION, ExtensionBinding, GROUP, VERSION,
};
use extension_registry_core::diagnostic::Failure;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::Result;
use crate::suggest::similar;

/// Selectors of a requirement, in the order in which the name of a binding is derived from them.
const SELECTORS: [&str; 9] = [
    "resource",
    "product",
    "service",
    "extension",
    "category",
    "zone",
    "version",
    "endpoint",
    "credentials",
];

/// Number of selectors whose value names what is required.
const NAMING: usize = 5;

/// Parses selectors: `product=mlflow,resource=s3`. A value may contain commas, as in `version=>=1.0,<2.0`.
///
/// # Errors
/// If a selector is unknown, repeated or has no value.
pub fn selectors(text: &str) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        let pair = part.split_once('=');
        let pair = pair.map(|(name, value)| (name.trim(), value.trim()));
        match (pair, found.last_mut()) {
            (Some((name, value)), _) if SELECTORS.contains(&name) => {
                if value.is_empty() {
                    let failure = Failure::new(format!("selector `{name}` has no value"));
                    return Err(failure.hint(format!("pass {name}=VALUE")));
                }
                if found.iter().any(|(known, _)| known == name) {
                    return Err(Failure::new(format!("duplicate selector `{name}`")));
                }
                found.push((name.to_owned(), value.to_owned()));
            }
            // Part of the version range before.
            (_, Some((name, value))) if name == "version" => {
                value.push(',');
                value.push_str(part);
            }
            _ => {
                let name = pair.map_or(part, |(name, _)| name);
                let failure = Failure::new(format!("unknown selector `{name}`"));
                let hint = similar(name, SELECTORS);
                return Err(failure.hint(hint.unwrap_or_else(|| {
                    format!("use NAME=VALUE with one of {}", SELECTORS.join(", "))
                })));
            }
        }
    }
    Ok(found)
}

/// Returns the name of a binding: the given one, or the value of the selector that says most.
///
/// # Errors
/// If the name is invalid, or no selector can name the binding.
pub fn name(given: Option<&str>, selectors: &[(String, String)]) -> Result<String> {
    let value = |wanted: &&str| {
        let mut found = selectors.iter();
        found.find(|(name, _)| name == wanted)
    };
    let derived = SELECTORS[..NAMING].iter().find_map(value);
    let name = given.or_else(|| derived.map(|(_, value)| value.as_str()));
    let Some(name) = name else {
        let failure = Failure::new("the binding has no name");
        return Err(failure.hint("pass --name NAME"));
    };
    if !is_binding_name(name) {
        let failure = Failure::new(format!("invalid binding name `{name}`"));
        return Err(failure.hint(format!("pass --name NAME; {BINDING_NAME_HINT}")));
    }
    Ok(name.to_owned())
}

/// Returns the binding with these selectors.
#[must_use]
pub fn binding(name: &str, namespace: Option<&str>, selectors: &[(String, String)]) -> Value {
    let spec: serde_json::Map<String, Value> = selectors
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut object = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ExtensionBinding",
        "metadata": {"name": name},
        "spec": spec,
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

/// A workload with a Pod template that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// JSON pointer to the Pod template.
    template: &'static str,
    /// Name of the object.
    pub name: String,
}

/// Kinds with their short names, as `kubectl api-resources` lists them.
const WORKLOADS: [(&str, &str, &str, &str, &str); 4] = [
    (
        "apps",
        "Deployment",
        "deployments",
        "deploy",
        "/spec/template",
    ),
    (
        "apps",
        "StatefulSet",
        "statefulsets",
        "sts",
        "/spec/template",
    ),
    ("apps", "DaemonSet", "daemonsets", "ds", "/spec/template"),
    (
        "batch",
        "CronJob",
        "cronjobs",
        "cj",
        "/spec/jobTemplate/spec/template",
    ),
];

impl Workload {
    /// Parses KIND/NAME, as in `deployment/app`.
    ///
    /// # Errors
    /// If the kind has no Pod template that can be changed.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((kind, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            let failure = Failure::new(format!("`{text}` is not a workload"));
            return Err(failure.hint("pass KIND/NAME, e.g. deployment/app"));
        };
        let lower = kind.to_lowercase();
        let known = WORKLOADS
            .into_iter()
            .find(|(group, kind, plural, short, _)| {
                let qualified = format!("{plural}.{group}");
                [&kind.to_lowercase(), *plural, *short, &*qualified].contains(&lower.as_str())
            });
        let Some((group, kind, plural, _, template)) = known else {
            let failure = Failure::new(format!("cannot bind a `{kind}`"));
            return Err(failure.hint(format!(
                "set the annotation `{BIND_ANNOTATION}` in its Pod template, and apply it again; Deployments, StatefulSets, DaemonSets and CronJobs can be bound by this command"
            )));
        };
        Ok(Self {
            group,
            kind,
            plural,
            template,
            name: name.to_owned(),
        })
    }

    /// Returns the kind for requests.
    #[must_use]
    pub fn resource(&self) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, "v1", self.kind);
        ApiResource::from_gvk_with_plural(&kind, self.plural)
    }

    /// Returns the kind and name, as in a message.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// Returns a patch that adds a binding to the annotations of the Pod template. `None` if the template has it.
    #[must_use]
    pub fn patch(&self, existing: &Value, binding: &str, containers: &[String]) -> Option<Value> {
        let annotations = existing.pointer(&format!("{}/metadata/annotations", self.template));
        let list = |key: &str| {
            let text = annotations.and_then(|all| all.get(key)?.as_str());
            let names = text.unwrap_or_default().split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut changed = serde_json::Map::new();
        let bindings = [binding.to_owned()];
        for (key, added) in [
            (BIND_ANNOTATION, &bindings[..]),
            (BIND_CONTAINERS_ANNOTATION, containers),
        ] {
            let mut names = list(key);
            let before = names.len();
            for name in added {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            if names.len() > before {
                changed.insert(key.to_owned(), json!(names.join(",")));
            }
        }
        if changed.is_empty() {
            return None;
        }
        let mut patch = json!({"metadata": {"annotations": changed}});
        for part in self.template.rsplit('/').filter(|part| !part.is_empty()) {
            patch = json!({part: patch});
        }
        // A change in the meantime is a conflict, not a lost name.
        if let Some(version) = existing.pointer("/metadata/resourceVersion") {
            patch["metadata"] = json!({"resourceVersion": version});
        }
        Some(patch)
    }

    /// Returns the part of a manifest that requests a binding.
    #[must_use]
    pub fn manifest(&self, namespace: Option<&str>, binding: &str, containers: &[String]) -> Value {
        let patch = self.patch(&Value::Null, binding, containers);
        let mut object = json!({
            "apiVersion": format!("{}/v1", self.group),
            "kind": self.kind,
            "metadata": {"name": self.name},
            "spec": patch.unwrap_or_default()["spec"],
        });
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        object
    }
}

/// Returns the API of bindings for typed requests.
#[must_use]
pub fn bindings(client: &kube::Client, namespace: &str) -> kube::Api<ExtensionBinding> {
    kube::Api::namespaced(client.clone(), namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Workload, name, selectors};

    #[test]
    fn selectors_may_have_ranges() {
        let parsed = selectors("product=mlflow,version=>=1.0,<2.0,resource=s3").unwrap();
        let text: Vec<String> = parsed
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        assert_eq!(
            text,
            ["product mlflow", "version >=1.0,<2.0", "resource s3"]
        );
        assert_eq!(name(None, &parsed).unwrap(), "s3");
        for (text, expected) in [
            ("modle=x", "unknown selector `modle`"),
            ("mlflow", "unknown selector `mlflow`"),
            ("product=", "selector `product` has no value"),
            ("product=a,product=b", "duplicate selector `product`"),
            ("", "unknown selector ``"),
        ] {
            assert_eq!(selectors(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn name_must_be_valid() {
        let version = [("version".to_owned(), "1".to_owned())];
        assert_eq!(
            name(None, &version).unwrap_err().to_string(),
            "the binding has no name"
        );
        let product = [("product".to_owned(), "My_Product".to_owned())];
        let error = name(None, &product).unwrap_err();
        assert_eq!(error.to_string(), "invalid binding name `My_Product`");
        assert_eq!(name(Some("store"), &product).unwrap(), "store");
    }

    #[test]
    fn patch_keeps_other_names() {
        let annotations =
            |names: &str| json!({"metadata": {"annotations": {"registry.fuseml.io/bind": names}}});
        let workload = Workload::parse("cj/nightly").unwrap();
        let live = json!({
            "metadata": {"resourceVersion": "7"},
            "spec": {"jobTemplate": {"spec": {"template": annotations(" a ,b")}}},
        });
        let expected = json!({
            "metadata": {"resourceVersion": "7"},
            "spec": {"jobTemplate": {"spec": {"template": annotations("a,b,c")}}},
        });
        assert_eq!(workload.patch(&live, "c", &[]), Some(expected));
        assert_eq!(workload.patch(&live, "a", &[]), None);
        let manifest = Workload::parse("Deployment/app").unwrap();
        let manifest = manifest.manifest(None, "a", &["main".to_owned()]);
        let containers = "/spec/template/metadata/annotations/registry.fuseml.io~1bind-containers";
        assert_eq!(manifest.pointer(containers), Some(&Value::from("main")));
    }

    #[test]
    fn other_kinds_are_refused() {
        for text in [
            "job/x",
            "pod/x",
            "app",
            "deployment/",
            "widgets.example.org/x",
        ] {
            assert!(Workload::parse(text).is_err(), "{text}");
        }
        for text in [
            "deploy/x",
            "deployments/x",
            "StatefulSet/x",
            "ds/x",
            "cronjobs.batch/x",
        ] {
            assert!(Workload::parse(text).is_ok(), "{text}");
        }
    }
}
