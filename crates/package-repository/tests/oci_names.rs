//! Tests of OCI names, and that ours never collide with extensions.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use extension_registry_package_repository::Error;
use extension_registry_package_repository::oci::names::{repository_fault, tag, version};
use extension_registry_package_repository::oci::{Oci, Settings};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Transport};
use proptest::prelude::*;

fn driver(registry: &str, namespace: &str) -> Result<Oci, Error> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings {
        id: "main".to_owned(),
        registry: registry.to_owned(),
        namespace: namespace.to_owned(),
        names: Vec::new(),
    };
    let transport = Transport::new(transport::Settings::default()).unwrap();
    Oci::new(settings, transport, Credentials::Anonymous)
}

#[test]
fn repository_names_follow_specification() {
    for name in [
        "a",
        "0",
        "tool",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "a/b/c",
        "team/a.b-c__d/x1",
        "oci",
        "ext",
    ] {
        assert_eq!(repository_fault(name), None, "{name}");
    }
    for name in [
        "", "/", "a/", "/a", "a//b", "_a", "_oci", "_catalog", "a/_oci", "a_", "a.", "-a", "a-",
        "a..b", "a___b", "a._b", "a.-b", "A", "a b", "a:b", "a@b", "ä", "..", "a/..", "a/../b",
        "a%2fb", "a?b", "a#b", "a\\b",
    ] {
        assert!(repository_fault(name).is_some(), "{name}");
    }
    assert!(repository_fault(&"a".repeat(256)).is_some());
}

proptest! {
    /// Texts that are close to names, and any others.
    #[test]
    fn valid_names_never_collide_with_extensions(
        name in prop_oneof!["[a-z0-9._/-]{1,20}", "(_?[a-z]{1,3}[._-]{0,3}/?){1,5}", any::<String>()],
    ) {
        if repository_fault(&name).is_none() {
            let url = url::Url::parse(&format!("https://a/v2/{name}/tags/list")).unwrap();
            prop_assert!(!url.path().starts_with("/v2/_"));
            prop_assert!(!url.path().contains("/_"));
            prop_assert_eq!(url.path(), format!("/v2/{name}/tags/list"));
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
    }

    #[test]
    fn accepts_all_names_of_specification(
        name in "[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,3}(/[a-z0-9]{1,5}((\\.|_|__|-)[a-z0-9]{1,5}){0,2}){0,3}",
    ) {
        prop_assert_eq!(repository_fault(&name), None);
    }

    #[test]
    fn version_round_trips_through_tag(
        (major, minor, patch) in (0u64..99, 0u64..99, 0u64..99),
        pre in "(-[a-z]{1,5}(\\.[1-9]{1,2}){0,2})?",
        build in "(\\+[a-z0-9]{1,5}(\\.[a-z0-9-]{1,4}){0,2})?",
    ) {
        let given: semver::Version = format!("{major}.{minor}.{patch}{pre}{build}").parse().unwrap();
        let tag = tag(&given).unwrap();
        prop_assert!(!tag.contains('+'));
        prop_assert_eq!(version(&tag).unwrap(), given);
    }
}

#[test]
fn ignores_tags_that_are_not_versions() {
    for (tag, expected) in [
        ("1.2.0", Some("1.2.0")),
        ("v1.2.0", Some("1.2.0")),
        ("1.0.1_build.7", Some("1.0.1+build.7")),
        ("v1.0.1-rc.1_build.7", Some("1.0.1-rc.1+build.7")),
        ("latest", None),
        ("1.2", None),
        ("v1", None),
        ("vv1.2.0", None),
        ("1.0.1_a_b", None),
        ("sha256-0123", None),
        ("sha256-0123.sig", None),
    ] {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(version(tag), expected, "{tag}");
    }
    let long = format!("1.0.0-{}", "a".repeat(128)).parse().unwrap();
    assert_eq!(tag(&long), None);
}

#[test]
fn registry_address_must_be_host() {
    for registry in [
        "localhost:5000",
        "registry.example",
        "https://registry.example:444/",
        "[::1]:5000",
    ] {
        driver(registry, "").unwrap();
    }
    for registry in [
        "",
        "registry.example/extensions",
        "https://user:hunter2@registry.example",
        "https://registry.example/?a=b",
        "ftp://registry.example",
        "http://registry.example",
    ] {
        let error = driver(registry, "").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for namespace in ["_oci", "a/_b", "A", "a b", "../a"] {
        let error = driver("localhost:5000", namespace).unwrap_err();
        assert!(error.to_string().contains(namespace), "{error}");
    }
}
