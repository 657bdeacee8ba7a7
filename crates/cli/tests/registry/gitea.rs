//! Generic packages of one owner of a Gitea, in memory: as much of its interface as there is a use for here.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::body::Bytes;
use axum::response::Response;
use extension_registry_packages::Digest;

use super::quirk::{RecordedRequest, answer, json, text};

/// Files by package, version and name.
type Files = BTreeMap<(String, String, String), Bytes>;

/// Answers for the packages of `me`, to whoever shows this.
pub(crate) fn gitea(
    authorization: &'static str,
) -> impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static {
    let files = Mutex::new(Files::new());
    move |asked| {
        if asked.header("authorization") != Some(authorization) {
            return Some(text(401, "reqPackageAccess\n"));
        }
        Some(answered(&mut files.lock().unwrap(), asked))
    }
}

fn answered(files: &mut Files, asked: &RecordedRequest) -> Response {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let is_first = asked.parameter("page").is_none_or(|page| page == "1");
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["api", "v1", "packages", "me"]) => {
            let text = asked.parameter("q").unwrap_or_default();
            list(files, |name| is_first && name.contains(&text))
        }
        ("GET", ["api", "v1", "packages", "me", "generic", wanted]) => {
            list(files, |name| is_first && name == *wanted)
        }
        (
            "GET",
            [
                "api",
                "v1",
                "packages",
                "me",
                "generic",
                package,
                version,
                "files",
            ],
        ) => {
            let own = files
                .iter()
                .filter(|((name, number, _), _)| name == package && number == version);
            let own: Vec<String> = own
                .map(|((_, _, file), bytes)| {
                    let (size, digest) = (bytes.len(), Digest::of(bytes));
                    format!("{{\"name\":\"{file}\",\"size\":{size},\"sha256\":\"{digest}\"}}")
                })
                .collect();
            if own.is_empty() {
                return text(404, "not found\n");
            }
            json(&format!("[{}]", own.join(",")))
        }
        (
            method,
            [
                "api",
                "packages",
                "me",
                "generic",
                package,
                version,
                file @ ..,
            ],
        ) => stored(
            files,
            method,
            (package, version),
            file.first().copied(),
            &asked.body,
        ),
        _ => text(404, "not found\n"),
    }
}

/// One entry for each version.
fn list(files: &Files, is_wanted: impl Fn(&str) -> bool) -> Response {
    let mut entries: Vec<String> = files
        .keys()
        .filter(|(name, _, _)| is_wanted(name))
        .map(|(name, version, _)| {
            format!("{{\"type\":\"generic\",\"name\":\"{name}\",\"version\":\"{version}\"}}")
        })
        .collect();
    entries.dedup();
    json(&format!("[{}]", entries.join(",")))
}

fn stored(
    files: &mut Files,
    method: &str,
    (package, version): (&str, &str),
    file: Option<&str>,
    body: &Bytes,
) -> Response {
    let before = files.len();
    let Some(file) = file else {
        files.retain(|(name, number, _), _| name != package || number != version);
        return text(if files.len() < before { 204 } else { 404 }, "");
    };
    let key = (package.to_owned(), version.to_owned(), file.to_owned());
    match (method, files.get(&key)) {
        ("PUT", None) => {
            files.insert(key, body.clone());
            text(201, "")
        }
        ("PUT", Some(_)) => text(409, "package file already exists\n"),
        ("DELETE", Some(_)) => {
            files.remove(&key);
            text(204, "")
        }
        (_, Some(bytes)) => answer(200, &[], bytes.clone()),
        (_, None) => text(404, "not found\n"),
    }
}
