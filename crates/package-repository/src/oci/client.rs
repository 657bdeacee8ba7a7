//! Requests to one registry: address, credentials, response statuses.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use extension_registry_core::diagnostic::{Explain, Note};
use reqwest::StatusCode;
use url::Url;

use super::auth::Authority;
use super::model::{Fault, Refusal};
use super::scope::Scope;
use crate::{Error, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Answer, Call, Transport};

/// Maximum size of an error response.
const REFUSAL: usize = 64 * 1024;
/// Maximum number of recorded warnings.
const WARNINGS: usize = 100;
/// Page size of listings. Some servers reject a larger one.
const PAGE: usize = 1000;

/// A registry.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// Host and port, as in image references.
    pub(super) registry: String,
    pub(super) base: Url,
    pub(super) transport: Transport,
    pub(super) authority: Authority,
    pub(super) page: usize,
    /// Serializes read-modify-write cycles of tags.
    pub(super) tag_lock: tokio::sync::Mutex<()>,
    noted: Mutex<WarningLog>,
    /// Known blobs, each with a repository that has it.
    pub(super) blobs: Mutex<HashMap<Digest, String>>,
}

/// Recorded warnings.
#[derive(Debug, Default)]
struct WarningLog {
    /// All warnings, in order, without duplicates.
    notes: Vec<Note>,
    /// How many of them were already reported.
    format_errors: usize,
}

impl Client {
    /// Creates a client for an address: `localhost:5000`, `https://registry.example`. Without a scheme, http is
    /// used where the transport allows it: for loopback addresses, or if the repository is configured as
    /// insecure; otherwise https.
    pub(super) fn new(
        id: String,
        registry: &str,
        transport: Transport,
        credentials: Credentials,
    ) -> Result<Self> {
        let base = address(registry, &transport).ok_or_else(|| Error::Unsupported {
            repository: id.clone(),
            what: "be accessed: invalid `registry`".to_owned(),
            hint: "set `registry` to a host and port, such as `localhost:5000`, and put any path in `namespace`".to_owned(),
        })?;
        let allowed = transport.allows(&base);
        allowed.map_err(|error| Error::of_transport(&id, "connect", error))?;
        Ok(Self {
            registry: transport::host(&base),
            authority: Authority::new(id.clone(), base.clone(), transport.clone(), credentials),
            id,
            base,
            transport,
            page: PAGE,
            tag_lock: tokio::sync::Mutex::default(),
            noted: Mutex::default(),
            blobs: Mutex::default(),
        })
    }

    /// Returns the address of a path of the registry. Names in it were validated, so it needs no escaping.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Sends a request, and repeats it with credentials after a challenge. Error statuses are returned.
    pub(super) async fn call(&self, call: Call, scope: &Scope, what: &str) -> Result<Answer> {
        let shown = self.authority.present(scope).await?;
        let first = call.clone().authorization(shown.clone());
        let mut answer = self.send(&first, what).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let authority = &self.authority;
            let next = authority.challenged(&answer, scope, shown.as_ref()).await?;
            if next.is_some() {
                answer = self.send(&call.authorization(next), what).await?;
            }
        }
        for warning in answer.headers("warning") {
            self.warned(warning);
        }
        Ok(answer)
    }

    async fn send(&self, call: &Call, what: &str) -> Result<Answer> {
        let sent = self.transport.send(call).await;
        sent.map_err(|error| Error::of_transport(&self.id, what, error))
    }

    /// Converts an error response.
    pub(super) async fn refused(&self, answer: Answer, what: &str) -> Error {
        let status = answer.status();
        let faults = faults(answer).await;
        let why = match format_errors(&faults) {
            Some(format_errors) => format!("the server responded with {status}: {format_errors}"),
            None => format!("the server responded with {status}"),
        };
        let repository = self.id.clone();
        let what = what.to_owned();
        match status.as_u16() {
            401 | 403 => Error::Denied {
                repository,
                what,
                hint: self.authority.advice().to_owned(),
            },
            405 | 501 => Error::Unsupported {
                repository,
                what: format!("{what}: {why}"),
                hint: "ask the administrator of the registry to allow this operation".to_owned(),
            },
            429 => Error::Unavailable {
                repository,
                what,
                why,
                hint: "try again later, or log in for a higher rate limit".to_owned(),
            },
            _ => Error::Unavailable {
                repository,
                what,
                why,
                hint: String::new(),
            },
        }
    }

    /// Creates an error for corrupt data.
    pub(super) fn broken(&self, what: &str, why: String) -> Error {
        Error::Broken {
            repository: self.id.clone(),
            what: what.to_owned(),
            why,
            hint: String::new(),
        }
    }

    /// Creates an error for a corrupt response to a request.
    pub(super) fn broken_response(&self, what: &str, why: String) -> Error {
        self.broken(&format!("the response to `{what}`"), why)
    }

    /// Converts a transport error.
    pub(super) fn failed(&self, what: &str, error: transport::Error) -> Error {
        Error::of_transport(&self.id, what, error)
    }

    /// Records a warning.
    pub(super) fn warn(&self, text: &str) {
        self.record_warning(Note::new(clean(text)).under(&self.id));
    }

    /// Records an error that does not stop a request, after what failed.
    pub(super) fn warn_about(&self, what: &str, error: &Error) {
        let text = clean(&format!("{what}: {error}"));
        let note = Note::new(text).under(&self.id);
        self.record_warning(error.hints().into_iter().fold(note, Note::hint));
    }

    /// Records an error that a fallback compensates for. It names the registry.
    pub(super) fn warn_error(&self, error: &Error) {
        self.record_warning(Note::of(error));
    }

    fn record_warning(&self, note: Note) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.notes.len() < WARNINGS && !noted.notes.contains(&note) {
            noted.notes.push(note);
        }
    }

    /// Returns the warnings recorded since the last call.
    pub(super) fn warnings(&self) -> Vec<Note> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let all = noted.notes.len();
        let format_errors = std::mem::replace(&mut noted.format_errors, all);
        noted.notes.iter().skip(format_errors).cloned().collect()
    }

    /// Parses `299 - "text"` (distribution-spec, "Warnings"); other codes are for machines.
    fn warned(&self, header: &str) {
        let text = header.trim().strip_prefix("299 - ");
        if let Some(text) = text {
            self.warn(&text.trim().trim_matches('"').replace("\\\"", "\""));
        }
    }
}

/// Parses the errors in a response, whatever its content type.
pub(super) async fn faults(answer: Answer) -> Vec<Fault> {
    let bytes = answer.bytes(REFUSAL).await.unwrap_or_default();
    let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
    refusal.errors
}

fn format_errors(faults: &[Fault]) -> Option<String> {
    let fault = faults.iter().find(|fault| !fault.code.is_empty())?;
    let message = fault.message.as_deref().unwrap_or_default();
    Some(clean(&format!("{} {message}", fault.code)))
}

/// Sanitizes text of a server for display: one line, no control characters, limited length.
pub(super) fn clean(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(200)
        .collect();
    text.trim().to_owned()
}

fn address(registry: &str, transport: &Transport) -> Option<Url> {
    let text = registry.trim().trim_end_matches('/');
    let url = if text.contains("://") {
        text.parse().ok()?
    } else {
        let plain: Url = format!("http://{text}").parse().ok()?;
        match transport.allows(&plain) {
            Ok(()) => plain,
            Err(_) => format!("https://{text}").parse().ok()?,
        }
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    (is_bare && is_anonymous && url.has_host()).then_some(url)
}
