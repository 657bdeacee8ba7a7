//! Ownership of credentials that several field managers apply.
#![allow(clippy::unwrap_used, reason = "tests may panic on broken assumptions")]

use std::fmt::Write;

use extension_registry_seal::EntryKey;
use extension_registry_seal::ownership::{Version, own_sealed, replaced_values, settle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Returns the managed fields of a file.
fn fields(part: &Value) -> Value {
    let mut fields = Map::new();
    match part {
        Value::Object(parts) => {
            let named = parts
                .iter()
                .filter(|(_, part)| part.as_array().is_none_or(|items| !items.is_empty()))
                .map(|(name, part)| (format!("f:{name}"), self::fields(part)));
            fields.extend(named);
        }
        Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_object()) {
                let mut owned = self::fields(item);
                owned["."] = json!({});
                fields.insert(format!("k:{}", json!({"name": item["name"]})), owned);
            }
        }
        _ => {}
    }
    Value::Object(fields)
}

/// Returns the spec of a record with these sets of credentials; `null` for no list.
fn spec(sets: &Value) -> Value {
    let mut spec =
        json!({"product": "p", "services": [{"name": "web"}, {"name": "s3", "credentials": sets}]});
    if sets.is_null() {
        spec["services"][1]
            .as_object_mut()
            .unwrap()
            .remove("credentials");
    }
    spec
}

type Manager<'m> = (&'m str, &'m str, Value);

fn entry((manager, operation, fields): &Manager<'_>) -> Value {
    json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields})
}

/// A spec and its managed fields.
#[derive(Clone)]
struct Record(Value, Vec<ManagedFieldsEntry>);

impl Record {
    fn new(spec: Value, managers: &[Manager<'_>]) -> Self {
        let entries: Vec<Value> = managers.iter().map(entry).collect();
        Self(spec, serde_json::from_value(json!(entries)).unwrap())
    }

    fn version(&self) -> Version<'_> {
        Version {
            spec: &self.0,
            managed_fields: &self.1,
        }
    }
}

/// Returns the managed fields of a file with these sets; without the service if they are `null`.
fn owned(sets: &Value) -> Value {
    let mut spec = spec(sets);
    if sets.is_null() {
        spec["services"].as_array_mut().unwrap().pop();
    }
    fields(&json!({"spec": spec}))
}

/// A request of the manager `one`. The API server kept what `two` owns.
struct Case {
    name: &'static str,
    stored: Value,
    found: Value,
    before: Value,
    after: Value,
    other: Value,
    operation: &'static str,
    is_sealing: bool,
}

impl Case {
    fn new(name: &'static str, stored: &Value, after: &Value) -> Self {
        Self {
            name,
            stored: stored.clone(),
            found: stored.clone(),
            before: stored.clone(),
            after: after.clone(),
            other: stored.clone(),
            operation: "Apply",
            is_sealing: true,
        }
    }

    fn versions(&self) -> (Record, Record) {
        let other = ("two", self.operation, owned(&self.other));
        let old = [("one", "Apply", owned(&self.before)), other.clone()];
        let new = [other, ("one", "Apply", owned(&self.after))];
        (
            Record::new(spec(&self.stored), &old),
            Record::new(spec(&self.found), &new),
        )
    }
}

fn set(name: &str, entries: &Value) -> Value {
    json!({"name": name, "scope": "user", "user": ["ada"], "configuration": entries})
}

fn sealed(name: &str) -> Value {
    json!({"name": name, "valueFrom": {"sealed": format!("v1.{name}")}})
}

fn reference(name: &str) -> Value {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})
}

fn without(set: &Value, field: &str) -> Value {
    let mut set = set.clone();
    set.as_object_mut().unwrap().remove(field);
    set
}

/// Returns the outcome of a case: the sets, if they changed, and the messages.
fn outcome(case: &Case) -> String {
    let (old, new) = case.versions();
    let settled = match settle("one", old.version(), new.version(), case.is_sealing) {
        Ok(settled) => settled,
        Err(refusal) => return format!("{}\n  denied: {refusal}\n", case.name),
    };
    let mut text = format!("{}\n", case.name);
    if let Some((spec, fields)) = settled.changed {
        let changed = Record(spec, fields);
        let _ = writeln!(text, "  sets: {}", changed.0["services"][1]["credentials"]);
        let other = &changed.1[0].fields_v1.as_ref().unwrap().0;
        let service = &other["f:spec"]["f:services"]["k:{\"name\":\"s3\"}"];
        let _ = writeln!(text, "  two owns: {}", service["f:credentials"]);
        let again = settle("one", old.version(), changed.version(), case.is_sealing).unwrap();
        assert_eq!(again.changed, None, "{}", case.name);
    }
    for warning in settled.warnings {
        assert!(!warning.contains("canary"), "{warning}");
        let _ = writeln!(text, "  warning: {warning}");
    }
    text
}

fn outcomes(cases: &[Case]) -> String {
    cases.iter().map(outcome).collect()
}

fn main() -> Value {
    set("main", &json!([sealed("A"), sealed("B")]))
}

fn extra() -> Value {
    json!({"name": "extra", "default": true, "secretRef": {"name": "s"}})
}

#[test]
fn removals_of_sets_and_entries_take_effect() {
    let [main, extra] = [main(), extra()];
    let both = json!([main, extra]);
    let cases = [
        Case::new("the same file", &both, &both),
        Case::new("a set is removed", &both, &json!([main])),
        Case::new("all sets are removed", &both, &json!([])),
        Case {
            operation: "Update",
            ..Case::new("a set is removed that `two` updated", &both, &json!([main]))
        },
        Case::new(
            "an entry is removed",
            &both,
            &json!([set("main", &json!([sealed("B")])), extra]),
        ),
        Case::new(
            "the entries are removed",
            &both,
            &json!([without(&main, "configuration"), extra]),
        ),
        // The API server leaves `null` if another manager owned parts of the entries.
        Case {
            found: json!([set("main", &Value::Null), extra]),
            other: json!([without(&main, "configuration"), extra]),
            ..Case::new(
                "`null` in place of the entries",
                &both,
                &json!([without(&main, "configuration"), extra]),
            )
        },
    ];
    insta::assert_snapshot!(outcomes(&cases));
}

#[test]
fn removals_of_fields_and_services_do_not_widen_access() {
    let [main, extra] = [main(), extra()];
    let both = json!([main, extra]);
    let cases = [
        Case::new(
            "`secretRef` is removed",
            &both,
            &json!([main, without(&extra, "secretRef")]),
        ),
        Case::new(
            "`default` is removed",
            &both,
            &json!([main, without(&extra, "default")]),
        ),
        Case::new(
            "restrictions are kept",
            &both,
            &json!([without(&without(&main, "scope"), "user"), extra]),
        ),
        Case::new("the service is handed over", &both, &Value::Null),
        Case {
            found: json!([without(&without(&main, "scope"), "user"), extra]),
            other: json!([without(&without(&main, "scope"), "user"), extra]),
            operation: "Update",
            ..Case::new(
                "a handed over set would have wider access",
                &both,
                &Value::Null,
            )
        },
        Case {
            other: json!([main]),
            ..Case::new("no other manager owns the set", &both, &json!([main]))
        },
        Case {
            found: json!([main, json!({"name": "extra", "secretRef": {"name": "new"}})]),
            ..Case::new("the request changes the set", &both, &json!([main]))
        },
        Case {
            before: json!([]),
            ..Case::new("the manager applied no set", &both, &json!([main]))
        },
    ];
    insta::assert_snapshot!(outcomes(&cases));
}

/// Returns a case in which `one` replaces an entry.
fn replacing(name: &'static str, after: &Value, stored: &Value) -> Case {
    let mut found = stored.clone();
    for (field, value) in after.as_object().unwrap() {
        found[field] = value.clone();
    }
    let sets = |entry: &Value| json!([set("main", &json!([entry]))]);
    Case {
        found: sets(&found),
        ..Case::new(name, &sets(stored), &sets(after))
    }
}

#[test]
fn source_replaces_another_one() {
    let literal = json!({"name": "A", "value": "canary"});
    let mut moved = reference("A");
    moved["valueFrom"]["sealed"] = json!("v1.A");
    let moved = json!([set("main", &json!([moved]))]);
    let cases = [
        replacing("a value over the sealed one", &literal, &sealed("A")),
        Case {
            is_sealing: false,
            ..replacing(
                "a value over the sealed one, not sealing",
                &literal,
                &sealed("A"),
            )
        },
        replacing("a value over its own reference", &literal, &reference("A")),
        Case {
            before: json!([]),
            ..replacing(
                "a value over the reference of another",
                &literal,
                &reference("A"),
            )
        },
        Case {
            before: json!([]),
            operation: "Update",
            ..replacing(
                "a value over a reference that `two` updated",
                &literal,
                &reference("A"),
            )
        },
        Case {
            before: json!([]),
            found: moved.clone(),
            ..replacing(
                "a sealed value over the reference of another",
                &sealed("A"),
                &reference("A"),
            )
        },
        Case {
            found: moved,
            ..replacing(
                "a reference over a sealed value",
                &reference("A"),
                &sealed("A"),
            )
        },
    ];
    insta::assert_snapshot!(outcomes(&cases));
}

#[test]
fn subresources_and_other_managers_change_nothing() {
    let main = json!([set("main", &json!([sealed("A")]))]);
    let (old, new) = Case::new("", &main, &json!([])).versions();
    let is_changed = |manager, old: &Record, new: &Record| {
        let settled = settle(manager, old.version(), new.version(), true).unwrap();
        assert_eq!(settled.changed.is_some(), !settled.warnings.is_empty());
        settled.changed.is_some()
    };
    assert!(is_changed("one", &old, &new));
    assert!(!is_changed("two", &old, &new) && !is_changed("", &old, &new));
    let [old, new] = [old, new].map(|mut record| {
        for entry in &mut record.1 {
            entry.subresource = Some("status".to_owned());
        }
        record
    });
    assert!(!is_changed("one", &old, &new));
}

fn key(entry: &str) -> EntryKey {
    EntryKey {
        service: "s3".to_owned(),
        credentials: "main".to_owned(),
        entry: entry.to_owned(),
    }
}

#[test]
fn sealed_entries_are_owned_as_stored() {
    let literal = |name: &str| json!({"name": name, "value": "x"});
    let with = |entries: Value| owned(&json!([set("main", &entries), set("other", &entries)]));
    let file = json!([literal("A"), literal("B"), reference("C")]);
    let managers = [
        ("one", "Apply", with(file.clone())),
        ("two", "Update", with(file)),
    ];
    let mut owners = Record::new(Value::Null, &managers).1;
    own_sealed(&mut owners, &[key("A"), key("C"), key("none")]);
    let main = set("main", &json!([sealed("A"), literal("B"), reference("C")]));
    let other = set(
        "other",
        &json!([literal("A"), literal("B"), reference("C")]),
    );
    for entry in &owners {
        assert_eq!(
            entry.fields_v1.as_ref().unwrap().0,
            owned(&json!([main, other]))
        );
    }
    let before = owners.clone();
    own_sealed(&mut owners, &[key("A")]);
    assert_eq!(owners, before);
}

#[test]
fn replaced_values_name_the_other_appliers() {
    let main = json!([set("main", &json!([sealed("A"), sealed("B")]))]);
    let managers = [
        ("one", "Apply", owned(&main)),
        ("two", "Apply", owned(&main)),
        ("new\nline\u{202e}", "Apply", owned(&main)),
        ("edit", "Update", owned(&main)),
    ];
    let stored = Record::new(Value::Null, &managers).1;
    let replaced = [
        (key("A"), "FIELD".to_owned()),
        (key("none"), "NONE".to_owned()),
    ];
    assert_eq!(
        replaced_values(Some("one"), &stored, &replaced.into()),
        [
            "FIELD: replaced the value that field manager `new\\nline\\u{202e}`, `two` also applies; hint: change the other file too, or the value changes back"
        ]
    );
}

/// Managed fields and objects of all structures, with the names of real ones.
fn odd(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!("x")),
        Just(json!(["x"])),
        Just(json!(null))
    ];
    leaf.prop_recursive(9, 64, 4, move |inner| {
        prop_oneof![
            4 => prop::collection::btree_map(prop::sample::select(keys), inner.clone(), 0..4)
                .prop_map(|fields| json!(fields)),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

const KEYS: &[&str] = &[
    "f:spec",
    "f:services",
    "k:{\"name\":\"s3\"}",
    "f:credentials",
    "k:{\"name\":\"main\"}",
    "f:scope",
    "f:default",
    "f:configuration",
    "k:{\"name\":\"A\"}",
    "f:value",
    "f:valueFrom",
    "f:sealed",
    "f:secretKeyRef",
    ".",
    "v:1",
    "k:{}",
    "k:",
    "k:[",
    "name",
    "spec",
    "",
];

/// Puts odd fields at a depth of the managed fields of a real file.
fn planted(depth: usize, odd: Value) -> Value {
    let path = [
        "f:spec",
        "f:services",
        "k:{\"name\":\"s3\"}",
        "f:credentials",
        "k:{\"name\":\"main\"}",
        "f:configuration",
    ];
    let mut fields = owned(&json!([
        set("main", &json!([sealed("A"), {"name": "B", "value": "x"}])),
        set("other", &json!([]))
    ]));
    let place = path[..depth]
        .iter()
        .fold(&mut fields, |fields, key| &mut fields[*key]);
    *place = odd;
    fields
}

proptest! {
    #[test]
    fn odd_managed_fields_break_nothing(
        before in (0..7_usize, odd(KEYS)), after in (0..7_usize, odd(KEYS)), other in (0..7_usize, odd(KEYS)),
        stored in 0..4_usize, found in 0..4_usize, is_sealing: bool,
    ) {
        let sets = [
            json!([set("main", &json!([sealed("A"), {"name": "B", "value": "x"}])), set("other", &json!([]))]),
            json!([{"name": "main", "configuration": [reference("A")]}]),
            json!({"main": [null, 7, {"name": 5}, {"name": "A"}]}),
            json!([{"name": "main", "default": true, "configuration": [{"name": "A", "value": "canary", "valueFrom": {"sealed": "v1.A"}}]}]),
        ];
        let managers = |own: &(usize, Value)| [
            ("two", "Apply", planted(other.0, other.1.clone())),
            ("one", "Apply", planted(own.0, own.1.clone())),
        ];
        let old = Record::new(spec(&sets[stored]), &managers(&before));
        let new = Record::new(spec(&sets[found]), &managers(&after));
        let mut rewritten = new.1.clone();
        own_sealed(&mut rewritten, &[key("A")]);
        let once = rewritten.clone();
        own_sealed(&mut rewritten, &[key("A")]);
        prop_assert_eq!(once, rewritten);
        match settle("one", old.version(), new.version(), is_sealing) {
            Err(refusal) => prop_assert!(!refusal.contains("canary")),
            Ok(settled) => {
                prop_assert!(!settled.warnings.concat().contains("canary"));
                if let Some((spec, fields)) = settled.changed {
                    // Nothing is added to the request, and a second pass changes nothing.
                    prop_assert!(spec.to_string().len() < new.0.to_string().len());
                    let changed = Record(spec, fields);
                    let again = settle("one", old.version(), changed.version(), is_sealing);
                    prop_assert!(again.is_ok_and(|again| again.changed.is_none()));
                }
            }
        }
    }
}
