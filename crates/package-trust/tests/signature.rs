//! Tests of statements and their minisign signatures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_format::Digest;
use extension_registry_package_trust::signature::minisign::{self, NewKey, SignError};
use extension_registry_package_trust::signature::{
    Fault, Format, KeyError, PublicKey, Signature, SignedPayload, Statement,
};
use proptest::prelude::*;
use signed::{changed, key, statement};

#[test]
fn statement_has_canonical_form() {
    let statement = statement("mlflow", "1.2.0+build.7");
    let expected = format!(
        "{{\"_type\":\"packages.fuseml.io/statement/v1\",\"type\":\"record\",\"name\":\"mlflow\",\
         \"version\":\"1.2.0+build.7\",\"packaging\":\"bundle\",\"contentSha256\":\"{}\",\
         \"configurationSha256\":\"{}\"}}",
        Digest::of(b"content"),
        Digest::of(b"configuration")
    );
    assert_eq!(String::from_utf8(statement.to_json()).unwrap(), expected);
}

#[test]
fn reads_statement_in_any_field_order() {
    let content = Digest::of(b"content");
    let json = format!(
        " {{ \"contentSha256\": \"sha256:{content}\",\n \"version\": \"1.2.0\", \"packaging\": \"bundle\", \
         \"name\": \"mlflow\", \"type\": \"record\", \"configurationSha256\": \"{}\", \
         \"_type\": \"packages.fuseml.io/statement/v1\" }}\n",
        Digest::of(b"configuration")
    );
    assert_eq!(
        Statement::read(json.as_bytes()).unwrap(),
        statement("mlflow", "1.2.0")
    );
}

#[test]
fn rejects_ambiguous_statements() {
    let sound = String::from_utf8(statement("mlflow", "1.2.0").to_json()).unwrap();
    assert!(Statement::read(sound.as_bytes()).is_ok());
    for (wrong, expected) in [
        (
            sound.replace("\"name\"", "\"extra\":1,\"name\""),
            "unknown field `extra`",
        ),
        (
            sound.replace("\"name\"", "\"name\":\"other\",\"name\""),
            "duplicate field `name`",
        ),
        (
            sound.replace("statement/v1", "statement/v2"),
            "`_type` must be",
        ),
        (
            sound.replace("\"packaging\":\"bundle\",", ""),
            "missing field `packaging`",
        ),
        (sound.replace("1.2.0", "1.2"), "version:"),
        (format!("{sound}{sound}"), "trailing characters"),
        (
            format!("[{}]", "\"packages.fuseml.io/statement/v1\",".repeat(8)),
            "not a JSON object",
        ),
        (
            sound.replace("mlflow", &"m".repeat(20_000)),
            "larger than 16384 bytes",
        ),
    ] {
        let error = Statement::read(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} does not say {expected}");
    }
}

#[test]
fn signature_verifies_and_returns_statement() {
    for password in [None, Some(Sensitive::from("a password"))] {
        let pair = minisign::generate(password.as_ref()).unwrap();
        let statement = statement("mlflow", "1.2.0");
        let signature = minisign::sign(&statement, &pair.secret, password.as_ref()).unwrap();
        let public = key(&pair.public);
        assert_eq!(
            public.verify(&signature).unwrap(),
            SignedPayload::Package(statement.clone())
        );
        assert_eq!(signature.signer(), Some(public.id()));
        let comment = String::from_utf8(statement.to_json()).unwrap();
        let text = String::from_utf8(signature.signature).unwrap();
        assert!(text.contains(&format!("trusted comment: {comment}\n")));
        let again = minisign::public(&pair.secret, password.as_ref()).unwrap();
        assert_eq!(key(&again), public);
    }
}

#[test]
fn encrypted_key_needs_password_without_prompt() {
    let pair = minisign::generate(Some(&Sensitive::from("right"))).unwrap();
    let sign = |password: Option<Sensitive>| {
        minisign::sign(
            &statement("mlflow", "1.2.0"),
            &pair.secret,
            password.as_ref(),
        )
    };
    assert_eq!(sign(None), Err(SignError::PasswordNeeded));
    assert_eq!(
        sign(Some(Sensitive::from("wrong"))),
        Err(SignError::WrongPassword)
    );
    assert!(sign(Some(Sensitive::from("right"))).is_ok());
    assert!(!format!("{pair:?}").contains(pair.secret.reveal()));
    for broken in ["", "one line", "two\nlines", "untrusted comment: a\nRWQ=\n"] {
        let signed = minisign::sign(&statement("a", "1.0.0"), &Sensitive::from(broken), None);
        assert_eq!(signed, Err(SignError::NoKey), "{broken}");
    }
}

#[test]
fn reads_public_key_file_or_second_line() {
    let pair = minisign::generate(None).unwrap();
    let whole = key(&pair.public);
    assert_eq!(key(pair.public.lines().nth(1).unwrap()), whole);
    assert!(pair.public.contains(&whole.id()));
    assert_eq!(
        PublicKey::read(pair.secret.reveal()),
        Err(KeyError::Secret),
        "the wrong half"
    );
    assert_eq!(PublicKey::read("RWQ"), Err(KeyError::NoKey));
    assert_eq!(PublicKey::read(""), Err(KeyError::NoKey));
}

#[test]
fn minisign_signature_is_independent_of_location() {
    let statement = statement("mlflow", "1.2.0");
    let json = String::from_utf8(statement.to_json()).unwrap();
    assert!(json.contains(&statement.content.to_string()));
    for word in ["repository", "tag", "url", "locator"] {
        assert!(!json.contains(word), "{word}");
    }
}

#[test]
fn rejects_wrong_lengths_without_panic() {
    let pair = minisign::generate(None).unwrap();
    let sound = minisign::sign(&statement("a", "1.0.0"), &pair.secret, None).unwrap();
    let text = String::from_utf8(sound.signature.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let short = format!("{}\n{}\n{}\n{}\n", lines[0], lines[1], lines[2], "AAAA");
    let more = format!("{text}more\n");
    let mut bytes = STANDARD.decode(lines[1]).unwrap();
    bytes[1] = b'd';
    let legacy = text.replacen(lines[1], &STANDARD.encode(bytes), 1);
    let spaced = text.replacen("trusted comment: {", "trusted comment:  {", 1);
    let bare = text.trim_end().to_owned() + "\r";
    for wrong in ["", "\n\n\n\n", &short, &more, &legacy, &spaced, &bare] {
        let signature = Signature {
            signature: wrong.as_bytes().to_vec(),
            ..sound.clone()
        };
        let verified = key(&pair.public).verify(&signature);
        assert!(
            matches!(verified, Err(Fault::Unreadable(_))),
            "{wrong}: {verified:?}"
        );
    }
    // As an editor of another system writes lines.
    let signature = Signature {
        signature: text.replace('\n', "\r\n").into_bytes(),
        ..sound
    };
    assert!(key(&pair.public).verify(&signature).is_ok());
}

/// A key, and what it signed.
static SIGNED: LazyLock<(NewKey, Signature)> = LazyLock::new(|| {
    let pair = minisign::generate(None).unwrap();
    let signature = minisign::sign(&statement("mlflow", "1.2.0"), &pair.secret, None).unwrap();
    (pair, signature)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn statement_round_trips(
        texts in prop::array::uniform3(".{0,40}"),
        version in (any::<u32>(), any::<u32>(), any::<u32>()),
        digests in prop::array::uniform3(prop::option::of(any::<[u8; 8]>())),
    ) {
        let [kind, name, packaging] = texts;
        let digest = |bytes: Option<[u8; 8]>| bytes.map(|bytes| Digest::of(&bytes));
        let statement = Statement {
            kind,
            name,
            packaging,
            version: semver::Version::new(version.0.into(), version.1.into(), version.2.into()),
            content: digest(digests[0]).unwrap_or(Digest::of(b"")),
            configuration: digest(digests[1]),
            document: digest(digests[2]),
        };
        let json = statement.to_json();
        let read = Statement::read(&json).unwrap();
        prop_assert_eq!(&read, &statement);
        prop_assert_eq!(read.to_json(), json);
    }

    /// All but the first line, which is a comment that nobody signs.
    #[test]
    fn any_modified_byte_breaks_minisign_signature(place: prop::sample::Index, by in 1_u8..) {
        let (pair, signature) = &*SIGNED;
        let public = key(&pair.public);
        let other = Signature { payload: changed(&signature.payload, place, by), ..signature.clone() };
        prop_assert!(public.verify(&other).is_err());
        let first = signature.signature.iter().position(|byte| *byte == b'\n').unwrap();
        let (comment, signed) = signature.signature.split_at(first);
        let other = Signature {
            signature: [comment, &changed(signed, place, by)].concat(),
            ..signature.clone()
        };
        prop_assert!(public.verify(&other).is_err());
        let line = pair.public.lines().nth(1).unwrap();
        let other = String::from_utf8_lossy(&changed(line.as_bytes(), place, by)).into_owned();
        prop_assert!(PublicKey::read(&other).map_or(true, |key| key.verify(signature).is_err()));
    }

    #[test]
    fn rejects_garbage_without_panic(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        text in prop::collection::vec(any::<u8>(), 0..400),
        lines in prop::array::uniform4("[ -~]{0,120}"),
    ) {
        let public = key(&SIGNED.0.public);
        let framed = format!("untrusted comment: {}\n{}\ntrusted comment: {}\n{}\n", lines[0], lines[1], lines[2], lines[3]);
        for bytes in [text, framed.into_bytes()] {
            for format in [Format::Minisign, Format::CosignSimple, Format::SigstoreBundle] {
                let signature = Signature { format, payload: payload.clone(), signature: bytes.clone() };
                prop_assert!(public.verify(&signature).is_err());
                let _ = signature.signer();
            }
            prop_assert!(Statement::read(&bytes).is_err());
            prop_assert!(PublicKey::read(&String::from_utf8_lossy(&bytes)).is_err());
            let secret = Sensitive::new(String::from_utf8_lossy(&bytes).into_owned());
            prop_assert_eq!(minisign::public(&secret, None), Err(SignError::NoKey));
        }
    }
}
