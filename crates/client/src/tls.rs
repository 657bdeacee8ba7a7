//! The TLS configuration of a client.

use std::sync::Arc;

use extension_registry_core::diagnostic::Failure;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::certificate;
use crate::target::{Identity, Trust};
use crate::verifier::verifier;

/// Creates the configuration: what a server is verified against, and the client certificate.
pub(crate) fn config(trust: &Trust, identity: Option<Identity>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(trust, &provider)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new("failed to configure TLS").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = certified(identity, &provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
        }
    })
}

/// Returns a client certificate with its key. Only the server verifies the certificate, so that of version 1 is fine.
fn certified(identity: Identity, provider: &CryptoProvider) -> Result<CertifiedKey, Failure> {
    let source = identity.source;
    let key = provider
        .key_provider
        .load_private_key(identity.key)
        .map_err(|_| {
            Failure::new(format!("the client key of {source} is not supported"))
                .hint(certificate::SUPPORTED)
        })?;
    let first = identity.chain.first().and_then(certificate::parse);
    let Some(certificate) = first else {
        return Err(Failure::new(format!(
            "the client certificate of {source} is not a valid X.509 certificate"
        ))
        .hint("copy the certificate again"));
    };
    if let Some(own) = key.public_key()
        && own.as_ref() != certificate.public_key().raw
    {
        return Err(Failure::new(format!(
            "the client certificate and the client key of {source} do not belong together"
        ))
        .hint("set `client-certificate` and `client-key` to the files of one pair"));
    }
    Ok(CertifiedKey::new(identity.chain, key))
}
