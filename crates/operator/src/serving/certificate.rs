//! The certificate in the mounted Secret, and when it expires.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};

use crate::error::Error;

/// Certificate and key in PEM.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    /// Reads `tls.crt` and `tls.key` from a folder.
    ///
    /// # Errors
    /// When one of the files cannot be read.
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

    /// A configuration of the socket with this certificate.
    ///
    /// # Errors
    /// When certificate or key cannot be read, or do not belong together.
    pub(super) async fn config(&self) -> Result<RustlsConfig, Error> {
        RustlsConfig::from_pem(self.certificate.clone(), self.key.clone())
            .await
            .map_err(|error| Error::internal("load the serving certificate", &error))
    }

    /// When the certificate expires, in seconds since 1970; `None` where it cannot be read.
    pub(super) fn expiry(&self) -> Option<i64> {
        let leaf = CertificateDer::from_pem_slice(&self.certificate).ok()?;
        let mut roots = RootCertStore::empty();
        roots.add(leaf.clone()).ok()?;
        let provider = Arc::new(default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().ok()?;
        let host = ServerName::try_from("expiry").ok()?;
        // The period of validity is checked first, and the error holds its end.
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

    use super::Pair;

    #[test]
    fn expiry_is_read_from_the_certificate() {
        let mut params = CertificateParams::new(["webhook.ns.svc".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2031, 2, 3);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let pair = |pem: String| Pair {
            certificate: pem.into_bytes(),
            key: Vec::new(),
        };
        assert_eq!(pair(certificate.pem()).expiry(), Some(1_927_843_200));
        assert_eq!(pair(String::new()).expiry(), None);
    }
}
