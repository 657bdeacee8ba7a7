//! Sealing as a function of a spec.

use std::collections::BTreeSet;

use extension_registry_binding::seal::{Plan, inline_fields, references, slug};
use extension_registry_core::record::{RecordKey, SourceSecret};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::plan;
use crate::digest::DigestKey;
use crate::seal::{LastApplied, rewrite};

const CANARY: &str = "canary-6f1d";

fn key() -> DigestKey {
    DigestKey::from_bytes(&[7; 32]).unwrap()
}

fn store() -> RecordKey {
    RecordKey::project("alpha", "store")
}

fn sealed(spec: &Value) -> Plan {
    plan(&key(), &store(), spec)
}

fn with_entries(entries: impl Into<Value>) -> Value {
    let entries: Value = entries.into();
    json!({"product": "minio", "services": [
        {"name": "web"},
        {"name": "s3", "credentials": [{"name": "main", "configuration": entries}]},
    ]})
}

fn with_value(value: &str) -> Value {
    with_entries(json!([{"name": "KEY", "value": value}]))
}

#[test]
fn the_entry_points_at_a_secret_that_holds_the_value() {
    let spec = with_entries(json!([
        {"name": "KEY", "value": CANARY},
        {"name": "EMPTY", "value": ""},
        {"name": "BOTH", "value": "wins", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "KEPT", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "NULL", "value": null, "valueFrom": {"sealedRef": {"name": "old", "key": "b"}}},
    ]));
    let plan = sealed(&spec);
    assert!(plan.left.is_empty());
    let [secret] = plan.secrets.as_slice() else {
        panic!("one set makes one Secret");
    };
    assert_eq!(secret.field, "spec.services[s3].credentials[main]");
    assert!(secret.name.starts_with("sealed-store-"), "{}", secret.name);
    assert_eq!(secret.name.len(), "sealed-store-".len() + 32);
    let data: Vec<(&str, &str)> = secret
        .data
        .iter()
        .map(|(key, value)| (key.as_str(), value.reveal()))
        .collect();
    assert_eq!(data, [("BOTH", "wins"), ("EMPTY", ""), ("KEY", CANARY)]);
    assert!(!format!("{secret:?}").contains(CANARY));

    let by = |key: &str| json!({"sealedRef": {"name": secret.name, "key": key}});
    assert_eq!(
        plan.spec.unwrap(),
        with_entries(json!([
            {"name": "KEY", "valueFrom": by("KEY")},
            {"name": "EMPTY", "valueFrom": by("EMPTY")},
            {"name": "BOTH", "valueFrom": by("BOTH")},
            {"name": "KEPT", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
            {"name": "NULL", "value": null, "valueFrom": {"sealedRef": {"name": "old", "key": "b"}}},
        ]))
    );
    let object = secret.object(&store());
    assert_eq!(object.immutable, Some(true));
    assert_eq!(object.data.unwrap()["KEY"].0, CANARY.as_bytes());
}

#[test]
fn equal_names_mean_equal_content() {
    let name = |key: &DigestKey, record: &RecordKey, spec: &Value| {
        plan(key, record, spec).secrets.remove(0).name
    };
    let first = name(&key(), &store(), &with_value("a"));
    assert_eq!(first, name(&key(), &store(), &with_value("a")));

    let mut renamed = with_value("a");
    renamed["services"][1]["name"] = json!("s4");
    let mut other_set = with_value("a");
    other_set["services"][1]["credentials"][0]["name"] = json!("other");
    let names = [
        first,
        name(&key(), &store(), &with_value("b")),
        name(&key(), &store(), &with_value("")),
        name(
            &key(),
            &store(),
            &with_entries(json!([{"name": "K", "value": "EYa"}])),
        ),
        name(&key(), &store(), &renamed),
        name(&key(), &store(), &other_set),
        name(
            &key(),
            &RecordKey::project("beta", "store"),
            &with_value("a"),
        ),
        name(
            &key(),
            &RecordKey::project("alpha", "stor"),
            &with_value("a"),
        ),
        name(&key(), &RecordKey::cluster("store"), &with_value("a")),
        name(
            &DigestKey::from_bytes(&[8; 32]).unwrap(),
            &store(),
            &with_value("a"),
        ),
    ];
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");

    // The order of the entries means nothing.
    let a = json!({"name": "A", "value": "1"});
    let b = json!({"name": "B", "value": "2"});
    assert_eq!(
        name(&key(), &store(), &with_entries(json!([a, b]))),
        name(&key(), &store(), &with_entries(json!([b, a])))
    );
}

#[test]
fn sealing_what_is_sealed_changes_nothing() {
    let spec = sealed(&with_value(CANARY)).spec.unwrap();
    let again = sealed(&spec);
    assert!(again.spec.is_none() && again.secrets.is_empty() && again.left.is_empty());
    assert_eq!(references(&spec).len(), 1);
}

#[test]
fn public_configuration_stays() {
    let spec = json!({
        "configuration": [{"name": "A", "value": "a"}],
        "services": [{
            "name": "s3", "configuration": [{"name": "B", "value": "b"}],
            "endpoints": [{"name": "e", "url": "http://a", "configuration": [{"name": "C", "value": "c"}]}],
            "credentials": [{"name": "main", "secretRef": {"name": "kept"}}],
        }],
    });
    let plan = sealed(&spec);
    assert!(plan.spec.is_none() && plan.secrets.is_empty() && plan.left.is_empty());
}

#[test]
fn what_cannot_be_sealed_stays_whole_and_says_why_without_the_value() {
    let good = json!({"name": "GOOD", "value": "x"});
    let wide = || Value::Array(vec![good.clone(); 65]);
    let mut many = with_value(CANARY);
    many["services"] = Value::Array(vec![many["services"][1].clone(); 33]);
    let mut heavy = with_value(CANARY);
    heavy["description"] = json!("x".repeat(300_000));
    let table = [
        (
            with_entries(json!([good, {"name": "K", "value": [CANARY]}])),
            "spec.services[s3].credentials[main].configuration[1].value: not a text",
        ),
        (
            with_entries(json!([good, {"name": "K", "value": 5}])),
            "configuration[1].value: not a text",
        ),
        (
            with_entries(json!([good, {"value": CANARY}])),
            "configuration[1].name: not a valid name",
        ),
        (
            with_entries(json!([good, {"name": format!("{CANARY}/"), "value": "x"}])),
            "configuration[1].name: not a valid name",
        ),
        (
            with_entries(json!([good, {"name": "type", "value": CANARY}])),
            "configuration[1].name: not a valid name",
        ),
        (
            with_entries(json!([good, {"name": "GOOD", "value": CANARY}])),
            "configuration[1].name: used twice",
        ),
        (with_value(&"x".repeat(1 << 20)), "1048576 bytes"),
        (with_entries(wide()), "65 entries, of 64 allowed"),
        (many, "33 entries, of 32 allowed"),
        (heavy, "bytes in all"),
        (
            json!({"services": [{"credentials": [{"name": "c", "configuration": [good]}]}]}),
            "the service or the set has no name",
        ),
    ];
    for (spec, reason) in table {
        let plan = sealed(&spec);
        assert!(plan.spec.is_none() && plan.secrets.is_empty(), "{reason}");
        let said = plan.left.join("\n");
        assert!(said.contains(reason), "{reason} is not in {said}");
        assert!(!said.contains(CANARY), "{said}");
    }
}

#[test]
fn the_annotation_says_what_the_object_says() {
    let text = |spec: &Value| format!("{}\n", json!({"kind": "Extension", "spec": spec}));
    let LastApplied::Rewrite(rewritten) = rewrite(&key(), &store(), &text(&with_value(CANARY)))
    else {
        panic!("it holds a value");
    };
    let spec = sealed(&with_value(CANARY)).spec.unwrap();
    assert_eq!(rewritten, text(&spec));
    assert!(matches!(
        rewrite(&key(), &store(), &rewritten),
        LastApplied::Keep
    ));
    for text in ["{", "", "\u{0}", r#"{"spec": "#] {
        assert!(matches!(
            rewrite(&key(), &store(), text),
            LastApplied::Remove
        ));
    }
    let unclear = with_entries(json!([{"name": "K", "value": [CANARY]}]));
    assert!(matches!(
        rewrite(&key(), &store(), &text(&unclear)),
        LastApplied::Remove
    ));
}

#[test]
fn a_slug_is_part_of_a_name() {
    assert_eq!(slug("MinIO.store_1"), "minio-store-1");
    assert_eq!(slug("--"), "x");
    assert_eq!(slug(""), "x");
    assert_eq!(slug("ü"), "x");
    assert_eq!(slug(&"a".repeat(29)).len(), 29);
    assert_eq!(slug(&format!("{}-b", "a".repeat(29))), "a".repeat(29));
    assert_eq!(slug(&"a".repeat(99)).len(), 30);
}

/// JSON of any shape, with the words of a record strewn in.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(CANARY)),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        let word = prop_oneof![
            Just("services".to_owned()),
            Just("credentials".to_owned()),
            Just("configuration".to_owned()),
            Just("name".to_owned()),
            Just("value".to_owned()),
            Just("valueFrom".to_owned()),
            Just("sealedRef".to_owned()),
            Just("secretRef".to_owned()),
            ".{0,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word, inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// An entry with the canary as its value, amid anything.
fn entry() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[A-Z_]{1,4}".prop_map(Value::from),
        Just(json!("type")),
        Just(json!(["A"])),
        Just(Value::Null),
        ".{0,4}".prop_map(Value::from),
    ];
    let value = prop_oneof![4 => Just(json!(CANARY)), 1 => anything()];
    (name, value, proptest::option::of(anything())).prop_map(|(name, value, from)| {
        let mut entry = json!({"name": name, "value": value});
        if let Some(from) = from {
            entry["valueFrom"] = from;
        }
        entry
    })
}

fn spec() -> impl Strategy<Value = Value> {
    let set = (
        "[a-z]{0,3}",
        prop::collection::vec(prop_oneof![9 => entry(), 1 => anything()], 0..5),
    )
        .prop_map(|(name, entries)| json!({"name": name, "configuration": entries}));
    let service = ("[a-z]{0,3}", prop::collection::vec(set, 0..3))
        .prop_map(|(name, sets)| json!({"name": name, "credentials": sets}));
    let services = prop::collection::vec(service, 0..3);
    services.prop_map(|services| json!({"product": "minio", "services": services}))
}

proptest! {
    #[test]
    fn any_json_is_planned(value in anything()) {
        let plan = sealed(&value);
        prop_assert_eq!(plan.spec.is_some(), !plan.secrets.is_empty());
        let _ = references(&value);
        rewrite(&key(), &store(), &value.to_string());
        if plan.spec.is_none() && plan.left.is_empty() {
            prop_assert!(inline_fields(&value).is_empty());
        }
    }

    #[test]
    fn what_is_sealed_holds_no_value(value in spec()) {
        let plan = sealed(&value);
        if let Some(sealed) = &plan.spec {
            prop_assert!(inline_fields(sealed).is_empty());
            // Anything but a value may hold the canary by chance: `valueFrom` of an entry that had
            // no value, or something that is no entry.
            let references = references(sealed);
            for secret in &plan.secrets {
                let name = SourceSecret::Sealed(secret.name.as_str().into());
                prop_assert!(references.contains(&name));
            }
        }
        for said in &plan.left {
            prop_assert!(!said.contains(CANARY));
        }
        for secret in &plan.secrets {
            prop_assert!(!secret.name.contains(CANARY));
            prop_assert!(!secret.field.contains(CANARY));
            let debug = format!("{secret:?}");
            prop_assert!(!debug.contains(CANARY), "{}", debug);
        }
    }

    #[test]
    fn no_value_is_left_anywhere(
        values in prop::collection::vec("[A-Z]{1,3}", 1..6),
        from in proptest::option::of(Just(json!({"secretKeyRef": {"name": CANARY, "key": CANARY}}))),
    ) {
        let names: BTreeSet<String> = values.into_iter().collect();
        let entries: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "value": CANARY, "valueFrom": from}))
            .collect();
        let spec = with_entries(json!(entries));
        let sealed = sealed(&spec).spec.unwrap().to_string();
        prop_assert!(!sealed.contains(CANARY), "{}", sealed);
        let text = json!({"spec": spec}).to_string();
        let LastApplied::Rewrite(text) = rewrite(&key(), &store(), &text) else {
            return Err(TestCaseError::fail("it holds values"));
        };
        prop_assert!(!text.contains(CANARY), "{}", text);
    }
}
