//! Tests of the trust policy: parsing, matching of rules, validity of keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_trust::signature::{Signature, Statement};
use extension_registry_package_trust::trust::{Evidence, Mode, Policy, Reason, Verdict};
use proptest::prelude::*;
use signed::{Person, policy, read_policy, statement, time};

const NOON: &str = "2026-06-01T12:00:00Z";

fn judge(
    policy: &Policy,
    repository: &str,
    statement: &Statement,
    signatures: &[Signature],
    at: &str,
) -> Verdict {
    policy.judge(&Evidence {
        repository,
        statement,
        manifest: None,
        signatures,
        now: time(at),
    })
}

fn names(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons().iter().map(Reason::name).collect()
}

/// A policy with one rule, for everything.
fn rule(head: &str, keys: &[String]) -> String {
    format!(
        "[[trust.rule]]\nrepositories = [\"*\"]\n{head}\n{}",
        keys.concat()
    )
}

#[test]
fn empty_policy_rejects_with_hint() {
    let person = Person::new("alice");
    let found = statement("mlflow", "1.2.0");
    let signed = person.sign(&found);
    for empty in [Policy::default(), policy("[trust]\n")] {
        assert_eq!(empty.mode, Mode::Enforce);
        for signatures in [vec![], vec![signed.clone()]] {
            let verdict = judge(&empty, "hub", &found, &signatures, NOON);
            assert!(!verdict.is_delivered());
            assert_eq!(names(&verdict)[0], "NoRule");
            let text = verdict.reasons()[0].explained();
            for part in [
                "record mlflow 1.2.0 from hub",
                "; hint: ",
                "[[trust.rule]]",
                "repositories = [\"hub\"]",
                "[[trust.rule.key]]",
            ] {
                assert!(text.contains(part), "{text} does not say {part}");
            }
        }
        let index = signed::index_file(&person, 1);
        assert!(!empty.judge_index("hub", &index, time(NOON)).is_delivered());
    }
}

#[test]
fn second_repository_with_own_key_needs_only_configuration() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let found = statement("mlflow", "1.2.0");
    let (by_alice, by_bob) = ([alice.sign(&found)], [bob.sign(&found)]);
    let first = format!("[[trust.rule]]\nrepositories = [\"hub\"]\n{}", alice.toml());
    let before = policy(&first);
    assert!(!judge(&before, "partner", &found, &by_bob, NOON).is_delivered());
    let after = policy(&format!(
        "{first}\n[[trust.rule]]\nrepositories = [\"partner\"]\n{}",
        bob.toml()
    ));
    assert_eq!(
        judge(&after, "hub", &found, &by_alice, NOON).by(),
        ["alice"]
    );
    assert_eq!(
        judge(&after, "partner", &found, &by_bob, NOON).by(),
        ["bob"]
    );
    // Neither key counts in the repository of the other.
    let verdict = judge(&after, "hub", &found, &by_bob, NOON);
    let expected = Reason::WrongKey {
        key: "bob".to_owned(),
        rule: "trust.rule[1]".to_owned(),
    };
    assert_eq!(verdict.reasons(), [expected]);
    assert!(!judge(&after, "partner", &found, &by_alice, NOON).is_delivered());
}

#[test]
fn second_key_of_rule_is_trusted() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let found = statement("mlflow", "1.2.0");
    let policy = policy(&rule("", &[alice.toml(), bob.toml()]));
    for person in [&alice, &bob] {
        let verdict = judge(&policy, "hub", &found, &[person.sign(&found)], NOON);
        assert_eq!(verdict.by(), [person.name]);
    }
    let both = [bob.sign(&found), alice.sign(&found)];
    let verdict = judge(&policy, "hub", &found, &both, NOON);
    assert_eq!(verdict.by(), ["alice", "bob"], "in the order of the rule");
}

#[test]
fn first_matching_rule_decides() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let text = format!(
        "[[trust.rule]]\nrepositories = [\"hub\"]\nnames = [\"mlflow-*\"]\n{}\n\
         [[trust.rule]]\nrepositories = [\"h?b\"]\n{}",
        alice.toml(),
        bob.toml()
    );
    let policy = policy(&text);
    for (name, person, is_trusted) in [
        ("mlflow-server", &alice, true),
        ("mlflow-server", &bob, false),
        ("mlflow", &bob, true),
        ("mlflow", &alice, false),
    ] {
        let found = statement(name, "1.2.0");
        let verdict = judge(&policy, "hub", &found, &[person.sign(&found)], NOON);
        assert_eq!(verdict.is_trusted(), is_trusted, "{name} {}", person.name);
    }
    let found = statement("mlflow", "1.2.0");
    let verdict = judge(&policy, "elsewhere", &found, &[bob.sign(&found)], NOON);
    assert_eq!(names(&verdict), ["NoRule", "WrongKey"]);
}

#[test]
fn rule_without_keys_trusts_nothing() {
    let bob = Person::new("bob");
    let text = format!(
        "[[trust.rule]]\nrepositories = [\"*\"]\nnames = [\"secret-*\"]\n{}",
        rule("", &[bob.toml()])
    );
    let found = statement("secret-tool", "1.0.0");
    let verdict = judge(&policy(&text), "hub", &found, &[bob.sign(&found)], NOON);
    assert!(!verdict.is_delivered());
}

#[test]
fn threshold_counts_keys_not_signatures() {
    let (alice, bob, carol) = (
        Person::new("alice"),
        Person::new("bob"),
        Person::new("carol"),
    );
    let keys = [alice.toml(), bob.toml(), carol.toml()];
    let policy = policy(&rule("threshold = 2", &keys));
    let found = statement("mlflow", "1.2.0");
    // Two signatures of one key: the comments differ, the key does not.
    let twice = [alice.sign(&found), alice.sign_again(&found)];
    assert_ne!(twice[0], twice[1]);
    let verdict = judge(&policy, "hub", &found, &twice, NOON);
    let expected = Reason::BelowThreshold {
        have: 1,
        need: 2,
        by: vec!["alice".to_owned()],
    };
    assert_eq!(verdict.reasons(), [expected]);
    assert!(
        verdict.reasons()[0]
            .explained()
            .contains("1 of 2 required keys")
    );
    let two = [alice.sign(&found), carol.sign(&found)];
    let verdict = judge(&policy, "hub", &found, &two, NOON);
    assert_eq!(verdict.by(), ["alice", "carol"]);
    let other = [alice.sign(&found), bob.sign(&statement("mlflow", "1.1.0"))];
    let verdict = judge(&policy, "hub", &found, &other, NOON);
    assert_eq!(names(&verdict), ["OtherPackage", "BelowThreshold"]);
}

#[test]
fn same_key_with_two_ids_counts_once() {
    let alice = Person::new("alice");
    let twin = format!(
        "[[trust.rule.key]]\nname = \"twin\"\npublic = \"{}\"\n",
        alice.relabelled()
    );
    let text = rule("threshold = 2", &[alice.toml(), twin]);
    let error = read_policy(&text).unwrap_err();
    assert_eq!(error.field, "trust.rule[0].key[1]");
    assert!(error.what.contains("duplicates the key `alice`"), "{error}");
    // Nor where no configuration was read.
    let mut policy = policy(&rule("", &[alice.toml()]));
    let mut other = policy.rules[0].keys[0].clone();
    other.name = "twin".to_owned();
    other.public = signed::key(&alice.relabelled());
    policy.rules[0].keys.push(other);
    policy.rules[0].threshold = 2;
    let found = statement("mlflow", "1.2.0");
    let both = [alice.sign(&found), alice.relabel(alice.sign(&found))];
    let verdict = judge(&policy, "hub", &found, &both, NOON);
    assert_eq!(names(&verdict), ["BelowThreshold"], "{verdict:?}");
}

#[test]
fn key_validity_is_half_open() {
    let alice = Person::new("alice");
    let window = "not_before = 2026-01-01T00:00:00Z\nnot_after = 2027-01-01T00:00:00Z";
    let policy = policy(&rule("", &[alice.toml_with(window)]));
    let found = statement("mlflow", "1.2.0");
    let signatures = [alice.sign(&found)];
    for (at, expected) in [
        ("2025-12-31T23:59:59.999999999Z", Some("NotYetValid")),
        ("2026-01-01T00:00:00Z", None),
        ("2026-12-31T23:59:59.999999999Z", None),
        ("2027-01-01T00:00:00Z", Some("Expired")),
    ] {
        let verdict = judge(&policy, "hub", &found, &signatures, at);
        assert_eq!(names(&verdict).first().copied(), expected, "{at}");
        assert_eq!(verdict.is_trusted(), expected.is_none(), "{at}");
    }
}

#[test]
fn reads_dates_and_timestamps() {
    let alice = Person::new("alice");
    for (text, expected) in [
        ("2026-01-01", "2026-01-01T00:00:00Z"),
        ("\"2026-01-01\"", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"),
        ("\"2026-01-01T00:00:00Z\"", "2026-01-01T00:00:00Z"),
    ] {
        let key = alice.toml_with(&format!("not_before = {text}"));
        let read = policy(&rule("", &[key])).rules[0].keys[0].not_before;
        assert_eq!(read, Some(time(expected)), "{text}");
    }
    for text in ["2026-01-01T00:00:00", "12:00:00", "\"soon\"", "7", "\"\""] {
        let key = alice.toml_with(&format!("not_before = {text}"));
        let error = read_policy(&rule("", &[key])).unwrap_err();
        assert_eq!(error.field, "trust.rule[0].key[0].not_before", "{text}");
        assert!(
            error
                .explained()
                .contains("must be a date or a timestamp; hint: "),
            "{error}"
        );
    }
}

#[test]
fn revoked_key_does_not_affect_others() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let lost = alice.toml_with("revoked = \"lost with a laptop\"");
    let policy = policy(&rule("", &[lost, bob.toml()]));
    let found = statement("mlflow", "1.2.0");
    let verdict = judge(&policy, "hub", &found, &[alice.sign(&found)], NOON);
    assert_eq!(names(&verdict), ["Revoked"]);
    let text = verdict.reasons()[0].explained();
    assert!(
        text.contains("alice") && text.ends_with("lost with a laptop"),
        "{text}"
    );
    let both = [alice.sign(&found), bob.sign(&found)];
    let verdict = judge(&policy, "hub", &found, &both, NOON);
    assert_eq!(
        (verdict.by(), names(&verdict)),
        (&["bob".to_owned()][..], vec!["Revoked"])
    );
}

#[test]
fn revocation_applies_to_all_rules() {
    let alice = Person::new("alice");
    let text = format!(
        "[[trust.rule]]\nrepositories = [\"hub\"]\n{}\n[[trust.rule]]\nrepositories = [\"*\"]\n{}",
        alice.toml(),
        alice.toml_with("revoked = \"stolen\"")
    );
    let found = statement("mlflow", "1.2.0");
    let verdict = judge(&policy(&text), "hub", &found, &[alice.sign(&found)], NOON);
    assert!(!verdict.is_delivered(), "{verdict:?}");
    assert_eq!(names(&verdict), ["Revoked"]);
}

#[test]
fn warn_mode_gives_same_reasons() {
    let (alice, mallory) = (Person::new("alice"), Person::new("mallory"));
    let found = statement("mlflow", "1.2.0");
    let text = rule("", &[alice.toml()]);
    let strict = policy(&format!("[trust]\nmode = \"enforce\"\n{text}"));
    let mild = policy(&format!("[trust]\nmode = \"warn\"\n{text}"));
    for signatures in [
        vec![],
        vec![mallory.sign(&found)],
        vec![alice.sign(&statement("minio", "1.0.0"))],
    ] {
        let warned = judge(&mild, "hub", &found, &signatures, NOON);
        let refused = judge(&strict, "hub", &found, &signatures, NOON);
        assert!(warned.is_delivered() && !warned.is_trusted());
        assert_eq!((warned.name(), refused.name()), ("tolerated", "refused"));
        assert!(!refused.is_delivered());
        assert!(!warned.reasons().is_empty());
        assert_eq!(warned.reasons(), refused.reasons());
        assert_eq!(warned.by(), Vec::<String>::new());
    }
    assert!(judge(&mild, "hub", &found, &[alice.sign(&found)], NOON).is_trusted());
}

#[test]
fn policy_errors_name_field() {
    let alice = Person::new("alice");
    let key = alice.toml();
    for (text, expected) in [
        (
            "trust.mod = 1".to_owned(),
            "trust.mod is an unknown field; hint: did you mean `mode`?",
        ),
        (
            "trust.mode = \"off\"".to_owned(),
            "trust.mode must be `enforce` or `warn`; hint: remove it to use the default, `enforce`",
        ),
        (
            "trust.mode = true".to_owned(),
            "trust.mode must be a string, not a boolean; hint: put it in quotes",
        ),
        (
            "trust.rule = 1".to_owned(),
            "trust.rule must be a list of tables; hint: write `[[trust.rule]]`",
        ),
        (
            rule("treshold = 2", std::slice::from_ref(&key)),
            "trust.rule[0].treshold is an unknown field; hint: did you mean `threshold`?",
        ),
        (
            rule("colour = 2", std::slice::from_ref(&key)),
            "trust.rule[0].colour is an unknown field; hint: expected one of `repositories`, `names`, `threshold`, `key`",
        ),
        (
            rule("", &[alice.toml_with("revokd = \"x\"")]),
            "trust.rule[0].key[0].revokd is an unknown field; hint: did you mean `revoked`?",
        ),
        (
            rule("threshold = 0", std::slice::from_ref(&key)),
            "trust.rule[0].threshold must be at least 1; hint: set `mode",
        ),
        (
            rule("threshold = -1", std::slice::from_ref(&key)),
            "trust.rule[0].threshold must be a positive integer",
        ),
        (
            rule("threshold = 2", std::slice::from_ref(&key)),
            "trust.rule[0].threshold is 2, but the number of keys in the rule is 1; hint: ",
        ),
        (
            rule("names = []", std::slice::from_ref(&key)),
            "trust.rule[0].names must not be empty",
        ),
        (
            rule("names = \"a\"", std::slice::from_ref(&key)),
            "trust.rule[0].names must be a list of strings; hint: write `names = [\"*\"]`",
        ),
        (
            "[[trust.rule]]\n".to_owned(),
            "trust.rule[0].repositories is missing; hint: ",
        ),
        (
            rule("key = 1", &[]),
            "trust.rule[0].key must be a list of tables; hint: write `[[trust.rule.key]]`",
        ),
        (
            rule("", &[key.clone(), key.clone()]),
            "trust.rule[0].key[1] has a duplicate name `alice`",
        ),
        (
            rule("", &["[[trust.rule.key]]\npublic = \"a\"\n".to_owned()]),
            "trust.rule[0].key[0].name is missing",
        ),
        (
            rule("", &["[[trust.rule.key]]\nname = \"a\"\n".to_owned()]),
            "trust.rule[0].key[0].public is missing",
        ),
        (
            rule(
                "",
                &["[[trust.rule.key]]\nname = \"a\"\npublic = \"RWQ\"\n".to_owned()],
            ),
            "trust.rule[0].key[0].public is invalid: invalid public key; hint: ",
        ),
        (
            rule(
                "",
                &[alice.toml_with("not_before = 2027-01-01\nnot_after = 2026-01-01")],
            ),
            "trust.rule[0].key[0].not_after must be later than `not_before`",
        ),
    ] {
        let error = read_policy(&text).unwrap_err().explained();
        assert!(error.starts_with(expected), "{error}\nis not\n{expected}");
    }
}

#[test]
fn rejects_secret_key_in_policy_without_showing_it() {
    let alice = Person::new("alice");
    let secret = alice.secret();
    let text = rule(
        "",
        &[format!(
            "[[trust.rule.key]]\nname = \"a\"\npublic = '''{secret}'''\n"
        )],
    );
    let error = read_policy(&text).unwrap_err();
    assert!(
        error
            .explained()
            .contains("expected a public key, got a secret key; hint: "),
        "{error}"
    );
    let part = secret.lines().nth(1).unwrap();
    assert!(!format!("{error} {error:?}").contains(&part[..20]));
    // Its second line alone, which does not say what it is.
    let text = rule(
        "",
        &[format!(
            "[[trust.rule.key]]\nname = \"a\"\npublic = \"{part}\"\n"
        )],
    );
    let error = read_policy(&text).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&part[..20]));
}

/// Any value of TOML.
fn value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        ".{0,20}".prop_map(toml::Value::String),
        any::<i64>().prop_map(toml::Value::Integer),
        any::<bool>().prop_map(toml::Value::Boolean),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![
            Just("mode"),
            Just("rule"),
            Just("repositories"),
            Just("names"),
            Just("threshold"),
            Just("key"),
            Just("name"),
            Just("public"),
            Just("not_before"),
            Just("revoked"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            prop::collection::vec((name.prop_map(str::to_owned), inner), 0..4)
                .prop_map(|pairs| toml::Value::Table(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_toml_never_trusts(value in value()) {
        let table = match value {
            toml::Value::Table(table) => table,
            other => [("rule".to_owned(), other)].into_iter().collect(),
        };
        match Policy::read(&table) {
            Ok(policy) => {
                let found = statement("mlflow", "1.2.0");
                prop_assert!(!judge(&policy, "hub", &found, &[], NOON).is_trusted());
            }
            Err(error) => prop_assert!(error.field.starts_with("trust.")),
        }
    }
}
