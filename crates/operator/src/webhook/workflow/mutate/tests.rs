use extension_registry_api::workflow::WorkflowSpec;
use k8s_openapi::api::authentication::v1::UserInfo;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::*;
use crate::identity;
use crate::webhook::answer::Decision;

fn key() -> DigestKey {
    DigestKey::from_bytes(&[7; 32]).unwrap()
}

fn object(image: &str, annotations: &Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "w-", "namespace": "dev", "annotations": annotations},
        "spec": {"steps": [{"name": "a", "image": image}]},
    });
    serde_json::from_value(object).unwrap()
}

fn review(user: &str, object: DynamicObject, old: Option<DynamicObject>) -> Review {
    Review {
        kind: "Workflow".to_owned(),
        namespace: Some("dev".into()),
        name: String::new(),
        user: UserInfo {
            username: Some(user.to_owned()),
            groups: Some(vec!["team".to_owned()]),
            ..UserInfo::default()
        },
        object,
        old,
        dry_run: false,
    }
}

/// What is stored in the end, as far as no right has to be asked for.
fn decide(review: &Review) -> (DynamicObject, Vec<String>) {
    let answer = match question(review) {
        Question::Kept => keep(review, stored(review)),
        Question::Requester => sign(&key(), review, requester(review)),
        Question::MayActFor(user) => sign(&key(), review, Some(Person::named(user))),
    };
    let object = match answer.decision {
        Decision::Change(object) => *object,
        Decision::Admit => review.object.clone(),
        _ => panic!("refused"),
    };
    (object, answer.warnings)
}

fn person(object: &DynamicObject) -> Option<String> {
    let spec: WorkflowSpec = serde_json::from_value(object.data["spec"].clone()).unwrap();
    let signed = annotation(object, IDENTITY_ANNOTATION)?;
    identity::verify(&key(), "dev", &spec, signed).map(|person| person.user.to_string())
}

fn created_by(user: &str, image: &str) -> DynamicObject {
    decide(&review(user, object(image, &json!({})), None)).0
}

#[test]
fn whoever_writes_the_spec_is_the_identity() {
    let of_ada = created_by("ada", "i");
    assert_eq!(person(&of_ada).as_deref(), Some("ada"));
    let mut changed = object("j", &json!({}));
    changed
        .metadata
        .annotations
        .clone_from(&of_ada.metadata.annotations);
    let (stored, warnings) = decide(&review("grace", changed, Some(of_ada)));
    assert_eq!(person(&stored).as_deref(), Some("grace"));
    assert!(warnings.is_empty(), "what was stored is no forgery");
}

#[test]
fn who_only_labels_or_tampers_leaves_it_as_it_is() {
    let of_ada = created_by("ada", "i");
    let signed = annotation(&of_ada, IDENTITY_ANNOTATION).unwrap().to_owned();
    let mut labelled = of_ada.clone();
    labelled.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    let (after, warnings) = decide(&review(
        "system:controller",
        labelled.clone(),
        Some(of_ada.clone()),
    ));
    assert_eq!(after, labelled, "nothing is changed");
    assert!(warnings.is_empty());
    for tampered in [json!({}), json!({IDENTITY_ANNOTATION: "{}"})] {
        let tampered = object("i", &tampered);
        let (after, warnings) = decide(&review("grace", tampered, Some(of_ada.clone())));
        assert_eq!(
            annotation(&after, IDENTITY_ANNOTATION),
            Some(signed.as_str())
        );
        assert_eq!(warnings.len(), 1);
    }
}

#[test]
fn what_nobody_signed_stays_so_until_somebody_writes_the_spec() {
    let unsigned = object("i", &json!({}));
    let (after, _) = decide(&review("ada", unsigned.clone(), Some(unsigned.clone())));
    assert_eq!(person(&after), None);
    // Nor does an annotation taken from elsewhere help.
    let of_ada = created_by("ada", "i");
    let (after, warnings) = decide(&review("grace", of_ada, Some(unsigned)));
    assert_eq!((person(&after), warnings.len()), (None, 1));
}

#[test]
fn a_forged_or_copied_identity_is_reset_with_a_warning() {
    let copied = created_by("ada", "i");
    let forged = json!({IDENTITY_ANNOTATION: r#"{"user":"ada","signature":"00"}"#});
    for asked in [copied, object("i", &forged)] {
        let (after, warnings) = decide(&review("grace", asked, None));
        assert_eq!(person(&after).as_deref(), Some("grace"));
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("acts for `grace`"), "{warnings:?}");
    }
}

#[test]
fn acting_for_another_is_a_question_of_rights() {
    let for_ada = object("i", &json!({ON_BEHALF_OF_ANNOTATION: "ada"}));
    let asked = review("argo", for_ada.clone(), None);
    assert_eq!(question(&asked), Question::MayActFor("ada"));
    let (stored, _) = decide(&asked);
    let verified = identity::verify(
        &key(),
        "dev",
        &serde_json::from_value(stored.data["spec"].clone()).unwrap(),
        annotation(&stored, IDENTITY_ANNOTATION).unwrap(),
    );
    assert_eq!(verified, Some(Person::named("ada")), "no groups");
    // Nobody else asks for it by setting a label.
    let asked = review("grace", stored.clone(), Some(stored.clone()));
    assert_eq!(question(&asked), Question::Kept);
    // But by writing the spec, even where the annotation is an old one.
    let mut rewritten = stored.clone();
    rewritten.data["spec"]["steps"][0]["image"] = json!("j");
    let asked = review("grace", rewritten, Some(stored.clone()));
    assert_eq!(question(&asked), Question::MayActFor("ada"));
    // Who takes it away speaks for themselves.
    let (after, _) = decide(&review("grace", object("i", &json!({})), Some(stored)));
    assert_eq!(person(&after).as_deref(), Some("grace"));
    // For oneself no right is needed, and the groups stay.
    assert_eq!(question(&review("ada", for_ada, None)), Question::Requester);
}

#[test]
fn what_cannot_be_read_passes_without_identity() {
    let mut broken = created_by("ada", "i");
    broken.data["spec"] = json!({"steps": "none"});
    let (after, _) = decide(&review("ada", broken, None));
    assert_eq!(annotation(&after, IDENTITY_ANNOTATION), None);
    let (after, warnings) = decide(&review(&"a".repeat(257), object("i", &json!({})), None));
    assert_eq!(annotation(&after, IDENTITY_ANNOTATION), None);
    assert!(warnings[0].contains("acts for nobody"), "{warnings:?}");
}

#[test]
fn an_account_is_impersonated_as_an_account() {
    let person = impersonation("oidc:ada");
    assert_eq!(person.resource.as_deref(), Some("users"));
    assert_eq!(person.name.as_deref(), Some("oidc:ada"));
    let account = impersonation("system:serviceaccount:argocd:controller");
    assert_eq!(account.resource.as_deref(), Some("serviceaccounts"));
    assert_eq!(account.namespace.as_deref(), Some("argocd"));
    assert_eq!(account.name.as_deref(), Some("controller"));
}
