//! The certificate on the socket. It lives in memory only, so each replica has its own.

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
};

use crate::serving::authority::{Authority, LIFE, PrivateKey, SKEW, instant};

/// How long a certificate is valid, in seconds: 30 days.
const VALID: i64 = 30 * 24 * 3600;

/// A certificate with its key.
pub(crate) struct Certificate {
    /// In PEM.
    pub(crate) pem: String,
    /// Its key.
    pub(crate) key: PrivateKey,
    /// Who signed it: when that one was made.
    signed_by: i64,
    /// From when on a new one should take its place, in seconds since 1970.
    renew: i64,
}

impl Certificate {
    /// A certificate for a host.
    ///
    /// # Errors
    /// When the host is no name that a certificate can hold.
    pub(crate) fn issue(authority: &Authority, host: &str, now: i64) -> Result<Self, rcgen::Error> {
        let end = (now + VALID).min(authority.made + LIFE);
        let mut params = CertificateParams::new([host.to_owned()])?;
        // For an operator that runs outside of the cluster, beside the API server.
        params
            .subject_alt_names
            .push(SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()));
        params
            .distinguished_name
            .push(DnType::CommonName, "extension-registry webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = instant(now - SKEW)?;
        params.not_after = instant(end)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority.issuer()?)?;
        Ok(Self {
            pem: certificate.pem(),
            key: PrivateKey::new(key.serialize_pem()),
            signed_by: authority.made,
            renew: now + (end - now) / 3 * 2,
        })
    }

    /// Whether it is still the right one.
    pub(crate) fn is_current(&self, authority: &Authority, now: i64) -> bool {
        self.signed_by == authority.made && now < self.renew
    }
}

#[cfg(test)]
mod tests {
    use super::Certificate;
    use crate::serving::authority::{Authority, LIFE};

    const START: i64 = 1_800_000_000;
    const DAY: i64 = 24 * 3600;

    #[test]
    fn a_certificate_is_renewed_in_time_and_follows_its_authority() {
        let authority = Authority::new(START).unwrap();
        let certificate = Certificate::issue(&authority, "webhook.ns.svc", START).unwrap();
        assert!(certificate.is_current(&authority, START + 19 * DAY));
        assert!(!certificate.is_current(&authority, START + 20 * DAY));
        let next = Authority::new(START + DAY).unwrap();
        assert!(!certificate.is_current(&next, START + DAY));
    }

    #[test]
    fn no_certificate_outlives_its_authority() {
        let authority = Authority::new(START).unwrap();
        let late = START + LIFE - 3 * DAY;
        let certificate = Certificate::issue(&authority, "webhook.ns.svc", late).unwrap();
        assert!(!certificate.is_current(&authority, late + 2 * DAY));
    }

    #[test]
    fn a_host_that_is_no_name_is_refused() {
        let authority = Authority::new(START).unwrap();
        assert!(Certificate::issue(&authority, "ümlaut", START).is_err());
    }
}
