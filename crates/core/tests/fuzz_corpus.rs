//! Runs the seeds of the fuzz targets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test helpers panic"
)]

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/checks.rs"]
mod checks;

fn run(target: &str, check: fn(&str)) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&seeds).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        check(&String::from_utf8_lossy(&bytes));
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", seeds.display());
}

#[test]
fn range_seeds_pass() {
    run("range", checks::range);
}

#[test]
fn expression_seeds_pass() {
    run("expression", checks::expression);
}
