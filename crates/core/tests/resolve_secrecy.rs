//! Refusals reveal neither invisible records nor values.

mod support;

use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::projection::Layout;
use extension_registry_core::record::{Name, Record};
use extension_registry_core::resolve::resolve;
use proptest::prelude::*;
use proptest::test_runner::Config;
use support::naive::{is_usable, is_visible};
use support::world::{any_consumer, any_records, any_requirement, planted};
use support::*;

const HIDDEN: &str = "qz7hidden";

fn hide(name: &mut Name, number: usize) {
    *name = format!("{name}-{HIDDEN}-{number}").into();
}

fn hide_list(list: &mut Option<Box<[Name]>>) {
    if let Some(list) = list {
        *list = list.iter().cloned().chain([HIDDEN.into()]).collect();
    }
}

/// Marks every name that the consumer must not learn. With `collide`, invisible records keep their
/// selectors, so that they would match if they were visited.
fn marked(mut record: Record, consumer: &Consumer, number: usize, collide: bool) -> Record {
    let visible = is_visible(&record, consumer);
    hide_list(&mut record.access.projects);
    hide_list(&mut record.access.users);
    hide_list(&mut record.access.groups);
    if !visible {
        if collide {
            record.default = true;
        } else {
            hide(&mut record.key.name, number);
            record
                .product
                .iter_mut()
                .for_each(|name| hide(name, number));
        }
        record.zone = Some(format!("{HIDDEN}-zone").into());
    }
    for service in &mut record.services {
        for credentials in &mut service.credentials {
            if !visible || !is_usable(credentials, consumer) {
                hide(&mut credentials.name, number);
            }
            hide_list(&mut credentials.projects);
            hide_list(&mut credentials.users);
        }
        if !visible {
            service
                .endpoints
                .iter_mut()
                .for_each(|one| hide(&mut one.name, number));
            if !collide {
                hide(&mut service.name, number);
                service
                    .resource
                    .iter_mut()
                    .for_each(|name| hide(name, number));
                service
                    .category
                    .iter_mut()
                    .for_each(|name| hide(name, number));
            }
        }
    }
    record
}

/// Returns whether a text contains a planted value, which begins with the kind of its record, or an address.
fn shows_a_value(text: &str) -> bool {
    text.contains("Extension:") || text.contains("://")
}

proptest! {
    #![proptest_config(Config { cases: 1_500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn refusal_names_nothing_invisible(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
        collide in any::<bool>(),
    ) {
        let records: Vec<Record> = records
            .into_iter()
            .enumerate()
            .map(|(number, record)| marked(record, &consumer, number, collide))
            .collect();
        if let Err(refusal) = resolve(&index(records), &need, &consumer) {
            let shown = format!("{refusal:?} {}", refusal.explained());
            prop_assert!(!shown.contains(HIDDEN), "{}", shown);
        }
    }

    /// The result is identical to the result without the invisible records.
    #[test]
    fn invisible_records_do_not_change_result(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let seen = records.iter().filter(|record| is_visible(record, &consumer)).cloned();
        let summary_of = |records: Vec<Record>| {
            resolve(&index(records), &need, &consumer).map(|choice| summary(&choice))
        };
        prop_assert_eq!(summary_of(seen.collect()), summary_of(records));
    }

    #[test]
    fn debug_output_contains_no_values(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let records: Vec<Record> = records.into_iter().map(planted).collect();
        for record in &records {
            let shown = format!("{record:?} {record:#?}");
            prop_assert!(!shows_a_value(&shown), "{}", shown);
        }
        let shown = match resolve(&index(records), &need, &consumer) {
            Ok(choice) => {
                let layout = Layout::new(&choice, &Sources::none());
                format!("{choice:?} {choice:#?} {layout:?} {layout:#?}")
            }
            Err(refusal) => format!("{refusal:?} {}", refusal.explained()),
        };
        prop_assert!(!shows_a_value(&shown), "{}", shown);
    }
}
