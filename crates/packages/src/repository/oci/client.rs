//! Requests to one registry: where it is, who we are, what its refusals mean.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::StatusCode;
use url::Url;

use super::auth::Authority;
use super::model::{Fault, Refusal};
use super::scope::Scope;
use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::repository::{Error, Result};
use crate::transport::{self, Answer, Call, Transport};

/// Largest refusal that is read.
const REFUSAL: usize = 64 * 1024;
/// Warnings that are kept.
const WARNINGS: usize = 100;
/// Entries that are asked for at once. More are refused by some servers.
const PAGE: usize = 1000;

/// A registry.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// Host and port, as references begin with.
    pub(super) registry: String,
    pub(super) base: Url,
    pub(super) transport: Transport,
    pub(super) authority: Authority,
    pub(super) page: usize,
    /// Held while a tag is read, changed and written.
    pub(super) amending: tokio::sync::Mutex<()>,
    noted: Mutex<Noted>,
    /// Blobs that were seen or written, each with the repository that has it.
    pub(super) blobs: Mutex<HashMap<Digest, String>>,
}

/// What hindered nothing.
#[derive(Debug, Default)]
struct Noted {
    /// All of it, in its order, each once.
    texts: Vec<String>,
    /// How many of them were told.
    told: usize,
}

impl Client {
    /// A registry by its address: `localhost:5000`, `https://registry.example`. Without a scheme it is asked over
    /// https, or over http where the transport lets that go there: on this machine, or where the repository is
    /// said to be insecure.
    pub(super) fn new(
        id: String,
        registry: &str,
        transport: Transport,
        credentials: Credentials,
    ) -> Result<Self> {
        let base = address(registry, &transport).ok_or_else(|| Error::Unsupported {
            repository: id.clone(),
            what: "be asked: its `registry` is no host".to_owned(),
            hint: "write a host and a port, such as `localhost:5000`; the rest of a path is the `namespace`".to_owned(),
        })?;
        let allowed = transport.allows(&base);
        allowed.map_err(|error| failed(&id, "be asked", error))?;
        Ok(Self {
            registry: transport::host(&base),
            authority: Authority::new(id.clone(), base.clone(), transport.clone(), credentials),
            id,
            base,
            transport,
            page: PAGE,
            amending: tokio::sync::Mutex::default(),
            noted: Mutex::default(),
            blobs: Mutex::default(),
        })
    }

    /// The address of a path of the registry. Names in it were checked, so it needs no escaping.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Makes a call, and again with what the registry wants to see. An answer that refuses is an answer.
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
        sent.map_err(|error| failed(&self.id, what, error))
    }

    /// The error of an answer that refuses.
    pub(super) async fn refused(&self, answer: Answer, what: &str) -> Error {
        let status = answer.status();
        let faults = faults(answer).await;
        let why = match told(&faults) {
            Some(told) => format!("it answers {status}: {told}"),
            None => format!("it answers {status}"),
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
                hint: "ask whoever runs the registry to allow it".to_owned(),
            },
            429 => Error::Unavailable {
                repository,
                what,
                why,
                hint:
                    "it limits how often it is asked: try again later, or log in for a higher limit"
                        .to_owned(),
            },
            _ => Error::Unavailable {
                repository,
                what,
                why,
                hint: String::new(),
            },
        }
    }

    /// The error of something that is not what it should be.
    pub(super) fn broken(&self, what: &str, why: String) -> Error {
        Error::Broken {
            repository: self.id.clone(),
            what: what.to_owned(),
            why,
            hint: String::new(),
        }
    }

    /// The error of an answer that cannot be read.
    pub(super) fn failed(&self, what: &str, error: transport::Error) -> Error {
        failed(&self.id, what, error)
    }

    /// Takes note of something that hinders nothing.
    pub(super) fn note(&self, text: &str) {
        self.take_note(format!("{}: {}", self.id, clean(text)));
    }

    /// Takes note of a failure that something else makes up for. It names the registry.
    pub(super) fn note_failure(&self, error: &Error) {
        self.take_note(error.to_string());
    }

    fn take_note(&self, text: String) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.texts.len() < WARNINGS && !noted.texts.contains(&text) {
            noted.texts.push(text);
        }
    }

    /// What was noted since the last time.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let all = noted.texts.len();
        let told = std::mem::replace(&mut noted.told, all);
        noted.texts.iter().skip(told).cloned().collect()
    }

    /// `299 - "text"` (distribution-spec, "Warnings"); other codes are for machines.
    fn warned(&self, header: &str) {
        let text = header.trim().strip_prefix("299 - ");
        if let Some(text) = text {
            self.note(&text.trim().trim_matches('"').replace("\\\"", "\""));
        }
    }
}

/// The error of a call without an answer.
pub(super) fn failed(id: &str, what: &str, error: transport::Error) -> Error {
    match error {
        transport::Error::File { path, error } => Error::File {
            what: "read",
            path,
            error,
        },
        error => Error::Unavailable {
            repository: id.to_owned(),
            what: what.to_owned(),
            why: error.to_string(),
            hint: String::new(),
        },
    }
}

/// What a registry says of its refusal, whatever type it says the answer has.
pub(super) async fn faults(answer: Answer) -> Vec<Fault> {
    let bytes = answer.bytes(REFUSAL).await.unwrap_or_default();
    let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
    refusal.errors
}

fn told(faults: &[Fault]) -> Option<String> {
    let fault = faults.iter().find(|fault| !fault.code.is_empty())?;
    let message = fault.message.as_deref().unwrap_or_default();
    Some(clean(&format!("{} {message}", fault.code)))
}

/// Text of a server, fit to be shown: one line, no control characters, not long.
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
