//! Validates the merged settings of a repository.

use super::super::layer::Part;
use super::super::location::{Fault, Location, folder_of, path_of};
use super::super::model::{OCI, RepositoryConfig};
use super::super::origin::{ConfigDiagnostics, Origin, Valued};
use crate::environment::Environment;
use crate::repository::Kind;
use crate::transport::Settings;

/// Default registry of `[oci]`.
const REGISTRY: &str = "localhost:5000";
/// Default namespace of `[oci]`.
const NAMESPACE: &str = "extensions";
/// Default Maven group of packages.
const GROUP: &str = "io.fuseml.extensions";

/// Builds a repository. None if it is invalid.
pub(super) fn of(
    part: Part,
    environment: &Environment,
    findings: &mut ConfigDiagnostics,
) -> Option<RepositoryConfig> {
    let usual = Settings::default();
    let key = |field: &str| format!("repository.{}.{field}", part.name);
    let insecure = part
        .insecure
        .unwrap_or_else(|| Valued::default_of(usual.insecure));

    let parts = (part.name == OCI).then(|| {
        let registry = part.registry.unwrap_or_else(|| default_text(REGISTRY));
        let namespace = part.namespace.unwrap_or_else(|| default_text(NAMESPACE));
        (registry, namespace)
    });
    let url = match &parts {
        Some((registry, namespace)) => Some(joined(registry, namespace)),
        None => part.url,
    };
    for (field, is_missing) in [("kind", part.kind.is_none()), ("url", url.is_none())] {
        if is_missing {
            let hint = format!("add `{field}`");
            findings.error(&part.defined, key(field), "is missing", hint);
        }
    }
    let (kind, written) = (part.kind?, url?);

    let is_insecure = insecure.value;
    let url = place(
        &written,
        if parts.is_some() {
            "oci.registry".to_owned()
        } else {
            key("url")
        },
        (kind.value, is_insecure),
        environment,
        findings,
    );
    let mut mirrors = Vec::new();
    let mut mirrors_origin = Origin::Default;
    for (index, mirror) in part.mirrors.iter().flatten().enumerate() {
        let field = format!("{}[{index}]", key("mirrors"));
        let mirror = place(
            mirror,
            field,
            (kind.value, is_insecure),
            environment,
            findings,
        );
        if let Some(Valued { value, origin }) = mirror {
            mirrors.push(value);
            if index == 0 {
                mirrors_origin = origin;
            }
        }
    }

    check_kind_fields(
        &part.name,
        kind.value,
        (part.owner.as_ref(), part.group.as_ref()),
        &part.defined,
        findings,
    );
    let group = part.group.filter(|_| kind.value == Kind::Maven);
    let group = group.or_else(|| (kind.value == Kind::Maven).then(|| default_text(GROUP)));

    let names = match part.names {
        Some(names) => {
            let origin = names
                .first()
                .map_or(part.defined.clone(), |first| first.origin.clone());
            let names = names.into_iter().map(|name| name.value).collect();
            Valued::new(names, origin)
        }
        None => Valued::default_of(Vec::new()),
    };
    let mut file = |given: Option<Valued<String>>, field: &str| {
        let field = key(field);
        given.and_then(|given| path_of(&given, &field, environment, findings))
    };
    let ca = file(part.ca, "ca");
    let auth_token_path = file(part.auth_token_path, "auth_token_path");
    Some(RepositoryConfig {
        url: url?,
        name: part.name,
        defined: part.defined,
        owner: part.owner.filter(|_| kind.value == Kind::Gitea),
        kind,
        parts,
        group,
        priority: part.priority.unwrap_or_else(|| Valued::default_of(0)),
        system: part.system.unwrap_or_else(|| Valued::default_of(false)),
        names,
        mirrors: Valued::new(mirrors, mirrors_origin),
        insecure,
        timeout: part
            .timeout
            .unwrap_or_else(|| Valued::default_of(usual.timeout)),
        retry_count: part
            .retry_count
            .unwrap_or_else(|| Valued::default_of(usual.retries)),
        ca,
        auth_token_path,
    })
}

/// Checks fields that only some kinds of repositories have.
fn check_kind_fields(
    name: &str,
    kind: Kind,
    (owner, group): (Option<&Valued<String>>, Option<&Valued<String>>),
    defined: &Origin,
    findings: &mut ConfigDiagnostics,
) {
    for (field, given, of) in [("owner", owner, Kind::Gitea), ("group", group, Kind::Maven)] {
        if let Some(given) = given.filter(|_| kind != of) {
            let message = format!("is ignored for a repository of kind `{kind}`");
            let hint = format!("use it only for kind `{of}`");
            let field = format!("repository.{name}.{field}");
            findings.warning(&given.origin, field, message, hint);
        }
    }
    if kind == Kind::Gitea && owner.is_none() {
        let hint = "set `owner` to the user or organization that owns the packages";
        findings.error(
            defined,
            format!("repository.{name}.owner"),
            "is missing",
            hint,
        );
    }
}

fn default_text(text: &str) -> Valued<String> {
    Valued::default_of(text.to_owned())
}

/// Joins registry and namespace into one address. Its origin is that of the registry or, if that is the
/// default, of the namespace.
fn joined(registry: &Valued<String>, namespace: &Valued<String>) -> Valued<String> {
    let host = registry.value.trim().trim_end_matches('/');
    let path = namespace.value.trim().trim_matches('/');
    let origin = match &registry.origin {
        Origin::Default => namespace.origin.clone(),
        origin => origin.clone(),
    };
    let text = if host.is_empty() || path.is_empty() {
        host.to_owned()
    } else {
        format!("{host}/{path}")
    };
    Valued::new(text, origin)
}

fn place(
    written: &Valued<String>,
    field: String,
    (kind, insecure): (Kind, bool),
    environment: &Environment,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<Location>> {
    let folder = folder_of(&written.origin);
    match Location::of(&written.value, kind, insecure, folder, environment) {
        Ok(location) => Some(Valued::new(location, written.origin.clone())),
        Err(Fault(message, hint)) => {
            findings.error(&written.origin, field, message, hint);
            None
        }
    }
}
