//! The serving certificate from the mounted Secret, and its expiry.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use extension_registry_runtime::error::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};

/// Certificate and private key in PEM.
#[derive(Default, PartialEq, Eq)]
pub(super) struct ServingCertificate {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl ServingCertificate {
    /// Reads `tls.crt` and `tls.key` from a directory.
    ///
    /// # Errors
    /// If one of the files cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .map_err(|error| Error::internal(format!("read {}", path.display()), &error))
        };
        Ok(Self {
            certificate: read("tls.crt")?,
            key: read("tls.key")?,
        })
    }

    /// Creates the TLS configuration with this certificate.
    ///
    /// # Errors
    /// If certificate or key is invalid, or they do not match.
    pub(super) async fn config(&self) -> Result<RustlsConfig, Error> {
        RustlsConfig::from_pem(self.certificate.clone(), self.key.clone())
            .await
            .map_err(|error| Error::internal("load the serving certificate", &error))
    }

    /// Returns the expiry in seconds since the Unix epoch; `None` if the certificate is invalid.
    pub(super) fn expiry(&self) -> Option<i64> {
        let leaf = CertificateDer::from_pem_slice(&self.certificate).ok()?;
        let mut roots = RootCertStore::empty();
        roots.add(leaf.clone()).ok()?;
        let provider = Arc::new(default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().ok()?;
        let host = ServerName::try_from("expiry").ok()?;
        // rustls checks the validity period first, and the error contains its end.
        let never = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        match verifier.verify_server_cert(&leaf, &[], &host, &[], never) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after,
                ..
            })) => i64::try_from(not_after.as_secs()).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::ServingCertificate;

    #[test]
    fn reads_expiry_from_certificate() {
        let mut params = CertificateParams::new(["webhook.ns.svc".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2031, 2, 3);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let pair = |pem: String| ServingCertificate {
            certificate: pem.into_bytes(),
            key: Vec::new(),
        };
        assert_eq!(pair(certificate.pem()).expiry(), Some(1_927_843_200));
        assert_eq!(pair(String::new()).expiry(), None);
    }
}
