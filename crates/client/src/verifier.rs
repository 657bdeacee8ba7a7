//! Verifies server certificates as Go does.
//!
//! `webpki` verifies chains. It rejects two kinds of certificates that Go and so kubectl accept: one that is itself
//! among the given authorities, and one with `CA:TRUE`, as `openssl req -x509` creates it. Names, validity and purpose are
//! verified for these too.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use extension_registry_core::diagnostic::Failure;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use crate::certificate::{self, Rejected};
use crate::pem;
use crate::target::{Roots, Trust};

/// How often a file of authorities is read again.
const REREAD: Duration = Duration::from_mins(1);

/// Creates the verifier of a cluster.
pub(crate) fn verifier(
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let authorities = match &trust.roots {
        Roots::Unverified => return Ok(Arc::new(Unverified(Arc::clone(provider)))),
        Roots::System => Authorities::System(
            rustls_platform_verifier::Verifier::new(Arc::clone(provider)).map_err(|error| {
                Failure::new("the operating system has no certificate authorities")
                    .hint(
                        "set `certificate-authority` in the kubeconfig, or install ca-certificates",
                    )
                    .caused_by(error)
            })?,
        ),
        Roots::Given(certificates) => {
            Authorities::Given(Given::new(certificates.clone(), provider))
        }
        Roots::File(path) => {
            let given = read(path, provider)?;
            Authorities::File(path.clone(), RwLock::new((Arc::new(given), Instant::now())))
        }
    };
    Ok(Arc::new(Verifier {
        authorities,
        provider: Arc::clone(provider),
        cluster: trust.cluster.clone(),
    }))
}

fn read(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Given, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?;
    let certificates = pem::certificates(&bytes);
    if certificates.is_empty() {
        return Err(Failure::new(format!(
            "{} contains no certificate",
            path.display()
        )));
    }
    Ok(Given::new(certificates, provider))
}

#[derive(Debug)]
struct Verifier {
    authorities: Authorities,
    provider: Arc<CryptoProvider>,
    cluster: Option<String>,
}

#[derive(Debug)]
enum Authorities {
    System(rustls_platform_verifier::Verifier),
    Given(Given),
    File(PathBuf, RwLock<(Arc<Given>, Instant)>),
}

/// Certificates that a user trusts.
#[derive(Debug)]
struct Given {
    certificates: Vec<CertificateDer<'static>>,
    /// Verifies chains; None if no certificate is a current authority.
    chains: Option<Arc<WebPkiServerVerifier>>,
}

impl Given {
    fn new(certificates: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Self {
        let now = UnixTime::now();
        let mut roots = RootCertStore::empty();
        for der in &certificates {
            let is_usable = certificate::parse(der).is_some_and(|found| {
                certificate::is_authority(&found) && certificate::is_current(&found, now)
            });
            if is_usable {
                // As in Go, one that cannot be used does not prevent the use of others.
                let _ = roots.add(der.clone());
            }
        }
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Self {
            certificates,
            chains: builder.build().ok(),
        }
    }

    /// Checks a certificate that `webpki` rejects: one that is given itself, or one with `CA:TRUE` that a given
    /// authority signed.
    fn accepts(&self, der: &CertificateDer<'_>, now: UnixTime) -> bool {
        let Some(found) = certificate::parse(der) else {
            return false;
        };
        if !certificate::is_current(&found, now) || !certificate::is_for_servers(&found) {
            return false;
        }
        if self
            .certificates
            .iter()
            .any(|given| given.as_ref() == der.as_ref())
        {
            return true;
        }
        let mut issuers = self.certificates.iter().filter_map(certificate::parse);
        found.is_ca()
            && issuers.any(|issuer| {
                certificate::is_authority(&issuer)
                    && certificate::is_current(&issuer, now)
                    && matches!(issuer.name_constraints(), Ok(None))
                    && certificate::is_signed_by(&found, &issuer)
            })
    }

    fn verify(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let error = match &self.chains {
            None => Error::InvalidCertificate(CertificateError::UnknownIssuer),
            Some(chains) => match chains.verify_server_cert(der, intermediates, name, &[], now) {
                Ok(verified) => return Ok(verified),
                Err(error) => error,
            },
        };
        // Parsing fails for version 1 and for critical extensions that are not supported.
        let parsed = ParsedCertificate::try_from(der)?;
        if !self.accepts(der, now) {
            return Err(error);
        }
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl Verifier {
    /// Returns the authorities of the kubeconfig or the file; None for those of the operating system.
    fn given(
        &self,
        work: impl FnOnce(Option<&Given>) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        match &self.authorities {
            Authorities::System(_) => work(None),
            Authorities::Given(given) => work(Some(given)),
            Authorities::File(path, last) => {
                let known = {
                    let last = last.read().unwrap_or_else(PoisonError::into_inner);
                    (last.1.elapsed() < REREAD).then(|| Arc::clone(&last.0))
                };
                let given = known.unwrap_or_else(|| {
                    let mut last = last.write().unwrap_or_else(PoisonError::into_inner);
                    // While the file cannot be read, the last authorities are used.
                    if let Ok(given) = read(path, &self.provider) {
                        last.0 = Arc::new(given);
                    }
                    last.1 = Instant::now();
                    Arc::clone(&last.0)
                });
                work(Some(&given))
            }
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.given(|given| {
            let result = match (&self.authorities, given) {
                (Authorities::System(system), _) => {
                    system.verify_server_cert(der, intermediates, name, ocsp, now)
                }
                (_, Some(given)) => given.verify(der, intermediates, name, now),
                (_, None) => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            };
            result.map_err(|error| {
                let rejected = Rejected {
                    certificate: der,
                    name,
                    given: given.map(|given| &*given.certificates),
                    cluster: self.cluster.as_deref(),
                    now,
                };
                let failure = rejected.explain(&error);
                CertificateError::Other(OtherError(Arc::new(failure))).into()
            })
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
            .map_err(|error| explain_signature(certificate, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
            .map_err(|error| explain_signature(certificate, error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Explains why the key of a server cannot be used.
fn explain_signature(der: &CertificateDer<'_>, error: Error) -> Error {
    match certificate::parse(der) {
        Some(found) if certificate::is_too_short(&found) => {
            let failure =
                Failure::new("the server certificate has an RSA key of less than 2048 bits")
                    .hint(certificate::SUPPORTED);
            CertificateError::Other(OtherError(Arc::new(failure))).into()
        }
        _ => error,
    }
}

/// Accepts every certificate, for `insecure-skip-tls-verify`.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
