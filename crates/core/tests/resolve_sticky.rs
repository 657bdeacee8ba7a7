//! A binding keeps its service while it exists, matches and grants access.

#![allow(clippy::expect_used, reason = "test helpers panic")]

mod support;

use extension_registry_core::access::Consumer;
use extension_registry_core::record::Record;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Choice, CurrentChoice, keep, resolve};
use proptest::prelude::*;
use proptest::test_runner::Config;
use support::world::{any_consumer, any_record, any_records, any_requirement};
use support::*;

fn current(choice: &Choice) -> CurrentChoice {
    CurrentChoice {
        record: choice.record.key.clone(),
        service: choice.service().name.clone(),
        endpoint: choice.endpoint().map(|one| one.name.clone()),
        credentials: choice.credentials().map(|one| one.name.clone()),
    }
}

/// Returns what is kept of the choice among the old records, among the new ones.
fn kept(old: &[Record], new: &[Record], need: &Requirement, consumer: &Consumer) -> Option<String> {
    let current = current(&chosen(old, need, consumer));
    keep(&index(new.to_vec()), need, consumer, &current).map(|choice| summary(&choice))
}

fn store(name: &str) -> Record {
    let service = service("store").resource("s3");
    let service = service
        .at(external("web", "https://s"))
        .at(external("api", "https://a"));
    record(name).offering(service.with(shared("a").by_default()).with(shared("b")))
}

#[test]
fn better_record_does_not_replace_service() {
    let (old, consumer) = ([store("a")], in_project("dev"));
    let need = need().resource("s3");
    let new = [store("a"), store("b").by_default()];
    assert_eq!(
        kept(&old, &new, &need, &consumer).as_deref(),
        Some("a/store web a")
    );
    let fresh = resolve(&index(new), &need, &consumer).map(|choice| summary(&choice));
    assert_eq!(fresh.ok().as_deref(), Some("b/store web a"));
}

#[test]
fn service_is_lost_if_it_is_gone_or_does_not_match_or_denies_access() {
    let (old, consumer) = ([store("a")], in_project("dev"));
    let need = need().resource("s3");
    let without_service = record("a").offering(service("other").resource("s3"));
    let without_match = record("a").offering(service("store").resource("tracking"));
    let closed = store("a").for_projects(&["prod"]);
    let without_credentials = record("a").offering(
        service("store")
            .resource("s3")
            .with(for_projects("a", &["prod"])),
    );
    for (what, record) in [
        ("service", without_service),
        ("match", without_match),
        ("access", closed),
        ("credentials", without_credentials),
    ] {
        assert_eq!(kept(&old, &[record], &need, &consumer), None, "{what}");
    }
    assert_eq!(kept(&old, &[store("b")], &need, &consumer), None);
}

#[test]
fn record_of_another_project_is_not_kept() {
    let need = need().resource("s3");
    let records = [store("a").of_project("dev")];
    let current = current(&chosen(&records, &need, &in_project("dev")));
    assert!(keep(&index(records), &need, &in_project("prod"), &current).is_none());
}

#[test]
fn service_is_kept_with_other_credentials_and_endpoint() {
    let (old, consumer) = ([store("a")], in_project("dev"));
    let need = need().resource("s3");
    let new = record("a").offering(
        service("store")
            .resource("s3")
            .at(external("api", "https://a"))
            .with(for_projects("a", &["prod"]))
            .with(shared("b")),
    );
    assert_eq!(
        kept(&old, &[new], &need, &consumer).as_deref(),
        Some("a/store api b")
    );
    // A new default does not move credentials that still grant access.
    let new = record("a").offering(
        service("store")
            .resource("s3")
            .at(external("web", "https://s"))
            .with(shared("a"))
            .with(shared("b").by_default()),
    );
    assert_eq!(
        kept(&old, &[new], &need, &consumer).as_deref(),
        Some("a/store web a")
    );
}

#[test]
fn endpoint_that_becomes_unreachable_is_replaced() {
    let offering = |web| {
        let service = service("store").resource("s3");
        record("a")
            .zone("there")
            .offering(service.at(web).at(external("api", "https://a")))
    };
    let (need, consumer) = (need().resource("s3"), in_project("dev").in_zone("here"));
    let old = [offering(external("web", "https://s"))];
    let new = [offering(internal("web", "http://s"))];
    let found = kept(&old, &new, &need, &consumer);
    assert_eq!(found.as_deref(), Some("a/store api -"));
}

#[test]
fn named_endpoint_and_credentials_take_effect() {
    let (records, consumer) = ([store("a")], in_project("dev"));
    let current = current(&chosen(&records, &need().resource("s3"), &consumer));
    let named = need().resource("s3").endpoint("api").credentials("b");
    let kept = keep(&index(records), &named, &consumer, &current).expect("kept");
    assert_eq!(summary(&kept), "a/store api b");
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn choice_is_kept_among_same_records_and_additional_ones(
        records in any_records(), more in any_record(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let Ok(choice) = resolve(&index(records.clone()), &need, &consumer) else {
            return Ok(());
        };
        let current = current(&choice);
        let same = keep(&index(records.clone()), &need, &consumer, &current);
        prop_assert_eq!(same.as_ref().map(summary), Some(summary(&choice)));
        if records.iter().all(|record| record.key != more.key) {
            let among = records.into_iter().chain([more]);
            let kept = keep(&index(among), &need, &consumer, &current);
            prop_assert_eq!(kept.as_ref().map(summary), Some(summary(&choice)));
        }
    }

    /// Whatever the records become, a kept service still matches and grants access.
    #[test]
    fn kept_service_could_be_chosen_alone(
        old in any_records(), new in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let Ok(choice) = resolve(&index(old), &need, &consumer) else {
            return Ok(());
        };
        let Some(kept) = keep(&index(new), &need, &consumer, &current(&choice)) else {
            return Ok(());
        };
        prop_assert_eq!(&kept.record.key, &choice.record.key);
        prop_assert_eq!(&kept.service().name, &choice.service().name);
        let mut alone = Record::clone(&kept.record);
        alone.services = vec![kept.service().clone()].into();
        let precise = Requirement {
            endpoint: kept.endpoint().map(|one| one.name.clone()),
            credentials: kept.credentials().map(|one| one.name.clone()),
            ..need
        };
        let found = resolve(&index([alone]), &precise, &consumer);
        prop_assert_eq!(found.as_ref().map(summary).ok(), Some(summary(&kept)));
    }
}
