//! Deletes a version and its referrers.

use std::collections::BTreeSet;

use super::Oci;
use super::manifests::Removal;
use super::names::{cosign_tag, fallback_tag, tags};
use crate::{Deleted, Error, Result};
use extension_registry_core::diagnostic::Note;
use extension_registry_package_format::digest::Digest;

impl Oci {
    /// Deletes the manifests of a version by digest, then remaining tags, then signatures.
    pub(super) async fn remove(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        let path = self
            .path(name)
            .ok_or_else(|| self.no_version(name, version))?;
        let mut deleted = Deleted::default();
        for tag in tags(version) {
            if let Some(digest) = self.client.digest(&path, &tag).await? {
                self.remove_manifest(&path, &tag, digest, &mut deleted)
                    .await?;
            }
        }
        if deleted == Deleted::default() {
            return Err(self.no_version(name, version));
        }
        Ok(deleted)
    }

    async fn remove_manifest(
        &self,
        path: &str,
        tag: &str,
        digest: Digest,
        deleted: &mut Deleted,
    ) -> Result<()> {
        let client = &self.client;
        // List referrers first: some registries forget them together with the manifest.
        let referrers = client.referrers(path, digest).await?;
        if let Removal::Forbidden(why) = client.remove(path, &digest.oci()).await? {
            return Err(Error::Unsupported {
                repository: client.id.clone(),
                what: format!("delete {tag} of {path}: {why}"),
                hint: "ask the administrator of the registry to allow deletion, or to delete the version"
                    .to_owned(),
            });
        }
        deleted.gone.push(format!("{tag} of {path}"));
        self.remove_tag(path, tag, digest, deleted).await?;
        let subject = digest;
        let mut rest: BTreeSet<Digest> = referrers.into_iter().collect();
        for (tag, what) in [
            (fallback_tag(digest), "the list of referrers"),
            (cosign_tag(digest), "the cosign signatures"),
        ] {
            if let Some(kept) = client.digest(path, &tag).await? {
                let _ = rest.remove(&kept);
                let what = format!("{what}, {tag}");
                self.remove_one(path, &kept.oci(), &what, deleted).await?;
                self.remove_tag(path, &tag, kept, deleted).await?;
            }
        }
        for digest in rest {
            // Anyone with write access could have added unrelated digests to the list.
            let Some(what) = client.referrer(path, digest, subject).await? else {
                continue;
            };
            self.remove_one(path, &digest.oci(), &what, deleted).await?;
        }
        Ok(())
    }

    /// Deletes a tag that the registry keeps, or even serves, after its manifest was deleted. A tag that points
    /// to another manifest meanwhile belongs to another publisher.
    async fn remove_tag(
        &self,
        path: &str,
        tag: &str,
        was: Digest,
        deleted: &mut Deleted,
    ) -> Result<()> {
        let is_there = self.client.digest(path, tag).await? == Some(was);
        if is_there && let Removal::Forbidden(why) = self.client.remove(path, tag).await? {
            let note = Note::new(why).under(format_args!("the tag {tag}"));
            deleted.left.push(note);
        }
        self.remember_deleted_tag(path, tag);
        Ok(())
    }

    async fn remove_one(
        &self,
        path: &str,
        reference: &str,
        what: &str,
        deleted: &mut Deleted,
    ) -> Result<()> {
        let removal = match self.client.remove(path, reference).await {
            Ok(removal) => removal,
            // The version is deleted: a leftover is reported, not an error.
            Err(Error::Denied { .. }) => Removal::Forbidden("access denied".to_owned()),
            Err(error) => return Err(error),
        };
        match removal {
            Removal::Gone => deleted.gone.push(what.to_owned()),
            Removal::Forbidden(why) => deleted.left.push(Note::new(why).under(what)),
        }
        Ok(())
    }
}
