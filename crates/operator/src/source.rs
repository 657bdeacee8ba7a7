//! Reading source Secrets, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use extension_registry_core::projection::{SourceKeys, SourceValues};
use extension_registry_core::record::{Name, RecordKey};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::error::{Error, code};
use crate::store::{SourceState, version_number};
use crate::task::ObjectKey;

/// Types of Secrets that no record may take values from (security, section 4).
fn is_refused_type(secret_type: &str) -> bool {
    matches!(
        secret_type,
        "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token"
    ) || secret_type.starts_with("helm.sh/")
}

/// Namespace of the source Secrets of a record.
pub(crate) fn namespace_of(context: &Context, record: &RecordKey) -> Arc<str> {
    record
        .namespace
        .clone()
        .unwrap_or_else(|| Arc::clone(&context.settings.records_namespace))
}

/// What is known of a source Secret; looks when nobody did yet.
///
/// # Errors
/// When the API server does not answer. Missing and forbidden are answers.
pub(crate) async fn state(context: &Context, key: &ObjectKey) -> Result<SourceState, Error> {
    let known = context.world.sources.read().get(key).cloned();
    match known {
        Some(state) => Ok(state),
        None => look(context, key).await,
    }
}

/// Looks at a source Secret and keeps the names of its keys.
///
/// # Errors
/// As [`state`].
pub(crate) async fn look(context: &Context, key: &ObjectKey) -> Result<SourceState, Error> {
    let (state, _) = read(context, key).await?;
    context
        .world
        .sources
        .write()
        .set(key.clone(), state.clone());
    Ok(state)
}

type Data = BTreeMap<String, ByteString>;

async fn read(context: &Context, key: &ObjectKey) -> Result<(SourceState, Data), Error> {
    let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
    match api.get_opt(&key.name).await {
        Ok(None) => Ok((SourceState::Missing, Data::new())),
        Ok(Some(secret)) => {
            let secret_type = secret.type_.clone().unwrap_or_default();
            if is_refused_type(&secret_type) {
                return Ok((SourceState::Refused { secret_type }, Data::new()));
            }
            let version = version_number(secret.resource_version().as_deref());
            let data = secret.data.unwrap_or_default();
            let keys = data.keys().map(|name| Name::from(name.as_str())).collect();
            Ok((SourceState::Present { version, keys }, data))
        }
        Err(error) if code(&error) == 403 => Ok((SourceState::Denied, Data::new())),
        Err(error) => Err(Error::secret(format!("read source Secret {key}"), &error)),
    }
}

/// Key names of the source Secrets of one record.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyView {
    keys: HashMap<Name, Option<Arc<[Name]>>>,
    problems: HashMap<Name, String>,
}

impl KeyView {
    /// Adds what is known of a Secret.
    pub(crate) fn add(&mut self, key: &ObjectKey, state: &SourceState) {
        let names = match state {
            SourceState::Present { keys, .. } => Some(Arc::clone(keys)),
            _ => None,
        };
        let problem = match state {
            SourceState::Present { .. } => None,
            SourceState::Missing => Some(format!("Secret `{key}` is missing; create it")),
            SourceState::Denied => Some(format!(
                "the operator may not read Secret `{key}`; grant `get`, `list` and `watch` on it by name to the operator's service account"
            )),
            SourceState::Refused { secret_type } => Some(format!(
                "Secret `{key}` is of type `{secret_type}`, which no record may refer to"
            )),
        };
        self.keys.insert(Arc::clone(&key.name), names);
        if let Some(problem) = problem {
            self.problems.insert(Arc::clone(&key.name), problem);
        }
    }

    /// Why a Secret cannot be used, for people.
    pub(crate) fn problem(&self, secret: &str) -> Option<&str> {
        self.problems.get(secret).map(String::as_str)
    }
}

impl SourceKeys for KeyView {
    fn keys(&self, secret: &str) -> Option<Vec<Name>> {
        self.keys
            .get(secret)
            .and_then(Option::as_ref)
            .map(|keys| keys.to_vec())
    }
}

/// Values of the source Secrets of one record. It lives for one rendering and is never kept.
#[derive(Default)]
pub(crate) struct ValueView {
    data: HashMap<Name, Data>,
    /// The Secrets with the versions that were read.
    pub versions: Vec<(ObjectKey, u64)>,
    /// Key names, as read together with the values.
    pub keys: KeyView,
}

impl ValueView {
    /// Reads Secrets, values and all.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub(crate) async fn read(context: &Context, secrets: &[ObjectKey]) -> Result<Self, Error> {
        let mut view = Self::default();
        for key in secrets {
            let (state, data) = read(context, key).await?;
            view.keys.add(key, &state);
            view.versions.push((key.clone(), state.version()));
            view.data.insert(Arc::clone(&key.name), data);
            context.world.sources.write().set(key.clone(), state);
        }
        Ok(view)
    }
}

impl SourceValues for ValueView {
    fn value(&self, secret: &str, key: &str) -> Option<Vec<u8>> {
        self.data.get(secret)?.get(key).map(|value| value.0.clone())
    }
}
