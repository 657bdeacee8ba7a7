//! Tests of cosign signatures: recorded ones (`data/cosign`) and crafted ones.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_package_format::Digest;
use extension_registry_package_trust::signature::{
    Fault, Format, KeyError, PublicKey, Signature, SignedPayload, Statement,
};
use proptest::prelude::*;
use signed::{SIMPLE, TestPair, bundle, changed, cosign_key, critical, data, simple};

#[test]
fn accepts_only_p256_cosign_keys() {
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
fn cosign_signature_covers_digest_not_tag() {
    let manifest = data("manifest.json");
    let digest = Digest::of(&manifest);
    let expected = Ok(SignedPayload::Manifest(vec![digest]));
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
fn cosign_signed_statement_covers_package() {
    let expected = Statement::read(&data("statement.json")).unwrap();
    assert_eq!(expected.to_json(), data("statement.json"));
    assert_eq!(expected.content, Digest::of(&data("content")));
    let expected = Ok(SignedPayload::Package(expected));
    assert_eq!(
        cosign_key().verify(&simple("statement.json", "statement.sig")),
        expected
    );
    let signature = bundle(&data("statement.json"), "statement-bundle.json");
    assert_eq!(cosign_key().verify(&signature), expected);
    assert_eq!(signature.signer(), Some(cosign_key().id()));
}

#[test]
fn rejects_attestation_as_signature() {
    let payload = cosign_key().verify(&bundle(b"", "attestation.json"));
    assert_eq!(
        payload,
        Err(Fault::Foreign("an attestation, not a signature"))
    );
}

#[test]
fn file_bundle_needs_file() {
    let alone = cosign_key().verify(&bundle(b"", "manifest-bundle.json"));
    assert_eq!(alone, Err(Fault::Unreadable("the signed file is missing")));
    let other = cosign_key().verify(&bundle(b"{}", "manifest-bundle.json"));
    assert_eq!(other, Err(Fault::Forged));
}

#[test]
fn rejects_payload_with_two_kinds() {
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
fn any_modified_bit_in_bundle_breaks_it_or_is_irrelevant() {
    let sound = bundle(b"", "bundle.json");
    let payload = cosign_key().verify(&sound).unwrap();
    for place in 0..sound.signature.len() * 8 {
        let mut other = sound.clone();
        other.signature[place / 8] ^= 1 << (place % 8);
        if let Ok(other) = cosign_key().verify(&other) {
            assert_eq!(other, payload, "bit {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_modified_byte_breaks_cosign_signature(place: prop::sample::Index, by in 1_u8..) {
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
    fn rejects_garbage_without_panic(
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
