//! On whose behalf a workflow resolves (security, section 5).
//!
//! The webhook signs into an annotation who wrote the spec. The signature covers the namespace and the
//! spec, so that a copied annotation says nothing elsewhere. Name and uid take no part: they are not
//! known yet when the API server makes them. No signature, no identity.

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_api::{IDENTITY_ANNOTATION, Workflow};
use extension_registry_binding::person::Person;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::{self, DigestKey};

const PURPOSE: &str = "workflow identity";

/// The annotation that says who it is, signed for this spec in this namespace.
pub(crate) fn sign(
    person: &Person,
    key: &DigestKey,
    namespace: &str,
    spec: &WorkflowSpec,
) -> String {
    let annotation = Annotation {
        user: person.user.to_string(),
        groups: person.groups.iter().map(ToString::to_string).collect(),
        signature: signature(person, key, namespace, spec),
    };
    serde_json::to_string(&annotation).unwrap_or_default()
}

/// The person of a signed annotation; `None` when it was not signed for this spec in this namespace.
pub(crate) fn verify(
    key: &DigestKey,
    namespace: &str,
    spec: &WorkflowSpec,
    annotation: &str,
) -> Option<Person> {
    let annotation: Annotation = serde_json::from_str(annotation).ok()?;
    let groups = annotation.groups.into_iter().map(Into::into).collect();
    let person = Person::with_groups(&annotation.user, groups);
    let signature = signature(&person, key, namespace, spec);
    digest::is_equal(&signature, &annotation.signature).then_some(person)
}

/// The person on whose behalf a stored workflow resolves.
pub(crate) fn of(key: &DigestKey, workflow: &Workflow) -> Option<Person> {
    let metadata = &workflow.metadata;
    let annotation = metadata.annotations.as_ref()?.get(IDENTITY_ANNOTATION)?;
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    verify(key, namespace, &workflow.spec, annotation)
}

fn signature(person: &Person, key: &DigestKey, namespace: &str, spec: &WorkflowSpec) -> String {
    // By way of a Value: its fields are sorted, so that the order in the code does not matter.
    let spec = serde_json::to_value(spec).unwrap_or_default().to_string();
    let spec = Sha256::digest(spec.as_bytes());
    let parts = [namespace.as_bytes(), &spec, person.user.as_bytes()];
    let groups = person.groups.iter().map(|group| group.as_bytes());
    key.of_purpose(PURPOSE, parts.into_iter().chain(groups))
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
    use extension_registry_binding::person::Person;
    use serde_json::json;

    use crate::digest::DigestKey;
    use crate::identity::{sign, verify};

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
        let signed = sign(&ada(), &key(), "dev", &spec("i"));
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
        let swapped = signed.replace(r#"["team","users"]"#, r#"["users","team"]"#);
        assert_ne!(swapped, signed);
        let verified = verify(&key(), "dev", &spec("i"), &swapped);
        assert_eq!(verified, Some(ada()), "the order of groups says nothing");
        for text in ["", "{}", "null", r#"{"user":"ada","signature":""}"#] {
            assert_eq!(verify(&key(), "dev", &spec("i"), text), None, "{text}");
        }
    }

    /// The operator reads what the API server stored: other spaces, other order, the same spec.
    #[test]
    fn a_signature_survives_how_the_spec_is_written() {
        let text = r#"{"steps":[{"image":"i","name":"a","extensions":[]}],"inputs":[]}"#;
        let same: WorkflowSpec = serde_json::from_str(text).unwrap();
        let signed = sign(&ada(), &key(), "dev", &spec("i"));
        let verified = verify(&key(), "dev", &same, &signed);
        assert_eq!(verified, Some(ada()));
    }
}
