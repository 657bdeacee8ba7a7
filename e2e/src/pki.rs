//! Certificates and keys of one cluster: an authority, and an identity for each of its programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A certificate and its key, as files.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The cluster's certificate authority.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority, with its files in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "local-kubernetes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        let key = KeyPair::generate().context("failed to generate the authority's key")?;
        let issuer =
            CertifiedIssuer::self_signed(params, key).context("failed to create the authority")?;
        let authority = Self {
            folder: folder.to_owned(),
            issuer,
        };
        authority.write("ca.crt", &authority.issuer.pem())?;
        authority.write("ca.key", &authority.issuer.key().serialize_pem())?;
        Ok(authority)
    }

    /// The authority's certificate in PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's own certificate and key.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            certificate: self.folder.join("ca.crt"),
            key: self.folder.join("ca.key"),
        }
    }

    /// Issues a certificate that serves for both ends of a connection.
    ///
    /// Kubernetes reads `user` as the user's name and `group` as the group; `names` are the host names and addresses to serve.
    pub(crate) fn issue(
        &self,
        file: &str,
        user: &str,
        group: Option<&str>,
        names: &[String],
    ) -> Result<Identity> {
        let mut params = CertificateParams::new(names).context("invalid name in a certificate")?;
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params
                .distinguished_name
                .push(DnType::OrganizationName, group);
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = KeyPair::generate().context("failed to generate a key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .with_context(|| format!("failed to issue the certificate of {user}"))?;
        Ok(Identity {
            certificate: self.write(&format!("{file}.crt"), &certificate.pem())?,
            key: self.write(&format!("{file}.key"), &key.serialize_pem())?,
        })
    }

    /// A key pair for the tokens of service accounts. Its `certificate` file holds the bare public key.
    pub(crate) fn key_pair(&self, file: &str) -> Result<Identity> {
        let key = KeyPair::generate().context("failed to generate a key")?;
        Ok(Identity {
            certificate: self.write(&format!("{file}.pub"), &key.public_key_pem())?,
            key: self.write(&format!("{file}.key"), &key.serialize_pem())?,
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }
}
