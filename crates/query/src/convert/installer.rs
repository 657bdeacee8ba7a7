//! Converts descriptions of tools for FuseML's installer. Their services become a record; installation steps are not
//! converted.

use std::collections::BTreeSet;

use extension_registry_yaml::{Diagnostics, MappingReader, Node};

use super::common::{ConvertOptions, NewSecret};
use super::record::{self, ExistingCredentials, reference};

/// Fields that only installer descriptions have.
pub(super) const ONLY_THERE: [&str; 7] = [
    "install",
    "uninstall",
    "gateways",
    "requires",
    "rolerules",
    "servicecredentials",
    "namespace",
];

pub(super) fn convert(
    mut mapping: MappingReader,
    options: &ConvertOptions<'_>,
    log: &mut Diagnostics,
) -> Option<(Node, Vec<NewSecret>)> {
    let installed = "not converted: records do not install tools";
    let hint = "manage the installation of the tool with Helm, kustomize or GitOps";
    for field in ["install", "uninstall", "requires", "namespace"] {
        mapping.unsupported(log, field, installed, hint);
    }
    mapping.unsupported(
        log,
        "gateways",
        "not converted: records do not expose tools",
        "add the resulting address as an endpoint of type `external`",
    );
    mapping.unsupported(
        log,
        "rolerules",
        "not converted: records do not grant permissions to steps",
        "bind a Role to the ServiceAccount of the steps",
    );
    let existing = existing_credentials(&mut mapping, log);
    if !mapping.has("services") {
        log.warning("no-place", mapping.at, "services").message(
            "no services to register",
            "create a record with `kubectl ext register`",
        );
        return None;
    }
    record::build(mapping, options, existing, log)
}

/// Reads credentials that the installer copies from Secrets of the tool.
fn existing_credentials(mapping: &mut MappingReader, log: &mut Diagnostics) -> ExistingCredentials {
    let mut existing = ExistingCredentials::new();
    let mut elsewhere = BTreeSet::new();
    let services = mapping.mappings(log, "servicecredentials");
    for mut service in services.into_iter().flat_map(|(_, services)| services) {
        let id = required_text(&mut service, "serviceid", log);
        let sets = service.mappings(log, "credentials");
        for mut set in sets.into_iter().flat_map(|(_, sets)| sets) {
            let name = required_text(&mut set, "id", log);
            let transforms = set.mappings(log, "transform");
            let entries = transforms
                .into_iter()
                .flat_map(|(_, transforms)| transforms)
                .map(|transform| entry(transform, &mut elsewhere, log))
                .collect();
            set.finish(log);
            // A missing name was reported already.
            if !(id.is_empty() || name.is_empty()) {
                existing.push((id.clone(), name, entries));
            }
        }
        service.finish(log);
    }
    existing
}

fn entry(
    mut mapping: MappingReader,
    elsewhere: &mut BTreeSet<(String, String)>,
    log: &mut Diagnostics,
) -> Node {
    let at = mapping.at;
    let name = required_text(&mut mapping, "configvalue", log);
    let secret = required_text(&mut mapping, "secret", log);
    let key = required_text(&mut mapping, "secretvalue", log);
    if let Some(namespace) = mapping.text("namespace") {
        let from = namespace.as_written().unwrap_or_default().to_owned();
        // Warn once for each Secret.
        if elsewhere.insert((from.clone(), secret.clone())) {
            log.unsupported(
                namespace.at,
                &mapping.path("namespace"),
                "ignored: Secrets that records refer to must be in the records namespace",
                &format!("copy Secret {from}/{secret} to the records namespace of the operator"),
            );
        }
    }
    mapping.finish(log);
    Node::fields(
        at,
        [
            ("name", Some(Node::text(at, name))),
            ("valueFrom", Some(reference(at, &secret, &key))),
        ],
    )
}

/// Reads a required text field.
fn required_text(mapping: &mut MappingReader, name: &'static str, log: &mut Diagnostics) -> String {
    let text = mapping
        .text(name)
        .and_then(|node| node.as_written().map(str::to_owned));
    text.unwrap_or_else(|| {
        log.error("missing-field", mapping.at, &mapping.path(name))
            .message("is missing or not a string", "set it to a string");
        String::new()
    })
}
