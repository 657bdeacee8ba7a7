//! Issues a CA and a serving certificate, and checks whether a stored certificate is still valid. No I/O, no clock.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{Error, RootCertStore};
use time::OffsetDateTime;

/// Validity of the CA and its certificate in seconds: ten years. A certificate is renewed after half of that time.
const LIFETIME: i64 = 10 * 365 * 24 * 3600;

/// Time in seconds by which the validity is backdated, to tolerate clock skew.
const CLOCK_SKEW: i64 = 3600;

/// Number of previous CA certificates that stay trusted, for replicas that still serve a previous certificate.
const KEPT_CAS: usize = 2;

const END: &str = "-----END CERTIFICATE-----";

/// A new certificate, in PEM.
pub(super) struct IssuedCertificate {
    /// Certificate of the CA, whose private key is discarded.
    pub(super) ca: String,
    /// Serving certificate.
    pub(super) certificate: String,
    /// Private key of the serving certificate.
    pub(super) key: String,
}

/// Issues a certificate for a host name or IP address, signed by a CA that signs nothing else.
///
/// # Errors
/// If the host is invalid in a certificate, or the system provides no random bytes.
pub(super) fn issue(host: &str, now: i64) -> Result<IssuedCertificate, rcgen::Error> {
    let mut params = params(CertificateParams::default(), now)?;
    // CA certificates in one bundle need distinct names.
    let name = format!("extension-registry webhook CA {now}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut params = self::params(CertificateParams::new([host.to_owned()])?, now)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "extension-registry webhook");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok(IssuedCertificate {
        certificate: params.signed_by(&key, &ca)?.pem(),
        ca: ca.pem(),
        key: key.serialize_pem(),
    })
}

fn params(mut params: CertificateParams, now: i64) -> Result<CertificateParams, rcgen::Error> {
    let instant =
        |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time);
    params.not_before = instant(now - CLOCK_SKEW)?;
    params.not_after = instant(now + LIFETIME)?;
    Ok(params)
}

/// Returns the new CA bundle: the new CA certificate followed by the newest previous ones.
pub(super) fn ca_bundle(ca: &str, known: &[u8]) -> String {
    let known = String::from_utf8_lossy(known);
    let known = known
        .split_inclusive(END)
        .filter(|certificate| certificate.ends_with(END))
        .take(KEPT_CAS);
    let mut bundle = ca.trim().to_owned() + "\n";
    for certificate in known {
        bundle.push_str(certificate.trim());
        bundle.push('\n');
    }
    bundle
}

/// Returns whether a certificate needs no renewal: a CA of the bundle signed it for the host, the key matches, and more
/// than half of its validity is left.
pub(super) fn is_current(ca_bundle: &[u8], chain: &[u8], key: &[u8], host: &str, now: i64) -> bool {
    let Ok(later) = u64::try_from(now + LIFETIME / 2) else {
        return false;
    };
    let later = UnixTime::since_unix_epoch(Duration::from_secs(later));
    verify(ca_bundle, chain, key, host, later).is_ok()
}

fn verify(
    ca_bundle: &[u8],
    chain: &[u8],
    key: &[u8],
    host: &str,
    at: UnixTime,
) -> Result<(), Error> {
    let invalid = |error: rustls::pki_types::pem::Error| Error::General(error.to_string());
    let provider = Arc::new(default_provider());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(invalid)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(invalid)?;
    let host = ServerName::try_from(host).map_err(|error| Error::General(error.to_string()))?;
    CertifiedKey::from_der(chain.clone(), key, &provider)?.keys_match()?;
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(ca_bundle) {
        roots.add(ca.map_err(invalid)?)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let (leaf, intermediates) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
    verifier
        .verify_server_cert(leaf, intermediates, &host, &[], at)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::{IssuedCertificate, LIFETIME, ca_bundle, is_current, issue};

    const HOST: &str = "webhook.ns.svc";
    const NOW: i64 = 1_800_000_000;

    fn stays(issued: &IssuedCertificate, host: &str, now: i64) -> bool {
        let [ca, chain, key] = [&issued.ca, &issued.certificate, &issued.key].map(String::as_bytes);
        is_current(ca, chain, key, host, now)
    }

    #[test]
    fn renews_certificate_after_half_of_its_validity() {
        let issued = issue(HOST, NOW).unwrap();
        assert!(stays(&issued, HOST, NOW));
        assert!(stays(&issued, HOST, NOW + LIFETIME / 2 - 1));
        assert!(!stays(&issued, HOST, NOW + LIFETIME / 2 + 1));
    }

    #[test]
    fn renews_certificate_of_other_host() {
        let issued = issue(HOST, NOW).unwrap();
        assert!(!stays(&issued, "webhook.other.svc", NOW));
        assert!(!stays(&issued, "10.0.0.1", NOW));
        let issued = issue("10.0.0.1", NOW).unwrap();
        assert!(stays(&issued, "10.0.0.1", NOW));
    }

    #[test]
    fn renews_certificate_with_other_ca_or_key() {
        let issued = issue(HOST, NOW).unwrap();
        let other = issue(HOST, NOW).unwrap();
        let mixed = |ca: &str, key: &str| {
            let chain = issued.certificate.as_bytes();
            is_current(ca.as_bytes(), chain, key.as_bytes(), HOST, NOW)
        };
        assert!(mixed(&issued.ca, &issued.key));
        assert!(!mixed(&other.ca, &issued.key));
        assert!(!mixed(&issued.ca, &other.key));
        assert!(!mixed("", &issued.key));
        assert!(!mixed("-----BEGIN CERTIFICATE-----", &issued.key));
        assert!(!mixed(&issued.ca, ""));
    }

    #[test]
    fn renewal_keeps_previous_cas_trusted() {
        let generations = [0, 1, 2, 3].map(|count| issue(HOST, NOW + count).unwrap());
        let mut trusted = String::new();
        for issued in &generations {
            trusted = ca_bundle(&issued.ca, trusted.as_bytes());
        }
        let is_trusted = |issued: &IssuedCertificate| {
            let [chain, key] = [&issued.certificate, &issued.key].map(String::as_bytes);
            is_current(trusted.as_bytes(), chain, key, HOST, NOW)
        };
        assert_eq!(
            generations.each_ref().map(is_trusted),
            [false, true, true, true]
        );
        assert!(trusted.starts_with(generations[3].ca.trim()));
    }

    #[test]
    fn rejects_host_that_is_invalid_in_certificate() {
        assert!(issue("ümlaut", NOW).is_err());
    }
}
