//! Volumes of requirements and their mounts.

use serde_json::{Value, json};

use crate::names::{LABEL, unique};
use crate::patch::binding::{Location, PatchError, ServiceBinding, name_of};
use crate::patch::site::{Mount, Site};
use crate::path::{is_below, join, normalize};
use crate::problem::conflict;

/// Volumes and mounts to add.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) volumes: Vec<Value>,
    pub(super) mounts: Vec<Value>,
    pub(super) errors: Vec<PatchError>,
}

/// Creates one volume per requirement, mounted at `root/<requirement>`.
///
/// A volume has no `defaultMode`: the default of the API server makes files world-readable, because steps
/// run as the account of their image, without `fsGroup`. The mount is read-only anyway.
pub(super) fn volumes(site: &Site<'_>, bindings: &[ServiceBinding<'_>], root: &str) -> Added {
    let mut added = Added::default();
    let existing = existing_mounts(site);
    let mut used: Vec<String> = site
        .volumes
        .iter()
        .filter_map(name_of)
        .map(str::to_owned)
        .collect();
    for binding in bindings {
        let requirement = &binding.requirement.name;
        let path = join(root, requirement);
        for mount in &existing {
            if let Some(error) = clash(mount, &path, requirement) {
                added.errors.push(error);
            }
        }
        let base = format!("ext-{requirement}");
        let source = json!({"secretName": binding.secret});
        // Another container of the Pod may have the same requirement.
        let shared = site.volumes.iter().find(|volume| {
            volume.get("secret") == Some(&source)
                && name_of(volume).is_some_and(|name| name.starts_with("ext-"))
        });
        let name = shared.and_then(name_of).map_or_else(
            || {
                unique(&base, '-', LABEL, |name| {
                    used.iter().any(|used| used == name)
                })
            },
            str::to_owned,
        );
        if shared.is_none() {
            added.volumes.push(json!({"name": name, "secret": source}));
        }
        used.push(name.clone());
        added
            .mounts
            .push(json!({"name": name, "mountPath": path, "readOnly": true}));
    }
    added
}

fn existing_mounts(site: &Site<'_>) -> Vec<Mount> {
    let mut mounts = site.mounts.clone();
    mounts.extend(site.list("volumeMounts").iter().filter_map(|mount| {
        Some(Mount {
            path: mount.get("mountPath")?.as_str()?.to_owned(),
            read_only: mount
                .get("readOnly")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            name: name_of(mount).unwrap_or_default().to_owned(),
        })
    }));
    mounts
}

/// Two mounts at one path hide each other; a mount point cannot be created below a read-only mount, and
/// mounts of requirements are read-only.
fn clash(mount: &Mount, path: &str, requirement: &str) -> Option<PatchError> {
    let existing = normalize(&mount.path)?;
    let message = if existing == path {
        format!(
            "requirement `{requirement}` and `{}` are both mounted at `{path}`",
            mount.name
        )
    } else if mount.read_only && is_below(path, &existing) {
        format!(
            "requirement `{requirement}` cannot be mounted at `{path}`, because the parent mount `{}` is read-only",
            mount.name
        )
    } else if is_below(&existing, path) {
        format!(
            "`{}` cannot be mounted at `{existing}`, because requirement `{requirement}` is mounted read-only at the parent path `{path}`",
            mount.name
        )
    } else {
        return None;
    };
    let hint = "change the path of the other mount, or set `SERVICE_BINDING_ROOT` in `env`";
    Some(PatchError::new(
        Location::Requirement(requirement.to_owned()),
        conflict(message, hint),
    ))
}
