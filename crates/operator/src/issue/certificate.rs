//! An authority, the certificate that it signs, and whether a stored one may stay. No I/O, no clock.

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

/// How long an authority and its certificate are valid, in seconds: ten years. A certificate is renewed by the first
/// run that finds half of it over.
const LIFETIME: i64 = 10 * 365 * 24 * 3600;

/// Certificates are valid from this long before they were issued, in seconds: clocks differ.
const SKEW: i64 = 3600;

/// Authorities that stay trusted beside a new one, for replicas that still serve a certificate of theirs.
const FORMER: usize = 2;

const END: &str = "-----END CERTIFICATE-----";

/// A new certificate, in PEM.
pub(super) struct Issued {
    /// Certificate of the authority. Its key is gone.
    pub(super) authority: String,
    /// The serving certificate.
    pub(super) certificate: String,
    /// Key of the serving certificate.
    pub(super) key: String,
}

/// Issues a certificate for a host name or IP address, by an authority that signs nothing else.
///
/// # Errors
/// When a certificate cannot hold the host, or the system gives no random bytes.
pub(super) fn issue(host: &str, now: i64) -> Result<Issued, rcgen::Error> {
    let mut params = params(CertificateParams::default(), now)?;
    // Two authorities with one name could not be told apart.
    let name = format!("extension-registry webhook CA {now}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut params = self::params(CertificateParams::new([host.to_owned()])?, now)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "extension-registry webhook");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok(Issued {
        certificate: params.signed_by(&key, &authority)?.pem(),
        authority: authority.pem(),
        key: key.serialize_pem(),
    })
}

fn params(mut params: CertificateParams, now: i64) -> Result<CertificateParams, rcgen::Error> {
    let instant =
        |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time);
    params.not_before = instant(now - SKEW)?;
    params.not_after = instant(now + LIFETIME)?;
    Ok(params)
}

/// The authorities to trust from now on: the new one, then the newest of those trusted so far.
pub(super) fn bundle(authority: &str, known: &[u8]) -> String {
    let known = String::from_utf8_lossy(known);
    let known = known
        .split_inclusive(END)
        .filter(|certificate| certificate.ends_with(END))
        .take(FORMER);
    let mut bundle = authority.trim().to_owned() + "\n";
    for certificate in known {
        bundle.push_str(certificate.trim());
        bundle.push('\n');
    }
    bundle
}

/// Whether a certificate may stay: one of these authorities signed it for the host, the key is its own, and more than
/// half of its life is left.
pub(super) fn is_current(
    authorities: &[u8],
    chain: &[u8],
    key: &[u8],
    host: &str,
    now: i64,
) -> bool {
    let Ok(later) = u64::try_from(now + LIFETIME / 2) else {
        return false;
    };
    let later = UnixTime::since_unix_epoch(Duration::from_secs(later));
    verify(authorities, chain, key, host, later).is_ok()
}

fn verify(
    authorities: &[u8],
    chain: &[u8],
    key: &[u8],
    host: &str,
    at: UnixTime,
) -> Result<(), Error> {
    let unreadable = |error: rustls::pki_types::pem::Error| Error::General(error.to_string());
    let provider = Arc::new(default_provider());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(unreadable)?;
    let host = ServerName::try_from(host).map_err(|error| Error::General(error.to_string()))?;
    CertifiedKey::from_der(chain.clone(), key, &provider)?.keys_match()?;
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities) {
        roots.add(authority.map_err(unreadable)?)?;
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
    use super::{Issued, LIFETIME, bundle, is_current, issue};

    const HOST: &str = "webhook.ns.svc";
    const NOW: i64 = 1_800_000_000;

    fn stays(issued: &Issued, host: &str, now: i64) -> bool {
        let [authority, chain, key] =
            [&issued.authority, &issued.certificate, &issued.key].map(String::as_bytes);
        is_current(authority, chain, key, host, now)
    }

    #[test]
    fn certificate_stays_for_half_of_its_life() {
        let issued = issue(HOST, NOW).unwrap();
        assert!(stays(&issued, HOST, NOW));
        assert!(stays(&issued, HOST, NOW + LIFETIME / 2 - 1));
        assert!(!stays(&issued, HOST, NOW + LIFETIME / 2 + 1));
    }

    #[test]
    fn certificate_for_another_host_is_renewed() {
        let issued = issue(HOST, NOW).unwrap();
        assert!(!stays(&issued, "webhook.other.svc", NOW));
        assert!(!stays(&issued, "10.0.0.1", NOW));
        let issued = issue("10.0.0.1", NOW).unwrap();
        assert!(stays(&issued, "10.0.0.1", NOW));
    }

    #[test]
    fn certificate_of_another_authority_or_key_is_renewed() {
        let issued = issue(HOST, NOW).unwrap();
        let other = issue(HOST, NOW).unwrap();
        let mixed = |authority: &str, key: &str| {
            let chain = issued.certificate.as_bytes();
            is_current(authority.as_bytes(), chain, key.as_bytes(), HOST, NOW)
        };
        assert!(mixed(&issued.authority, &issued.key));
        assert!(!mixed(&other.authority, &issued.key));
        assert!(!mixed(&issued.authority, &other.key));
        assert!(!mixed("", &issued.key));
        assert!(!mixed("-----BEGIN CERTIFICATE-----", &issued.key));
        assert!(!mixed(&issued.authority, ""));
    }

    #[test]
    fn renewal_keeps_the_former_authorities_trusted() {
        let generations = [0, 1, 2, 3].map(|count| issue(HOST, NOW + count).unwrap());
        let mut trusted = String::new();
        for issued in &generations {
            trusted = bundle(&issued.authority, trusted.as_bytes());
        }
        let is_trusted = |issued: &Issued| {
            let [chain, key] = [&issued.certificate, &issued.key].map(String::as_bytes);
            is_current(trusted.as_bytes(), chain, key, HOST, NOW)
        };
        assert_eq!(
            generations.each_ref().map(is_trusted),
            [false, true, true, true]
        );
        assert!(trusted.starts_with(generations[3].authority.trim()));
    }

    #[test]
    fn host_that_no_certificate_can_hold_is_refused() {
        assert!(issue("ümlaut", NOW).is_err());
    }
}
