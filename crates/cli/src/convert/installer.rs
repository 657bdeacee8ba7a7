//! Descriptions of tools for FuseML's installer. What they say about services is a record; how the
//! tool is installed is the business of whoever installs it.

use std::collections::BTreeSet;

use extension_registry_yaml::{Complaints, Given, Node};

use super::record::{self, Kept, reference};
use super::{NewSecret, Wish};

/// Fields that nothing else has.
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
    mut given: Given,
    wish: &Wish<'_>,
    log: &mut Complaints,
) -> Option<(Node, Vec<NewSecret>)> {
    let installed = "says how the tool is installed, which a record does not";
    let hint = "keep it where the tool is installed: Helm, kustomize, GitOps";
    for field in ["install", "uninstall", "requires", "namespace"] {
        given.no_place(log, field, installed, hint);
    }
    given.no_place(
        log,
        "gateways",
        "says how the tool is made reachable, which a record does not",
        "add the address that comes of it as an endpoint of type external",
    );
    given.no_place(
        log,
        "rolerules",
        "says what steps may do in the cluster, which a record does not",
        "bind a Role to the service account under which the steps run",
    );
    let kept = kept(&mut given, log);
    if !given.has("services") {
        log.warning("no-place", given.at, "services").says(
            "describes no services, so there is nothing to register",
            "kubectl ext register makes a record of a tool",
        );
        return None;
    }
    record::build(given, wish, kept, log)
}

/// Credentials that the installer reads from Secrets of the tool.
fn kept(given: &mut Given, log: &mut Complaints) -> Kept {
    let mut kept = Kept::new();
    let mut elsewhere = BTreeSet::new();
    let services = given.mappings(log, "servicecredentials");
    for mut service in services.into_iter().flat_map(|(_, services)| services) {
        let id = written(&mut service, "serviceid", log);
        let sets = service.mappings(log, "credentials");
        for mut set in sets.into_iter().flat_map(|(_, sets)| sets) {
            let name = written(&mut set, "id", log);
            let transforms = set.mappings(log, "transform");
            let entries = transforms
                .into_iter()
                .flat_map(|(_, transforms)| transforms)
                .map(|transform| entry(transform, &mut elsewhere, log))
                .collect();
            set.end(log);
            // What has no name was told already.
            if !(id.is_empty() || name.is_empty()) {
                kept.push((id.clone(), name, entries));
            }
        }
        service.end(log);
    }
    kept
}

fn entry(
    mut given: Given,
    elsewhere: &mut BTreeSet<(String, String)>,
    log: &mut Complaints,
) -> Node {
    let at = given.at;
    let name = written(&mut given, "configvalue", log);
    let secret = written(&mut given, "secret", log);
    let key = written(&mut given, "secretvalue", log);
    if let Some(namespace) = given.text("namespace") {
        let from = namespace.as_written().unwrap_or_default().to_owned();
        // Once for a Secret is enough.
        if elsewhere.insert((from.clone(), secret.clone())) {
            log.no_place(
                namespace.at,
                &given.path("namespace"),
                "records take Secrets from one namespace only",
                &format!("copy Secret {from}/{secret} to the records namespace of the operator"),
            );
        }
    }
    given.end(log);
    Node::fields(
        at,
        [
            ("name", Some(Node::text(at, name))),
            ("valueFrom", Some(reference(at, &secret, &key))),
        ],
    )
}

/// A text that has to be there.
fn written(given: &mut Given, name: &'static str, log: &mut Complaints) -> String {
    let text = given
        .text(name)
        .and_then(|node| node.as_written().map(str::to_owned));
    text.unwrap_or_else(|| {
        log.error("missing-field", given.at, &given.path(name))
            .says("is missing, or no text", "add it");
        String::new()
    })
}
