//! What users need to know about certificates.

use extension_registry_core::diagnostic::Failure;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate, X509Version};
use x509_parser::public_key::PublicKey;

/// Parses a certificate.
pub(crate) fn parse<'c>(der: &'c CertificateDer<'_>) -> Option<X509Certificate<'c>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    rest.is_empty().then_some(certificate)
}

fn time(now: UnixTime) -> Option<ASN1Time> {
    ASN1Time::from_timestamp(i64::try_from(now.as_secs()).ok()?).ok()
}

/// Checks whether a certificate is valid at a time.
pub(crate) fn is_current(certificate: &X509Certificate<'_>, now: UnixTime) -> bool {
    time(now).is_some_and(|now| certificate.validity().is_valid_at(now))
}

/// Checks whether a certificate may sign others, as Go does: version 1, or `CA:TRUE`.
pub(crate) fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let may_sign = match certificate.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    may_sign && (certificate.version() != X509Version::V3 || certificate.is_ca())
}

/// Checks whether a certificate may be one of a server.
pub(crate) fn is_for_servers(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || usage.value.server_auth,
        Err(_) => false,
    }
}

/// Checks that `issuer` signed a certificate, with a current algorithm.
pub(crate) fn is_signed_by(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
) -> bool {
    /// sha1WithRSAEncryption and ecdsa-with-SHA1.
    const SHA1: [&str; 2] = ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    certificate.issuer().as_raw() == issuer.subject().as_raw()
        && !SHA1.contains(&&*algorithm)
        && certificate
            .verify_signature(Some(issuer.public_key()))
            .is_ok()
}

/// Returns the names that a certificate is valid for.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match *bytes {
                [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
                bytes => {
                    let bytes: [u8; 16] = bytes.try_into().ok()?;
                    Some(std::net::Ipv6Addr::from(bytes).to_string())
                }
            },
            _ => None,
        })
        .collect()
}

/// Formats the subject: `CN=kube-apiserver`.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if subject.is_empty() {
        "a certificate without a subject".to_owned()
    } else {
        format!("`{subject}`")
    }
}

/// What keys and signatures may be, for hints.
pub(crate) const SUPPORTED: &str =
    "supported keys: RSA from 2048 bits, ECDSA P-256 and P-384, Ed25519, with SHA-256 or stronger";

/// Checks whether a key is too short for the cryptography of this program.
pub(crate) fn is_too_short(certificate: &X509Certificate<'_>) -> bool {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() < 2048,
        _ => false,
    }
}

/// Explains a signature or a key of an unsupported kind.
fn unsupported(certificate: &X509Certificate<'_>) -> Failure {
    let who = subject(certificate);
    let algorithm = &certificate.signature_algorithm.algorithm;
    let name = x509_parser::objects::oid2sn(algorithm, x509_parser::objects::oid_registry())
        .map_or_else(|_| algorithm.to_id_string(), ToOwned::to_owned);
    Failure::new(format!(
        "the signature of the server certificate {who} has an unsupported algorithm or key ({name})"
    ))
    .hint(SUPPORTED)
}

fn date(time: ASN1Time) -> String {
    time.to_rfc2822().unwrap_or_else(|_| time.to_string())
}

/// The circumstances of a rejected server certificate.
pub(crate) struct Rejected<'c> {
    pub(crate) certificate: &'c CertificateDer<'c>,
    pub(crate) name: &'c ServerName<'c>,
    /// Authorities of the kubeconfig; None for those of the operating system.
    pub(crate) given: Option<&'c [CertificateDer<'static>]>,
    /// Name of the cluster in the kubeconfig.
    pub(crate) cluster: Option<&'c str>,
    pub(crate) now: UnixTime,
}

impl Rejected<'_> {
    /// Explains why the certificate was rejected, and what makes the connection work.
    pub(crate) fn explain(&self, error: &rustls::Error) -> Failure {
        let Some(certificate) = parse(self.certificate) else {
            return Failure::new("the server certificate is not a valid X.509 certificate");
        };
        let rustls::Error::InvalidCertificate(error) = error else {
            return Failure::new(format!("the server certificate is rejected: {error}"));
        };
        let who = subject(&certificate);
        if !is_current(&certificate, self.now) {
            return self.not_current(&certificate);
        }
        if !is_for_servers(&certificate) {
            return Failure::new(format!(
                "the server certificate {who} is not for servers: its extendedKeyUsage lacks serverAuth"
            ))
            .hint("issue a certificate with `extendedKeyUsage=serverAuth`");
        }
        match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.other_name(&certificate)
            }
            _ if certificate.version() != X509Version::V3 => Failure::new(format!(
                "the server certificate {who} has X.509 version 1, which contains no host names"
            ))
            .hint(format!(
                "issue a version 3 certificate: `openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -extfile <(echo subjectAltName={}) -out server.crt`",
                self.san()
            )),
            CertificateError::UnhandledCriticalExtension => Failure::new(format!(
                "the server certificate {who} has a critical extension that is not supported"
            ))
            .hint("issue a certificate without that extension"),
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                unsupported(&certificate)
            }
            _ => self.unknown_issuer(&certificate),
        }
    }

    fn not_current(&self, certificate: &X509Certificate<'_>) -> Failure {
        let who = subject(certificate);
        let validity = certificate.validity();
        if time(self.now).is_some_and(|now| now < validity.not_before) {
            let since = date(validity.not_before);
            return Failure::new(format!(
                "the server certificate {who} is not valid before {since}"
            ))
            .hint("synchronize the clocks of this machine and the API server");
        }
        let until = date(validity.not_after);
        Failure::new(format!("the server certificate {who} expired on {until}")).hint(
            "renew the certificate of the API server; on kubeadm clusters, run `kubeadm certs renew apiserver`",
        )
    }

    /// Returns the host as a `subjectAltName`.
    fn san(&self) -> String {
        let name = self.name.to_str();
        match self.name {
            ServerName::IpAddress(_) => format!("IP:{name}"),
            _ => format!("DNS:{name}"),
        }
    }

    fn other_name(&self, certificate: &X509Certificate<'_>) -> Failure {
        let name = self.name.to_str();
        let who = subject(certificate);
        let names = names(certificate);
        let Some(first) = names.first() else {
            return Failure::new(format!(
                "the server certificate {who} names no host: it has no subjectAltName, and `{name}` is not looked up in its subject"
            ))
            .hint(format!(
                "issue a certificate with the host: `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=kubernetes -addext subjectAltName={} -keyout server.key -out server.crt`",
                self.san()
            ));
        };
        let cluster = self.cluster.unwrap_or("NAME");
        Failure::new(format!(
            "the server certificate {who} is valid for {}, not for `{name}`",
            names.join(", ")
        ))
        .hint(format!(
            "if the server is the right one, run `kubectl config set-cluster {cluster} --tls-server-name={}`",
            first.trim_start_matches("*.")
        ))
    }

    fn unknown_issuer(&self, certificate: &X509Certificate<'_>) -> Failure {
        let who = subject(certificate);
        let issuer = certificate.issuer().to_string();
        let is_self_signed = certificate.issuer().as_raw() == certificate.subject().as_raw();
        let cluster = self.cluster.unwrap_or("NAME");
        let hint = format!(
            "if you trust the server, run `kubectl config set-cluster {cluster} --certificate-authority=FILE --embed-certs` with the file of the certificate authority"
        );
        let origin = if is_self_signed {
            format!("the server certificate {who} is self-signed")
        } else {
            format!("the server certificate {who} was issued by `{issuer}`")
        };
        let Some(given) = self.given else {
            return Failure::new(format!(
                "{origin}, which is not among the certificate authorities of the operating system"
            ))
            .hint(hint);
        };
        let given: Vec<X509Certificate<'_>> = given.iter().filter_map(parse).collect();
        let same_name = given
            .iter()
            .find(|found| found.subject().as_raw() == certificate.issuer().as_raw());
        if let Some(found) = same_name {
            let authority = subject(found);
            if !is_current(found, self.now) {
                return Failure::new(format!(
                    "the certificate authority {authority} of the kubeconfig is valid from {} to {}",
                    date(found.validity().not_before),
                    date(found.validity().not_after)
                ))
                .hint(hint);
            }
            if !is_authority(found) {
                return Failure::new(format!(
                    "the certificate {authority} of the kubeconfig is not a certificate authority (CA:TRUE and keyCertSign are required)"
                ))
                .hint("re-create it with `openssl req -x509 -addext basicConstraints=critical,CA:TRUE`");
            }
            if is_too_short(found) {
                return Failure::new(format!(
                    "the certificate authority {authority} of the kubeconfig has an RSA key of less than 2048 bits"
                ))
                .hint(SUPPORTED);
            }
            return Failure::new(format!(
                "the server certificate {who} was signed by another key than that of the certificate authority {authority} of the kubeconfig"
            ))
            .hint(hint);
        }
        let known: Vec<String> = given.iter().map(|found| subject(found)).collect();
        Failure::new(format!(
            "{origin}, which is not among the certificate authorities of the kubeconfig: {}",
            known.join(", ")
        ))
        .hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::diagnostic::Explain;
    use rustls::crypto::ring::default_provider;

    use super::*;
    use crate::pem;
    use crate::target::{Roots, Trust};
    use crate::verifier::verifier;

    /// Verifies the first certificate of a file with the second one as its authority.
    fn explained(file: &str) -> String {
        let mut chain = pem::certificates(file.as_bytes());
        let trust = Trust {
            roots: Roots::Given(chain.split_off(1)),
            server_name: None,
            cluster: None,
        };
        let provider = std::sync::Arc::new(default_provider());
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let verifier = verifier(&trust, &provider).unwrap();
        let error = verifier.verify_server_cert(&chain[0], &[], &name, &[], UnixTime::now());
        let error = error.unwrap_err();
        crate::problem::problem(&error).unwrap().explained()
    }

    #[test]
    fn keys_without_support_are_named() {
        let weak = explained(include_str!("testdata/rsa-1024.crt"));
        assert!(weak.starts_with("the certificate authority `CN=weak authority` of the kubeconfig has an RSA key of less than 2048 bits; hint: supported"), "{weak}");
        let large = explained(include_str!("testdata/p-521.crt"));
        assert!(large.starts_with("the signature of the server certificate `CN=server` has an unsupported algorithm or key (ecdsa-with-SHA"), "{large}");
    }
}
