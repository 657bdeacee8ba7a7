//! How long a resolution takes among few and among many records.
//!
//! Targets: 5 µs for a choice, and no more than 1.5 times as long among 10,000 records as among
//! 100; 200 µs for an ambiguity of 100 candidates with its full text.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_imports,
    reason = "a benchmark of a wrong answer is worth nothing"
)]

#[path = "../tests/support/builders.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod builders;

use std::hint::black_box;
use std::time::Duration;

use builders::*;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use extension_registry_core::record::Record;
use extension_registry_core::refusal::Reason;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Index, resolve};

const ZONES: [&str; 4] = ["north", "east", "south", "west"];

/// Two services and three credentials each; the last record is the one that is wanted.
fn instance(number: usize, product: &str, resource: &str, version: &str) -> Record {
    let store = service("store")
        .resource(resource)
        .category("storage")
        .at(internal("cluster", "http://store:9000"))
        .at(external("ingress", "https://store.example.com"))
        .with(shared("everyone").holding("KEY", "a"))
        .with(for_projects("project", &["alpha", "beta"]).holding("KEY", "b"))
        .with(for_users("person", &["ada"]).holding("KEY", "c"));
    let ui = service("ui")
        .resource("ui")
        .at(external("ingress", "https://ui.example.com"));
    record(&format!("{product}-{number:05}"))
        .product(product)
        .version(version)
        .zone(ZONES[number % ZONES.len()])
        .offering(store)
        .offering(ui)
}

/// Fifty products of ten resources, versions from 0.0 to 9.9; one record is of version 20.
fn spread(count: usize) -> Index {
    index((0..count).map(|number| {
        let version = if number == count - 1 {
            "20.1.0".to_owned()
        } else {
            format!("{}.{}.{}", number % 10, number / 10 % 10, number % 7)
        };
        let kind = if number == count - 1 { 0 } else { number % 50 };
        let (product, resource) = (format!("product-{kind}"), format!("resource-{}", kind % 10));
        instance(number, &product, &resource, &version)
    }))
}

/// One product and one resource; a range and a zone alone single out one record.
fn alike(count: usize) -> Index {
    index((0..count).map(|number| {
        let version = format!("{}.{}.0", number / 4 / 100, number / 4 % 100);
        instance(number, "product-0", "resource-0", &version)
    }))
}

fn wanted(range: &str, zone: &str) -> Requirement {
    need()
        .product("product-0")
        .resource("resource-0")
        .version(range)
        .zone(zone)
}

fn choices(criterion: &mut Criterion) {
    let alpha = in_project("alpha").in_zone("north");
    for (name, made) in [("spread", spread as fn(usize) -> Index), ("alike", alike)] {
        let mut group = criterion.benchmark_group(format!("choice/{name}"));
        for count in [100, 10_000] {
            let index = made(count);
            let (range, zone) = if name == "spread" {
                (">=20, <21".to_owned(), ZONES[(count - 1) % 4])
            } else {
                let middle = count / 8;
                let (major, minor) = (middle / 100, middle % 100);
                let range = format!(">={major}.{minor}.0 <{major}.{}.0", minor + 1);
                (range, "south")
            };
            let need = wanted(&range, zone);
            resolve(&index, &need, &alpha).expect("one service");
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| resolve(black_box(&index), black_box(&need), &alpha));
            });
        }
        group.finish();
    }
}

fn refusals(criterion: &mut Criterion) {
    let alpha = in_project("alpha").in_zone("north");
    let mut group = criterion.benchmark_group("refusal");
    let index = alike(10_000);
    let cases = [
        (
            "ambiguous-100",
            wanted("1.0.0 - 1.99.0", "south"),
            Reason::Ambiguous,
        ),
        ("not-found-10000", wanted(">=90", "south"), Reason::NotFound),
        (
            "not-found-by-name-10000",
            need().extension("product-0-0420"),
            Reason::NotFound,
        ),
    ];
    for (name, need, reason) in cases {
        let refusal = resolve(&index, &need, &alpha).expect_err("a refusal");
        assert_eq!(refusal.reason, reason, "{refusal}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| resolve(black_box(&index), black_box(&need), &alpha));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = choices, refusals
}
criterion_main!(benches);
