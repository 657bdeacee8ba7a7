//! Servers on the loopback interface: API servers with and without TLS, and proxies. All record what they receive.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned,
};

use super::certificates::Pair;

/// What a server received: the `Authorization` header, and whether there was a client certificate.
pub(crate) type Seen = (String, bool);

/// An API server that answers every request with its version.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server, with TLS if it has a certificate.
    pub(crate) fn start(pair: Option<&Pair>) -> Self {
        let tls = pair.map(|pair| Arc::new(config(pair)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let address = listen(move |stream| {
            let Some(tls) = &tls else {
                let mut stream = stream;
                if let Some(head) = head(&mut stream) {
                    let header = header(&head, "authorization");
                    record.lock().unwrap().push((header, false));
                    respond(&mut stream);
                }
                return;
            };
            let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // The handshake happens on the first read.
            if let Some(head) = head(&mut stream) {
                let header = header(&head, "authorization");
                let has_certificate = stream.conn.peer_certificates().is_some();
                record.lock().unwrap().push((header, has_certificate));
                respond(&mut stream);
            }
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        Self { address, seen }
    }

    /// Returns what was received since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// Calls a function for each connection, in a thread of its own.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads the head of a request.
fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn respond(stream: &mut impl Write) {
    let body = r#"{"major":"1","minor":"33","gitVersion":"v1.33.0","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn config(pair: &Pair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(pair.key_der.clone().into());
    // `from_der` refuses certificates of version 1.
    let key = provider.key_provider.load_private_key(key).unwrap();
    let key = rustls::sign::CertifiedKey::new(pair.chain.clone(), key);
    ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyClient(provider)))
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)))
}

/// Accepts every client certificate, and none.
#[derive(Debug)]
struct AnyClient(Arc<rustls::crypto::CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
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

/// A proxy that connects every target to one server, so that names need not exist.
pub(crate) struct ProxyServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    /// Starts an HTTP proxy, with TLS if it has a certificate.
    pub(crate) fn http(target: SocketAddr, pair: Option<&Pair>) -> Self {
        let tls = pair.map(|pair| Arc::new(config(pair)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let address = listen(move |mut stream| {
            let note = |head: &str| {
                let first = head.lines().next().unwrap_or_default();
                let credentials = header(head, "proxy-authorization");
                let line = format!("{first} {credentials}");
                record.lock().unwrap().push(line.trim().to_owned());
            };
            let Some(tls) = &tls else {
                let Some(head) = head(&mut stream) else {
                    return;
                };
                note(&head);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                pipe(stream, target);
                return;
            };
            let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
            let mut secure = StreamOwned::new(connection, stream);
            let Some(head) = head(&mut secure) else {
                return;
            };
            note(&head);
            secure.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            secure.flush().unwrap();
            pipe_secure(secure, target);
        });
        Self { address, seen }
    }

    /// Starts a SOCKS5 proxy.
    pub(crate) fn socks(target: SocketAddr) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let address = listen(move |mut stream| {
            if let Some(line) = negotiate(&mut stream) {
                record.lock().unwrap().push(line);
                pipe(stream, target);
            }
        });
        Self { address, seen }
    }

    /// Returns the requests since the last call: `CONNECT host:port HTTP/1.1`.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn read<const N: usize>(stream: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn text(stream: &mut impl Read) -> Option<String> {
    let [length] = read(stream)?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

/// Negotiates SOCKS5, and returns the target and the credentials.
fn negotiate(stream: &mut TcpStream) -> Option<String> {
    let [_version, count] = read(stream)?;
    let mut methods = vec![0; usize::from(count)];
    stream.read_exact(&mut methods).ok()?;
    let mut login = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).ok()?;
        let [_version] = read(stream)?;
        login = format!(" {}:{}", text(stream)?, text(stream)?);
        stream.write_all(&[1, 0]).ok()?;
    } else {
        stream.write_all(&[5, 0]).ok()?;
    }
    let [_version, _command, _reserved, kind] = read(stream)?;
    let host = match kind {
        1 => std::net::Ipv4Addr::from(read::<4>(stream)?).to_string(),
        4 => std::net::Ipv6Addr::from(read::<16>(stream)?).to_string(),
        _ => text(stream)?,
    };
    let port = u16::from_be_bytes(read(stream)?);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    Some(format!("{host}:{port}{login}"))
}

/// Copies between a client and the target until both are done.
fn pipe(client: TcpStream, target: SocketAddr) {
    let server = TcpStream::connect(target).unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upwards = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
    let _ = upwards.join();
}

/// Copies between a client with TLS and the target, one direction at a time.
fn pipe_secure(mut client: StreamOwned<ServerConnection, TcpStream>, target: SocketAddr) {
    let mut server = TcpStream::connect(target).unwrap();
    let short = Some(Duration::from_millis(20));
    client.sock.set_read_timeout(short).unwrap();
    server.set_read_timeout(short).unwrap();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => server.write_all(&buffer[..count]).unwrap(),
            Err(error) if is_timeout(&error) => {}
            Err(_) => return,
        }
        match server.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                if client.write_all(&buffer[..count]).is_err() || client.flush().is_err() {
                    return;
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(_) => return,
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock)
}
