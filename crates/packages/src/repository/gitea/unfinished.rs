//! What is being published. A mark is there from before the first file to after the last one.
//!
//! It keeps two publishers apart, since Gitea takes a file name once; and it tells of what was cut off without a
//! look into every version: marks are versions of one package, so they stand in the same lists as all others.

use std::collections::BTreeSet;

use ring::rand::{SecureRandom, SystemRandom};
use url::Url;

use super::listing::{self, Entry};
use super::server::Server;
use crate::repository::Result;

/// The package of marks. No package of ours has two `_` side by side in its name.
pub(super) const PACKAGE: &str = "extension__unfinished";
/// The one file of a mark.
const FILE: &str = "publisher";

/// A mark that is ours.
#[derive(Debug)]
pub(super) struct Mark {
    url: Url,
    /// What nobody else writes there.
    secret: String,
}

/// A version that is marked.
type Marked = (String, semver::Version);

/// The marks of all versions, one request.
pub(super) async fn listed(server: &Server) -> Result<BTreeSet<Marked>> {
    Ok(among(&listing::all(server, Some(PACKAGE)).await?))
}

/// The marks in a list.
pub(super) fn among(entries: &BTreeSet<Entry>) -> BTreeSet<Marked> {
    let marks = entries.iter().filter(|(package, _)| package == PACKAGE);
    let marked = marks.filter_map(|(_, mark)| {
        let (name, version) = mark.split_once("__")?;
        Some((name.to_owned(), version.parse().ok()?))
    });
    marked.collect()
}

/// Sets a mark; None where somebody else has set it.
pub(super) async fn set(
    server: &Server,
    name: &str,
    version: &semver::Version,
) -> Result<Option<Mark>> {
    let what = format!("publish version {version} of {name}");
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| {
        server.unavailable(&what, "this machine gives no random numbers".to_owned(), "")
    })?;
    let mark = Mark {
        url: address(server, name, version),
        secret: extension_registry_core::hex::hex(&bytes),
    };
    let is_set = server
        .put_bytes(&what, mark.url.clone(), mark.secret.as_bytes())
        .await?;
    // The answer to a first try may have been lost.
    Ok((is_set || is_ours(server, &mark).await?).then_some(mark))
}

/// Whether a mark is still the one that was set.
pub(super) async fn is_ours(server: &Server, mark: &Mark) -> Result<bool> {
    let there = server.read("publish", mark.url.clone(), 1024).await?;
    Ok(there.is_some_and(|there| there == mark.secret.as_bytes()))
}

/// Takes a mark away.
pub(super) async fn remove(server: &Server, mark: &Mark) -> Result<()> {
    server.delete("publish", mark.url.clone()).await.map(drop)
}

/// Takes away the mark of a version, whoever set it. False where there is none.
pub(super) async fn forget(server: &Server, name: &str, version: &semver::Version) -> Result<bool> {
    let what = format!("delete what was begun of version {version} of {name}");
    server.delete(&what, address(server, name, version)).await
}

fn address(server: &Server, name: &str, version: &semver::Version) -> Url {
    server.file(PACKAGE, &format!("{name}__{version}"), FILE)
}
