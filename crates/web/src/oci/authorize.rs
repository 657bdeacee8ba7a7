//! Authorization by a Kubernetes API server: the token of the caller is the password, and RBAC decides on the path of a
//! package as a non-resource URL.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use extension_registry_core::sensitive::Sensitive;
use http::{HeaderMap, header};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::authorizer::{AuthorizeError, Authorizer, Caller};
use super::basic;

/// Time limit for a response of the API server.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer of the API server is used again. A revoked token or permission is used this long at most.
const REFRESH: Duration = Duration::from_secs(10);
/// Maximum number of answers in memory.
const ANSWERS: usize = 10_000;
/// What clients show when they ask for a password.
const CHALLENGE: &str = "Basic realm=\"extension-registry\", charset=\"UTF-8\"";

/// Answers of the API server, for a short time.
struct Answers<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K: Eq + Hash, V: Clone> Answers<K, V> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get(&self, key: &K) -> Option<V> {
        let answers = self.0.lock();
        let (at, answer) = answers.get(key)?;
        (at.elapsed() < REFRESH).then(|| answer.clone())
    }

    fn put(&self, key: K, answer: V) {
        let mut answers = self.0.lock();
        if answers.len() >= ANSWERS {
            answers.clear();
        }
        let _ = answers.insert(key, (Instant::now(), answer));
    }
}

/// Authorizes callers by `TokenReview` and `SubjectAccessReview`. The client needs the permissions of the cluster role
/// `system:auth-delegator`.
pub struct Kubernetes {
    client: Client,
    /// Callers by the hash of their token; None for an invalid token.
    callers: Answers<[u8; 32], Option<Caller>>,
    decisions: Answers<(Caller, String), bool>,
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kubernetes").finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Creates an authorizer without sending a request.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            callers: Answers::new(),
            decisions: Answers::new(),
        }
    }

    async fn review_token(&self, token: &Sensitive) -> Result<Option<Caller>, AuthorizeError> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.reveal().to_owned()),
                audiences: None,
            },
            ..TokenReview::default()
        };
        let review = create(&self.client, &review).await?;
        let status = review.status.unwrap_or_default();
        let user = status.user.filter(|_| status.authenticated == Some(true));
        Ok(user.map(|user| Caller {
            user: user.username.unwrap_or_default(),
            uid: user.uid.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default().into_iter().collect(),
        }))
    }
}

#[async_trait]
impl Authorizer for Kubernetes {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthorizeError> {
        let unauthenticated = || AuthorizeError::Unauthenticated {
            challenge: CHALLENGE.to_owned(),
        };
        let value = headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        let token = value.and_then(basic::token).ok_or_else(unauthenticated)?;
        let key: [u8; 32] = Sha256::digest(token.reveal()).into();
        let caller = if let Some(caller) = self.callers.get(&key) {
            caller
        } else {
            let caller = self.review_token(&token).await?;
            self.callers.put(key, caller.clone());
            caller
        };
        caller.ok_or_else(unauthenticated)
    }

    async fn may_read(&self, caller: &Caller, path: &str) -> Result<bool, AuthorizeError> {
        let key = (caller.clone(), path.to_owned());
        if let Some(decision) = self.decisions.get(&key) {
            return Ok(decision);
        }
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(caller.user.clone()),
                uid: Some(caller.uid.clone()),
                groups: Some(caller.groups.clone()),
                extra: Some(caller.extra.iter().cloned().collect()),
                non_resource_attributes: Some(NonResourceAttributes {
                    path: Some(path.to_owned()),
                    verb: Some("get".to_owned()),
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let review = create(&self.client, &review).await?;
        let decision = review.status.is_some_and(|status| status.allowed);
        self.decisions.put(key, decision);
        Ok(decision)
    }
}

/// Sends a review. Its answer is the status of the response.
async fn create<K>(client: &Client, review: &K) -> Result<K, AuthorizeError>
where
    K: kube::Resource<Scope = k8s_openapi::ClusterResourceScope>
        + Clone
        + fmt::Debug
        + serde::Serialize
        + serde::de::DeserializeOwned,
    K::DynamicType: Default,
{
    let unavailable = |why: String| {
        tracing::error!(error = %why, "failed to review a request");
        // The details concern the administrator only.
        AuthorizeError::Unavailable("the API server did not answer".to_owned())
    };
    let api: Api<K> = Api::all(client.clone());
    let parameters = PostParams::default();
    let created = tokio::time::timeout(TIMEOUT, api.create(&parameters, review));
    match created.await {
        Ok(Ok(answer)) => Ok(answer),
        // Messages of the API server may quote the request.
        Ok(Err(kube::Error::Api(status))) => {
            Err(unavailable(format!("{} {}", status.code, status.reason)))
        }
        Ok(Err(error)) => Err(unavailable(error.to_string())),
        Err(_) => Err(unavailable(format!("no response within {TIMEOUT:?}"))),
    }
}
