//! Marks of unfinished uploads, which exist from before the first file until after the last one.
//!
//! A mark excludes concurrent publishers, since Gitea accepts a file name only once; and it reveals interrupted
//! uploads without reading every version: marks are versions of one package and appear in the same listings.

use std::collections::BTreeSet;

use ring::rand::{SecureRandom, SystemRandom};
use url::Url;

use super::listing::{self, Entry, UNFINISHED};
use super::server::Server;
use crate::Result;

/// The only file of a mark.
const FILE: &str = "publisher";

/// A mark set by this process.
#[derive(Debug)]
pub(super) struct Mark {
    url: Url,
    /// A random value that identifies the owner of the mark.
    secret: String,
}

/// A marked version.
type Marked = (String, semver::Version);

/// Lists the marks of all versions with one request.
pub(super) async fn listed(server: &Server) -> Result<BTreeSet<Marked>> {
    Ok(among(&listing::all(server, Some(UNFINISHED)).await?))
}

/// Extracts the marks from a listing.
pub(super) fn among(entries: &BTreeSet<Entry>) -> BTreeSet<Marked> {
    let marks = entries.iter().filter(|(package, _)| package == UNFINISHED);
    let marked = marks.filter_map(|(_, mark)| {
        let (name, version) = mark.split_once("__")?;
        Some((name.to_owned(), version.parse().ok()?))
    });
    marked.collect()
}

/// Sets a mark; None if another publisher has set it.
pub(super) async fn set(
    server: &Server,
    name: &str,
    version: &semver::Version,
) -> Result<Option<Mark>> {
    let what = format!("publish version {version} of {name}");
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| {
        server.unavailable(
            &what,
            "failed to get random bytes from the system".to_owned(),
            "",
        )
    })?;
    let mark = Mark {
        url: address(server, name, version),
        secret: hex::encode(bytes),
    };
    let is_set = server
        .put_bytes(&what, mark.url.clone(), mark.secret.as_bytes())
        .await?;
    // The response to a first attempt may have been lost.
    Ok((is_set || is_ours(server, &mark).await?).then_some(mark))
}

/// Returns whether a mark is still of this upload.
pub(super) async fn is_ours(server: &Server, mark: &Mark) -> Result<bool> {
    let there = server.read("publish", mark.url.clone(), 1024).await?;
    Ok(there.is_some_and(|there| there == mark.secret.as_bytes()))
}

/// Removes a mark.
pub(super) async fn remove(server: &Server, mark: &Mark) -> Result<()> {
    server.delete("publish", mark.url.clone()).await.map(drop)
}

/// Removes the mark of a version, even one set by another publisher. Returns false if there is none.
pub(super) async fn forget(server: &Server, name: &str, version: &semver::Version) -> Result<bool> {
    let what = format!("delete the unfinished upload of version {version} of {name}");
    server.delete(&what, address(server, name, version)).await
}

fn address(server: &Server, name: &str, version: &semver::Version) -> Url {
    server.file(UNFINISHED, &format!("{name}__{version}"), FILE)
}
