//! Signatures of cosign: what it really wrote (`data/cosign`), and what it would never write.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_packages::Digest;
use extension_registry_packages::signature::{
    Claim, Fault, Format, KeyError, PublicKey, Signature, Statement,
};
use proptest::prelude::*;
use signed::{SIMPLE, TestPair, bundle, changed, cosign_key, critical, data, simple};

#[test]
fn keys_of_cosign_are_points_on_p256_and_nothing_else() {
    let pem = String::from_utf8(data("cosign.pub")).unwrap();
    assert!(PublicKey::read(&pem).is_ok());
    assert!(PublicKey::read(&pem.replace('\n', "\r\n")).is_ok());
    let der = |bytes: &[u8]| {
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(bytes)
        )
    };
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(body).unwrap();
    assert!(PublicKey::read(&der(&bytes)).is_ok());
    let longer = [bytes.as_slice(), &[0]].concat();
    let mut other = bytes.clone();
    // The last byte of the name of the curve.
    other[22] = 8;
    for wrong in [
        der(&longer),
        der(&bytes[..90]),
        der(&other),
        pem.replace("PUBLIC KEY", "EC PARAMETERS"),
        format!("{pem}{pem}"),
    ] {
        let read = PublicKey::read(&wrong);
        assert!(matches!(read, Err(KeyError::Cosign(_))), "{wrong}");
    }
    let secret = pem.replace("PUBLIC KEY", "ENCRYPTED SIGSTORE PRIVATE KEY");
    assert_eq!(PublicKey::read(&secret), Err(KeyError::Secret));
}

#[test]
fn r41_a_signature_of_cosign_is_of_a_digest_and_of_no_tag() {
    let manifest = data("manifest.json");
    let digest = Digest::of(&manifest);
    let expected = Ok(Claim::Manifest(vec![digest]));
    assert_eq!(
        cosign_key().verify(&simple("simple.json", "simple.sig")),
        expected
    );
    assert_eq!(cosign_key().verify(&bundle(b"", "bundle.json")), expected);
    assert_eq!(
        cosign_key().verify(&bundle(&manifest, "manifest-bundle.json")),
        expected
    );
}

#[test]
fn a_statement_that_cosign_signed_claims_the_package() {
    let expected = Statement::read(&data("statement.json")).unwrap();
    assert_eq!(expected.to_json(), data("statement.json"));
    assert_eq!(expected.content, Digest::of(&data("content")));
    let expected = Ok(Claim::Package(expected));
    assert_eq!(
        cosign_key().verify(&simple("statement.json", "statement.sig")),
        expected
    );
    let signature = bundle(&data("statement.json"), "statement-bundle.json");
    assert_eq!(cosign_key().verify(&signature), expected);
    assert_eq!(signature.signer(), Some(cosign_key().id()));
}

#[test]
fn an_attestation_is_no_signature() {
    let claim = cosign_key().verify(&bundle(b"", "attestation.json"));
    assert_eq!(
        claim,
        Err(Fault::Foreign("it attests something, and does not sign"))
    );
}

#[test]
fn a_bundle_of_a_file_needs_the_file() {
    let alone = cosign_key().verify(&bundle(b"", "manifest-bundle.json"));
    assert_eq!(
        alone,
        Err(Fault::Unreadable("what it signs is not beside it"))
    );
    let other = cosign_key().verify(&bundle(b"{}", "manifest-bundle.json"));
    assert_eq!(other, Err(Fault::Forged));
}

#[test]
fn what_says_two_things_of_itself_says_nothing() {
    let pair = TestPair::new();
    let manifest = Digest::of(b"a manifest");
    for (payload, is_fine) in [
        (format!("{{{}}}", critical(manifest, SIMPLE)), true),
        (
            format!(
                "{{\"apiVersion\":\"packages.fuseml.io/index/v1\",{}}}",
                critical(manifest, SIMPLE)
            ),
            false,
        ),
        (
            format!("{{\"_type\":\"x\",{}}}", critical(manifest, SIMPLE)),
            false,
        ),
        (
            format!("{{{}}}", critical(manifest, "something else")),
            false,
        ),
        (
            format!(
                "{{{},{}}}",
                critical(manifest, SIMPLE),
                critical(Digest::of(b"b"), SIMPLE)
            ),
            false,
        ),
        (
            "[null,\"packages.fuseml.io/index/v1\",null]".to_owned(),
            false,
        ),
        ("[]".to_owned(), false),
        ("{}".to_owned(), false),
    ] {
        let verified = pair.public().verify(&pair.simple(payload.as_bytes()));
        assert_eq!(verified.is_ok(), is_fine, "{payload}: {verified:?}");
        if !is_fine {
            assert!(matches!(verified, Err(Fault::Foreign(_))), "{verified:?}");
        }
    }
}

/// A bundle is JSON, so that some bits can be changed without a change of what it says; what it claims then
/// stays.
#[test]
fn r41_any_bit_changed_in_a_bundle_breaks_it_or_means_nothing() {
    let sound = bundle(b"", "bundle.json");
    let claim = cosign_key().verify(&sound).unwrap();
    for place in 0..sound.signature.len() * 8 {
        let mut other = sound.clone();
        other.signature[place / 8] ^= 1 << (place % 8);
        if let Ok(other) = cosign_key().verify(&other) {
            assert_eq!(other, claim, "bit {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_byte_changed_breaks_a_signature_of_cosign(place: prop::sample::Index, by in 1_u8..) {
        let signature = simple("simple.json", "simple.sig");
        let other = Signature { payload: changed(&signature.payload, place, by), ..signature.clone() };
        prop_assert!(cosign_key().verify(&other).is_err());
        let other = Signature { signature: changed(&signature.signature, place, by), ..signature.clone() };
        prop_assert!(cosign_key().verify(&other).is_err());
        let pem = String::from_utf8(data("cosign.pub")).unwrap();
        let body = pem.find('\n').unwrap() + 1;
        let other = changed(&pem.as_bytes()[body..], place, by);
        let other = pem[..body].to_owned() + &String::from_utf8_lossy(&other);
        let read = PublicKey::read(&other);
        // White space between lines is no part of the key.
        prop_assert!(read.map_or(true, |key| key == cosign_key() || key.verify(&signature).is_err()));
    }

    #[test]
    fn garbage_is_refused_and_no_panic(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        encoded in prop::collection::vec(any::<u8>(), 0..100),
        texts in prop::array::uniform3("[ -~]{0,60}"),
    ) {
        let framed = serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": texts[0]}},
            "dsseEnvelope": {
                "payload": STANDARD.encode(&payload),
                "payloadType": texts[1],
                "signatures": [{"sig": STANDARD.encode(&encoded)}],
            },
        });
        let texts = [bytes, STANDARD.encode(&encoded).into_bytes(), framed.to_string().into_bytes()];
        for signature in texts {
            for format in [Format::CosignSimple, Format::SigstoreBundle] {
                let signature = Signature { format, payload: payload.clone(), signature: signature.clone() };
                prop_assert!(cosign_key().verify(&signature).is_err());
                let _ = signature.signer();
            }
        }
    }
}
