//! The CEL rule for addresses accepts exactly the addresses that the conversion accepts.

#![expect(clippy::unwrap_used, reason = "test helper")]

#[path = "../../core/tests/support/near_address.rs"]
mod near_address;

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use extension_registry_core::projection::Address;
use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use near_address::near_address;

const RULE: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/services/items/properties/endpoints/items/properties/url/x-kubernetes-validations/0";

/// Patterns of the rule in the custom resource definition.
static PATTERNS: LazyLock<[Regex; 5]> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut outline = String::new();
    for (index, part) in text("rule").split('\'').enumerate() {
        if index % 2 == 0 {
            outline.push_str(part);
        } else {
            // As in the API server, `\w` is ASCII.
            patterns.push(RegexBuilder::new(part).unicode(false).build().unwrap());
        }
    }
    assert_eq!(
        outline,
        "self.matches(r) && self.matches(r) && !self.matches(r) \
         && (!self.matches(r) || isIP(self.find(r).substring(1)))"
    );
    patterns.try_into().unwrap()
});

fn text(field: &str) -> String {
    let definition = &extension_registry_api::crd::all()[0];
    let definition = serde_json::to_value(definition).unwrap();
    let rule = definition.pointer(RULE).unwrap();
    rule[field].as_str().unwrap().to_owned()
}

fn is_accepted(url: &str) -> bool {
    let [complete, address, odd, bracket, literal] = &*PATTERNS;
    let is_ip = || {
        let found = literal.find(url.as_bytes());
        let host = found.and_then(|found| url.get(found.start() + 1..found.end()));
        let host = host.and_then(|host| host.parse::<Ipv6Addr>().ok());
        host.is_some_and(|host| host.to_ipv4_mapped().is_none())
    };
    let matches = |pattern: &Regex| pattern.is_match(url.as_bytes());
    matches(complete) && matches(address) && !matches(odd) && (!matches(bracket) || is_ip())
}

#[test]
fn rule_does_not_repeat_the_address() {
    assert_eq!(text("reason"), "FieldValueForbidden");
}

#[test]
fn rule_agrees_on_long_hosts() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    for host in [
        label.clone(),
        format!("{label}a"),
        format!("x.{label}a.y"),
        longest.clone(),
        format!("{longest}a"),
        format!("{longest}."),
    ] {
        for url in [host.clone(), format!("http://{host}"), format!("{host}:80")] {
            assert_eq!(is_accepted(&url), Address::parse(&url).is_some(), "{url}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn rule_agrees_with_the_conversion(url in near_address()) {
        prop_assert_eq!(is_accepted(&url), Address::parse(&url).is_some(), "{}", url);
    }

    #[test]
    fn rule_agrees_on_any_text(url in ".{0,12}") {
        prop_assert_eq!(is_accepted(&url), Address::parse(&url).is_some(), "{}", url);
    }
}
