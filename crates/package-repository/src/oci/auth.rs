//! Authentication to a registry: basic, or a token of the token service that the registry names (distribution,
//! "Token Authentication Specification").
//!
//! Credentials are sent to the registry itself and to the token service that it names, and nowhere else.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use http_auth::ChallengeRef;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::scope::Scope;
use crate::{Error, Result};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{
    Answer, Body, Call, Transport, challenge, host,
};

/// Default lifetime of a token in seconds.
const USUAL: u64 = 60;
/// Maximum size of a token response.
const LIMIT: usize = 256 * 1024;
/// Client id for token services.
const CLIENT: &str = "extension-registry";

/// Credentials for one registry.
#[derive(Debug)]
pub(super) struct Authority {
    id: String,
    registry: Url,
    transport: Transport,
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    scheme: Option<Scheme>,
    tokens: HashMap<Scope, Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer(Service),
}

/// A token service.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    realm: Url,
    name: Option<String>,
}

#[derive(Clone, Debug)]
struct Token {
    value: Sensitive,
    until: Instant,
}

/// Response of a token service. Both names of the token are in use, and some services write numbers as text or
/// leave one of the names empty, so no field has a type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Issued {
    token: Value,
    access_token: Value,
    expires_in: Value,
}

impl Issued {
    fn token(&self) -> Option<&str> {
        let texts = [&self.token, &self.access_token].into_iter();
        texts
            .filter_map(Value::as_str)
            .map(str::trim)
            .find(|token| !token.is_empty())
    }

    fn seconds(&self) -> Option<u64> {
        let number = match &self.expires_in {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        Duration::try_from_secs_f64(number?)
            .ok()
            .map(|time| time.as_secs())
    }
}

impl Authority {
    pub(super) fn new(
        id: String,
        registry: Url,
        transport: Transport,
        credentials: Credentials,
    ) -> Self {
        Self {
            id,
            registry,
            transport,
            credentials,
            state: Mutex::default(),
        }
    }

    /// Returns whether there are no credentials.
    pub(super) fn is_anonymous(&self) -> bool {
        self.credentials == Credentials::Anonymous
    }

    /// Returns what to send before a challenge: a valid token, or the password if the registry asked for it
    /// before.
    pub(super) async fn present(&self, scope: &Scope) -> Result<Option<Sensitive>> {
        if let Credentials::Token(token) = &self.credentials {
            return Ok(Some(bearer(token.reveal())));
        }
        let mut state = self.state.lock().await;
        match state.scheme.clone() {
            None => Ok(None),
            Some(Scheme::Basic) => Ok(self.basic()),
            Some(Scheme::Bearer(service)) => {
                let known = state.tokens.get(scope);
                if let Some(token) = known.filter(|token| token.until > Instant::now()) {
                    return Ok(Some(token.value.clone()));
                }
                let token = self.issue(&service, &scope.with(None)).await?;
                let value = token.value.clone();
                let _ = state.tokens.insert(scope.clone(), token);
                Ok(Some(value))
            }
        }
    }

    /// Returns what to send after a challenge with 401; None if everything was already sent.
    pub(super) async fn challenged(
        &self,
        answer: &Answer,
        scope: &Scope,
        shown: Option<&Sensitive>,
    ) -> Result<Option<Sensitive>> {
        // Ignore a challenge from a redirect target.
        if answer.url().origin() != self.registry.origin()
            || matches!(self.credentials, Credentials::Token(_))
        {
            return Ok(None);
        }
        let texts: Vec<String> = answer
            .headers("www-authenticate")
            .map(challenge::normalized)
            .collect();
        let challenges: Vec<ChallengeRef<'_>> = texts
            .iter()
            .filter_map(|text| http_auth::parse_challenges(text).ok())
            .flatten()
            .collect();
        let named = |scheme: &str| {
            let mut all = challenges.iter();
            all.find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme))
        };
        if let Some(challenge) = named("bearer") {
            let service = self.service(challenge)?;
            let mut state = self.state.lock().await;
            let asked = parameter(challenge, "scope");
            let token = self.issue(&service, &scope.with(asked.as_deref())).await?;
            let value = token.value.clone();
            state.scheme = Some(Scheme::Bearer(service));
            let _ = state.tokens.insert(scope.clone(), token);
            return Ok(Some(value));
        }
        if named("basic").is_some() {
            let basic = self.basic().filter(|basic| Some(basic) != shown);
            if basic.is_some() {
                self.state.lock().await.scheme = Some(Scheme::Basic);
            }
            return Ok(basic);
        }
        Ok(None)
    }

    fn basic(&self) -> Option<Sensitive> {
        let Credentials::Basic { user, password } = &self.credentials else {
            return None;
        };
        let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
        Some(Sensitive::new(format!("Basic {pair}")))
    }

    /// Returns the token service that a registry names. It must use https, unless the registry does not.
    fn service(&self, challenge: &ChallengeRef<'_>) -> Result<Service> {
        let realm = parameter(challenge, "realm").unwrap_or_default();
        let broken = |why: String| Error::Unavailable {
            repository: self.id.clone(),
            what: "get a token".to_owned(),
            why,
            hint: "contact the administrator of the registry".to_owned(),
        };
        let realm: Url = realm
            .parse()
            .map_err(|_| broken("the registry returned an invalid token service URL".to_owned()))?;
        let allowed = self.transport.allows(&realm);
        allowed.map_err(|error| Error::of_transport(&self.id, "get a token", error))?;
        if self.registry.scheme() == "https" && realm.scheme() != "https" {
            let place = host(&realm);
            return Err(broken(format!(
                "the registry requests that credentials be sent to {place} over unencrypted http"
            )));
        }
        Ok(Service {
            realm,
            name: parameter(challenge, "service"),
        })
    }

    /// Requests a token.
    async fn issue(&self, service: &Service, scopes: &[&str]) -> Result<Token> {
        let what = || format!("get a token from {}", host(&service.realm));
        let call = match &self.credentials {
            Credentials::Identity(token) => refresh(service, scopes, token),
            _ => ask(service, scopes).authorization(self.basic()),
        };
        let sent = self.transport.send(&call).await;
        let answer = sent.map_err(|error| Error::of_transport(&self.id, &what(), error))?;
        let status = answer.status();
        if matches!(status.as_u16(), 400 | 401 | 403) {
            return Err(Error::Denied {
                repository: self.id.clone(),
                what: format!("log in to {}", answer.host()),
                hint: self.advice().to_owned(),
            });
        }
        if !status.is_success() {
            return Err(Error::Unavailable {
                repository: self.id.clone(),
                what: what(),
                why: format!("the server responded with {status}"),
                hint: String::new(),
            });
        }
        let issued = answer.json::<Issued>(LIMIT).await;
        // Never show the response of a token service: it may contain a token.
        let issued = issued.unwrap_or_default();
        let Some(value) = issued.token() else {
            return Err(Error::Unavailable {
                repository: self.id.clone(),
                what: what(),
                why: "the response contains no token".to_owned(),
                hint: "contact the administrator of the registry".to_owned(),
            });
        };
        let seconds = issued.seconds().unwrap_or(USUAL).min(24 * 60 * 60);
        // A token is not used shortly before it expires, since a request takes time.
        let good = Duration::from_secs(seconds).mul_f32(0.9);
        Ok(Token {
            value: bearer(value),
            until: Instant::now() + good,
        })
    }

    /// Returns the hint for a denied request.
    pub(super) fn advice(&self) -> &'static str {
        match self.credentials {
            Credentials::Anonymous => "log in with `kubectl ext package login`",
            Credentials::Basic { .. } => {
                "check the username and password, and the permissions of the account"
            }
            Credentials::Token(_) | Credentials::Identity(_) => {
                "check the token: it may be invalid or expired, or lack permissions"
            }
        }
    }
}

fn bearer(token: &str) -> Sensitive {
    Sensitive::new(format!("Bearer {token}"))
}

/// Builds a `GET` request with the password, or an anonymous one.
fn ask(service: &Service, scopes: &[&str]) -> Call {
    let mut url = service.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        let _ = query.extend_pairs(service.name.iter().map(|name| ("service", name)));
        let _ = query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
    }
    Call::get(url).header("accept", "application/json").secret()
}

/// Builds a `POST` request with an identity token (distribution, "`OAuth2` Token Authentication").
fn refresh(service: &Service, scopes: &[&str], token: &Sensitive) -> Call {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let _ = form
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", CLIENT)
        .append_pair("service", service.name.as_deref().unwrap_or_default())
        .append_pair("refresh_token", token.reveal());
    if !scopes.is_empty() {
        let _ = form.append_pair("scope", &scopes.join(" "));
    }
    Call::new(Method::POST, service.realm.clone())
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::Bytes(form.finish().into_bytes().into()))
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let mut all = challenge.params.iter();
    let (_, value) = all.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.to_unescaped())
}
