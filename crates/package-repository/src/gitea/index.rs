//! The index of packages: a generic package of its own. Its file is written last, so a reader finds it complete
//! or not at all. Gitea does not replace files, so it is missing for a moment while it is replaced.

use super::listing::INDEX as PACKAGE;
use super::server::Server;
use crate::found::only_minisign;
use crate::{IndexFile, Result};
use extension_registry_package_layout::{INDEX, INDEX_LONGEST, SIGNATURE, SIGNATURES, signature};
use extension_registry_package_trust::signature::{Format, Signature};

/// Version of the index format.
const VERSION: &str = "v1";

/// Reads the index, if there is one.
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

/// Replaces the index.
pub(super) async fn put(server: &Server, index: &IndexFile) -> Result<()> {
    if index
        .signatures
        .iter()
        .any(|one| one.format != Format::Minisign)
    {
        return Err(only_minisign(&server.id));
    }
    let what = "write the index";
    // Jitter separates concurrent publishers.
    let mut waits = server.origin.waits();
    loop {
        server
            .delete(what, server.version(PACKAGE, VERSION))
            .await?;
        // Another publisher may have deleted these files in between.
        if put_all(server, what, index).await? && read(server).await?.as_ref() == Some(index) {
            return Ok(());
        }
        let Some(wait) = waits.next() else {
            let why = "another publisher is writing it".to_owned();
            return Err(server.unavailable(what, why, "try again"));
        };
        tokio::time::sleep(wait).await;
    }
}

/// Returns false if a file of another index exists.
async fn put_all(server: &Server, what: &str, index: &IndexFile) -> Result<bool> {
    let signatures = index.signatures.iter().zip(1..);
    let signatures = signatures.map(|(one, number)| (signature(INDEX, number), &one.signature));
    for (file, bytes) in signatures.chain([(INDEX.to_owned(), &index.bytes)]) {
        let url = server.file(PACKAGE, VERSION, &file);
        if server.put_bytes(what, url.clone(), bytes).await? {
            continue;
        }
        // The response to a first attempt may have been lost.
        let there = server.read(what, url, INDEX_LONGEST).await?;
        if there.as_ref() != Some(bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}
