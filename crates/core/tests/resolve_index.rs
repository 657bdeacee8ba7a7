//! The index finds the same services as a scan, with many versions of one product and resource.

mod support;

use extension_registry_core::record::{Record, RecordKey};
use extension_registry_core::refusal::Reason;
use extension_registry_core::resolve::{Index, resolve};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use support::naive;
use support::*;

const RANGES: &[&str] = &[
    "1.5.0",
    ">=1.5.0",
    ">1.5.0",
    "<1.5.0",
    "<=1.5.0",
    "1.2.0 - 1.5.0",
    ">1.2.0 <1.5.0",
    "^1.5",
    "~1.5",
    ">=1.5.0-rc.1",
    "<1.2 || >1.7",
    "=RELEASE.1",
    "*",
];

fn store(number: usize, version: &str, zone: Option<&str>) -> Record {
    let record = record(&format!("r{number}"))
        .product("minio")
        .version(version)
        .offering(service("store").resource("s3"));
    match zone {
        Some(zone) => record.zone(zone),
        None => record,
    }
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0..3, 0..9).prop_map(|(major, minor)| format!("{major}.{minor}.0")),
        1 => (0..9).prop_map(|minor| format!("1.{minor}.0-rc.1")),
        1 => Just("RELEASE.1".to_owned()),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn index_agrees_with_scan(
        versions in prop::collection::vec((version(), select(&[None, Some("east")][..])), 1..24),
        leaving in prop::collection::vec(any::<bool>(), 24),
        range in select(RANGES), zone in prop::option::of(Just("east")),
    ) {
        let mut records: Vec<Record> = versions
            .iter()
            .enumerate()
            .map(|(number, (version, zone))| store(number, version, *zone))
            .collect();
        let mut index = index(records.clone());
        for (record, leaves) in records.iter().zip(&leaving) {
            if *leaves {
                index.remove(&record.key);
            }
        }
        let mut leaves = leaving.iter();
        records.retain(|_| leaves.next() == Some(&false));
        let mut need = need().product("minio").resource("s3").version(range);
        need.zone = zone.map(Into::into);
        let dev = in_project("dev");
        let expected = naive::matching(&records, &need, &dev);
        match resolve(&index, &need, &dev) {
            Ok(choice) => {
                prop_assert_eq!(expected.len(), 1);
                prop_assert_eq!(&choice.record.key, &expected[0].0.key);
            }
            Err(refusal) if refusal.reason == Reason::Ambiguous => {
                let count = format!("matches {} services", expected.len());
                prop_assert!(refusal.message.contains(&count), "{} of {}", count, refusal);
            }
            Err(_) => prop_assert!(expected.is_empty()),
        }
    }
}

#[test]
fn finds_both_ends_of_range() {
    let records = ["1.1.0", "1.2.0", "1.5.0", "1.6.0"];
    let records: Vec<Record> = (0..).zip(records).map(|(n, v)| store(n, v, None)).collect();
    let need = need().product("minio").resource("s3");
    let dev = in_project("dev");
    for (range, found) in [
        (">=1.6.0", "r3"),
        ("<=1.1.0", "r0"),
        ("1.0.0 - 1.1.0", "r0"),
        (">1.5.0", "r3"),
        ("<1.2.0", "r0"),
        (">1.2.0 <1.6.0", "r2"),
    ] {
        let need = need.clone().version(range);
        let outcome = outcome(&records, &need, &dev);
        assert_eq!(outcome, Ok(format!("{found}/store - -")), "{range}");
    }
}

#[test]
fn insert_replaces_record_with_same_key() {
    let mut index = Index::new();
    assert!(index.insert(store(1, "1.0.0", Some("east"))).is_none());
    assert!(index.insert(store(1, "2.0.0", Some("west"))).is_some());
    assert_eq!(index.len(), 1);
    let need = need().product("minio").resource("s3");
    let dev = in_project("dev");
    assert!(resolve(&index, &need.clone().version("^2").zone("west"), &dev).is_ok());
    assert!(resolve(&index, &need.version("^1"), &dev).is_err());
    assert!(index.remove(&RecordKey::cluster("r1")).is_some());
    assert!(index.is_empty() && index.get(&RecordKey::cluster("r1")).is_none());
}
