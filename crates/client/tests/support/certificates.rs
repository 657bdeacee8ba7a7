//! Certificates for tests, each with one peculiarity.

use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SigningKey, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// A certificate chain, in PEM and DER form, and its key.
pub(crate) struct Pair {
    pub(crate) pem: String,
    pub(crate) key: String,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key_der: Vec<u8>,
}

/// All certificates.
pub(crate) struct Certificates {
    /// A certificate authority.
    pub(crate) authority: Pair,
    /// Another certificate authority with the same name.
    pub(crate) impostor: Pair,
    /// An authority that has expired.
    pub(crate) expired_authority: Pair,
    /// A self-signed certificate without `CA:TRUE` that signed `by_leaf`.
    pub(crate) no_authority: Pair,
    /// An intermediate authority, signed by `authority`.
    pub(crate) intermediate: Pair,
    /// Certificates of servers, by name.
    pub(crate) servers: Vec<(&'static str, Pair)>,
    /// Client certificates, by name.
    pub(crate) clients: Vec<(&'static str, Pair)>,
}

impl Certificates {
    pub(crate) fn server(&self, name: &str) -> &Pair {
        let mut found = self.servers.iter().filter(|(found, _)| *found == name);
        &found.next().unwrap_or_else(|| panic!("no server {name}")).1
    }

    pub(crate) fn client(&self, name: &str) -> &Pair {
        let mut found = self.clients.iter().filter(|(found, _)| *found == name);
        &found.next().unwrap_or_else(|| panic!("no client {name}")).1
    }
}

fn parameters(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut parameters = CertificateParams::new(hosts).unwrap();
    parameters.distinguished_name.remove(DnType::CommonName);
    parameters.distinguished_name.push(DnType::CommonName, name);
    // Go rejects certificates that are valid for very long only on macOS; this is for both.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2090, 1, 1);
    parameters
}

fn authority_parameters(name: &str) -> CertificateParams {
    let mut parameters = parameters(name, &[]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    parameters
}

fn self_signed(parameters: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    Pair {
        pem: certificate.pem(),
        key: key.serialize_pem(),
        chain: vec![certificate.der().clone()],
        key_der: key.serialize_der(),
    }
}

/// Signs a certificate by an authority with these parameters.
fn signed(parameters: &CertificateParams, by: &CertificateParams, authority: &Pair) -> Pair {
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(by, KeyPair::from_pem(&authority.key).unwrap());
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    Pair {
        pem: certificate.pem(),
        key: key.serialize_pem(),
        chain: vec![certificate.der().clone()],
        key_der: key.serialize_der(),
    }
}

/// Encodes a DER value.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 128 => out.push(length),
        Ok(length) => out.extend([0x81, length]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}

/// Returns a certificate of X.509 version 1, as `openssl x509 -req` without extensions creates it.
fn version_1(subject: &str, issuer: &str, authority: &Pair) -> Pair {
    let name = |name: &str| {
        let value = der(0x0c, name.as_bytes());
        let attribute = der(0x30, &[der(0x06, &[0x55, 4, 3]), value].concat());
        der(0x30, &der(0x31, &attribute))
    };
    // ecdsa-with-SHA256
    let algorithm = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
    let validity = [der(0x17, b"200101000000Z"), der(0x18, b"20900101000000Z")];
    let key = KeyPair::generate().unwrap();
    let content = [
        der(0x02, &[7]),
        algorithm.clone(),
        name(issuer),
        der(0x30, &validity.concat()),
        name(subject),
        key.subject_public_key_info(),
    ];
    let content = der(0x30, &content.concat());
    let signer = KeyPair::from_pem(&authority.key).unwrap();
    let signature = signer.sign(&content).unwrap();
    let signature = der(0x03, &[&[0], &*signature].concat());
    let certificate = der(0x30, &[content, algorithm, signature].concat());
    Pair {
        pem: pem(&certificate),
        key: key.serialize_pem(),
        chain: vec![certificate.into()],
        key_der: key.serialize_der(),
    }
}

/// Returns a certificate in PEM form.
fn pem(certificate: &[u8]) -> String {
    let text = super::base64(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// Returns the certificates, made once per process.
pub(crate) fn certificates() -> &'static Certificates {
    static MADE: OnceLock<Certificates> = OnceLock::new();
    MADE.get_or_init(make)
}

const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

fn make() -> Certificates {
    let own = authority_parameters("authority");
    let authority = self_signed(&own);
    let mut expired = authority_parameters("expired authority");
    expired.not_after = date_time_ymd(2021, 1, 1);
    let expired_authority = self_signed(&expired);
    let plain = parameters("no authority", &[]);
    let no_authority = self_signed(&plain);
    let middle = authority_parameters("intermediate");
    let intermediate = signed(&middle, &own, &authority);

    let good = parameters("server", &HOSTS);
    let mut self_authority = parameters("self authority", &HOSTS);
    self_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut old = good.clone();
    old.not_after = date_time_ymd(2021, 1, 1);
    let mut early = good.clone();
    early.not_before = date_time_ymd(2089, 1, 1);
    let mut for_clients = good.clone();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut old_self_authority = self_authority.clone();
    old_self_authority.not_after = date_time_ymd(2021, 1, 1);
    let mut other_self_authority = parameters("self authority", &["other.example.org"]);
    other_self_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);

    let mut chained = signed(&good, &middle, &intermediate);
    chained.chain.extend(intermediate.chain.iter().cloned());
    let servers = vec![
        ("good", signed(&good, &own, &authority)),
        ("self-signed", self_signed(&good)),
        ("self-authority", self_signed(&self_authority)),
        (
            "signed-authority",
            signed(&self_authority, &own, &authority),
        ),
        ("expired", signed(&old, &own, &authority)),
        ("early", signed(&early, &own, &authority)),
        (
            "other-name",
            signed(
                &parameters("server", &["other.example.org"]),
                &own,
                &authority,
            ),
        ),
        (
            "no-name",
            signed(&parameters("127.0.0.1", &[]), &own, &authority),
        ),
        ("for-clients", signed(&for_clients, &own, &authority)),
        ("by-expired", signed(&good, &expired, &expired_authority)),
        ("by-leaf", signed(&good, &plain, &no_authority)),
        ("chained", chained),
        ("unchained", signed(&good, &middle, &intermediate)),
        ("expired-self-authority", self_signed(&old_self_authority)),
        ("other-self-authority", self_signed(&other_self_authority)),
        ("version-1", version_1("127.0.0.1", "authority", &authority)),
    ];
    let user = parameters("ada", &[]);
    let clients = vec![
        ("version-3", signed(&user, &own, &authority)),
        ("version-1", version_1("ada", "authority", &authority)),
    ];
    Certificates {
        impostor: self_signed(&own),
        authority,
        expired_authority,
        no_authority,
        intermediate,
        servers,
        clients,
    }
}
