//! Reading source Secrets, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use extension_registry_core::projection::{SourceKeys, SourceValues};
use extension_registry_core::record::{Name, RecordKey, SourceSecret};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::error::{Error, code};
use crate::impact;
use crate::permission;
use crate::seal::Seal;
use crate::store::{SourceState, version_number};
use crate::task::ObjectKey;

/// Types of Secrets that no record may take values from (security, section 4).
fn is_refused_type(secret_type: &str) -> bool {
    matches!(
        secret_type,
        "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token"
    ) || secret_type.starts_with("helm.sh/")
}

/// Where a source Secret of a record is: sealed ones and those of cluster records in the records
/// namespace, others beside the record (design, section 2).
pub(crate) fn place(
    record: &RecordKey,
    secret: &SourceSecret,
    records_namespace: &str,
) -> ObjectKey {
    let namespace = match secret {
        SourceSecret::Kept(_) => record.namespace.clone(),
        SourceSecret::Sealed(_) => None,
    };
    ObjectKey {
        namespace: namespace.unwrap_or_else(|| records_namespace.into()),
        name: Arc::clone(secret.name()),
    }
}

/// What is known of a source Secret; looks when nobody did yet, and at one that could not be read: no
/// watch shows when a permission comes back.
///
/// # Errors
/// When the API server does not answer. Missing and forbidden are answers.
async fn state(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let known = context.world.sources.read().get(key).cloned();
    match known {
        Some(SourceState::Denied) | None => look(context, key).await,
        Some(state) => Ok(state),
    }
}

/// Looks at a source Secret and keeps the names of its keys.
///
/// # Errors
/// As [`state`].
pub(crate) async fn look(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let (state, _) = read(context, key).await?;
    note(context, key, &state);
    Ok(state)
}

/// Keeps what was read, and wakes whoever relied on something else.
fn note(context: &Arc<Context>, key: &ObjectKey, state: &SourceState) {
    let before = context
        .world
        .sources
        .write()
        .set(key.clone(), state.clone());
    impact::source_read(context, key, before.as_ref(), state);
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
            let seal = Seal::of(&secret);
            let data = secret.data.unwrap_or_default();
            let keys = data.keys().map(|name| Name::from(name.as_str())).collect();
            let state = SourceState::Present {
                version,
                keys,
                seal,
            };
            Ok((state, data))
        }
        Err(error) if code(&error) == 403 => Ok((SourceState::Denied, Data::new())),
        Err(error) => Err(Error::secret(format!("read source Secret {key}"), &error)),
    }
}

/// Key names of the source Secrets of one record.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyView {
    keys: HashMap<SourceSecret, Option<Arc<[Name]>>>,
    problems: HashMap<SourceSecret, String>,
    /// Whether a Secret could not be read for want of a permission.
    denied: bool,
}

impl KeyView {
    /// What is known of Secrets; looks at those that nobody looked at yet.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub(crate) async fn read(
        context: &Arc<Context>,
        record: &RecordKey,
        secrets: impl IntoIterator<Item = SourceSecret>,
    ) -> Result<Self, Error> {
        let mut view = Self::default();
        for secret in secrets {
            let place = place(record, &secret, &context.settings.records_namespace);
            let state = state(context, &place).await?;
            view.add(record, &secret, &place, &state, &context.settings.account);
        }
        Ok(view)
    }

    /// Adds what is known of a Secret. Whether the record may have its values.
    fn add(
        &mut self,
        record: &RecordKey,
        secret: &SourceSecret,
        place: &ObjectKey,
        state: &SourceState,
        account: &str,
    ) -> bool {
        let names = match state {
            SourceState::Present { keys, seal, .. } if seal.admits(record, secret) => {
                Some(Arc::clone(keys))
            }
            _ => None,
        };
        let admitted = names.is_some();
        self.denied |= *state == SourceState::Denied;
        self.keys.insert(secret.clone(), names);
        if !admitted {
            let problem = problem(secret, place, state, account);
            self.problems.insert(secret.clone(), problem);
        }
        admitted
    }

    /// Whether a Secret could not be read for want of a permission.
    pub(crate) fn is_denied(&self) -> bool {
        self.denied
    }

    /// Why a Secret cannot be used, for people.
    pub(crate) fn problem(&self, secret: &SourceSecret) -> Option<&str> {
        self.problems.get(secret).map(String::as_str)
    }
}

/// Why a record gets nothing of a Secret, and the way out. Whether a sealed Secret is missing or
/// another record's is not told: both have the same way out.
fn problem(secret: &SourceSecret, place: &ObjectKey, state: &SourceState, account: &str) -> String {
    match (secret, state) {
        (_, SourceState::Denied) => format!(
            "the operator may not read Secret `{place}`; let it: {}",
            permission::grant_command(place, account)
        ),
        (SourceSecret::Sealed(_), _) => format!(
            "there is no Secret `{place}` that was sealed for this record; apply the record once more with `value` in place of `valueFrom`"
        ),
        (_, SourceState::Missing) => format!("Secret `{place}` is missing; create it"),
        (_, SourceState::Refused { secret_type }) => {
            format!("Secret `{place}` is of type `{secret_type}`, which no record may refer to")
        }
        (_, SourceState::Present { .. }) => format!(
            "Secret `{place}` is sealed, so no `secretKeyRef` or `secretRef` may name it; keep the value in a Secret of your own"
        ),
    }
}

impl SourceKeys for KeyView {
    fn keys(&self, secret: &SourceSecret) -> Option<Vec<Name>> {
        self.keys
            .get(secret)
            .and_then(Option::as_ref)
            .map(|keys| keys.to_vec())
    }
}

/// Values of the source Secrets of one record. It lives for one rendering and is never kept.
#[derive(Default)]
pub(crate) struct ValueView {
    data: HashMap<SourceSecret, Data>,
    /// The Secrets with the versions that were read.
    pub versions: Vec<(ObjectKey, u64)>,
    /// Key names, as read together with the values.
    pub keys: KeyView,
}

impl ValueView {
    /// Reads Secrets, values and all. Values that the record may not have are dropped here.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub(crate) async fn read(
        context: &Arc<Context>,
        record: &RecordKey,
        secrets: impl IntoIterator<Item = SourceSecret>,
    ) -> Result<Self, Error> {
        let settings = &context.settings;
        let mut view = Self::default();
        for secret in secrets {
            let place = place(record, &secret, &settings.records_namespace);
            let (state, data) = read(context, &place).await?;
            view.versions.push((place.clone(), state.version()));
            if view
                .keys
                .add(record, &secret, &place, &state, &settings.account)
            {
                view.data.insert(secret, data);
            }
            note(context, &place, &state);
        }
        Ok(view)
    }
}

impl SourceValues for ValueView {
    fn value(&self, secret: &SourceSecret, key: &str) -> Option<Vec<u8>> {
        self.data.get(secret)?.get(key).map(|value| value.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::projection::SourceKeys;
    use extension_registry_core::record::{RecordKey, SourceSecret};

    use super::{KeyView, place};
    use crate::seal::Seal;
    use crate::store::SourceState;

    #[test]
    fn a_sealed_secret_serves_its_record_only() {
        let owner = RecordKey::project("alpha", "store");
        let others = [
            RecordKey::project("beta", "store"),
            RecordKey::project("alpha", "other"),
            RecordKey::cluster("store"),
        ];
        let state = |seal: Seal| SourceState::Present {
            version: 1,
            keys: ["K".into()].into(),
            seal,
        };
        let sees = |record: &RecordKey, secret: &SourceSecret, seal: Seal| {
            let mut view = KeyView::default();
            let place = place(record, secret, "records");
            let admitted = view.add(record, secret, &place, &state(seal), "someone");
            assert_eq!(view.keys(secret).is_some(), admitted);
            assert_eq!(view.problem(secret).is_none(), admitted);
            admitted
        };
        let sealed = SourceSecret::Sealed("sealed-store-1".into());
        let kept = SourceSecret::Kept("sealed-store-1".into());
        assert!(sees(&owner, &sealed, Seal::For(owner.clone())));
        for other in &others {
            assert!(!sees(other, &sealed, Seal::For(owner.clone())), "{other}");
            assert!(!sees(other, &kept, Seal::For(owner.clone())), "{other}");
        }
        assert!(!sees(&owner, &kept, Seal::For(owner.clone())));
        assert!(!sees(&owner, &sealed, Seal::Broken));
        assert!(!sees(&owner, &kept, Seal::Broken));
        assert!(!sees(&owner, &sealed, Seal::Open));
        assert!(sees(&owner, &kept, Seal::Open));
    }

    #[test]
    fn what_is_missing_and_what_is_another_records_read_the_same() {
        let record = RecordKey::cluster("store");
        let secret = SourceSecret::Sealed("sealed-x".into());
        let at = place(&record, &secret, "records");
        assert_eq!(at.to_string(), "records/sealed-x");
        let foreign = SourceState::Present {
            version: 1,
            keys: ["K".into()].into(),
            seal: Seal::For(RecordKey::cluster("theirs")),
        };
        let text = |state: &SourceState| super::problem(&secret, &at, state, "someone");
        assert_eq!(text(&SourceState::Missing), text(&foreign));
    }
}
