//! Steps 1 to 4 of resolution: visibility, selectors, shadowing, access.

mod support;

use extension_registry_core::record::Record;
use extension_registry_core::refusal::Reason;
use support::*;

/// A record of product minio with an s3 service that all consumers can use.
fn minio(name: &str) -> Record {
    record(name)
        .product("minio")
        .version("4.1.3")
        .zone("east")
        .offering(service("store").resource("s3").category("storage"))
}

/// The same with credentials for one project.
fn closed(name: &str, project: &str) -> Record {
    record(name).product("minio").offering(
        service("store")
            .resource("s3")
            .with(for_projects("key", &[project])),
    )
}

#[test]
fn record_without_lists_is_visible_to_all() {
    let found = outcome(&[minio("m")], &need().resource("s3"), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("m/store - -"));
}

#[test]
fn record_of_another_project_is_invisible() {
    let other = minio("m").of_project("prod");
    let found = outcome(&[other], &need().resource("s3"), &in_project("dev"));
    assert_eq!(found, Err(Reason::NotFound));
}

#[test]
fn every_present_list_must_match() {
    let ada = in_project("prod").of_user("ada").of_group("team");
    let cases = [
        (minio("m").for_projects(&["prod"]), true),
        (minio("m").for_projects(&["dev"]), false),
        (minio("m").for_users(&["ada"]), true),
        (minio("m").for_users(&["bob"]), false),
        (minio("m").for_groups(&["team"]), true),
        (minio("m").for_users(&["bob"]).for_groups(&["team"]), true),
        (minio("m").for_users(&["ada"]).for_groups(&["crew"]), true),
        (minio("m").for_users(&["bob"]).for_groups(&["crew"]), false),
        (minio("m").for_projects(&["prod"]).for_users(&["ada"]), true),
        (minio("m").for_projects(&["dev"]).for_users(&["ada"]), false),
        (
            minio("m").for_projects(&["prod"]).for_users(&["bob"]),
            false,
        ),
    ];
    for (record, expected) in cases {
        let access = record.access.clone();
        let found = outcome(&[record], &need().resource("s3"), &ada);
        assert_eq!(found.is_ok(), expected, "{access:?}");
    }
}

#[test]
fn empty_lists_deny_access() {
    let ada = in_project("prod").of_user("ada").of_group("team");
    for record in [
        minio("m").for_projects(&[]),
        minio("m").for_users(&[]),
        minio("m").for_groups(&[]),
        minio("m").for_users(&[]).for_groups(&[]),
    ] {
        let found = outcome(&[record], &need().resource("s3"), &ada);
        assert_eq!(found, Err(Reason::NotFound));
    }
    for credentials in [
        for_projects("key", &[]),
        for_users("key", &[]),
        for_users("key", &["ada"]).only_in(&[]),
    ] {
        let record = record("m").offering(service("store").resource("s3").with(credentials));
        let found = outcome(&[record], &need().resource("s3"), &ada);
        assert_eq!(found, Err(Reason::NoAccess));
    }
}

#[test]
fn project_names_match_exactly() {
    for consumer in ["not-prod", "prod2", "pro", "Prod", "prod ", ""] {
        let consumer = in_project(consumer);
        let hidden = minio("m").for_projects(&["prod"]);
        let found = outcome(&[hidden], &need().resource("s3"), &consumer);
        assert_eq!(found, Err(Reason::NotFound), "{consumer:?}");
        let own = minio("m").of_project("prod");
        let found = outcome(&[own], &need().resource("s3"), &consumer);
        assert_eq!(found, Err(Reason::NotFound), "{consumer:?}");
        let found = outcome(&[closed("m", "prod")], &need().resource("s3"), &consumer);
        assert_eq!(found, Err(Reason::NoAccess), "{consumer:?}");
    }
}

#[test]
fn unknown_user_matches_no_list() {
    let record = minio("m").for_users(&["ada", ""]);
    let found = outcome(&[record], &need().resource("s3"), &in_project("prod"));
    assert_eq!(found, Err(Reason::NotFound));
}

#[test]
fn every_selector_must_match_exactly() {
    let minio = [minio("m")];
    let dev = in_project("dev");
    let exact = need()
        .extension("m")
        .product("minio")
        .version("^4")
        .zone("east")
        .service("store")
        .resource("s3")
        .category("storage");
    assert!(outcome(&minio, &exact, &dev).is_ok());
    for other in [
        exact.clone().extension("M"),
        exact.clone().product("Minio"),
        exact.clone().version("^5"),
        exact.clone().zone("East"),
        exact.clone().service("stor"),
        exact.clone().resource("S3"),
        exact.clone().category("storage "),
    ] {
        let found = outcome(&minio, &other, &dev);
        assert_eq!(found, Err(Reason::NotFound), "{other:?}");
    }
}

#[test]
fn unset_field_matches_no_selector() {
    let bare = [record("m").offering(service("store"))];
    let by_name = need().extension("m");
    let dev = in_project("dev");
    assert!(outcome(&bare, &by_name, &dev).is_ok());
    for wanting in [
        by_name.clone().product(""),
        by_name.clone().resource(""),
        by_name.clone().category(""),
        by_name.clone().zone(""),
        by_name.clone().version(">=0"),
    ] {
        let found = outcome(&bare, &wanting, &dev);
        assert_eq!(found, Err(Reason::NotFound), "{wanting:?}");
    }
}

#[test]
fn star_and_latest_match_unversioned_records_and_do_not_prefer_newest() {
    let old = minio("old").version("1.0.0");
    let new = minio("new").version("2.0.0");
    let none = record("none").offering(service("store").resource("s3"));
    for range in ["*", "latest"] {
        let need = need().resource("s3").version(range);
        let found = outcome(std::slice::from_ref(&none), &need, &in_project("dev"));
        assert_eq!(found.as_deref(), Ok("none/store - -"));
        let found = outcome(&[old.clone(), new.clone()], &need, &in_project("dev"));
        assert_eq!(found, Err(Reason::Ambiguous));
    }
}

#[test]
fn zone_and_version_are_not_sufficient() {
    for need in [
        need(),
        need().zone("east"),
        need().zone("east").version("*"),
    ] {
        let found = outcome(&[minio("m")], &need, &in_project("dev"));
        assert_eq!(found, Err(Reason::InvalidRequirement));
    }
}

#[test]
fn endpoint_and_credentials_do_not_decide_between_candidates() {
    let first = record("a").offering(
        service("store")
            .resource("s3")
            .with(shared("one"))
            .at(external("in", "http://a")),
    );
    let second = record("b").offering(
        service("store")
            .resource("s3")
            .with(shared("two"))
            .at(external("out", "http://b")),
    );
    for refined in [
        need().resource("s3").credentials("two"),
        need().resource("s3").endpoint("out"),
    ] {
        let found = outcome(
            &[first.clone(), second.clone()],
            &refined,
            &in_project("dev"),
        );
        assert_eq!(found, Err(Reason::Ambiguous));
    }
}

#[test]
fn project_record_shadows_cluster_records() {
    let records = [minio("shared"), minio("mine").of_project("dev")];
    let found = outcome(&records, &need().resource("s3"), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("dev:mine/store - -"));
    let found = outcome(&records, &need().resource("s3"), &in_project("prod"));
    assert_eq!(found.as_deref(), Ok("shared/store - -"));
}

#[test]
fn project_record_shadows_only_if_it_matches() {
    let records = [
        minio("shared"),
        minio("mine").of_project("dev").version("1.0.0"),
    ];
    let need = need().resource("s3").version("^4");
    let found = outcome(&records, &need, &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("shared/store - -"));
}

#[test]
fn shadowing_precedes_default_of_cluster_record() {
    let records = [
        minio("shared").by_default(),
        minio("mine").of_project("dev"),
    ];
    let found = outcome(&records, &need().resource("s3"), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("dev:mine/store - -"));
}

#[test]
fn shadowable_false_applies_to_its_record_only() {
    let records = [
        minio("shared").never_shadowed(),
        minio("other"),
        minio("mine").of_project("dev"),
    ];
    let need = need().resource("s3");
    let refusal = refused(&records, &need, &in_project("dev"));
    assert_eq!(refusal.reason, Reason::Ambiguous);
    assert!(refusal.message.contains("`shared/store`"));
    assert!(refusal.message.contains("`mine/store`"));
    assert!(!refusal.message.contains("`other/store`"));
}

#[test]
fn shadowing_precedes_access_check() {
    let records = [minio("shared"), closed("mine", "prod").of_project("dev")];
    let found = outcome(&records, &need().resource("s3"), &in_project("dev"));
    assert_eq!(
        found,
        Err(Reason::NoAccess),
        "must not fall back to the cluster record"
    );
}

#[test]
fn invisible_project_record_shadows_nothing() {
    let hidden = minio("mine").of_project("dev").for_users(&["ada"]);
    let records = [minio("shared"), hidden];
    let need = need().resource("s3");
    let found = outcome(&records, &need, &in_project("dev").of_user("bob"));
    assert_eq!(found.as_deref(), Ok("shared/store - -"));
    let found = outcome(&records, &need, &in_project("dev").of_user("ada"));
    assert_eq!(found.as_deref(), Ok("dev:mine/store - -"));
}

#[test]
fn same_requirement_resolves_differently_per_project() {
    let records = [closed("dev-store", "dev"), closed("prod-store", "prod")];
    let need = need().resource("s3");
    let found = outcome(&records, &need, &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("dev-store/store - key"));
    let found = outcome(&records, &need, &in_project("prod"));
    assert_eq!(found.as_deref(), Ok("prod-store/store - key"));
    let found = outcome(&records, &need, &in_project("test"));
    assert_eq!(found, Err(Reason::NoAccess));
}

#[test]
fn inaccessible_candidate_is_not_ambiguous() {
    let records = [closed("a", "prod"), minio("b")];
    let found = outcome(&records, &need().resource("s3"), &in_project("dev"));
    assert_eq!(found.as_deref(), Ok("b/store - -"));
}

#[test]
fn user_credentials_are_restricted_to_listed_projects() {
    let store = service("store")
        .resource("s3")
        .with(for_users("key", &["ada"]).only_in(&["prod"]));
    let records = [record("m").offering(store)];
    let need = need().resource("s3");
    let cases = [
        (in_project("prod").of_user("ada"), Ok("m/store - key")),
        (in_project("dev").of_user("ada"), Err(&Reason::NoAccess)),
        (in_project("prod").of_user("bob"), Err(&Reason::NoAccess)),
        (in_project("prod"), Err(&Reason::NoAccess)),
    ];
    for (consumer, expected) in cases {
        let found = outcome(&records, &need, &consumer);
        assert_eq!(found.as_deref(), expected, "{consumer:?}");
    }
}

#[test]
fn credentials_of_another_service_grant_no_access() {
    let record = record("m")
        .offering(service("open").resource("ui").with(shared("key")))
        .offering(
            service("store")
                .resource("s3")
                .with(for_projects("other", &["prod"])),
        );
    let found = outcome(&[record], &need().resource("s3"), &in_project("dev"));
    assert_eq!(found, Err(Reason::NoAccess));
}
