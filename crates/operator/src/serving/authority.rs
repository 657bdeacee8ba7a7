//! Certificate authorities of the webhook, and when one follows the other. No I/O, no clock.
//!
//! A new authority is published before anything is signed with it: by then every API server trusts
//! both. So a rotation has no moment in which a certificate is not trusted.

use std::fmt;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How long an authority is valid, in seconds: a year.
pub(crate) const LIFE: i64 = 365 * 24 * 3600;

/// The next authority is made when this much of the newest is left, in seconds: a third.
pub(crate) const RENEW: i64 = LIFE / 3;

/// How long an authority is only published before it signs, in seconds.
pub(crate) const SETTLE: i64 = 600;

/// Certificates are valid from this long before they were made, in seconds: clocks differ.
pub(crate) const SKEW: i64 = 3600;

/// A private key in PEM. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PrivateKey(String);

impl PrivateKey {
    /// A key in PEM.
    pub(crate) fn new(pem: String) -> Self {
        Self(pem)
    }

    /// The text, to be stored or loaded.
    pub(crate) fn pem(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// One authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authority {
    /// When it was made, in seconds since 1970.
    pub(crate) made: i64,
    /// Its certificate in PEM.
    pub(crate) certificate: String,
    /// Its key.
    pub(crate) key: PrivateKey,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn new(now: i64) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params(now)?.self_signed(&key)?;
        Ok(Self {
            made: now,
            certificate: certificate.pem(),
            key: PrivateKey::new(key.serialize_pem()),
        })
    }

    /// What signs with it.
    ///
    /// # Errors
    /// When the stored key cannot be read.
    pub(crate) fn issuer(&self) -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
        Ok(Issuer::new(
            params(self.made)?,
            KeyPair::from_pem(self.key.pem())?,
        ))
    }
}

/// Everything about the certificate follows from the time, so that none has to be parsed.
fn params(made: i64) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(
        DnType::CommonName,
        format!("extension-registry webhook {made}"),
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
    ];
    params.not_before = instant(made - SKEW)?;
    params.not_after = instant(made + LIFE)?;
    Ok(params)
}

/// A point in time as certificates write it.
///
/// # Errors
/// When it is thousands of years away.
pub(crate) fn instant(seconds: i64) -> Result<OffsetDateTime, rcgen::Error> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time)
}

/// All authorities that are trusted, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Authorities(Vec<Authority>);

impl Authorities {
    /// From what a Secret holds; `None` when it is something else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// To be stored. Holds the keys.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// All certificates, for whoever has to trust them.
    pub(crate) fn bundle(&self) -> String {
        self.0
            .iter()
            .map(|authority| authority.certificate.as_str())
            .collect()
    }

    /// The authorities as they should be now: what has expired is gone, and a new one is there in
    /// time.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub(crate) fn advanced(&self, now: i64) -> Result<Self, rcgen::Error> {
        let mut kept: Vec<Authority> = self
            .0
            .iter()
            .filter(|authority| now < authority.made + LIFE)
            .cloned()
            .collect();
        kept.sort_by_key(|authority| authority.made);
        let fresh = kept
            .last()
            .is_some_and(|newest| newest.made + LIFE - now > RENEW);
        if !fresh {
            kept.push(Authority::new(now)?);
        }
        Ok(Self(kept))
    }

    /// The authority that signs: the newest that everybody has had time to trust, else the oldest.
    pub(crate) fn signing(&self, now: i64) -> Option<&Authority> {
        self.0
            .iter()
            .rfind(|authority| authority.made + SETTLE <= now)
            .or_else(|| self.0.first())
    }
}

#[cfg(test)]
mod tests {
    use super::{Authorities, LIFE, RENEW, SETTLE};

    const START: i64 = 1_800_000_000;

    fn made(authorities: &Authorities) -> Vec<i64> {
        authorities.0.iter().map(|one| one.made).collect()
    }

    #[test]
    fn the_first_signs_at_once_and_is_kept() {
        let first = Authorities::default().advanced(START).unwrap();
        assert_eq!(first.signing(START).unwrap().made, START);
        assert_eq!(first.advanced(START + LIFE / 2).unwrap(), first);
        assert_eq!(Authorities::from_bytes(&first.to_bytes()).unwrap(), first);
    }

    #[test]
    fn the_next_is_trusted_before_it_signs_and_the_old_one_until_it_ends() {
        let first = Authorities::default().advanced(START).unwrap();
        let turn = START + LIFE - RENEW;
        let both = first.advanced(turn).unwrap();
        assert_eq!(made(&both), [START, turn]);
        assert!(both.bundle().starts_with(&first.bundle()));
        assert_eq!(both.signing(turn + SETTLE - 1).unwrap().made, START);
        assert_eq!(both.signing(turn + SETTLE).unwrap().made, turn);
        assert_eq!(
            made(&both.advanced(START + LIFE - 1).unwrap()),
            [START, turn]
        );
        assert_eq!(made(&both.advanced(START + LIFE).unwrap()), [turn]);
    }

    #[test]
    fn after_a_long_pause_a_new_one_signs_at_once() {
        let first = Authorities::default().advanced(START).unwrap();
        let later = START + 3 * LIFE;
        let new = first.advanced(later).unwrap();
        assert_eq!(made(&new), [later]);
        assert_eq!(new.signing(later).unwrap().made, later);
    }

    #[test]
    fn keys_are_not_printed() {
        let first = Authorities::default().advanced(START).unwrap();
        assert!(!format!("{first:?}").contains("PRIVATE"));
    }
}
