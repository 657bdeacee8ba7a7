//! Signatures in a registry: referrers of the signed manifests, and cosign's tags.

use super::artifact::{self, BUNDLE, BUNDLE_OLD, MINISIG, STATEMENT, is_signature};
use super::client::Client;
use super::model::{Descriptor, EMPTY_BYTES, MANIFEST, Manifest};
use super::names::cosign_tag;
use crate::{Error, OciManifest, Referrer, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_trust::signature::{Format, Signature};

/// Media type and annotation of cosign's classic signatures (cosign, "Signature Specification").
const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIMPLE_SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Media type of the configuration of cosign's classic signatures.
const SIMPLE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Maximum number of manifests that are opened to find signatures, and of signatures that are read from one.
const MOST: usize = 200;
/// Maximum size of a statement, and of a signature.
const SMALL: u64 = 16 * 1024;
/// Maximum size of a bundle.
const BUNDLE_LIMIT: u64 = 1024 * 1024;

impl Client {
    /// Reads all signatures of a manifest. Unreadable ones are recorded as warnings. A `known` statement is not
    /// fetched again: that of an index is the index itself, which can be large.
    pub(super) async fn signatures(
        &self,
        path: &str,
        subject: Digest,
        known: &[u8],
    ) -> Result<Vec<Signature>> {
        let mut signatures: Vec<Signature> = Vec::new();
        let referrers = self.referrers(path, subject).await?;
        if referrers.len() > MOST {
            self.warn(&format!(
                "{path}: {} has more than {MOST} referrers; the rest are ignored",
                subject.oci()
            ));
        }
        for digest in referrers.into_iter().take(MOST) {
            let read = self.of_referrer(path, subject, digest, known).await;
            self.gather(&mut signatures, read)?;
        }
        if let Some(found) = self.manifest(path, &cosign_tag(subject)).await? {
            let read = self.of_cosign(path, &found).await;
            self.gather(&mut signatures, read)?;
        }
        Ok(signatures)
    }

    /// Returns the manifests that refer to one, as stored, and cosign's tag. Unreadable ones are skipped.
    pub(super) async fn stored_referrers(
        &self,
        path: &str,
        subject: Digest,
    ) -> Result<Vec<Referrer>> {
        let mut referrers = Vec::new();
        for digest in (self.referrers(path, subject).await?)
            .into_iter()
            .take(MOST)
        {
            let Some(found) = self.manifest(path, &digest.oci()).await? else {
                continue;
            };
            let Ok(manifest) = self.parse_manifest(path, &found) else {
                continue;
            };
            if manifest.subject.as_ref().and_then(Descriptor::sha256) == Some(subject) {
                referrers.push(Referrer {
                    is_signature: is_signature(manifest.kind()),
                    manifest: found,
                    tag: None,
                });
            }
        }
        let tag = cosign_tag(subject);
        if let Some(manifest) = self.manifest(path, &tag).await? {
            referrers.push(Referrer {
                manifest,
                tag: Some(tag),
                is_signature: true,
            });
        }
        Ok(referrers)
    }

    fn gather(&self, all: &mut Vec<Signature>, read: Result<Vec<Signature>>) -> Result<()> {
        match read {
            Ok(signatures) => {
                for signature in signatures {
                    if !all.contains(&signature) {
                        all.push(signature);
                    }
                }
                Ok(())
            }
            Err(
                error @ (Error::Broken { .. } | Error::NotFound { .. } | Error::Unsupported { .. }),
            ) => {
                self.warn_about("failed to read a signature", &error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Describes a manifest if it exists and refers to this one.
    pub(super) async fn referrer(
        &self,
        path: &str,
        digest: Digest,
        subject: Digest,
    ) -> Result<Option<String>> {
        let Some(found) = self.manifest(path, &digest.oci()).await? else {
            return Ok(None);
        };
        let manifest = self.parse_manifest(path, &found).ok();
        let refers = |manifest: &Manifest| {
            manifest.subject.as_ref().and_then(Descriptor::sha256) == Some(subject)
        };
        Ok(manifest.filter(refers).map(|manifest| {
            if is_signature(manifest.kind()) {
                format!("the signature {}", digest.oci())
            } else {
                format!("the referrer {}", digest.oci())
            }
        }))
    }

    async fn of_referrer(
        &self,
        path: &str,
        subject: Digest,
        digest: Digest,
        known: &[u8],
    ) -> Result<Vec<Signature>> {
        let Some(found) = self.manifest(path, &digest.oci()).await? else {
            return Ok(Vec::new());
        };
        let manifest = self.parse_manifest(path, &found)?;
        let refers_here = manifest.subject.as_ref().and_then(Descriptor::sha256) == Some(subject);
        if !refers_here {
            return Ok(Vec::new());
        }
        let layer = |media_type: &str| {
            let mut layers = manifest.layers.iter();
            layers.find(|layer| layer.media_type == media_type)
        };
        if let Some(bundle) = layer(BUNDLE).or_else(|| layer(BUNDLE_OLD)) {
            return Ok(vec![Signature {
                format: Format::SigstoreBundle,
                payload: Vec::new(),
                signature: self.blob_up_to(path, bundle, BUNDLE_LIMIT).await?,
            }]);
        }
        let (Some(statement), Some(minisig)) = (layer(STATEMENT), layer(MINISIG)) else {
            return Ok(Vec::new());
        };
        let payload = if statement.sha256() == Some(Digest::of(known)) {
            known.to_vec()
        } else {
            self.blob_up_to(path, statement, SMALL).await?
        };
        Ok(vec![Signature {
            format: Format::Minisign,
            payload,
            signature: self.blob_up_to(path, minisig, SMALL).await?,
        }])
    }

    async fn of_cosign(&self, path: &str, found: &OciManifest) -> Result<Vec<Signature>> {
        let manifest = self.parse_manifest(path, found)?;
        let mut signatures = Vec::new();
        for layer in manifest.layers.iter().take(MOST) {
            let signature = layer.annotations.get(SIMPLE_SIGNATURE);
            let Some(signature) = signature.filter(|_| layer.media_type == SIMPLE) else {
                continue;
            };
            signatures.push(Signature {
                format: Format::CosignSimple,
                payload: self.blob_up_to(path, layer, SMALL).await?,
                signature: signature.clone().into_bytes(),
            });
        }
        Ok(signatures)
    }

    /// Adds a signature to a manifest. Adding the same one again writes the same manifest.
    pub(super) async fn sign(
        &self,
        path: &str,
        subject: Digest,
        signature: &Signature,
    ) -> Result<()> {
        let Some((kind, layers)) = artifact::layers(signature) else {
            return self.sign_cosign(path, subject, signature).await;
        };
        let Some(found) = self.manifest(path, &subject.oci()).await? else {
            return Err(Error::NotFound {
                repository: self.id.clone(),
                what: format!("{} of {path}", subject.oci()),
                hint: "publish it again, then sign it: it was deleted or replaced".to_owned(),
            });
        };
        let signed = self.parse_manifest(path, &found)?;
        let descriptor = Descriptor {
            media_type: signed.media_type.unwrap_or_else(|| MANIFEST.to_owned()),
            digest: subject.oci(),
            size: found.bytes.len() as u64,
            ..Descriptor::default()
        };
        let manifest = artifact::referrer(kind, &layers, descriptor);
        self.put_bytes(path, EMPTY_BYTES).await?;
        for (_, bytes) in &layers {
            self.put_bytes(path, bytes).await?;
        }
        let bytes = self.written(&manifest)?;
        self.put_referrer(path, subject, &manifest, &bytes).await
    }

    /// Adds a signature in cosign's classic format: another layer under its tag.
    async fn sign_cosign(&self, path: &str, subject: Digest, signature: &Signature) -> Result<()> {
        let text = String::from_utf8_lossy(&signature.signature).into_owned();
        let mut layer = Descriptor::of(SIMPLE, &signature.payload);
        let _ = layer.annotations.insert(SIMPLE_SIGNATURE.to_owned(), text);
        self.put_bytes(path, EMPTY_BYTES).await?;
        self.put_bytes(path, &signature.payload).await?;
        let change = |found: Option<&OciManifest>| {
            let known = found.map(|found| self.parse_manifest(path, found));
            let mut manifest = known.transpose()?.unwrap_or_else(|| Manifest {
                schema_version: 2,
                media_type: Some(MANIFEST.to_owned()),
                config: Some(Descriptor::of(SIMPLE_CONFIG, EMPTY_BYTES)),
                ..Manifest::default()
            });
            let is_same = |other: &Descriptor| {
                other.digest == layer.digest
                    && other.annotations.get(SIMPLE_SIGNATURE)
                        == layer.annotations.get(SIMPLE_SIGNATURE)
            };
            if manifest.layers.iter().any(is_same) {
                return Ok(None);
            }
            manifest.layers.push(layer.clone());
            Ok(serde_json::to_vec(&manifest).ok())
        };
        self.update_tag(path, &cosign_tag(subject), MANIFEST, change)
            .await
    }

    /// Serializes a manifest deterministically.
    pub(super) fn written(&self, manifest: &Manifest) -> Result<Vec<u8>> {
        serde_json::to_vec(manifest)
            .map_err(|error| self.broken("a manifest", format!("failed to serialize: {error}")))
    }
}
