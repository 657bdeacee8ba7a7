//! Names of servers in docker's files.

use serde_json::{Map, Value};

/// Name of Docker Hub in docker's files.
const HUB: &str = "https://index.docker.io/v1/";

/// Normalizes a server name: no scheme, protocol version or trailing slash.
pub(super) fn canonical(key: &str) -> String {
    let (key, is_address) = match key.split_once("://") {
        Some((_, rest)) => (rest, true),
        None => (key, false),
    };
    let mut bare = key.trim_end_matches('/');
    // Without a scheme it is a namespace of that name.
    if is_address {
        let shorter = bare.strip_suffix("/v1").or(bare.strip_suffix("/v2"));
        bare = shorter.unwrap_or(bare);
    }
    let (host, path) = match bare.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (bare, None),
    };
    let host = match host.to_ascii_lowercase() {
        host if matches!(host.as_str(), "index.docker.io" | "registry-1.docker.io") => {
            "docker.io".to_owned()
        }
        host => host,
    };
    match path {
        Some(path) => format!("{host}/{path}"),
        None => host,
    }
}

/// Returns the look-up names of a server, longest first: `host/a/b`, `host/a`, `host`.
pub(super) fn candidates(server: &str) -> Vec<String> {
    let mut candidates = vec![canonical(server)];
    while let Some((shorter, _)) = candidates.last().and_then(|last| last.rsplit_once('/')) {
        candidates.push(shorter.to_owned());
    }
    candidates
}

/// Returns the host only.
pub(super) fn host(server: &str) -> String {
    let whole = canonical(server);
    match whole.split_once('/') {
        Some((host, _)) => host.to_owned(),
        None => whole,
    }
}

/// Returns the name that docker writes.
pub(super) fn written(candidate: &str) -> &str {
    if candidate == "docker.io" {
        HUB
    } else {
        candidate
    }
}

/// Finds the entry of a server. An exact name takes precedence over an equivalent one.
pub(super) fn entry<'m>(
    map: &'m Map<String, Value>,
    candidate: &str,
) -> Option<(&'m String, &'m Value)> {
    let exact = map.iter().find(|(key, _)| *key == candidate);
    exact.or_else(|| map.iter().find(|(key, _)| canonical(key) == candidate))
}
