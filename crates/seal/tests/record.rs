//! Sealing of a request.
#![allow(clippy::unwrap_used, reason = "tests may panic on broken assumptions")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use extension_registry_api::limits;
use extension_registry_core::record::RecordKey;
use extension_registry_seal::{
    GuessLimiter, Keyring, LastApplied, Request, SealOutcome, inline_entries, inline_values,
    references, rewrite, seal, with_sealed,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use support::{entry, keyring};

const CANARY: &str = "canary-6f1d";
const FIELD: &str = "spec.services[s3].credentials[main].configuration[KEY].valueFrom.sealed";

/// State of the webhook: keys, rate limit and time.
struct Webhook {
    keys: Keyring,
    limit: GuessLimiter,
    now: Instant,
}

impl Webhook {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            keys: keyring(&[7]),
            limit: GuessLimiter::new(now),
            now,
        }
    }

    fn for_record(
        &self,
        record: &RecordKey,
        user: &str,
        spec: &Value,
        stored: Option<&Value>,
    ) -> SealOutcome {
        let request = Request {
            record,
            user,
            spec,
            stored,
            values: &inline_values(spec).unwrap_or_default(),
        };
        seal(&self.keys, &self.limit, &request, self.now).unwrap()
    }

    fn write(&self, user: &str, spec: &Value, stored: Option<&Value>) -> SealOutcome {
        self.for_record(&store(), user, spec, stored)
    }

    /// Returns the stored spec after a user created the record.
    fn created(&self, user: &str, spec: &Value) -> Value {
        self.write(user, spec, None).spec.unwrap()
    }
}

fn store() -> RecordKey {
    RecordKey::project("alpha", "store")
}

fn with_entries(entries: &Value) -> Value {
    json!({"product": "minio", "services": [
        {"name": "web"},
        {"name": "s3", "credentials": [{"name": "main", "configuration": entries}]},
    ]})
}

fn with_value(value: &str) -> Value {
    with_entries(&json!([{"name": "KEY", "value": value}]))
}

fn moved(spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["services"][1]["endpoints"] = json!([{"name": "e", "url": "https://evil.example.org"}]);
    spec
}

fn text(spec: &Value) -> &str {
    let entry = &spec["services"][1]["credentials"][0]["configuration"][0];
    entry["valueFrom"]["sealed"].as_str().unwrap()
}

#[test]
fn seals_values_and_keeps_other_sources() {
    let webhook = Webhook::new();
    let spec = with_entries(&json!([
        {"name": "KEY", "value": CANARY},
        {"name": "EMPTY", "value": ""},
        {"name": "BOTH", "value": "wins", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "KEPT", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "NULL", "value": null, "valueFrom": {"sealedRef": {"name": "old", "key": "b"}}},
    ]));
    let sealed = webhook.write("ada", &spec, None);
    let set = "spec.services[s3].credentials[main]".to_owned();
    assert_eq!(sealed.new, BTreeMap::from([(set, 3)]));
    assert!(sealed.is_changed && sealed.unknown.is_empty() && sealed.foreign.is_empty());
    for (name, value) in [("KEY", CANARY), ("EMPTY", ""), ("BOTH", "wins")] {
        let opened = webhook
            .keys
            .open(&store(), &entry(name), &sealed.texts[&entry(name)]);
        assert_eq!(opened.unwrap().value.reveal(), value);
    }
    let by =
        |name: &str| json!({"name": name, "valueFrom": {"sealed": sealed.texts[&entry(name)]}});
    let expected = with_entries(&json!([
        by("KEY"), by("EMPTY"), by("BOTH"),
        {"name": "KEPT", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "NULL", "value": null, "valueFrom": {"sealedRef": {"name": "old", "key": "b"}}},
    ]));
    assert_eq!(sealed.spec, Some(expected));
}

#[test]
fn does_not_seal_public_configuration() {
    let spec = json!({
        "configuration": [{"name": "A", "value": "a"}],
        "services": [{
            "name": "s3", "configuration": [{"name": "B", "value": "b"}],
            "endpoints": [{"name": "e", "url": "http://a", "configuration": [{"name": "C", "value": "c"}]}],
            "credentials": [{"name": "main", "secretRef": {"name": "kept"}}],
        }],
    });
    assert_eq!(Webhook::new().write("ada", &spec, None).spec, None);
}

#[test]
fn unchanged_value_keeps_sealed_text() {
    let webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    for user in ["ada", "eve"] {
        let again = webhook.write(user, &with_value("a"), Some(&stored));
        assert_eq!(again.spec.as_ref(), Some(&stored), "{user}");
        assert!(!again.is_changed && again.new.is_empty() && again.unknown.is_empty());
        assert!(again.replaced.is_empty());
    }
    let other = webhook.write("ada", &with_value("b"), Some(&stored));
    let field = "spec.services[s3].credentials[main].configuration[KEY]".to_owned();
    assert_eq!(other.replaced, BTreeMap::from([(entry("KEY"), field)]));
    assert_ne!(text(&stored), text(other.spec.as_ref().unwrap()));
    assert!(other.is_changed && other.new.len() == 1);
    // As written by `kubectl replace` of the stored object.
    let same = webhook.write("eve", &stored, Some(&stored));
    assert!(!same.is_changed && same.spec.is_none());
}

#[test]
fn only_author_can_change_spec_without_value() {
    let webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    let by = |user: &str, spec: &Value| webhook.write(user, spec, Some(&stored));
    let change = by("eve", &moved(&stored));
    assert_eq!(change.unknown, [FIELD]);
    assert!(change.is_changed);
    assert!(by("ada", &moved(&stored)).unknown.is_empty());
    assert!(by("eve", &moved(&with_value("a"))).unknown.is_empty());
    assert!(by("eve", &moved(&with_value("b"))).unknown.is_empty());
}

#[test]
fn reinvocation_without_values_keeps_author() {
    let webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    let first = webhook.write("eve", &moved(&with_value("a")), Some(&stored));
    let mut spec = first.spec.unwrap();
    spec["description"] = json!("written by another webhook");
    let second = webhook.write("eve", &spec, Some(&stored));
    assert_eq!(second.unknown, Vec::<String>::new());
    assert_eq!(second.spec, None);
}

#[test]
fn sealed_text_of_other_record_or_entry_is_foreign() {
    let webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    for record in [
        RecordKey::project("alpha", "other"),
        RecordKey::project("beta", "store"),
        RecordKey::cluster("store"),
    ] {
        let copy = webhook.for_record(&record, "ada", &stored, None);
        assert_eq!(copy.foreign, [FIELD], "{record}");
    }
    let renamed = [
        ("/services/1/name", "s4"),
        ("/services/1/credentials/0/name", "other"),
        ("/services/1/credentials/0/configuration/0/name", "OTHER"),
    ];
    for (pointer, name) in renamed {
        let mut copy = stored.clone();
        *copy.pointer_mut(pointer).unwrap() = json!(name);
        let copy = webhook.write("ada", &copy, Some(&stored));
        assert_eq!(copy.foreign.len(), 1, "{pointer}");
    }
    let garbage = with_entries(&json!([{"name": "KEY", "valueFrom": {"sealed": "x"}}]));
    assert_eq!(
        webhook.write("ada", &garbage, Some(&stored)).foreign,
        [FIELD]
    );
}

#[test]
fn lost_key_keeps_stored_texts_and_seals_values_again() {
    let mut webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    webhook.keys = keyring(&[9]);
    // The author cannot be verified any more.
    let change = webhook.write("ada", &moved(&stored), Some(&stored));
    assert_eq!(
        (change.unknown.as_slice(), change.foreign.len()),
        ([FIELD.to_owned()].as_slice(), 0)
    );
    let again = webhook.write("ada", &with_value("a"), Some(&stored));
    assert_ne!(text(&stored), text(again.spec.as_ref().unwrap()));
    assert!(again.unknown.is_empty());
}

#[test]
fn renews_texts_of_older_key() {
    let mut webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("a"));
    webhook.keys = keyring(&[7, 9]);
    for spec in [with_value("a"), stored.clone()] {
        let renewed = webhook.write("eve", &spec, Some(&stored));
        // The requester changed nothing.
        assert!(!renewed.is_changed && renewed.new.is_empty());
        let renewed = renewed.spec.unwrap();
        assert!(webhook.keys.is_current(text(&renewed)));
        let opened = webhook
            .keys
            .open(&store(), &entry("KEY"), text(&renewed))
            .unwrap();
        assert!(opened.value.reveal() == "a" && opened.is_by("ada"));
        // A file with the older text does not bring it back.
        let again = webhook.write("eve", &stored, Some(&renewed));
        assert_eq!(again.spec.as_ref(), Some(&renewed));
        assert!(!again.is_changed);
    }
}

#[test]
fn guesses_beyond_limit_reveal_nothing() {
    let mut webhook = Webhook::new();
    let stored = webhook.created("ada", &with_value("right"));
    let mut guess = |value: &str, later: u64| {
        webhook.now += Duration::from_secs(later);
        let sealed = webhook.write("eve", &with_value(value), Some(&stored));
        text(sealed.spec.as_ref().unwrap()) == text(&stored)
    };
    // Correct values consume no token.
    for _ in 0..100 {
        assert!(guess("right", 0));
    }
    for number in 0..10 {
        assert!(!guess(&number.to_string(), 0));
    }
    for _ in 0..600 {
        assert!(!guess("right", 0), "the limit is not enforced");
    }
    assert!(!guess("right", 5) && guess("right", 1));
    assert!(!guess("wrong", 0) && !guess("right", 0));
}

#[test]
fn text_of_older_key_counts_as_guess() {
    let mut webhook = Webhook::new();
    let wrong = webhook.created("eve", &with_value("wrong"));
    let right = webhook.created("eve", &with_value("right"));
    webhook.keys = keyring(&[7, 9]);
    let stored = webhook.created("ada", &with_value("right"));
    let is_stored = |spec: &Value| {
        let sealed = webhook.write("eve", spec, Some(&stored));
        sealed.spec.as_ref() == Some(&stored)
    };
    assert!(is_stored(&right));
    for _ in 0..10 {
        assert!(!is_stored(&wrong));
    }
    assert!(!is_stored(&right), "the limit is not enforced");
}

#[test]
fn errors_name_field_but_not_value() {
    let good = json!({"name": "GOOD", "value": "x"});
    let mut twice = with_value(CANARY);
    twice["services"][0] = twice["services"][1].clone();
    let table = [
        (
            json!({"name": "K", "value": [CANARY]}),
            "configuration[K].value: must be a string",
        ),
        (
            json!({"name": "K", "value": 5}),
            "configuration[K].value: must be a string",
        ),
        (
            json!({"value": CANARY}),
            "configuration[1].name: invalid name",
        ),
        (
            json!({"name": format!("{CANARY}/"), "value": "x"}),
            "configuration[1].name: invalid name",
        ),
        (
            json!({"name": "type", "value": CANARY}),
            "configuration[type].name: invalid name",
        ),
        (
            json!({"name": "GOOD", "value": CANARY}),
            "configuration[1].name: duplicate name",
        ),
        (
            json!({"name": "GOOD"}),
            "configuration[1].name: duplicate name",
        ),
        (
            json!({"name": "K", "value": CANARY.repeat(10_000)}),
            "110000 bytes",
        ),
    ];
    let table = table.map(|(entry, problem)| (with_entries(&json!([good, entry])), problem));
    let nameless = json!({"services": [{"credentials": [{"name": "c", "configuration": [good]}]}]});
    let many = json!({"services": [{"name": "s", "credentials": (0..=limits::ENTRIES).map(|number| {
        json!({"name": format!("c{number}"), "configuration": [{"name": "K", "value": CANARY}]})
    }).collect::<Vec<_>>()}]});
    let more = [
        (many, "too many credential entries"),
        (
            twice,
            "spec.services[1].credentials[0].configuration[0].name: duplicate name",
        ),
        (
            nameless,
            "the service or the set of credentials has no name",
        ),
    ];
    for (spec, problem) in table.into_iter().chain(more) {
        let problems = inline_values(&spec).unwrap_err().join("\n");
        assert!(
            problems.contains(problem),
            "missing {problem} in {problems}"
        );
        assert!(!problems.contains(CANARY), "{problems}");
    }
}

#[test]
fn last_applied_annotation_matches_sealed_object() {
    let webhook = Webhook::new();
    let annotation = |spec: &Value| format!("{}\n", json!({"kind": "Extension", "spec": spec}));
    let spec = with_value(CANARY);
    let sealed = webhook.write("ada", &spec, None);
    let values = inline_values(&spec).unwrap();
    let rewritten = |text: &str| rewrite(text, &values, &sealed.texts);
    let expected = annotation(sealed.spec.as_ref().unwrap());
    assert_eq!(
        rewritten(&annotation(&spec)),
        LastApplied::Rewrite(expected.clone())
    );
    assert_eq!(rewritten(&expected), LastApplied::Keep);
    assert_eq!(rewritten(r#"{"metadata": {}}"#), LastApplied::Keep);
    let others = [
        with_value("another value"),
        with_entries(&json!([{"name": "KEY", "value": CANARY}, {"name": "MORE", "value": "x"}])),
        with_entries(&json!([{"name": "KEY", "value": [CANARY]}])),
    ];
    let mut large = spec.clone();
    large["description"] = json!("x".repeat(250_000));
    let others = others.iter().chain([&large]).map(annotation);
    for text in others.chain(["{", "", "\u{0}", r#"{"spec": "#].map(str::to_owned)) {
        assert_eq!(rewritten(&text), LastApplied::Remove);
    }
}

/// Generates arbitrary JSON with field names of a record.
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
            Just("sealed".to_owned()),
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

/// Generates a spec with the canary in place of values, and other random content.
fn spec() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[A-Z_]{1,4}".prop_map(Value::from),
        Just(json!("type")),
        Just(Value::Null),
        ".{0,4}".prop_map(Value::from),
    ];
    let value = prop_oneof![4 => Just(json!(CANARY)), 1 => anything()];
    let entry = (name, value, proptest::option::of(anything())).prop_map(|(name, value, from)| {
        let mut entry = json!({"name": name, "value": value});
        if let Some(from) = from {
            entry["valueFrom"] = from;
        }
        entry
    });
    // Messages may contain the name of an entry.
    let other = anything().prop_filter("the name is the canary", |entry| entry["name"] != CANARY);
    let entries = prop::collection::vec(prop_oneof![9 => entry, 1 => other], 0..5);
    let set = ("[a-z]{0,3}", entries)
        .prop_map(|(name, entries)| json!({"name": name, "configuration": entries}));
    let service = ("[a-z]{0,3}", prop::collection::vec(set, 0..3))
        .prop_map(|(name, sets)| json!({"name": name, "credentials": sets}));
    prop::collection::vec(service, 0..3).prop_map(|services| json!({"services": services}))
}

proptest! {
    #[test]
    fn handles_any_json(value in anything(), stored in anything()) {
        let webhook = Webhook::new();
        let sealed = webhook.write("ada", &value, Some(&stored));
        prop_assert_eq!(sealed.spec.is_some(), !sealed.texts.is_empty());
        let _ = references(&value);
        let _ = rewrite(&value.to_string(), &BTreeMap::new(), &BTreeMap::new());
        prop_assert_eq!(with_sealed(&value, &BTreeMap::new()), value);
    }

    #[test]
    fn sealing_removes_all_values_and_is_idempotent(value in spec()) {
        match inline_values(&value) {
            Ok(values) => {
                let webhook = Webhook::new();
                let sealed = webhook.write("ada", &value, None);
                let spec = sealed.spec.unwrap_or_else(|| value.clone());
                prop_assert_eq!(inline_entries(&spec).count(), 0);
                prop_assert_eq!(sealed.texts.len(), values.len());
                let again = webhook.write("ada", &spec, Some(&spec));
                prop_assert!(again.spec.is_none() && !again.is_changed);
            }
            Err(problems) => prop_assert!(!problems.join("").contains(CANARY)),
        }
    }

    #[test]
    fn sealed_output_contains_no_value(
        names in prop::collection::btree_set("[A-Z]{1,3}", 1..6),
        from in proptest::option::of(Just(json!({"secretKeyRef": {"name": CANARY, "key": CANARY}}))),
    ) {
        let entries = names.iter().map(|name| json!({"name": name, "value": CANARY, "valueFrom": from}));
        let spec = with_entries(&entries.collect());
        let sealed = Webhook::new().write("ada", &spec, None);
        let text = sealed.spec.unwrap().to_string();
        prop_assert!(!text.contains(CANARY), "{}", text);
        let annotation = json!({"spec": spec}).to_string();
        let LastApplied::Rewrite(text) = rewrite(&annotation, &inline_values(&spec).unwrap(), &sealed.texts) else {
            return Err(TestCaseError::fail("the annotation contains values"));
        };
        prop_assert!(!text.contains(CANARY), "{}", text);
    }
}
