//! Encryption and decryption of values.
#![allow(clippy::unwrap_used, reason = "tests may panic on broken assumptions")]

mod support;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use extension_registry_api::limits;
use extension_registry_core::record::RecordKey;
use extension_registry_seal::{Author, EntryKey, Keyring};
use k8s_openapi::ByteString;

use support::{entry, keyring};

const ADA: Author<'_> = Author::User("ada");

fn store() -> RecordKey {
    RecordKey::project("alpha", "store")
}

fn sealed(keys: &Keyring, value: &str) -> String {
    keys.seal(&store(), &entry("KEY"), ADA, &value.into())
        .unwrap()
}

#[test]
fn opens_values_of_any_length_with_author() {
    let keys = keyring(&[7]);
    let longest = "x".repeat(limits::VALUE);
    for value in [
        "",
        "a",
        "ünïcode",
        &"a".repeat(28),
        &"a".repeat(29),
        &longest,
    ] {
        let text = sealed(&keys, value);
        assert!(text.len() <= limits::SEALED, "{}", text.len());
        assert!(!text.contains(value) || value.len() < 2);
        let opened = keys.open(&store(), &entry("KEY"), &text).unwrap();
        assert_eq!(opened.value.reveal(), value);
        assert!(opened.is_by("ada") && !opened.is_by("eve") && !opened.is_by(""));
        assert!(opened.equals(&value.into()) && !opened.equals(&"other".into()));
    }
}

#[test]
fn equal_values_differ_and_short_values_have_equal_length() {
    let keys = keyring(&[7]);
    assert_ne!(sealed(&keys, "a"), sealed(&keys, "a"));
    assert_eq!(
        sealed(&keys, "").len(),
        sealed(&keys, &"a".repeat(28)).len()
    );
}

#[test]
fn opens_only_for_own_record_and_entry() {
    let keys = keyring(&[7]);
    let text = sealed(&keys, "value");
    for record in [
        RecordKey::project("beta", "store"),
        RecordKey::project("alpha", "other"),
        RecordKey::project("alphas", "tore"),
        RecordKey::cluster("store"),
    ] {
        assert!(
            keys.open(&record, &entry("KEY"), &text).is_none(),
            "{record}"
        );
    }
    let key = |service: &str, credentials: &str, entry: &str| EntryKey {
        service: service.into(),
        credentials: credentials.into(),
        entry: entry.into(),
    };
    assert_eq!(key("s3", "main", "KEY"), entry("KEY"));
    for entry in [
        key("s4", "main", "KEY"),
        key("s3", "other", "KEY"),
        key("s3", "main", "KEYS"),
        key("s3m", "ain", "KEY"),
        key("s3", "mainK", "EY"),
    ] {
        assert!(keys.open(&store(), &entry, &text).is_none(), "{entry:?}");
    }
}

#[test]
fn rejects_modified_values() {
    let keys = keyring(&[7]);
    let text = sealed(&keys, "value");
    let opens = |text: &str| keys.open(&store(), &entry("KEY"), text).is_some();
    let (head, encoded) = text.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert!(!opens(&changed), "byte {place} of {}", bytes.len());
    }
    for length in 0..bytes.len() {
        let cut = URL_SAFE_NO_PAD.encode(&bytes[..length]);
        assert!(!opens(&format!("{head}.{cut}")), "{length}");
    }
    let id = head.strip_prefix("v1.").unwrap();
    for changed in [
        String::new(),
        encoded.to_owned(),
        format!("v2.{id}.{encoded}"),
        format!("v1.00000000.{encoded}"),
        format!("v1..{encoded}"),
        format!("v1.{id}.{encoded}="),
        format!("v1.{id}.{encoded}A"),
        format!("v1.{id}.{encoded}\n"),
        format!(" {text}"),
        format!("v1.{id}."),
        format!("v1.{id}"),
    ] {
        assert!(!opens(&changed), "{changed}");
    }
    assert!(opens(&text));
}

#[test]
fn last_key_seals_and_every_key_opens() {
    let (old, both, new) = (keyring(&[7]), keyring(&[7, 9]), keyring(&[9]));
    let opens = |keys: &Keyring, text: &str| {
        let opened = keys.open(&store(), &entry("KEY"), text);
        assert_eq!(keys.has_key_for(text), opened.is_some());
        opened.is_some()
    };
    let (before, after) = (sealed(&old, "value"), sealed(&both, "value"));
    assert!(opens(&both, &before) && opens(&both, &after));
    assert!(opens(&new, &after) && !opens(&new, &before) && !opens(&old, &after));
    assert!(old.is_current(&before) && !both.is_current(&before) && both.is_current(&after));
    // A text that is not a sealed value does not trigger a reload of the keys.
    assert!(old.has_key_for("x") && old.has_key_for("v2.00000000.x"));
}

#[test]
fn reads_32_byte_entries_ordered_by_name() {
    let bytes = |byte: u8, length: usize| ByteString(vec![byte; length]);
    let data = BTreeMap::from([
        ("key-0002".to_owned(), bytes(9, 32)),
        ("key-0001".to_owned(), bytes(7, 32)),
        ("key-0003".to_owned(), bytes(1, 33)),
        ("notes".to_owned(), bytes(1, 31)),
    ]);
    let (keys, invalid) = Keyring::read(&data);
    assert_eq!(invalid, ["key-0003", "notes"]);
    let text = sealed(&keys.unwrap(), "value");
    assert!(keyring(&[9]).is_current(&text));
    let (keys, _) = Keyring::read(&BTreeMap::from([("notes".to_owned(), bytes(1, 31))]));
    assert!(keys.is_none());
    let debug = format!("{:?}", keyring(&[7]));
    assert_eq!(debug.len(), r#"["01234567"]"#.len(), "{debug}");
}
