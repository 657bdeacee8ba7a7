//! Records that are too large, or wrong in too many places.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of tests may do what tests may do"
)]

use extension_registry_api::ExtensionSpec;
use extension_registry_api::convert::{FieldProblem, record};
use extension_registry_core::record::{Record, RecordKey};
use extension_registry_core::refusal::Reason;

#[expect(clippy::panic, reason = "a test helper")]
fn spec(yaml: &str) -> ExtensionSpec {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn read(spec: &ExtensionSpec) -> Result<Record, Vec<FieldProblem>> {
    record(RecordKey::cluster("mlflow-0001"), 7, spec)
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(", "))
}

fn entries(count: usize) -> String {
    list(count, |index| format!("{{name: k{index}, value: v}}"))
}

fn refuses_as_too_large(table: &[(String, &str)]) {
    for (yaml, expected) in table {
        let problems = read(&spec(yaml)).unwrap_err();
        let first = problems.first().unwrap();
        assert!(
            first.to_string().starts_with(expected),
            "{first}, not {expected}"
        );
        assert_eq!(first.refusal.reason, Reason::TooLarge);
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}

#[test]
fn rejects_long_lists_and_values() {
    refuses_as_too_large(&[
        (
            format!(
                "services: {}",
                list(33, |index| format!("{{name: s{index}}}"))
            ),
            "spec.services: 33 entries, of 32",
        ),
        (
            format!(
                "services: [{{name: s, endpoints: {}}}]",
                list(9, |index| format!("{{name: e{index}}}"))
            ),
            "spec.services[0].endpoints: 9 entries, of 8",
        ),
        (
            format!("configuration: {}", entries(65)),
            "spec.configuration: 65 entries, of 64",
        ),
        (
            format!(
                "access: {{users: {}}}",
                list(129, |index| format!("u{index}"))
            ),
            "spec.access.users: 129 entries, of 128",
        ),
        (
            format!(
                "configuration: [{{name: k, value: {}}}]",
                "x".repeat(64 * 1024 + 1)
            ),
            "spec.configuration[0].value: 65537 bytes, of 65536",
        ),
    ]);
}

#[test]
fn rejects_large_sums() {
    refuses_as_too_large(&[
        (
            format!(
                "services: [{{name: s, credentials: {}}}]",
                list(65, |index| format!("{{name: c{index}}}"))
            ),
            "spec: 65 sets of credentials in all, of 64",
        ),
        (
            format!(
                "configuration: {}",
                list(4, |index| format!(
                    "{{name: k{index}, value: {}}}",
                    "x".repeat(64 * 1024)
                ))
            ),
            "spec: 262",
        ),
        (
            format!(
                "services: {}",
                list(32, |index| format!(
                    "{{name: s{index}, configuration: {}}}",
                    entries(9)
                ))
            ),
            "spec: 288 configuration entries in all, of 256",
        ),
        (
            format!(
                "services: {}",
                list(2, |index| format!(
                    "{{name: s{index}, credentials: {}}}",
                    list(33, |index| format!("{{name: c{index}}}"))
                ))
            ),
            "spec: 66 sets of credentials in all, of 64",
        ),
        (
            format!(
                "services: {}",
                list(17, |index| format!(
                    "{{name: s{index}, endpoints: {}}}",
                    list(8, |index| format!("{{name: e{index}}}"))
                ))
            ),
            "spec: 136 endpoints in all, of 128",
        ),
        (
            format!(
                "services: [{{name: s, credentials: {}}}]",
                list(9, |index| format!(
                    "{{name: c{index}, scope: user, user: {users}, project: {users}}}",
                    users = list(57, |index| format!("u{index}"))
                ))
            ),
            "spec: 1026 members of credentials in all, of 1024",
        ),
    ]);
}

#[test]
fn the_list_of_problems_is_bounded() {
    let services: Vec<String> = (0..32)
        .map(|_| "{name: '', resource: '', category: ''}".to_owned())
        .collect();
    let problems = read(&spec(&format!("services: [{}]", services.join(", ")))).unwrap_err();
    assert_eq!(problems.len(), 32);
}
