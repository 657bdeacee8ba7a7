//! A token service for a registry: it grants all requested scopes to a client with the right password
//! (distribution, "Token Authentication Implementation").
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extension_registry_e2e::servers::docker_registry::Access;
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

const ISSUER: &str = "packages";

/// A running token service, until it is dropped.
pub(crate) struct Tokens {
    realm: String,
    certificate: String,
    scopes: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

struct Service {
    expected: String,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    scopes: Arc<Mutex<Vec<String>>>,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tokens {
    pub(crate) async fn start(user: &str, password: &str) -> Self {
        let pair = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![ISSUER.to_owned()])
            .unwrap()
            .self_signed(&pair)
            .unwrap();
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &pair.serialize_der(),
            &random,
        );
        let scopes = Arc::new(Mutex::new(Vec::new()));
        let service = Service {
            expected: format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            key: key.unwrap(),
            certificate: certificate.der().to_vec(),
            scopes: Arc::clone(&scopes),
        };
        let router = Router::new()
            .route("/token", get(issue))
            .with_state(Arc::new(service));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            realm: format!("http://{address}/token"),
            certificate: certificate.pem(),
            scopes,
            task,
        }
    }

    /// Returns the access settings of a registry that accepts these tokens.
    pub(crate) fn access(&self) -> Access {
        Access::Tokens {
            realm: self.realm.clone(),
            issuer: ISSUER.to_owned(),
            certificate: self.certificate.clone(),
        }
    }

    /// Returns the requested scopes.
    pub(crate) fn scopes(&self) -> Vec<String> {
        self.scopes.lock().unwrap().clone()
    }
}

async fn issue(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if authorization != Some(service.expected.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let query = query.unwrap_or_default();
    let scopes: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "scope")
        .map(|(_, scope)| scope.into_owned())
        .collect();
    service
        .scopes
        .lock()
        .unwrap()
        .extend(scopes.iter().cloned());
    let access: Vec<Value> = scopes
        .iter()
        .map(|scope| {
            let (resource, actions) = scope.rsplit_once(':').unwrap();
            let (kind, name) = resource.split_once(':').unwrap();
            let actions: Vec<&str> = actions.split(',').collect();
            json!({ "type": kind, "name": name, "actions": actions })
        })
        .collect();
    Json(json!({ "token": service.signed(&access), "expires_in": 300 })).into_response()
}

impl Service {
    fn signed(&self, access: &[Value]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [STANDARD.encode(&self.certificate)],
        });
        let claims = json!({
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": "somebody",
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": now.to_string(),
            "access": access,
        });
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}
