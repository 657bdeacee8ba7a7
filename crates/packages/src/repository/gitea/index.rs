//! The index of packages: a generic package of its own. Its file is written last and is what makes it one, so a
//! reader finds it whole or not at all. Gitea replaces no file, so between two of them there is none for a moment.

use super::listing::INDEX as PACKAGE;
use super::server::Server;
use crate::repository::layout::found::only_minisign;
use crate::repository::layout::{INDEX, INDEX_LONGEST, SIGNATURE, SIGNATURES, signature};
use crate::repository::{IndexFile, Result};
use crate::signature::{Format, Signature};

/// The version of the index: that of its form.
const VERSION: &str = "v1";

/// The index, where there is one.
pub(super) async fn read(server: &Server) -> Result<Option<IndexFile>> {
    let what = "read the index";
    let url = server.file(PACKAGE, VERSION, INDEX);
    let Some(bytes) = server.read(what, url, INDEX_LONGEST).await? else {
        return Ok(None);
    };
    let mut signatures = Vec::new();
    for number in 1..=SIGNATURES {
        let url = server.file(PACKAGE, VERSION, &signature(INDEX, number));
        let Some(signature) = server.read(what, url, SIGNATURE).await? else {
            break;
        };
        signatures.push(Signature {
            format: Format::Minisign,
            payload: bytes.clone(),
            signature,
        });
    }
    Ok(Some(IndexFile { bytes, signatures }))
}

/// Puts an index in the place of the one that is there.
pub(super) async fn put(server: &Server, index: &IndexFile) -> Result<()> {
    if index
        .signatures
        .iter()
        .any(|one| one.format != Format::Minisign)
    {
        return Err(only_minisign(&server.id));
    }
    let what = "write the index";
    // Each waits for another time, so that one of many is alone at last.
    let mut waits = server.origin.waits();
    loop {
        server
            .delete(what, server.version(PACKAGE, VERSION))
            .await?;
        // Somebody else may have deleted in between what was put here.
        if put_all(server, what, index).await? && read(server).await?.as_ref() == Some(index) {
            return Ok(());
        }
        let Some(wait) = waits.next() else {
            let why = "somebody else writes it at the same time".to_owned();
            return Err(server.unavailable(what, why, "try again"));
        };
        tokio::time::sleep(wait).await;
    }
}

/// False where a file of another index is there.
async fn put_all(server: &Server, what: &str, index: &IndexFile) -> Result<bool> {
    let signatures = index.signatures.iter().zip(1..);
    let signatures = signatures.map(|(one, number)| (signature(INDEX, number), &one.signature));
    for (file, bytes) in signatures.chain([(INDEX.to_owned(), &index.bytes)]) {
        let url = server.file(PACKAGE, VERSION, &file);
        if server.put_bytes(what, url.clone(), bytes).await? {
            continue;
        }
        // The answer to a first try may have been lost.
        let there = server.read(what, url, INDEX_LONGEST).await?;
        if there.as_ref() != Some(bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}
