//! Source Secrets, as they are known: what a record may have of them, and why not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use extension_registry_core::projection::{SourceKeys, SourceValues};
use extension_registry_core::record::{Credentials, Name, RecordKey, SourceSecret};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use crate::ObjectKey;
use crate::grant::grant_command;
use crate::seal::Seal;

/// The values of a Secret.
pub type Data = BTreeMap<String, ByteString>;

/// Types of Secrets that no record may take values from (security, section 4).
fn is_refused_type(secret_type: &str) -> bool {
    matches!(
        secret_type,
        "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token"
    ) || secret_type.starts_with("helm.sh/")
}

/// Where a source Secret of a record is: sealed ones and those of cluster records in the records
/// namespace, others beside the record (design, section 2).
#[must_use]
pub fn place(record: &RecordKey, secret: &SourceSecret, records_namespace: &str) -> ObjectKey {
    let namespace = match secret {
        SourceSecret::Kept(_) => record.namespace.clone(),
        SourceSecret::Sealed(_) => None,
    };
    ObjectKey {
        namespace: namespace.unwrap_or_else(|| records_namespace.into()),
        name: Arc::clone(secret.name()),
    }
}

/// The source Secrets of the chosen credentials, and of no others.
#[must_use]
pub fn secrets(choice: &Choice) -> BTreeSet<SourceSecret> {
    choice
        .credentials()
        .map(Credentials::source_secrets)
        .unwrap_or_default()
}

/// A resource version as a number: they are comparable since Kubernetes 1.35, and were in fact
/// before. Zero when it is none, so that the next event wins.
#[must_use]
pub fn version_number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What is known of a source Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// It is not there.
    Missing,
    /// The operator may not read it.
    Denied,
    /// Its type is one that no record may refer to (security, section 4).
    Refused {
        /// The type.
        secret_type: String,
    },
    /// It is there.
    Present {
        /// `metadata.resourceVersion`.
        version: u64,
        /// Names of its keys, sorted.
        keys: Arc<[Name]>,
        /// Whether it serves one record only.
        seal: Seal,
    },
}

impl SourceState {
    /// Whether records can have the same of it as of the other, its values aside.
    #[must_use]
    pub fn offers_the_same(&self, other: &Self) -> bool {
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

    /// The version that was read; zero for what could not be.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Present { version, .. } => *version,
            _ => 0,
        }
    }

    /// What is to be known of a Secret, and its values. Of one that no record may refer to there are
    /// none.
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

/// Key names of the source Secrets of one record.
#[derive(Clone, Debug, Default)]
pub struct KeyView {
    keys: HashMap<SourceSecret, Option<Arc<[Name]>>>,
    problems: HashMap<SourceSecret, String>,
    /// Whether a Secret could not be read for want of a permission.
    denied: bool,
}

impl KeyView {
    /// Adds what is known of a Secret. Whether the record may have its values.
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

    /// Whether a Secret could not be read for want of a permission.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    /// Why a Secret cannot be used, for people.
    pub fn problem(&self, secret: &SourceSecret) -> Option<&str> {
        self.problems.get(secret).map(String::as_str)
    }
}

/// Why a record gets nothing of a Secret, and the way out. Whether a sealed Secret is missing or
/// another record's is not told: both have the same way out.
fn problem(secret: &SourceSecret, place: &ObjectKey, state: &SourceState, account: &str) -> String {
    match (secret, state) {
        (_, SourceState::Denied) => format!(
            "the operator may not read Secret `{place}`; let it: {}",
            grant_command(place, account)
        ),
        (SourceSecret::Sealed(_), _) => format!(
            "Secret `{place}` is missing or was not sealed for this record; apply the record again with `value` in place of `valueFrom`"
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

/// Values of the source Secrets and the sealed entries of one choice. It lives for one rendering and
/// is never kept.
#[derive(Default)]
pub struct ValueView {
    data: HashMap<SourceSecret, Data>,
    sealed: HashMap<Name, Sensitive>,
    /// The Secrets with the versions that were read.
    pub versions: Vec<(ObjectKey, u64)>,
    /// Key names, as read together with the values.
    pub keys: KeyView,
}

impl ValueView {
    /// Adds a Secret as it was read. Values that the record may not have are dropped here.
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
    use crate::seal::Seal;

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
