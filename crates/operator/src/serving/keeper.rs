//! Keeps the authorities in one Secret that all replicas follow.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::{Error, code};
use crate::serving::authority::Authorities;

/// Name of the Secret.
const SECRET: &str = "extension-registry-webhook-ca";
/// All authorities, with their keys.
const ENTRY: &str = "authorities.json";
/// Their certificates, for people and other tools.
const BUNDLE: &str = "ca.crt";

/// Keeps the authorities.
pub(crate) struct Keeper {
    api: Api<Secret>,
    place: String,
    /// As last seen. A Secret that somebody deleted is written again from here, so that nothing that
    /// is in use stops being trusted.
    known: Authorities,
}

impl Keeper {
    /// Keeps them in this namespace.
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            place: format!("Secret {namespace}/{SECRET}"),
            known: Authorities::default(),
        }
    }

    /// The authorities as they should be now, after storing them where they are not.
    ///
    /// # Errors
    /// When the API server does not do what it was asked, or another replica was faster: try again.
    pub(crate) async fn follow(&mut self, now: i64) -> Result<&Authorities, Error> {
        let stored = self
            .api
            .get_opt(SECRET)
            .await
            .map_err(|error| Error::secret(format!("read {}", self.place), &error))?;
        let read = stored
            .as_ref()
            .and_then(|secret| secret.data.as_ref()?.get(ENTRY))
            .and_then(|bytes| Authorities::from_bytes(&bytes.0));
        if stored.is_some() && read.is_none() {
            tracing::warn!(secret = SECRET, "holds no authorities, written anew");
        }
        let wanted = read
            .as_ref()
            .unwrap_or(&self.known)
            .advanced(now)
            .map_err(|error| Error::internal("make an authority", &error))?;
        if read.as_ref() != Some(&wanted) {
            self.store(stored, &wanted).await?;
        }
        self.known = wanted;
        Ok(&self.known)
    }

    async fn store(&self, stored: Option<Secret>, wanted: &Authorities) -> Result<(), Error> {
        let data = [
            (ENTRY.to_owned(), ByteString(wanted.to_bytes())),
            (BUNDLE.to_owned(), ByteString(wanted.bundle().into_bytes())),
        ];
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                // As read, so that of two replicas one loses and reads again.
                resource_version: stored
                    .as_ref()
                    .and_then(|old| old.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            data: Some(data.into()),
            ..Secret::default()
        };
        let parameters = PostParams::default();
        let result = if stored.is_some() {
            self.api.replace(SECRET, &parameters, &secret).await
        } else {
            self.api.create(&parameters, &secret).await
        };
        match result {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == 409 => Err(Error::race(
                format!("write {}", self.place),
                "another replica was faster",
            )),
            Err(error) => Err(Error::secret(format!("write {}", self.place), &error)),
        }
    }
}
