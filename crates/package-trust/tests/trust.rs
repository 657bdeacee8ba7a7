//! Tests of trust verdicts and their reasons.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use std::sync::LazyLock;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::Digest;
use extension_registry_package_trust::signature::{Format, Signature, Statement};
use extension_registry_package_trust::trust::{
    Evidence, Manifest, Part, Policy, Reason, Verdict, other_document,
};
use proptest::prelude::*;
use signed::{
    Person, SIMPLE, TestPair, bundle, changed, critical, data, policy, simple, statement, time,
};

/// Approves Alice for everything in `hub`.
fn alice(alice: &Person) -> Policy {
    policy(&format!(
        "[[trust.rule]]\nrepositories = [\"hub\"]\n{}",
        alice.toml()
    ))
}

fn judge(policy: &Policy, statement: &Statement, signatures: &[Signature]) -> Verdict {
    judge_at(policy, statement, signatures, "2026-06-01T00:00:00Z")
}

fn judge_at(policy: &Policy, statement: &Statement, signatures: &[Signature], at: &str) -> Verdict {
    policy.judge(&Evidence {
        repository: "hub",
        statement,
        manifest: None,
        signatures,
        now: time(at),
    })
}

/// Judges a package in an OCI registry.
fn judge_oci(
    policy: &Policy,
    statement: &Statement,
    signatures: &[Signature],
    manifest: Manifest,
) -> Verdict {
    policy.judge(&Evidence {
        repository: "hub",
        statement,
        manifest: Some(manifest),
        signatures,
        now: time("2026-06-01T00:00:00Z"),
    })
}

/// The names of the reasons of a package that is refused.
fn refused(verdict: &Verdict) -> Vec<&'static str> {
    let Verdict::Refused { reasons } = verdict else {
        panic!("{verdict:?}");
    };
    assert!(!verdict.is_delivered() && !verdict.is_trusted());
    assert_eq!(verdict.name(), "refused");
    reasons.iter().map(Reason::name).collect()
}

/// All reasons as one text.
fn said(verdict: &Verdict) -> String {
    let reasons = verdict.reasons().iter().map(Explain::explained);
    reasons.collect::<Vec<_>>().join("\n")
}

#[test]
fn trusts_package_signed_by_trusted_key() {
    let person = Person::new("alice");
    let statement = statement("mlflow", "1.2.0");
    let verdict = judge(&alice(&person), &statement, &[person.sign(&statement)]);
    assert_eq!(
        verdict,
        Verdict::Trusted {
            by: vec!["alice".to_owned()],
            warnings: Vec::new()
        }
    );
    assert!(verdict.is_delivered() && verdict.is_trusted());
    assert_eq!(verdict.by(), ["alice"]);
}

#[test]
fn rejects_unsigned_package() {
    let person = Person::new("alice");
    let verdict = judge(&alice(&person), &statement("mlflow", "1.2.0"), &[]);
    assert_eq!(refused(&verdict), ["Unsigned"]);
    assert!(said(&verdict).starts_with("record mlflow 1.2.0 from hub is not signed; hint: "));
}

#[test]
fn rejects_package_signed_by_untrusted_key() {
    let (person, mallory) = (Person::new("alice"), Person::new("mallory"));
    let statement = statement("mlflow", "1.2.0");
    let verdict = judge(&alice(&person), &statement, &[mallory.sign(&statement)]);
    assert_eq!(refused(&verdict), ["UnknownKey"]);
    assert!(said(&verdict).contains(&mallory.public().id()));
    let pair = TestPair::new();
    let signature = pair.simple(&statement.to_json());
    let verdict = judge(&alice(&person), &statement, &[signature]);
    assert_eq!(verdict.reasons(), [Reason::UnknownKey { key: None }]);
}

#[test]
fn key_id_alone_is_not_trusted() {
    let (person, mallory) = (Person::new("alice"), Person::new("mallory"));
    let statement = statement("mlflow", "1.2.0");
    let signature = person.named_in(mallory.sign(&statement));
    assert_eq!(signature.signer(), Some(person.public().id()));
    let verdict = judge(&alice(&person), &statement, &[signature]);
    assert_eq!(refused(&verdict), ["BadSignature"]);
    assert!(said(&verdict).starts_with("invalid signature by alice"));
}

#[test]
fn rejects_modified_content_manifest_and_document() {
    let person = Person::new("alice");
    let mut signed = statement("mlflow", "1.2.0");
    signed.document = Some(Digest::of(b"document"));
    let signature = person.sign(&signed);
    let other = Digest::of(b"other");
    let mut content = signed.clone();
    content.content = other;
    let mut configuration = signed.clone();
    configuration.configuration = Some(other);
    let mut document = signed.clone();
    document.document = Some(other);
    let mut missing = signed.clone();
    missing.document = None;
    let mut bare = signed.clone();
    bare.configuration = None;
    for (found, part, was, is) in [
        (content, Part::Content, Some(signed.content), Some(other)),
        (
            configuration,
            Part::Configuration,
            signed.configuration,
            Some(other),
        ),
        (document, Part::Document, signed.document, Some(other)),
        (missing, Part::Document, signed.document, None),
        (bare, Part::Configuration, signed.configuration, None),
    ] {
        let verdict = judge(&alice(&person), &found, std::slice::from_ref(&signature));
        assert_eq!(refused(&verdict), ["Tampered"]);
        let expected = Reason::Tampered {
            key: "alice".to_owned(),
            part,
            signed: was,
            found: is,
        };
        assert_eq!(verdict.reasons(), [expected]);
    }
}

#[test]
fn rejects_unsigned_document() {
    let person = Person::new("alice");
    let signed = statement("mlflow", "1.2.0");
    let mut found = signed.clone();
    found.document = Some(Digest::of(b"put beside it later"));
    let verdict = judge(&alice(&person), &found, &[person.sign(&signed)]);
    assert_eq!(refused(&verdict), ["Tampered"]);
    assert!(said(&verdict).contains("expected sha256 none"));
}

#[test]
fn rejects_signature_of_another_package_or_version() {
    let person = Person::new("alice");
    let found = statement("mlflow", "1.2.0");
    let mut kind = found.clone();
    kind.kind = "taskserv".to_owned();
    let mut packaging = found.clone();
    packaging.packaging = "template".to_owned();
    for other in [
        statement("minio", "1.2.0"),
        statement("mlflow", "1.1.0"),
        statement("mlflow", "1.2.0+build.7"),
        kind,
        packaging,
    ] {
        let verdict = judge(&alice(&person), &found, &[person.sign(&other)]);
        assert_eq!(refused(&verdict), ["OtherPackage"], "{other:?}");
        let text = said(&verdict);
        assert!(
            text.contains(&format!("is for {}", other.subject())),
            "{text}"
        );
    }
}

#[test]
fn index_and_package_signatures_are_distinct() {
    let person = Person::new("alice");
    let policy = alice(&person);
    let found = statement("extension-index", "1.0.0");
    let file = signed::index_file(&person, 1);
    let verdict = judge(&policy, &found, &file.signatures);
    assert_eq!(refused(&verdict), ["OtherPackage"]);
    let file = extension_registry_package_trust::signature::IndexFile {
        bytes: found.to_json(),
        signatures: vec![person.sign(&found)],
    };
    let verdict = policy.judge_index("hub", &file, time("2026-06-01T00:00:00Z"));
    assert_eq!(refused(&verdict), ["OtherPackage"]);
}

#[test]
fn escapes_control_characters_in_names() {
    let mut found = statement("mlflow", "1.2.0");
    found.kind = "record\u{1b}[2J\n".to_owned();
    let verdict = judge(&Policy::default(), &found, &[]);
    assert!(!said(&verdict).replace('\n', "").contains(char::is_control));
    assert!(said(&verdict).contains("record?[2J? mlflow"));
}

#[test]
fn cosign_signature_needs_manifest_of_package() {
    let policy = cosign_policy();
    let found = statement("mlflow", "1.2.0");
    let here = Manifest {
        digest: Digest::of(&data("manifest.json")),
        names_package: true,
    };
    let all = [
        simple("simple.json", "simple.sig"),
        bundle(b"", "bundle.json"),
        bundle(&data("manifest.json"), "manifest-bundle.json"),
    ];
    for signature in all {
        let signatures = [signature];
        let verdict = judge_oci(&policy, &found, &signatures, here);
        assert_eq!(verdict.by(), ["carol"], "{verdict:?}");
        let unbound = Manifest {
            names_package: false,
            ..here
        };
        let verdict = judge_oci(&policy, &found, &signatures, unbound);
        assert_eq!(refused(&verdict), ["Unbound"]);
        let other = Manifest {
            digest: Digest::of(b"another manifest"),
            ..here
        };
        let verdict = judge_oci(&policy, &found, &signatures, other);
        assert_eq!(refused(&verdict), ["Tampered"]);
        assert!(said(&verdict).starts_with("the manifest was modified after carol signed it"));
        // In a repository that has no manifests it says nothing.
        let verdict = judge(&policy, &found, &signatures);
        assert_eq!(refused(&verdict), ["Unbound"]);
    }
}

fn cosign_policy() -> Policy {
    let pem = String::from_utf8(data("cosign.pub")).unwrap();
    policy(&format!(
        "[[trust.rule]]\nrepositories = [\"*\"]\n[[trust.rule.key]]\nname = \"carol\"\npublic = '''\n{pem}'''\n"
    ))
}

#[test]
fn verdict_is_independent_of_repository_kind() {
    let person = Person::new("alice");
    let rule = format!("[[trust.rule]]\nrepositories = [\"*\"]\n{}", person.toml());
    let policy = policy(&rule);
    let found = statement("mlflow", "1.2.0");
    let mut tampered = found.clone();
    tampered.content = Digest::of(b"changed");
    let signatures = [person.sign(&found)];
    let manifest = Manifest {
        digest: Digest::of(b"manifest"),
        names_package: false,
    };
    for (repository, manifest) in [
        ("folder", None),
        ("maven", None),
        ("gitea", None),
        ("oci", Some(manifest)),
    ] {
        let judge = |statement, signatures| {
            policy.judge(&Evidence {
                repository,
                statement,
                manifest,
                signatures,
                now: time("2026-06-01T00:00:00Z"),
            })
        };
        assert_eq!(judge(&found, &signatures).by(), ["alice"], "{repository}");
        assert_eq!(refused(&judge(&tampered, &signatures)), ["Tampered"]);
        assert_eq!(refused(&judge(&found, &[])), ["Unsigned"]);
    }
}

#[test]
fn accepts_statements_signed_by_cosign() {
    let signature = simple("statement.json", "statement.sig");
    let found = Statement::read(&data("statement.json")).unwrap();
    let verdict = judge(&cosign_policy(), &found, std::slice::from_ref(&signature));
    assert_eq!(verdict.by(), ["carol"]);
    let mut other = found;
    other.version = "9.9.9".parse().unwrap();
    let verdict = judge(&cosign_policy(), &other, &[signature]);
    assert_eq!(refused(&verdict), ["OtherPackage"]);
}

#[test]
fn reports_document_of_another_package() {
    let (content, other) = (Digest::of(b"content"), Digest::of(b"other"));
    for line in [
        "<!-- content-sha256: {} -->\n# A",
        "// content-sha256: {}\n= A",
    ] {
        let document = |digest: Digest| line.replace("{}", &digest.to_string()).into_bytes();
        assert_eq!(other_document(&document(content), content), None);
        let reason = other_document(&document(other), content).unwrap();
        assert_eq!(reason.name(), "OtherDocument");
        let text = reason.to_string();
        assert!(
            text.contains(&other.to_string()) && text.contains(&content.to_string()),
            "{text}"
        );
    }
    for silent in ["", "# No line", "# A\n<!-- content-sha256: elsewhere -->"] {
        assert_eq!(other_document(silent.as_bytes(), content), None, "{silent}");
    }
}

#[test]
fn many_invalid_signatures_do_not_hide_valid_one() {
    let (person, mallory) = (Person::new("alice"), Person::new("mallory"));
    let found = statement("mlflow", "1.2.0");
    let mut signatures = vec![mallory.sign(&found); 1000];
    let verdict = judge(&alice(&person), &found, &signatures);
    assert_eq!(refused(&verdict), ["UnknownKey"]);
    signatures.push(person.sign(&found));
    let verdict = judge(&alice(&person), &found, &signatures);
    assert_eq!(verdict.by(), ["alice"]);
    assert_eq!(verdict.reasons(), [], "others may sign what they like");
    // That an approved key signed something else is worth a word.
    signatures.push(person.sign(&statement("mlflow", "1.1.0")));
    let verdict = judge(&alice(&person), &found, &signatures);
    assert!(verdict.is_trusted());
    assert_eq!(verdict.reasons()[0].name(), "OtherPackage");
}

#[test]
fn rejects_foreign_payload_of_trusted_key() {
    let pair = TestPair::new();
    let policy = policy(&format!(
        "[[trust.rule]]\nrepositories = [\"*\"]\n[[trust.rule.key]]\nname = \"carol\"\npublic = '''\n{}'''\n",
        pair.pem()
    ));
    let found = statement("mlflow", "1.2.0");
    let manifest = Manifest {
        digest: Digest::of(b"m"),
        names_package: true,
    };
    let payload = format!("{{{}}}", critical(manifest.digest, SIMPLE));
    let verdict = judge_oci(
        &policy,
        &found,
        &[pair.simple(payload.as_bytes())],
        manifest,
    );
    assert!(verdict.is_trusted(), "{verdict:?}");
    for payload in [
        format!("{{{}}}", critical(manifest.digest, "an attestation")),
        "any file".to_owned(),
        String::from_utf8(found.to_json()).unwrap() + " ,",
    ] {
        let signatures = [pair.simple(payload.as_bytes())];
        let verdict = judge_oci(&policy, &found, &signatures, manifest);
        assert_eq!(refused(&verdict), ["BadSignature"], "{payload}");
    }
}

/// A person whose key is approved, and a package that she signed.
static SIGNED: LazyLock<(Person, Policy, Statement, Signature)> = LazyLock::new(|| {
    let person = Person::new("alice");
    let policy = alice(&person);
    let statement = statement("mlflow", "1.2.0");
    let signature = person.sign(&statement);
    (person, policy, statement, signature)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_modified_byte_is_untrusted(place: prop::sample::Index, by in 1_u8..) {
        let (person, policy, found, signature) = &*SIGNED;
        let payload = changed(&signature.payload, place, by);
        let other = Signature { payload: payload.clone(), ..signature.clone() };
        prop_assert!(!judge(policy, found, std::slice::from_ref(&other)).is_trusted());
        // Nor what the changed bytes say.
        if let Ok(said) = Statement::read(&payload) {
            prop_assert!(!judge(policy, &said, &[other]).is_trusted());
        }
        // The first line is a comment that nobody signs.
        let first = signature.signature.iter().position(|byte| *byte == b'\n').unwrap();
        let (comment, signed) = signature.signature.split_at(first);
        let text = [comment, &changed(signed, place, by)].concat();
        let other = Signature { signature: text, ..signature.clone() };
        prop_assert!(!judge(policy, found, &[other]).is_trusted());
        let judge_with = |line: String| {
            let line = toml::Value::String(line);
            let text = format!("[[rule]]\nrepositories = ['*']\n[[rule.key]]\nname = 'alice'\npublic = {line}");
            let policy = Policy::read(&text.parse().unwrap()).ok()?;
            Some(judge(&policy, found, std::slice::from_ref(signature)).is_trusted())
        };
        let line = person.public_line();
        prop_assert_eq!(judge_with(line.to_owned()), Some(true));
        let line = String::from_utf8_lossy(&changed(line.as_bytes(), place, by)).into_owned();
        prop_assert_ne!(judge_with(line), Some(true));
    }

    #[test]
    fn never_trusts_garbage(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..400),
        which in 0_usize..3,
    ) {
        let format = [Format::Minisign, Format::CosignSimple, Format::SigstoreBundle][which];
        let garbage = Signature { format, payload, signature };
        let (_, policy, found, _) = &*SIGNED;
        let verdict = judge(policy, found, &[garbage]);
        prop_assert!(!verdict.is_delivered() && !verdict.reasons().is_empty());
        prop_assert!(!said(&verdict).is_empty());
    }
}
