//! On whose behalf a workflow resolves (security, section 5).
//!
//! The webhook signs into an annotation who wrote the spec. The signature covers the namespace and the
//! spec, so that a copied annotation says nothing elsewhere. Name and uid take no part: they are not
//! known yet when the API server makes them. No signature, no identity.

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_api::{IDENTITY_ANNOTATION, Workflow};
use extension_registry_core::record::Name;
use k8s_openapi::api::authentication::v1::UserInfo;
use serde::{Deserialize, Serialize};

use crate::digest::{self, DigestKey};

/// The most groups that an identity keeps.
pub(crate) const MOST_GROUPS: usize = 64;

const PURPOSE: &str = "identity of a workflow";

/// A person, or an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The name, as the API server knows it, with its prefix.
    pub(crate) user: Name,
    /// The groups, sorted.
    pub(crate) groups: Box<[Name]>,
}

impl Person {
    /// A person without groups.
    pub(crate) fn named(user: &str) -> Self {
        Self {
            user: user.into(),
            groups: Box::default(),
        }
    }

    /// Who asks; `None` for nobody. Of more groups than are kept, the first in order are.
    pub(crate) fn asking(user: &UserInfo) -> Option<Self> {
        let name = user.username.as_deref().filter(|name| !name.is_empty())?;
        let mut groups: Vec<Name> = user
            .groups
            .iter()
            .flatten()
            .map(|group| group.as_str().into())
            .collect();
        groups.sort();
        groups.dedup();
        groups.truncate(MOST_GROUPS);
        Some(Self {
            user: name.into(),
            groups: groups.into(),
        })
    }

    /// The annotation that says so, signed for this spec in this namespace.
    pub(crate) fn sign(&self, key: &DigestKey, namespace: &str, spec: &WorkflowSpec) -> String {
        let annotation = Annotation {
            user: self.user.to_string(),
            groups: self.groups.iter().map(ToString::to_string).collect(),
            signature: self.signature(key, namespace, spec),
        };
        serde_json::to_string(&annotation).unwrap_or_default()
    }

    /// The person of a signed annotation; `None` when it was not signed for this spec in this
    /// namespace.
    pub(crate) fn verify(
        key: &DigestKey,
        namespace: &str,
        spec: &WorkflowSpec,
        annotation: &str,
    ) -> Option<Self> {
        let annotation: Annotation = serde_json::from_str(annotation).ok()?;
        let person = Self {
            user: annotation.user.into(),
            groups: annotation.groups.into_iter().map(Into::into).collect(),
        };
        let signature = person.signature(key, namespace, spec);
        digest::is_equal(&signature, &annotation.signature).then_some(person)
    }

    /// The person on whose behalf a stored workflow resolves.
    pub(crate) fn of(key: &DigestKey, workflow: &Workflow) -> Option<Self> {
        let metadata = &workflow.metadata;
        let annotation = metadata.annotations.as_ref()?.get(IDENTITY_ANNOTATION)?;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Self::verify(key, namespace, &workflow.spec, annotation)
    }

    fn signature(&self, key: &DigestKey, namespace: &str, spec: &WorkflowSpec) -> String {
        // By way of a Value: its fields are sorted, so that the order in the code does not matter.
        let spec = serde_json::to_value(spec).unwrap_or_default().to_string();
        let spec = digest::of_public(spec.as_bytes());
        let parts = [namespace.as_bytes(), spec.as_bytes(), self.user.as_bytes()];
        let groups = self.groups.iter().map(|group| group.as_bytes());
        key.of_purpose(PURPOSE, parts.into_iter().chain(groups))
    }
}

#[derive(Serialize, Deserialize)]
struct Annotation {
    user: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    signature: String,
}

#[cfg(test)]
mod tests {
    use extension_registry_api::workflow::WorkflowSpec;
    use k8s_openapi::api::authentication::v1::UserInfo;
    use serde_json::json;

    use super::{MOST_GROUPS, Person};
    use crate::digest::DigestKey;

    fn key() -> DigestKey {
        DigestKey::from_bytes(&[7; 32]).unwrap()
    }

    fn spec(image: &str) -> WorkflowSpec {
        serde_json::from_value(json!({"steps": [{"name": "a", "image": image}]})).unwrap()
    }

    fn ada() -> Person {
        Person {
            groups: ["team".into(), "users".into()].into(),
            ..Person::named("ada")
        }
    }

    #[test]
    fn a_signature_holds_for_its_spec_in_its_namespace_and_for_nothing_else() {
        let signed = ada().sign(&key(), "dev", &spec("i"));
        let verify = |key: &DigestKey, namespace, spec: &WorkflowSpec, text: &str| {
            Person::verify(key, namespace, spec, text)
        };
        assert_eq!(verify(&key(), "dev", &spec("i"), &signed), Some(ada()));
        assert_eq!(verify(&key(), "prod", &spec("i"), &signed), None);
        assert_eq!(verify(&key(), "dev", &spec("j"), &signed), None);
        let other = DigestKey::from_bytes(&[8; 32]).unwrap();
        assert_eq!(verify(&other, "dev", &spec("i"), &signed), None);
        for (from, to) in [
            ("ada", "grace"),
            (r#""team","#, ""),
            ("team", "admins"),
            (r#"["team","users"]"#, r#"["teamusers"]"#),
        ] {
            let forged = signed.replace(from, to);
            assert_ne!(forged, signed);
            assert_eq!(verify(&key(), "dev", &spec("i"), &forged), None, "{forged}");
        }
        for text in ["", "{}", "null", r#"{"user":"ada","signature":""}"#] {
            assert_eq!(verify(&key(), "dev", &spec("i"), text), None, "{text}");
        }
    }

    #[test]
    fn groups_are_sorted_and_not_without_end() {
        let groups: Vec<String> = (0..100)
            .rev()
            .map(|number| format!("g{number:03}"))
            .collect();
        let person = Person::asking(&UserInfo {
            username: Some("ada".to_owned()),
            groups: Some(groups),
            ..UserInfo::default()
        })
        .unwrap();
        assert_eq!(person.groups.len(), MOST_GROUPS);
        assert!(person.groups.is_sorted());
        assert_eq!(Person::asking(&UserInfo::default()), None);
    }
}
