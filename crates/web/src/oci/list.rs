//! Lists of packages: the catalog, the search extension, and the list of extensions.

use axum::response::Response;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::catalog::{Discovery, PackageSummary};
use futures::{StreamExt, stream};
use http::header;
use serde_json::{Value, json};

use super::authorizer::{Authorizer, Caller};
use super::fault::Fault;
use super::page::{Page, Query, page};
use super::reply;
use super::settings::Extension;
use super::shelf::Shelf;

/// Maximum number of entries of a page.
const ENTRIES: usize = 1000;
/// Maximum number of concurrent questions to the authorizer.
const AT_ONCE: usize = 16;

/// A package that the caller may read.
struct Entry {
    path: String,
    summary: PackageSummary,
}

/// Lists the extensions of the registry, or of a package: no extension has endpoints below a package.
pub(super) fn extensions(extension: Option<&Extension>, is_head: bool) -> Response {
    let extensions: Vec<Value> = extension
        .into_iter()
        .map(|extension| {
            json!({
                "name": extension.name,
                "url": extension.url,
                "description": "Searches the packages of all repositories",
                "endpoints": [format!("{}/packages/search", extension.name)],
            })
        })
        .collect();
    reply::json(&json!({ "extensions": extensions }), is_head)
}

/// Lists all packages that the caller may read.
pub(super) async fn catalog(
    shelf: &Shelf,
    access: (&dyn Authorizer, &Caller),
    query: &Query,
    is_head: bool,
) -> Result<Response, Fault> {
    let discovery = shelf.packages().await?;
    let mut entries = readable(discovery.packages.clone(), access).await?;
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    let page = page(entries, |one| &one.path, ("/v2/_catalog", query, ENTRIES))?;
    let names: Vec<&str> = page.entries.iter().map(|one| one.path.as_str()).collect();
    let body = json!({ "repositories": names });
    Ok(answer(&discovery, &page, &body, is_head))
}

/// Searches the packages that the caller may read, the best matches first.
pub(super) async fn search(
    shelf: &Shelf,
    access: (&dyn Authorizer, &Caller),
    (path, query): (&str, &Query),
    is_head: bool,
) -> Result<Response, Fault> {
    let discovery = shelf.packages().await?;
    let mut found = Discovery {
        packages: discovery.packages.clone(),
        ..Discovery::default()
    };
    found.narrow(query.get("q").unwrap_or_default());
    if let Some(kind) = query.get("type") {
        found.packages.retain(|summary| summary.kind == kind);
    }
    let entries = readable(found.packages, access).await?;
    let page = page(entries, |one| &one.path, (path, query, ENTRIES))?;
    let packages: Vec<Value> = page.entries.iter().map(describe).collect();
    let body = json!({ "packages": packages });
    Ok(answer(&discovery, &page, &body, is_head))
}

fn describe(entry: &Entry) -> Value {
    let summary = &entry.summary;
    let versions = summary.versions.iter().map(ToString::to_string);
    let versions: Vec<String> = versions.collect();
    let newest = summary.newest().map(ToString::to_string);
    json!({
        "repository": entry.path,
        "name": summary.name,
        "type": summary.kind,
        "description": summary.description,
        "keywords": summary.keywords,
        "license": summary.license,
        "newest": newest,
        "versions": versions,
    })
}

/// Returns the packages that the caller may read, in the same order.
async fn readable(
    packages: Vec<PackageSummary>,
    (authorizer, caller): (&dyn Authorizer, &Caller),
) -> Result<Vec<Entry>, Fault> {
    let asked = stream::iter(packages).map(|summary| async move {
        let path = format!("{}/{}", summary.repository, summary.name);
        let may = authorizer.may_read(caller, &format!("/v2/{path}")).await;
        (may, Entry { path, summary })
    });
    let mut readable = Vec::new();
    for (may, entry) in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
        if may.map_err(|error| Fault::of_authorizer(&error))? {
            readable.push(entry);
        }
    }
    Ok(readable)
}

/// Returns a page. Sources that failed are reported as warnings, without the names of packages.
fn answer<T>(discovery: &Discovery, page: &Page<T>, body: &Value, is_head: bool) -> Response {
    let mut response = reply::json(body, is_head);
    if let Some(link) = &page.link {
        response.headers_mut().insert(header::LINK, link.clone());
    }
    let failures = discovery.failures.iter();
    let failures: Vec<Note> = failures
        .map(|failure| {
            let message = format!("repository {} could not be queried", failure.repository);
            Note::new(message)
        })
        .collect();
    reply::warn(&mut response, &failures);
    response
}
