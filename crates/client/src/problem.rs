//! Finds what users need to know in the errors of a client.

use std::error::Error;
use std::io;

use extension_registry_core::diagnostic::{Explain, Failure, Note};
use rustls::{AlertDescription, CertificateError};

/// Returns the problem of a failed request if it is one of the credentials, the certificates, or the proxy.
#[must_use]
pub fn problem(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(copy(failure));
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        // An IO error hides the error that it wraps.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| problem(inner)) {
            return Some(found);
        }
        if error.to_string() == "tunnel error: proxy authorization required" {
            return Some(
                Failure::new("the proxy requires credentials")
                    .hint("add them to the address of the proxy: `http://USER:PASSWORD@HOST:PORT`"),
            );
        }
        if error.to_string() == "tunnel error: unsuccessful" {
            return Some(
                Failure::new("the proxy refuses to connect to the server")
                    .hint("if the server is reachable without the proxy, add its host to NO_PROXY"),
            );
        }
        cause = error.source();
    }
    None
}

/// Returns why no response arrived, in one line with hints; None for another error.
#[must_use]
pub fn reason(error: &kube::Error) -> Option<String> {
    if !matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_)) {
        return None;
    }
    if let Some(failure) = problem(error) {
        return Some(failure.explained());
    }
    Some(root(error).to_string())
}

/// Returns the deepest cause of an error.
#[must_use]
pub fn root<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    error.source().map_or(error, root)
}

/// Joins an error with its causes, and collects the hints of all.
#[must_use]
pub fn flatten(failure: &Failure) -> Note {
    let mut note = Note::of(failure);
    let mut cause = failure.source();
    while let Some(error) = cause {
        note.message = format!("{}: {error}", note.message);
        let hints = error.downcast_ref::<Failure>().map(Explain::hints);
        note = hints.into_iter().flatten().fold(note, Note::hint);
        cause = error.source();
    }
    note
}

fn copy(failure: &Failure) -> Failure {
    flatten(failure).into()
}

fn of_tls(error: &rustls::Error) -> Option<Failure> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<Failure>().map(copy)
        }
        rustls::Error::InvalidMessage(_) => Some(
            Failure::new("the server does not respond with TLS")
                .hint("check the port of `server` in the kubeconfig; a server without TLS has an address with `http://`"),
        ),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        _ => None,
    }
}

fn of_alert(alert: AlertDescription) -> Option<Failure> {
    let why = match alert {
        AlertDescription::CertificateRequired => "the server requires a client certificate",
        AlertDescription::CertificateExpired => {
            "the server reports that the client certificate has expired"
        }
        AlertDescription::CertificateRevoked => {
            "the server reports that the client certificate is revoked"
        }
        AlertDescription::UnknownCA => {
            "the server reports that it does not know the issuer of the client certificate"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => "the server rejects the client certificate",
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
            return Some(
                Failure::new("the server and this client have no TLS version or cipher in common")
                    .hint("enable TLS 1.2 or 1.3 with an AES-GCM or ChaCha20 cipher on the server"),
            );
        }
        AlertDescription::UnrecognisedName => {
            return Some(
                Failure::new("the server does not know the requested host name")
                    .hint("check `server` and `tls-server-name` in the kubeconfig"),
            );
        }
        _ => return None,
    };
    Some(Failure::new(why).hint("check `client-certificate` of the user in the kubeconfig"))
}
