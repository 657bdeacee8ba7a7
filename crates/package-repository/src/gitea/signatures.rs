//! Signatures of a release: a statement, and one file for each of its signatures.

use super::Gitea;
use super::files::VersionFiles;
use super::server::Server;
use crate::found::{broken, only_minisign, other_statement};
use crate::{Error, Release, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::{Files, SIGNATURE, SIGNATURES};
use extension_registry_package_trust::signature::{Format, Signature};

impl Gitea {
    pub(super) async fn signatures_of(&self, release: &Release) -> Result<Vec<Signature>> {
        let place = Place::of(&self.server, release, "read signatures of");
        let listed = self.files(&release.name, &release.version).await?;
        let numbers: Vec<usize> = match listed.as_ref().and_then(VersionFiles::signatures) {
            Some(listed) if listed.is_empty() => return Ok(Vec::new()),
            Some(listed) => listed.into_iter().map(|(number, _)| number).collect(),
            // Without a listing, read from the first number up to a missing one.
            None => (1..=SIGNATURES).collect(),
        };
        let Some(payload) = place.read(&place.names.statement()).await? else {
            return Ok(Vec::new());
        };
        let mut signatures = Vec::new();
        for number in numbers {
            let Some(signature) = place.read(&place.names.signature(number)).await? else {
                break;
            };
            signatures.push(Signature {
                format: Format::Minisign,
                payload: payload.clone(),
                signature,
            });
        }
        Ok(signatures)
    }

    pub(super) async fn add_signature(
        &self,
        release: &Release,
        signature: &Signature,
    ) -> Result<()> {
        let id = &self.server.id;
        if signature.format != Format::Minisign {
            return Err(only_minisign(id));
        }
        let (name, version) = (&release.name, &release.version);
        // Writing a file would create a version that does not exist.
        let Some(files) = self.files(name, version).await? else {
            return Err(self.absent(name, version));
        };
        let content = files.content().and_then(|blob| blob.digest);
        if content != release.content.digest {
            let why = "its content differs from the content that you signed".to_owned();
            return Err(broken(id, &format!("version {version} of {name}"), why));
        }
        let digest = Digest::of(&signature.signature);
        let listed = files.signatures().unwrap_or_default();
        if listed.iter().any(|(_, blob)| blob.digest == Some(digest)) {
            return Ok(());
        }
        let first = listed.last().map_or(1, |(number, _)| number + 1);
        let place = Place::of(&self.server, release, "sign");
        let statement = place.names.statement();
        if !place.put(&statement, &signature.payload).await? {
            let there = place.read(&statement).await?;
            if there.as_deref() != Some(signature.payload.as_slice()) {
                return Err(other_statement(id, &statement));
            }
        }
        for number in first..=SIGNATURES {
            let file = place.names.signature(number);
            if place.put(&file, &signature.signature).await? {
                return Ok(());
            }
            // Another signer was faster, or the response to a first attempt was lost.
            if place.read(&file).await?.as_deref() == Some(signature.signature.as_slice()) {
                return Ok(());
            }
        }
        Err(Error::Unsupported {
            repository: id.clone(),
            what: format!("store more than {SIGNATURES} signatures of one version"),
            hint: "publish the version again with --force to remove its signatures".to_owned(),
        })
    }
}

/// The files of one version, for requests of one operation.
struct Place<'s> {
    server: &'s Server,
    names: Files,
    name: &'s str,
    version: String,
    what: String,
}

impl<'s> Place<'s> {
    fn of(server: &'s Server, release: &'s Release, what: &str) -> Self {
        Self {
            server,
            names: Files::of(&release.name, &release.version),
            name: &release.name,
            version: release.version.to_string(),
            what: format!("{what} version {} of {}", release.version, release.name),
        }
    }

    async fn read(&self, file: &str) -> Result<Option<Vec<u8>>> {
        let url = self.server.file(self.name, &self.version, file);
        self.server.read(&self.what, url, SIGNATURE).await
    }

    /// Returns false if the file already exists.
    async fn put(&self, file: &str, bytes: &[u8]) -> Result<bool> {
        let url = self.server.file(self.name, &self.version, file);
        self.server.put_bytes(&self.what, url, bytes).await
    }
}
