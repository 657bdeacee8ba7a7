//! Validates the merged settings of a repository.

use super::super::location::{Fault, Location, folder_of, path_of};
use super::super::model::{OCI, RepositoryConfig};
use super::super::origin::{ConfigDiagnostics, Origin, Valued};
use super::super::part::Part;
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
    // Without `..`, so that a new setting cannot be forgotten here.
    let Part {
        name,
        defined,
        level: _,
        kind,
        url,
        registry,
        namespace,
        owner,
        group,
        priority,
        system,
        names,
        mirrors,
        ca,
        insecure,
        timeout,
        retry_count,
        auth_token_path,
    } = part;
    let usual = Settings::default();
    let key = |field: &str| format!("repository.{name}.{field}");
    let insecure = insecure.unwrap_or_else(|| Valued::default_of(usual.insecure));

    let parts = (name == OCI).then(|| {
        let registry = registry.unwrap_or_else(|| default_text(REGISTRY));
        let namespace = namespace.unwrap_or_else(|| default_text(NAMESPACE));
        (registry, namespace)
    });
    let url = match &parts {
        Some((registry, namespace)) => Some(joined(registry, namespace)),
        None => url,
    };
    for (field, is_missing) in [("kind", kind.is_none()), ("url", url.is_none())] {
        if is_missing {
            let hint = format!("add `{field}`");
            findings.error(&defined, key(field), "is missing", hint);
        }
    }
    let (kind, written) = (kind?, url?);

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
    let mirrors = locations(
        mirrors.as_deref().unwrap_or_default(),
        &key("mirrors"),
        (kind.value, is_insecure),
        environment,
        findings,
    );

    check_kind_fields(
        &name,
        kind.value,
        (owner.as_ref(), group.as_ref()),
        &defined,
        findings,
    );
    let group = group.filter(|_| kind.value == Kind::Maven);
    let group = group.or_else(|| (kind.value == Kind::Maven).then(|| default_text(GROUP)));

    let names = texts(names, &defined);
    let mut file = |given: Option<Valued<String>>, field: &str| {
        let field = key(field);
        given.and_then(|given| path_of(&given, &field, environment, findings))
    };
    let ca = file(ca, "ca");
    let auth_token_path = file(auth_token_path, "auth_token_path");
    Some(RepositoryConfig {
        url: url?,
        name,
        defined,
        owner: owner.filter(|_| kind.value == Kind::Gitea),
        kind,
        parts,
        group,
        priority: priority.unwrap_or_else(|| Valued::default_of(0)),
        system: system.unwrap_or_else(|| Valued::default_of(false)),
        names,
        mirrors,
        insecure,
        timeout: timeout.unwrap_or_else(|| Valued::default_of(usual.timeout)),
        retry_count: retry_count.unwrap_or_else(|| Valued::default_of(usual.retries)),
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

/// Parses the mirrors. Their origin is that of the first one.
fn locations(
    written: &[Valued<String>],
    field: &str,
    kind: (Kind, bool),
    environment: &Environment,
    findings: &mut ConfigDiagnostics,
) -> Valued<Vec<Location>> {
    let mut locations = Vec::new();
    let mut first = Origin::Default;
    for (index, mirror) in written.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if let Some(Valued { value, origin }) = place(mirror, field, kind, environment, findings) {
            locations.push(value);
            if index == 0 {
                first = origin;
            }
        }
    }
    Valued::new(locations, first)
}

/// Joins texts into one value. Its origin is that of the first one; an empty list has the origin of the repository.
fn texts(given: Option<Vec<Valued<String>>>, defined: &Origin) -> Valued<Vec<String>> {
    let Some(given) = given else {
        return Valued::default_of(Vec::new());
    };
    let origin = given.first().map_or(defined, |first| &first.origin);
    let origin = origin.clone();
    Valued::new(given.into_iter().map(|text| text.value).collect(), origin)
}
