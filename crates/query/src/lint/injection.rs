//! Problems of the annotations that request bindings. The API server rejects most of them when a Pod is created, which is too
//! late for an author of a Pod template.

use std::collections::BTreeMap;

use extension_registry_api::convert::{BINDING_NAME_HINT, is_binding_name};
use extension_registry_api::{BIND_ANNOTATION, BIND_CONTAINERS_ANNOTATION, limits};
use extension_registry_core::projection::binding_secret;
use extension_registry_core::projection::environment::ROOT_VARIABLE;
use serde_json::Value;

use super::binding;
use crate::finding::Finding;
use crate::inventory::{BASE, Injection, Inventory};
use crate::suggest::similar;

/// Directory of the bindings unless a container sets another one.
const ROOT: &str = "/bindings";

/// Checks the annotations of a Pod or Pod template.
pub(super) fn check(inventory: &Inventory, injection: &Injection, findings: &mut Vec<Finding>) {
    let mut found = Checker {
        inventory,
        injection,
        findings,
    };
    let names = found.list(BIND_ANNOTATION, injection.names.as_ref());
    let containers = found.list(BIND_CONTAINERS_ANNOTATION, injection.containers.as_ref());
    if injection.is_misplaced {
        found.misplaced();
    }
    let Some(names) = names else {
        if containers.is_some() {
            found.without_names();
        }
        return;
    };
    let valid = found.names(&names);
    found.containers(containers.as_deref(), &valid);
    found.bindings(&valid);
}

struct Checker<'c> {
    inventory: &'c Inventory,
    injection: &'c Injection,
    findings: &'c mut Vec<Finding>,
}

impl Checker<'_> {
    fn error(&mut self, rule: &str, field: &str, message: String, hint: impl Into<String>) {
        let finding = self.injection.origin.error(rule, field);
        self.findings.push(finding.message(message, hint));
    }

    fn warning(&mut self, rule: &str, field: &str, message: String, hint: impl Into<String>) {
        let finding = self.injection.origin.warning(rule, field);
        self.findings.push(finding.message(message, hint));
    }

    /// Returns the names in an annotation; `None` if it is absent or invalid.
    fn list(&mut self, key: &str, value: Option<&Value>) -> Option<Vec<String>> {
        let field = self.injection.annotation(key);
        let text = match value? {
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => text,
            _ => {
                self.error(
                    "wrong-type",
                    &field,
                    "must be a string".to_owned(),
                    "quote it",
                );
                return None;
            }
        };
        let names = text.split(',').map(str::trim);
        let names: Vec<String> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            let hint = "list names, separated by commas, or remove the annotation";
            self.error("invalid-annotation", &field, "no name".to_owned(), hint);
            return None;
        }
        Some(names)
    }

    fn misplaced(&mut self) {
        let kind = self.injection.origin.object.split(' ').next();
        let kind = kind.unwrap_or_default();
        let template = if kind == "CronJob" {
            "spec.jobTemplate.spec.template"
        } else {
            "spec.template"
        };
        self.warning(
            "misplaced-annotation",
            &self.injection.path,
            format!("has no effect here: annotations of a {kind} are not copied to its Pods"),
            format!("move it to `{template}.metadata.annotations`"),
        );
    }

    fn without_names(&mut self) {
        let field = self.injection.annotation(BIND_CONTAINERS_ANNOTATION);
        let message = format!("has no effect without `{BIND_ANNOTATION}`");
        let hint = "list names of ExtensionBindings in that annotation";
        self.warning("invalid-annotation", &field, message, hint);
    }

    /// Checks the names of bindings, and returns the valid ones.
    fn names(&mut self, names: &[String]) -> Vec<String> {
        let field = self.injection.annotation(BIND_ANNOTATION);
        let limit = limits::BINDINGS_OF_POD;
        if names.len() > limit {
            self.error(
                "invalid-annotation",
                &field,
                format!("too many names: {} (limit {limit})", names.len()),
                format!("bind at most {limit} ExtensionBindings to a Pod"),
            );
        }
        let mut valid: Vec<String> = Vec::new();
        for name in names {
            if !is_binding_name(name) {
                let message = format!("invalid name `{name}`");
                self.error("invalid-annotation", &field, message, BINDING_NAME_HINT);
            } else if valid.contains(name) {
                let message = format!("duplicate name `{name}`");
                self.error("invalid-annotation", &field, message, "list each name once");
            } else {
                valid.push(name.clone());
            }
        }
        valid
    }

    /// Checks the containers of the Pod, if they are known.
    fn containers(&mut self, only: Option<&[String]>, names: &[String]) {
        let injection = self.injection;
        let Some(pod) = &injection.pod else {
            return;
        };
        let containers: Vec<&Value> = pod["containers"].as_array().into_iter().flatten().collect();
        let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
        let known: Vec<String> = containers.iter().map(|one| name(one)).collect();
        let field = injection.annotation(BIND_CONTAINERS_ANNOTATION);
        for unknown in only.into_iter().flatten() {
            if known.contains(unknown) {
                continue;
            }
            let hint = similar(unknown, known.iter().map(String::as_str)).unwrap_or_else(|| {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("use {}; init containers cannot be bound", known.join(", "))
            });
            let message = format!("unknown container `{unknown}`");
            self.error("unknown-container", &field, message, hint);
        }
        self.volumes(pod, names);
        for (index, container) in containers.into_iter().enumerate() {
            if only.is_none_or(|only| only.contains(&name(container))) {
                let path = format!("{}.containers[{index}]", injection.pod_path);
                self.container(container, &path, names);
            }
        }
    }

    fn volumes(&mut self, pod: &Value, names: &[String]) {
        let volumes = pod["volumes"].as_array().into_iter().flatten();
        for (index, volume) in volumes.enumerate() {
            let Some(name) = volume["name"].as_str() else {
                continue;
            };
            let is_requested = names.iter().any(|binding| binding_secret(binding) == name);
            if is_requested && volume["secret"]["secretName"] != name {
                let field = format!("{}.volumes[{index}].name", self.injection.pod_path);
                let message = format!("the name is reserved for the Secret `{name}` of a binding");
                self.error("invalid-annotation", &field, message, "rename the volume");
            }
        }
    }

    fn container(&mut self, container: &Value, path: &str, names: &[String]) {
        let mut root = ROOT;
        let variables = container["env"].as_array().into_iter().flatten();
        for (index, variable) in variables.enumerate() {
            if variable["name"] != ROOT_VARIABLE {
                continue;
            }
            let field = format!("{path}.env[{index}]");
            let value = variable["value"].as_str().unwrap_or_default();
            if variable.get("valueFrom").is_some() {
                let message = format!("{ROOT_VARIABLE} must have a literal value");
                let hint = "set `value` instead of `valueFrom`, or list other containers in the annotation registry.fuseml.io/bind-containers";
                self.error("invalid-annotation", &field, message, hint);
                return;
            }
            if !value.starts_with('/') || value.contains('$') {
                let message = format!("{ROOT_VARIABLE} must be an absolute path without `$`");
                let hint = format!(
                    "set a path that starts with `/`, or remove the variable to use {ROOT}"
                );
                self.error("invalid-annotation", &field, message, hint);
                return;
            }
            root = value;
        }
        let root = root.trim_end_matches('/');
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        for (index, mount) in mounts.enumerate() {
            let at = mount["mountPath"].as_str().unwrap_or_default();
            let taken = names.iter().find(|name| {
                at.trim_end_matches('/') == format!("{root}/{name}")
                    && mount["name"] != binding_secret(name)
            });
            if let Some(name) = taken {
                let field = format!("{path}.volumeMounts[{index}].mountPath");
                let message = format!("binding `{name}` is mounted at the same path");
                let hint = format!(
                    "use another path, or set another directory for the bindings in {ROOT_VARIABLE}"
                );
                self.error("invalid-annotation", &field, message, hint);
            }
        }
    }

    /// Warns of unknown bindings, and of variables that several bindings set.
    fn bindings(&mut self, names: &[String]) {
        let field = self.injection.annotation(BIND_ANNOTATION);
        let mut sources: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names {
            let key = self.injection.binding(name);
            let Some(entry) = self.inventory.binding(&key) else {
                self.unknown(&field, name);
                continue;
            };
            let Ok(prepared) = binding::prepare(self.inventory, entry) else {
                continue;
            };
            for variable in prepared.described.environment.variables {
                sources.entry(variable).or_default().push(name);
            }
        }
        for (variable, names) in sources {
            let [.., other, last] = names.as_slice() else {
                continue;
            };
            let message = format!(
                "bindings `{other}` and `{last}` both set the variable `{variable}`; the value of `{last}` is used"
            );
            let hint = format!(
                "give the variable another name in `environment` of one of the bindings, or read the files in the directory `{other}`"
            );
            self.warning("duplicate-variable", &field, message, hint);
        }
    }

    fn unknown(&mut self, field: &str, name: &str) {
        let namespace = &self.injection.namespace;
        let known = self.inventory.bindings.iter();
        let known = known.filter(|entry| *entry.key.namespace == **namespace);
        let hint = similar(name, known.map(|entry| &*entry.key.name));
        let message = format!(
            "ExtensionBinding {namespace}/{name} not found; the Pod does not start without it"
        );
        let hint = hint.unwrap_or_else(|| {
            format!("add it to the files, or pass the objects of the cluster with {BASE} PATH")
        });
        self.warning("unknown-binding", field, message, hint);
    }
}
