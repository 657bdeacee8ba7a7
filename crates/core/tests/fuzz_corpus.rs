//! Runs the seeds of the fuzz targets through the functions that the targets call.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail by panic"
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
fn seeds_of_range_pass() {
    run("range", checks::range);
}

#[test]
fn seeds_of_expression_pass() {
    run("expression", checks::expression);
}
