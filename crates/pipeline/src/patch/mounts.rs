//! The volumes of requirements, and where they are mounted.

use serde_json::{Value, json};

use crate::names::{LABEL, unique};
use crate::patch::{Bound, Fault, Mount, Place, Site, conflict};
use crate::path::{is_below, join, normalize};

/// What to add.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) volumes: Vec<Value>,
    pub(super) mounts: Vec<Value>,
    pub(super) faults: Vec<Fault>,
}

/// One volume per requirement, mounted at `root/<requirement>`.
///
/// A volume has no `defaultMode`: what the API server then takes lets everybody read, and steps
/// run as whatever account their image says, without `fsGroup`. The mount is read-only anyway.
pub(super) fn volumes(site: &Site<'_>, bounds: &[Bound<'_>], root: &str) -> Added {
    let mut added = Added::default();
    let theirs = their_mounts(site);
    let mut taken: Vec<String> = site
        .volumes
        .iter()
        .filter_map(name_of)
        .map(str::to_owned)
        .collect();
    for bound in bounds {
        let requirement = &bound.requirement.name;
        let path = join(root, requirement);
        for mount in &theirs {
            if let Some(fault) = clash(mount, &path, requirement) {
                added.faults.push(fault);
            }
        }
        let base = format!("ext-{requirement}");
        let source = json!({"secretName": bound.secret});
        // Another container of the Pod may have the same requirement.
        let shared = site.volumes.iter().find(|volume| {
            volume.get("secret") == Some(&source)
                && name_of(volume).is_some_and(|name| name.starts_with("ext-"))
        });
        let name = shared.and_then(name_of).map_or_else(
            || {
                unique(&base, '-', LABEL, |name| {
                    taken.iter().any(|taken| taken == name)
                })
            },
            str::to_owned,
        );
        if shared.is_none() {
            added.volumes.push(json!({"name": name, "secret": source}));
        }
        taken.push(name.clone());
        added
            .mounts
            .push(json!({"name": name, "mountPath": path, "readOnly": true}));
    }
    added
}

fn their_mounts(site: &Site<'_>) -> Vec<Mount> {
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

/// Two mounts at one path hide each other; a mount point below a read-only mount cannot be made,
/// and ours are read-only.
fn clash(mount: &Mount, path: &str, requirement: &str) -> Option<Fault> {
    let theirs = normalize(&mount.path)?;
    let message = if theirs == path {
        format!(
            "requirement `{requirement}` and `{}` are both mounted at `{path}`",
            mount.name
        )
    } else if mount.read_only && is_below(path, &theirs) {
        format!(
            "requirement `{requirement}` would be mounted at `{path}`, below `{}`, which is read-only",
            mount.name
        )
    } else if is_below(&theirs, path) {
        format!(
            "`{}` would be mounted at `{theirs}`, below requirement `{requirement}`, which is read-only",
            mount.name
        )
    } else {
        return None;
    };
    let hint = "mount the other one elsewhere, or set `SERVICE_BINDING_ROOT` in `env:`";
    Some(Fault::new(
        Place::Requirement(requirement.to_owned()),
        conflict(message, hint),
    ))
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}
