//! Steps 5 to 7 of resolution: candidate, credentials, endpoint.

mod support;

use extension_registry_core::record::{Credentials, Record};
use extension_registry_core::refusal::Reason;
use support::*;

fn store(name: &str) -> Record {
    record(name).offering(service("store").resource("s3"))
}

fn s3() -> extension_registry_core::requirement::Requirement {
    need().resource("s3")
}

fn with(credentials: impl IntoIterator<Item = Credentials>) -> [Record; 1] {
    let mut service = service("store").resource("s3");
    for one in credentials {
        service = service.with(one);
    }
    [record("m").offering(service)]
}

#[test]
fn prefers_default_record() {
    let records = [store("a"), store("b").by_default(), store("c")];
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("b/store - -"));
}

#[test]
fn two_defaults_are_ambiguous() {
    let records = [store("a").by_default(), store("b").by_default(), store("c")];
    let refusal = refused(&records, &s3(), &in_project("dev"));
    assert_eq!(refusal.reason, Reason::Ambiguous);
    assert!(refusal.hint.contains("only one"), "{}", refusal.hint);
}

#[test]
fn two_services_of_default_record_are_ambiguous() {
    let record = store("a")
        .offering(service("other").resource("s3"))
        .by_default();
    let found = outcome(&[record], &s3(), &in_project("dev"));
    assert_eq!(found, Err(Reason::Ambiguous));
}

#[test]
fn default_does_not_matter_for_one_candidate() {
    for record in [store("a"), store("a").by_default()] {
        let found = outcome(&[record], &s3(), &in_project("dev"));
        assert_eq!(found.as_deref(), Ok("a/store - -"));
    }
}

#[test]
fn inaccessible_default_is_ignored() {
    let closed = record("a").by_default().offering(
        service("store")
            .resource("s3")
            .with(for_projects("key", &["prod"])),
    );
    let records = [closed, store("b"), store("c")];
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found, Err(Reason::Ambiguous));
}

#[test]
fn prefers_neither_newest_nor_first() {
    let records = [
        store("a").version("1.0.0"),
        store("b").version("3.0.0"),
        store("c").version("2.0.0"),
    ];
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found, Err(Reason::Ambiguous));
}

#[test]
fn prefers_narrowest_scope() {
    let records = with([
        shared("everyone"),
        for_projects("project", &["dev"]),
        for_users("person", &["ada"]),
    ]);
    let cases = [
        (in_project("dev").of_user("ada"), "m/store - person"),
        (in_project("prod").of_user("ada"), "m/store - person"),
        (in_project("dev").of_user("bob"), "m/store - project"),
        (in_project("dev"), "m/store - project"),
        (in_project("prod"), "m/store - everyone"),
    ];
    for (consumer, expected) in cases {
        let found = outcome(&records, &s3(), &consumer);
        assert_eq!(found.as_deref(), Ok(expected), "{consumer:?}");
    }
}

#[test]
fn narrower_scope_precedes_default() {
    let records = with([
        shared("everyone").by_default(),
        for_projects("project", &["dev"]),
    ]);
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("m/store - project"));
}

#[test]
fn prefers_default_within_scope() {
    let dev = in_project("dev");
    let marked = with([shared("read"), shared("write").by_default()]);
    let found = outcome(&marked, &s3(), &dev);
    assert_eq!(found.as_deref(), Ok("m/store - write"));
    let none = with([shared("read"), shared("write")]);
    let found = outcome(&none, &s3(), &dev);
    assert_eq!(found, Err(Reason::AmbiguousCredentials));
    let both = with([shared("read").by_default(), shared("write").by_default()]);
    let found = outcome(&both, &s3(), &dev);
    assert_eq!(found, Err(Reason::AmbiguousCredentials));
}

#[test]
fn ambiguous_scope_does_not_fall_back_to_wider_scope() {
    let records = with([
        for_projects("one", &["dev"]),
        for_projects("two", &["dev"]),
        shared("everyone"),
    ]);
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found, Err(Reason::AmbiguousCredentials));
}

#[test]
fn inaccessible_default_credentials_are_ignored() {
    let records = with([
        for_projects("one", &["prod"]).by_default(),
        for_projects("two", &["dev"]),
        for_projects("three", &["dev"]),
    ]);
    let found = outcome(&records, &s3(), &in_project("dev"));
    assert_eq!(found, Err(Reason::AmbiguousCredentials));
}

#[test]
fn named_credentials_precede_narrower_scope() {
    let records = with([shared("everyone"), for_projects("project", &["dev"])]);
    let found = outcome(&records, &s3().credentials("everyone"), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("m/store - everyone"));
}

#[test]
fn absent_and_inaccessible_credentials_are_indistinguishable() {
    let need = s3().credentials("root");
    for consumer in [in_project("dev"), in_project("dev").of_user("ada")] {
        let absent = refused(&with([shared("open")]), &need, &consumer);
        assert_eq!(absent.reason, Reason::NoAccess);
        assert!(!formatted(&absent).contains("open"), "{absent}");
        for forbidden in [
            for_projects("root", &["prod"]),
            for_users("root", &["bob"]),
            for_users("root", &["ada"]).only_in(&["prod"]),
            for_projects("root", &[]).by_default(),
        ] {
            let refusal = refused(&with([shared("open"), forbidden]), &need, &consumer);
            assert_eq!(refusal, absent);
        }
    }
}

#[test]
fn service_without_credentials_requires_none() {
    let found = outcome(&[store("m")], &s3(), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("m/store - -"));
    let found = outcome(&[store("m")], &s3().credentials("root"), &in_project("dev"));
    assert_eq!(found, Err(Reason::NoAccess));
}

fn reachable() -> [Record; 1] {
    let service = service("store")
        .resource("s3")
        .at(external("public", "https://m"))
        .at(internal("cluster", "http://m"))
        .at(internal("backup", "http://n"))
        .at(external("mirror", "https://n"));
    [record("m").zone("east").offering(service)]
}

#[test]
fn same_zone_prefers_internal_endpoint() {
    let found = outcome(&reachable(), &s3(), &in_project("dev").in_zone("east"));
    assert_eq!(found.as_deref(), Ok("m/store cluster -"));
}

#[test]
fn other_zone_uses_external_endpoint() {
    for zone in ["west", "East"] {
        let found = outcome(&reachable(), &s3(), &in_project("dev").in_zone(zone));
        assert_eq!(found.as_deref(), Ok("m/store public -"));
    }
}

#[test]
fn unset_and_empty_zone_match_all() {
    for consumer in [in_project("dev"), in_project("dev").in_zone("")] {
        let found = outcome(&reachable(), &s3(), &consumer);
        assert_eq!(found.as_deref(), Ok("m/store cluster -"));
    }
    let [record] = reachable();
    let empty = [record.clone().zone("")];
    let unset = [Record {
        zone: None,
        ..record
    }];
    for records in [empty, unset] {
        let found = outcome(&records, &s3(), &in_project("dev").in_zone("west"));
        assert_eq!(found.as_deref(), Ok("m/store cluster -"));
    }
}

#[test]
fn same_zone_falls_back_to_external_endpoint() {
    let service = service("store")
        .resource("s3")
        .at(external("public", "https://m"));
    let records = [record("m").zone("east").offering(service)];
    let found = outcome(&records, &s3(), &in_project("dev").in_zone("east"));
    assert_eq!(found.as_deref(), Ok("m/store public -"));
}

#[test]
fn internal_endpoints_of_another_zone_are_unreachable() {
    let service = service("store")
        .resource("s3")
        .at(internal("cluster", "http://m"));
    let records = [record("m").zone("east").offering(service)];
    let found = outcome(&records, &s3(), &in_project("dev").in_zone("west"));
    assert_eq!(found, Err(Reason::Unreachable));
}

#[test]
fn named_endpoint_is_used_and_flagged_if_internal_to_another_zone() {
    let cases = [
        ("cluster", "west", true),
        ("backup", "west", true),
        ("public", "west", false),
        ("mirror", "west", false),
        ("cluster", "east", false),
        ("cluster", "", false),
    ];
    for (name, zone, foreign) in cases {
        let consumer = in_project("dev").in_zone(zone);
        let choice = chosen(&reachable(), &s3().endpoint(name), &consumer);
        assert_eq!(summary(&choice), format!("m/store {name} -"));
        assert_eq!(choice.foreign_endpoint, foreign, "{name} from {zone}");
    }
}

#[test]
fn unknown_endpoint_is_not_found() {
    for name in ["clusters", "Cluster", ""] {
        let found = outcome(&reachable(), &s3().endpoint(name), &in_project("dev"));
        assert_eq!(found, Err(Reason::NotFound));
    }
}

#[test]
fn service_without_endpoints_resolves() {
    let records = [store("m").zone("east")];
    let choice = chosen(&records, &s3(), &in_project("dev").in_zone("west"));
    assert!(choice.endpoint().is_none());
    assert!(!choice.foreign_endpoint);
}

#[test]
fn choice_that_depends_on_user_is_personal() {
    let ada = in_project("dev").of_user("ada").of_group("team");
    let cases = [
        (store("m"), false),
        (store("m").for_projects(&["dev"]), false),
        (store("m").for_users(&["ada"]), true),
        (store("m").for_groups(&["team"]), true),
        (with([shared("k")])[0].clone(), false),
        (with([for_projects("k", &["dev"])])[0].clone(), false),
        (with([for_users("k", &["ada"])])[0].clone(), true),
    ];
    for (record, personal) in cases {
        let choice = chosen(std::slice::from_ref(&record), &s3(), &ada);
        assert_eq!(choice.personal, personal, "{record:?}");
    }
}
