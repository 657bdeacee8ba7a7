//! Properties of projections: all values come from one record and one service.

#![allow(clippy::expect_used, reason = "test helpers panic")]

mod support;

use std::collections::BTreeMap;

use extension_registry_core::projection::{Address, Layout};
use extension_registry_core::record::Record;
use extension_registry_core::resolve::{Choice, resolve};
use proptest::prelude::*;
use proptest::test_runner::Config;
use support::world::{any_consumer, any_records, any_requirement, planted};
use support::*;

fn rendered(choice: &Choice) -> BTreeMap<String, String> {
    let layout = Layout::new(choice, &Sources::none()).expect("no sources");
    let data = layout.render(choice, &Sources::none()).expect("no sources");
    data.into_iter()
        .map(|(key, value)| (key, String::from_utf8(value).expect("text")))
        .collect()
}

/// Returns the planted values in a text.
fn values(text: &str) -> Vec<&str> {
    let parts = text.split('[').skip(1);
    parts
        .map(|rest| rest.split(']').next().unwrap_or(rest))
        .collect()
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn all_values_come_from_chosen_parts(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let records: Vec<Record> = records.into_iter().map(planted).collect();
        let Ok(choice) = resolve(&index(records), &need, &consumer) else { return Ok(()) };
        let owner = format!("{}:{}", choice.record.key.kind(), choice.record.key);
        let service = format!("{owner}/{}", choice.service().name);
        let endpoint = choice.endpoint().map(|one| format!("{service}/endpoint {}", one.name));
        let credentials =
            choice.credentials().map(|one| format!("{service}/credentials {}", one.name));
        let narrowest =
            credentials.as_ref().or(endpoint.as_ref()).unwrap_or(&service).clone();
        let data = rendered(&choice);
        prop_assert_eq!(&data["SHARED"], &format!("[{narrowest}]"));
        prop_assert_eq!(data.get("KEY").cloned(), credentials.as_ref().map(|one| format!("[{one}]")));
        for text in data.values() {
            for value in values(text) {
                let known = [Some(&owner), Some(&service), endpoint.as_ref(), credentials.as_ref()];
                prop_assert!(known.into_iter().flatten().any(|one| one == value), "{value}");
            }
        }
    }

    #[test]
    fn document_contains_no_other_parts_and_no_lists(
        records in any_records(), need in any_requirement(), consumer in any_consumer(),
    ) {
        let Ok(choice) = resolve(&index(records), &need, &consumer) else { return Ok(()) };
        let document = &rendered(&choice)["extension.yaml"];
        let parsed: serde_json::Value = serde_saphyr::from_str(document).expect("YAML");
        let service = &parsed["services"][0];
        prop_assert_eq!(parsed["services"].as_array().map(Vec::len), Some(1));
        prop_assert_eq!(service["name"].as_str(), Some(&*choice.service().name));
        let only = |list: &str, name: Option<&str>| {
            let found = service[list].as_array().cloned().unwrap_or_default();
            let found: Vec<_> = found.iter().filter_map(|one| one["name"].as_str()).collect();
            found == name.into_iter().collect::<Vec<_>>()
        };
        prop_assert!(only("endpoints", choice.endpoint().map(|one| &*one.name)));
        prop_assert!(only("credentials", choice.credentials().map(|one| &*one.name)));
        for word in ["access:", "project:", "projects:", "user:", "users:", "groups:", "default:"] {
            prop_assert!(!document.contains(word), "{word} in {document}");
        }
    }

    #[test]
    fn document_preserves_any_value(value in any::<String>()) {
        let record = record("m")
            .version("1.19")
            .configured("PLAIN", &value)
            .offering(service("s").with(shared("no").holding("SECRET", &value)));
        let choice = chosen(&[record], &need().extension("m"), &in_project("p"));
        let data = rendered(&choice);
        prop_assert_eq!(&data["PLAIN"], &value);
        let parsed: serde_json::Value =
            serde_saphyr::from_str(&data["extension.yaml"]).expect("YAML");
        prop_assert_eq!(parsed["version"].as_str(), Some("1.19"));
        prop_assert_eq!(parsed["configuration"][0]["value"].as_str(), Some(value.as_str()));
        let credentials = &parsed["services"][0]["credentials"][0];
        prop_assert_eq!(credentials["name"].as_str(), Some("no"));
        prop_assert_eq!(credentials["configuration"][0]["value"].as_str(), Some(value.as_str()));
    }

    #[test]
    fn address_parser_never_panics(url in ".*", host in "[a-z\\[\\]:@/ ]{0,12}") {
        let _ = Address::parse(&url);
        if let Some(address) = Address::parse(&format!("http://{host}")) {
            prop_assert!(!address.host.is_empty() && !address.host.contains(['@', '/', ' ']));
        }
    }
}

#[test]
fn document_quotes_ambiguous_yaml() {
    for word in [
        "False",
        "no",
        "null",
        "~",
        "1.19",
        "0x1F",
        "1e3",
        "2021-08-05",
        "",
        " ",
        "- a",
        "a: b",
        "# c",
        "'",
        "\"",
        "{{ x }}",
        "&a",
        "*a",
        "!t",
        "|",
        "%",
        "@",
        "`",
        "\t",
        "a\nb\n",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{7}",
        "---",
        "...",
        "<<",
        "=",
        "1_000",
        "0o17",
        ".inf",
    ] {
        let record = record("m").configured("K", word).offering(service("s"));
        let choice = chosen(&[record], &need().extension("m"), &in_project("p"));
        let document = &rendered(&choice)["extension.yaml"];
        let parsed: serde_json::Value =
            serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{word:?}: {error}"));
        assert_eq!(parsed["configuration"][0]["value"], word, "{document}");
    }
}
