//! A real registry over https, whose certificate nobody vouches for but who has it.

use std::net::{SocketAddr, TcpListener};

use axum_server::tls_rustls::RustlsConfig;
use tokio::runtime::Runtime;

use super::{quirk, runtime};

/// A registry, until it is dropped.
pub(crate) struct Secure {
    pub(crate) address: SocketAddr,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
    _runtime: Runtime,
}

impl Secure {
    pub(crate) fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let key = made.signing_key.serialize_pem();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = runtime();
        let pem = certificate.clone().into_bytes();
        runtime.spawn(async move {
            let config = RustlsConfig::from_pem(pem, key.into_bytes()).await.unwrap();
            let server = axum_server::from_tcp_rustls(listener, config).unwrap();
            let _ = server.serve(quirk::real().into_make_service()).await;
        });
        Self {
            address,
            certificate,
            _runtime: runtime,
        }
    }
}
