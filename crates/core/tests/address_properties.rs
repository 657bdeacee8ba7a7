//! Addresses are parsed like a strict URL parser parses them, or rejected.

#[path = "support/near_address.rs"]
mod near_address;

use extension_registry_core::projection::Address;
use proptest::prelude::*;
use url::{Host, Url};

use near_address::near_address;

/// Schemes with a default port in the URL standard.
fn is_special(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn agrees_with_strict_url_parser(text in near_address()) {
        let Some(address) = Address::parse(&text) else { return Ok(()) };
        let is_bare = !text.contains("://");
        let absolute = if is_bare { format!("http://{text}") } else { text.clone() };
        let strict = Url::parse(&absolute).map_err(|error| {
            TestCaseError::fail(format!("{text}: accepted, but {error}"))
        })?;
        match strict.host() {
            Some(Host::Ipv6(host)) => prop_assert_eq!(address.host.parse(), Ok(host)),
            Some(host) => prop_assert_eq!(address.host.to_ascii_lowercase(), host.to_string().to_ascii_lowercase()),
            None => prop_assert!(false, "{text}: accepted, but has no host"),
        }
        let port = if is_bare { address.port.or(Some(80)) } else { address.port };
        if strict.port().is_some() || is_special(strict.scheme()) {
            prop_assert_eq!(port, strict.port_or_known_default(), "{}", text);
        }
        prop_assert!(strict.username().is_empty() && strict.password().is_none(), "{text}");
    }

    #[test]
    fn accepts_plain_addresses(
        scheme in "[a-z][a-z0-9+.-]{0,6}",
        host in "[a-zA-Z_]([a-zA-Z0-9_-]{0,20}[a-zA-Z0-9_])?([.][a-z]([a-z0-9-]{0,20}[a-z0-9])?){0,4}[.]?",
        port in proptest::option::of(1_u16..),
        path in "(/[a-zA-Z0-9._~%25-]{0,8}){0,3}",
    ) {
        let port_text = port.map_or_else(String::new, |port| format!(":{port}"));
        let path = path.replace('%', "%25");
        let address = Address::parse(&format!("{scheme}://{host}{port_text}{path}"));
        prop_assert_eq!(address.as_ref().map(|address| &address.host), Some(&host));
        let bare = Address::parse(&format!("{host}{port_text}"));
        prop_assert_eq!(bare, Some(Address { host, port }));
    }
}
