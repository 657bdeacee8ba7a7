//! Listings: one entry for each version of each package, page by page. Gitea requires a token for them.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde::Deserialize;

use super::server::{Access, Server};
use crate::{Error, Result};
use extension_registry_package_layout::is_word;
use extension_registry_package_transport::transport::Call;

/// The package that contains the index.
pub(super) const INDEX: &str = "extension-index";
/// The package of marks of unfinished uploads. Valid package names do not contain `__`.
pub(super) const UNFINISHED: &str = "extension__unfinished";
/// Entries of one page. Gitea's default maximum is 50.
const PAGE: &str = "50";
/// Maximum number of pages of one listing.
const PAGES: usize = 10_000;

/// Package and version.
pub(super) type Entry = (String, String);

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct ListingEntry {
    name: String,
    version: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

/// Returns whether a generic package may be a package of the registry, and is not used internally.
pub(super) fn is_package(name: &str) -> bool {
    is_word(name) && !matches!(name, INDEX | UNFINISHED)
}

/// Lists the versions of all packages, or of those whose names contain a text.
pub(super) async fn all(server: &Server, text: Option<&str>) -> Result<BTreeSet<Entry>> {
    let mut query = vec![("type", "generic")];
    query.extend(text.map(|text| ("q", text)));
    let what = "list packages";
    let found = pages(server, what, &[], &query).await?;
    found.ok_or_else(|| server.refused(what, Access::Read, StatusCode::NOT_FOUND))
}

/// Lists the versions of a package. Older servers have no list for a single package and are searched for its
/// name.
pub(super) async fn versions(server: &Server, name: &str) -> Result<BTreeSet<semver::Version>> {
    let what = format!("list versions of {name}");
    let entries = match pages(server, &what, &["generic", name], &[]).await? {
        Some(entries) => entries,
        None => all(server, Some(name)).await?,
    };
    let own = entries.into_iter().filter(|(of, _)| of == name);
    Ok(own
        .filter_map(|(_, version)| semver::Version::parse(&version).ok())
        .collect())
}

/// Reads all pages of a list; None if there is no such list.
async fn pages(
    server: &Server,
    what: &str,
    below: &[&str],
    query: &[(&str, &str)],
) -> Result<Option<BTreeSet<Entry>>> {
    let mut seen = BTreeSet::new();
    for page in 1..=PAGES {
        let number = page.to_string();
        let query = [query, &[("page", number.as_str()), ("limit", PAGE)]].concat();
        let call = Call::get(server.list(below, &query));
        let answer = server.send(what, call).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if page == 1 => return Ok(None),
            status => return Err(server.refused(what, Access::Read, status)),
        }
        let total = answer.header("x-total-count");
        let total: Option<usize> = total.and_then(|total| total.parse().ok());
        let before = seen.len();
        let listed: Vec<ListingEntry> = server.json(what, answer).await?;
        seen.extend(listed);
        // A page without new entries is the end, or comes from a server that ignores the page number.
        if seen.len() == before || total.is_some_and(|total| seen.len() >= total) {
            let generic = seen
                .into_iter()
                .filter(|entry| entry.kind.as_deref().is_none_or(|kind| kind == "generic"));
            let entries = generic.map(|entry| (entry.name, entry.version));
            return Ok(Some(entries.collect()));
        }
    }
    Err(Error::Broken {
        repository: server.id.clone(),
        what: "the package listing".to_owned(),
        why: format!("it has more than {PAGES} pages"),
        hint: String::new(),
    })
}
