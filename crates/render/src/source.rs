//! State of source Secrets, and which parts of them a record may use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use extension_registry_core::projection::{SourceKeys, SourceValues};
use extension_registry_core::record::{Credentials, Name, Record, RecordKey, SourceSecret};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_seal::{RESEAL, Seal};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use crate::ObjectKey;
use crate::grant::grant_command;

/// Data of a Secret.
pub type Data = BTreeMap<String, ByteString>;

/// Returns whether records must not reference Secrets of this type.
fn is_refused_type(secret_type: &str) -> bool {
    matches!(
        secret_type,
        "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token"
    ) || secret_type.starts_with("helm.sh/")
}

/// Returns the key of a source Secret of a record: sealed Secrets and those of cluster records are in the
/// records namespace, others in the namespace of the record.
#[must_use]
pub fn place(record: &RecordKey, secret: &SourceSecret, records_namespace: &str) -> ObjectKey {
    let namespace = match secret {
        SourceSecret::Referenced(_) => record.namespace.clone(),
        SourceSecret::Sealed(_) => None,
    };
    ObjectKey {
        namespace: namespace.unwrap_or_else(|| records_namespace.into()),
        name: Arc::clone(secret.name()),
    }
}

/// Returns the keys of all source Secrets of a record.
pub fn places<'r>(
    record: &'r Record,
    records_namespace: &'r str,
) -> impl Iterator<Item = ObjectKey> + 'r {
    let secrets = record.source_secrets().into_iter();
    secrets.map(move |secret| place(&record.key, &secret, records_namespace))
}

/// Returns the source Secrets of the selected credentials only.
#[must_use]
pub fn secrets(choice: &Choice) -> BTreeSet<SourceSecret> {
    choice
        .credentials()
        .map(Credentials::source_secrets)
        .unwrap_or_default()
}

/// Parses a resource version: resource versions are comparable since Kubernetes 1.35, and in practice
/// before. Returns zero for other text, so that the next event is newer.
#[must_use]
pub fn version_number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// State of a source Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// The Secret does not exist.
    Missing,
    /// The operator is not allowed to read it.
    Denied,
    /// Records must not reference Secrets of this type.
    Refused {
        /// Type of the Secret.
        secret_type: String,
    },
    /// The Secret exists.
    Present {
        /// `metadata.resourceVersion`.
        version: u64,
        /// Names of its keys, sorted.
        keys: Arc<[Name]>,
        /// Records that may use the Secret.
        seal: Seal,
    },
}

impl SourceState {
    /// Returns whether both states provide the same keys to the same records, regardless of values.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Present { keys, seal, .. },
                Self::Present {
                    keys: other_keys,
                    seal: other_seal,
                    ..
                },
            ) => keys == other_keys && seal == other_seal,
            _ => self == other,
        }
    }

    /// Returns the observed version; zero if the Secret was not read.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Present { version, .. } => *version,
            _ => 0,
        }
    }

    /// Returns the state of a Secret and its data. The data is empty if records must not reference the
    /// Secret.
    #[must_use]
    pub fn of(secret: Secret) -> (Self, Data) {
        let secret_type = secret.type_.clone().unwrap_or_default();
        if is_refused_type(&secret_type) {
            return (Self::Refused { secret_type }, Data::new());
        }
        let version = version_number(secret.metadata.resource_version.as_deref());
        let seal = Seal::of(&secret);
        let data = secret.data.unwrap_or_default();
        let keys = data.keys().map(|name| Name::from(name.as_str())).collect();
        let state = Self::Present {
            version,
            keys,
            seal,
        };
        (state, data)
    }
}

/// Keys of the source Secrets of one record.
#[derive(Clone, Debug, Default)]
pub struct KeyView {
    keys: HashMap<SourceSecret, Option<Arc<[Name]>>>,
    problems: HashMap<SourceSecret, String>,
    /// Whether a Secret could not be read due to missing permissions.
    denied: bool,
}

impl KeyView {
    /// Adds the state of a Secret. Returns whether the record may use its values.
    pub fn add(
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

    /// Returns whether a Secret could not be read due to missing permissions.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    /// Returns why a Secret cannot be used, as a message.
    pub fn problem(&self, secret: &SourceSecret) -> Option<&str> {
        self.problems.get(secret).map(String::as_str)
    }
}

/// Explains why a record cannot use a Secret, and how to fix it. The message does not reveal whether a
/// sealed Secret is missing or belongs to another record.
fn problem(secret: &SourceSecret, place: &ObjectKey, state: &SourceState, account: &str) -> String {
    match (secret, state) {
        (_, SourceState::Denied) => format!(
            "the operator is not allowed to read Secret `{place}`; grant access: {}",
            grant_command(place, account)
        ),
        (SourceSecret::Sealed(_), _) => {
            format!("Secret `{place}` not found, or not sealed for this record; {RESEAL}")
        }
        (_, SourceState::Missing) => format!("Secret `{place}` not found; create it"),
        (_, SourceState::Refused { secret_type }) => {
            format!("Secret `{place}` has type `{secret_type}`, which records cannot reference")
        }
        (_, SourceState::Present { .. }) => format!(
            "Secret `{place}` is sealed and cannot be used in `secretKeyRef` or `secretRef`; store the value in another Secret"
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

/// Values of the source Secrets and the sealed entries of one choice. It is created for one rendering and
/// never stored.
#[derive(Default)]
pub struct ValueView {
    data: HashMap<SourceSecret, Data>,
    sealed: HashMap<Name, Sensitive>,
    /// The Secrets with their observed versions.
    pub versions: Vec<(ObjectKey, u64)>,
    /// Keys, as observed together with the values.
    pub keys: KeyView,
}

impl ValueView {
    /// Adds a Secret. Values that the record may not use are dropped.
    pub fn add(
        &mut self,
        record: &RecordKey,
        secret: SourceSecret,
        place: &ObjectKey,
        (state, data): (&SourceState, Data),
        account: &str,
    ) {
        self.versions.push((place.clone(), state.version()));
        if self.keys.add(record, &secret, place, state, account) {
            self.data.insert(secret, data);
        }
    }

    /// Adds the decrypted value of a sealed entry.
    pub fn add_sealed(&mut self, entry: &Name, value: Sensitive) {
        self.sealed.insert(Arc::clone(entry), value);
    }
}

impl SourceValues for ValueView {
    fn value(&self, secret: &SourceSecret, key: &str) -> Option<Vec<u8>> {
        self.data.get(secret)?.get(key).map(|value| value.0.clone())
    }

    fn sealed(&self, entry: &str) -> Option<Vec<u8>> {
        Some(self.sealed.get(entry)?.reveal().into())
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::projection::SourceKeys;
    use extension_registry_core::record::{RecordKey, SourceSecret};

    use super::{KeyView, SourceState, place};
    use extension_registry_seal::Seal;

    #[test]
    fn only_its_record_can_use_sealed_secret() {
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
        let referenced = SourceSecret::Referenced("sealed-store-1".into());
        assert!(sees(&owner, &sealed, Seal::For(owner.clone())));
        for other in &others {
            assert!(!sees(other, &sealed, Seal::For(owner.clone())), "{other}");
            assert!(
                !sees(other, &referenced, Seal::For(owner.clone())),
                "{other}"
            );
        }
        assert!(!sees(&owner, &referenced, Seal::For(owner.clone())));
        assert!(!sees(&owner, &sealed, Seal::Broken));
        assert!(!sees(&owner, &referenced, Seal::Broken));
        assert!(!sees(&owner, &sealed, Seal::Open));
        assert!(sees(&owner, &referenced, Seal::Open));
    }

    #[test]
    fn message_does_not_reveal_sealed_secrets_of_other_records() {
        let record = RecordKey::cluster("store");
        let secret = SourceSecret::Sealed("sealed-x".into());
        let at = place(&record, &secret, "records");
        assert_eq!(at.to_string(), "records/sealed-x");
        let foreign = SourceState::Present {
            version: 1,
            keys: ["K".into()].into(),
            seal: Seal::For(RecordKey::cluster("other")),
        };
        let text = |state: &SourceState| super::problem(&secret, &at, state, "someone");
        assert_eq!(text(&SourceState::Missing), text(&foreign));
    }
}
