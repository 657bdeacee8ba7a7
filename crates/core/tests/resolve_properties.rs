//! Properties of resolution with random records.

mod support;

use std::collections::BTreeMap;

use extension_registry_core::access::Consumer;
use extension_registry_core::record::Record;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Choice, Index, Verdict, evaluate, resolve};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use support::naive::{self, Answer};
use support::world::{any_consumer, any_record, any_records, any_requirement, any_selector};
use support::*;

fn config() -> Config {
    Config {
        cases: 1_000,
        failure_persistence: None,
        ..Config::default()
    }
}

fn answer(choice: &Choice) -> Answer {
    Answer {
        record: choice.record.key.clone(),
        service: choice.service().name.clone(),
        endpoint: choice.endpoint().map(|one| one.name.clone()),
        credentials: choice.credentials().map(|one| one.name.clone()),
        foreign_endpoint: choice.foreign_endpoint,
    }
}

fn resolved(index: &Index, need: &Requirement, consumer: &Consumer) -> Result<Answer, Refusal> {
    resolve(index, need, consumer).map(|choice| answer(&choice))
}

/// Returns whether nothing matched, as opposed to a missing endpoint of the selected service.
fn nothing_matched(result: &Result<Answer, Refusal>) -> bool {
    matches!(result, Err(refusal) if refusal.reason == Reason::NotFound
        && !refusal.message.starts_with("endpoint "))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn agrees_with_naive_resolver(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let found = resolved(&index(records.clone()), &need, &consumer);
        let found = found.map_err(|refusal| refusal.reason);
        prop_assert_eq!(found, naive::resolve(&records, &need, &consumer));
    }

    #[test]
    fn order_of_records_does_not_matter(
        (records, shuffled) in any_records()
            .prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        need in any_requirement(), consumer in any_consumer(),
    ) {
        let found = resolved(&index(records), &need, &consumer);
        prop_assert_eq!(found, resolved(&index(shuffled), &need, &consumer));
    }

    #[test]
    fn history_of_index_does_not_matter(
        churn in prop::collection::vec((any_record(), any::<bool>()), 0..24),
        need in any_requirement(), consumer in any_consumer(),
    ) {
        let mut churned = Index::new();
        let mut left = BTreeMap::new();
        for (record, goes) in churn {
            let key = record.key.clone();
            prop_assert_eq!(churned.insert(record.clone()).is_some(), left.contains_key(&key));
            left.insert(key.clone(), record);
            if goes {
                prop_assert!(churned.remove(&key).is_some());
                prop_assert!(churned.remove(&key).is_none());
                left.remove(&key);
            }
            prop_assert_eq!(churned.len(), left.len());
            prop_assert_eq!(churned.is_empty(), left.is_empty());
        }
        let fresh = index(left.into_values());
        prop_assert_eq!(resolved(&churned, &need, &consumer), resolved(&fresh, &need, &consumer));
    }

    #[test]
    fn evaluation_agrees_with_resolution(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let index = index(records);
        let shown = evaluate(&index, &need, &consumer);
        let count = |verdict: Verdict| shown.iter().filter(|one| one.verdict == verdict).count();
        let matching = shown.iter().filter(|one| !matches!(one.verdict, Verdict::Mismatch(_))).count();
        let chosen: Vec<_> = shown.iter().filter(|one| one.verdict == Verdict::Chosen).collect();
        let result = resolve(&index, &need, &consumer);
        match &result {
            Ok(choice) => {
                prop_assert_eq!(chosen.len(), 1);
                prop_assert_eq!(&chosen[0].record.key, &choice.record.key);
                prop_assert_eq!(&chosen[0].service().name, &choice.service().name);
                prop_assert_eq!(count(Verdict::OneOfSeveral), 0);
            }
            Err(refusal) if refusal.reason == Reason::Ambiguous => {
                prop_assert!(count(Verdict::OneOfSeveral) > 1);
                prop_assert!(chosen.is_empty());
            }
            Err(refusal) if nothing_matched(&result.as_ref().map(answer).map_err(Clone::clone)) => {
                prop_assert_eq!(matching, 0, "{}", refusal);
            }
            Err(refusal) if refusal.reason == Reason::NoAccess && chosen.is_empty() => {
                prop_assert!(count(Verdict::NoCredentials) > 0);
                prop_assert_eq!(count(Verdict::OneOfSeveral), 0);
            }
            // The requirement is invalid, or the selected service lacks what it names.
            Err(refusal) => prop_assert!(
                chosen.len() == 1 || refusal.reason.is_stalled(), "{}", refusal
            ),
        }
    }

    #[test]
    fn unrelated_record_does_not_change_result(
        mut records in any_records(), other in any_record(),
        need in any_requirement(), consumer in any_consumer(),
    ) {
        records.retain(|record| record.key != other.key);
        let seen = naive::is_visible(&other, &consumer);
        let related = seen
            && other.services.iter().any(|service| naive::misses(&need, (&other, service)) == 0);
        if related {
            return Ok(());
        }
        let before = resolved(&index(records.clone()), &need, &consumer);
        let after = resolved(&index(records.into_iter().chain([other])), &need, &consumer);
        if seen && nothing_matched(&before) {
            prop_assert!(nothing_matched(&after));
        } else {
            prop_assert_eq!(before, after);
        }
    }

    /// A narrower requirement matches a subset. (It may lift shadowing: a project record that it excludes
    /// shadows nothing. So this applies to matches, and without project records also to the
    /// selected service.)
    #[test]
    fn additional_selector_never_matches_more(
        records in any_records(), need in any_requirement(), line in any_selector(),
        consumer in any_consumer(),
    ) {
        let field = line.split_once(':').map_or("", |(field, _)| field);
        let is_set = match field {
            "extension" => need.extension.is_some(),
            "product" => need.product.is_some(),
            "service" => need.service.is_some(),
            "resource" => need.resource.is_some(),
            "category" => need.category.is_some(),
            "zone" => need.zone.is_some(),
            "version" => need.version.is_some(),
            other => panic!("unknown field `{other}`"),
        };
        if is_set || need.validate().is_err() {
            return Ok(());
        }
        let narrower = need.clone().line(&line);
        let index = index(records.clone());
        let wide = resolved(&index, &need, &consumer);
        if let Ok(choice) = resolve(&index, &narrower, &consumer) {
            prop_assert_eq!(naive::misses(&need, (&choice.record, choice.service())), 0);
            prop_assert!(!nothing_matched(&wide));
            let own = records.iter().any(|record| record.key.namespace.is_some());
            if let (Ok(wide), false) = (wide, own) {
                let by_default = records.iter().any(|record| record.default);
                prop_assert!(wide == answer(&choice) || by_default);
            }
        } else if nothing_matched(&wide) {
            prop_assert!(nothing_matched(&resolved(&index, &narrower, &consumer)));
        }
    }

    #[test]
    fn suggested_lines_select_their_candidate(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let index = index(records.clone());
        let Err(refusal) = resolve(&index, &need, &consumer) else { return Ok(()) };
        if refusal.reason != Reason::Ambiguous { return Ok(()) }
        let mut expected = naive::candidates(&records, &need, &consumer);
        expected.sort_by_key(|(record, service)| {
            (record.key.name.clone(), service.name.clone(), record.key.kind())
        });
        let listed = refusal.message.split_once(" services: ").map_or("", |(_, list)| list);
        let listed: Vec<&str> = listed.split("; ").collect();
        prop_assert_eq!(listed.len(), expected.len());
        for (listed, (record, service)) in listed.into_iter().zip(expected) {
            let start = format!("`{}/{}`", record.key.name, service.name);
            prop_assert!(listed.starts_with(&start), "{listed}: expected {start}");
            let Some((_, lines)) = listed.split_once(": add ") else { continue };
            let narrower = lines.split(" and ").fold(need.clone(), |need, line| {
                need.line(line.trim_matches('`'))
            });
            let left = naive::candidates(&records, &narrower, &consumer);
            prop_assert_eq!(left.len(), 1, "{} of {}", lines, refusal.message);
            prop_assert_eq!((&left[0].0.key, &left[0].1.name), (&record.key, &service.name));
            match resolved(&index, &narrower, &consumer) {
                Ok(answer) => {
                    prop_assert_eq!((&answer.record, &answer.service), (&record.key, &service.name));
                }
                Err(refusal) => prop_assert!(refusal.reason != Reason::Ambiguous),
            }
        }
    }

    #[test]
    fn closest_match_fails_fewest_selectors(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let result = resolved(&index(records.clone()), &need, &consumer);
        if !nothing_matched(&result) { return Ok(()) }
        let Err(refusal) = result else { return Ok(()) };
        let Some((_, near)) = refusal.message.split_once("; closest match is ") else { return Ok(()) };
        let visible = naive::visible(&records, &consumer);
        let fewest = visible.iter().map(|one| naive::misses(&need, *one)).min();
        prop_assert!(visible.iter().any(|(record, service)| {
            near.starts_with(&format!("`{}/{}`: ", record.key.name, service.name))
                && Some(naive::misses(&need, (record, service))) == fewest
        }), "{near}");
        prop_assert_eq!(near.matches(" (requested `").count(), fewest.unwrap_or_default());
    }

    #[test]
    fn resolution_never_panics(
        texts in prop::collection::vec(any::<String>(), 8), same in any::<bool>(),
    ) {
        let text = |position: usize| if same { &*texts[0] } else { &*texts[position] };
        let record = record(text(0)).product(text(1)).version(text(2)).zone(text(3)).offering(
            service(text(4)).resource(text(5)).at(internal(text(6), text(7))),
        );
        let need = need().extension(text(7)).product(text(6)).zone(text(5)).resource(text(4));
        let consumer = in_project(text(3)).of_user(text(2)).in_zone(text(1));
        let _ = resolve(&index([record]), &need, &consumer);
    }
}

/// Ensures that the properties above cover every result.
#[test]
fn random_records_reach_every_result() {
    let mut runner = TestRunner::deterministic();
    let world = (any_records(), any_requirement(), any_consumer());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..4_000 {
        let (records, need, consumer): (Vec<Record>, _, _) =
            world.new_tree(&mut runner).expect("records").current();
        let name = match naive::resolve(&records, &need, &consumer) {
            Ok(answer) if answer.foreign_endpoint => "Foreign".to_owned(),
            Ok(_) => "Chosen".to_owned(),
            Err(reason) => reason.to_string(),
        };
        *seen.entry(name).or_default() += 1;
    }
    for (name, least) in [
        ("Chosen", 400),
        ("Foreign", 1),
        ("NotFound", 400),
        ("NoAccess", 100),
        ("Ambiguous", 100),
        ("AmbiguousCredentials", 20),
        ("Unreachable", 10),
        ("InvalidRequirement", 20),
    ] {
        let count = seen.get(name).copied().unwrap_or_default();
        assert!(count >= least, "{name}: {count} in {seen:?}");
    }
}
