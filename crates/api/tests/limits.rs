//! Limits of records, and of the number of reported errors.

#![expect(clippy::unwrap_used, reason = "test helper")]

use extension_registry_api::ExtensionSpec;
use extension_registry_api::convert::{FieldError, record};
use extension_registry_core::record::{Record, RecordKey};
use extension_registry_core::refusal::Reason;

#[expect(clippy::panic, reason = "a test helper")]
fn spec(yaml: &str) -> ExtensionSpec {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn convert(spec: &ExtensionSpec) -> Result<Record, Vec<FieldError>> {
    record(RecordKey::cluster("mlflow-0001"), 7, spec)
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(", "))
}

fn entries(count: usize) -> String {
    list(count, |index| format!("{{name: k{index}, value: v}}"))
}

fn assert_too_large(table: &[(String, &str)]) {
    for (yaml, expected) in table {
        let errors = convert(&spec(yaml)).unwrap_err();
        let first = errors.first().unwrap();
        assert!(
            first.to_string().starts_with(expected),
            "{first}, expected {expected}"
        );
        assert_eq!(first.refusal.reason, Reason::TooLarge);
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}

#[test]
fn rejects_long_lists_and_values() {
    assert_too_large(&[
        (
            format!(
                "services: {}",
                list(33, |index| format!("{{name: s{index}}}"))
            ),
            "spec.services: too many entries: 33 (limit 32)",
        ),
        (
            format!(
                "services: [{{name: s, endpoints: {}}}]",
                list(9, |index| format!("{{name: e{index}}}"))
            ),
            "spec.services[0].endpoints: too many entries: 9 (limit 8)",
        ),
        (
            format!("configuration: {}", entries(65)),
            "spec.configuration: too many entries: 65 (limit 64)",
        ),
        (
            format!(
                "access: {{users: {}}}",
                list(129, |index| format!("u{index}"))
            ),
            "spec.access.users: too many entries: 129 (limit 128)",
        ),
        (
            format!(
                "configuration: [{{name: k, value: {}}}]",
                "x".repeat(64 * 1024 + 1)
            ),
            "spec.configuration[0].value: too large: 65537 bytes (limit 65536)",
        ),
    ]);
}

#[test]
fn rejects_large_sums() {
    assert_too_large(&[
        (
            format!(
                "services: [{{name: s, credentials: {}}}]",
                list(65, |index| format!("{{name: c{index}}}"))
            ),
            "spec: too many sets of credentials: 65 in total (limit 64)",
        ),
        (
            format!(
                "configuration: {}",
                list(4, |index| format!(
                    "{{name: k{index}, value: {}}}",
                    "x".repeat(64 * 1024)
                ))
            ),
            "spec: too large: 262",
        ),
        (
            format!(
                "services: {}",
                list(32, |index| format!(
                    "{{name: s{index}, configuration: {}}}",
                    entries(9)
                ))
            ),
            "spec: too many configuration entries: 288 in total (limit 256)",
        ),
        (
            format!(
                "services: {}",
                list(2, |index| format!(
                    "{{name: s{index}, credentials: {}}}",
                    list(33, |index| format!("{{name: c{index}}}"))
                ))
            ),
            "spec: too many sets of credentials: 66 in total (limit 64)",
        ),
        (
            format!(
                "services: {}",
                list(17, |index| format!(
                    "{{name: s{index}, endpoints: {}}}",
                    list(8, |index| format!("{{name: e{index}}}"))
                ))
            ),
            "spec: too many endpoints: 136 in total (limit 128)",
        ),
        (
            format!(
                "services: [{{name: s, credentials: {}}}]",
                list(9, |index| format!(
                    "{{name: c{index}, scope: user, user: {users}, project: {users}}}",
                    users = list(57, |index| format!("u{index}"))
                ))
            ),
            "spec: too many projects and users in credentials: 1026 in total (limit 1024)",
        ),
    ]);
}

#[test]
fn limits_number_of_errors() {
    let services: Vec<String> = (0..32)
        .map(|_| "{name: '', resource: '', category: ''}".to_owned())
        .collect();
    let errors = convert(&spec(&format!("services: [{}]", services.join(", ")))).unwrap_err();
    assert_eq!(errors.len(), 32);
}
