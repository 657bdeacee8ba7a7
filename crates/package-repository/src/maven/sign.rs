//! Writes signatures and the index to an HTTP server.

use super::Remote;
use super::server::{Need, When};
use crate::found;
use crate::{IndexFile, Release, Result};
use extension_registry_package_layout as layout;
use extension_registry_package_layout::{Files, INDEX, is_word};
use extension_registry_package_trust::signature::{Format, Signature};

impl Remote {
    /// Adds a signature under the first free number.
    pub(super) async fn add_signature(
        &self,
        release: &Release,
        signature: &Signature,
    ) -> Result<()> {
        let Release { name, version, .. } = release;
        if signature.format != Format::Minisign {
            return Err(found::only_minisign(self.id()));
        }
        let (folder, files) = (self.version(name, version), Files::of(name, version));
        if !is_word(name) || self.lacks(&folder, &files.pom()).await? {
            return Err(found::absent(self.id(), name, version));
        }
        let statement = files.statement();
        let there = self
            .server
            .bytes(&folder, &statement, layout::SIGNATURE, Need::Optional)
            .await?;
        match there {
            Some(there) if there == signature.payload => {}
            Some(_) => return Err(found::other_statement(self.id(), &statement)),
            None => {
                let write =
                    self.server
                        .write(&folder, &statement, &signature.payload, When::Absent);
                if !write.await? {
                    return Err(found::other_statement(self.id(), &statement));
                }
            }
        }
        for number in 1..=layout::SIGNATURES {
            let file = files.signature(number);
            let read = self
                .server
                .bytes(&folder, &file, layout::SIGNATURE, Need::Optional);
            match read.await? {
                Some(there) if there == signature.signature => return Ok(()),
                Some(_) => {}
                None => {
                    let write =
                        self.server
                            .write(&folder, &file, &signature.signature, When::Absent);
                    // Another signer took the number: try the next one.
                    if write.await? {
                        return Ok(());
                    }
                }
            }
        }
        let what = format!("sign version {version} of {name}");
        let why = format!(
            "it already has {} signatures, the maximum",
            layout::SIGNATURES
        );
        let hint = "publish the version again with --force to remove its signatures";
        Err(self.server.unavailable(&what, why, hint))
    }

    async fn lacks(&self, folder: &str, file: &str) -> Result<bool> {
        Ok(self
            .server
            .head(folder, file, Need::Expected)
            .await?
            .is_none())
    }

    /// Replaces the index, then its signatures, and deletes stale signatures.
    pub(super) async fn write_index(&self, index: &IndexFile) -> Result<()> {
        let is_minisign = |signature: &Signature| signature.format == Format::Minisign;
        if !index.signatures.iter().all(is_minisign) {
            return Err(found::only_minisign(self.id()));
        }
        self.server
            .write("", INDEX, &index.bytes, When::Always)
            .await?;
        let mut number = 0;
        for signature in &index.signatures {
            number += 1;
            let file = layout::signature(INDEX, number);
            self.server
                .write("", &file, &signature.signature, When::Always)
                .await?;
        }
        for number in number + 1..=layout::SIGNATURES {
            let file = layout::signature(INDEX, number);
            if self.server.head("", &file, Need::Optional).await?.is_none() {
                break;
            }
            self.server.remove("", &file).await?;
        }
        Ok(())
    }
}
