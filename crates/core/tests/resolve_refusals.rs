//! The words of refusals. A change of a snapshot is a change of what people read.

mod support;

use insta::assert_snapshot;
use support::seed::records;
use support::*;

fn told_to_alpha(need: &extension_registry_core::requirement::Requirement) -> String {
    let alpha = in_project("alpha").in_zone("cluster-alpha");
    page(&refused(&records(), need, &alpha))
}

#[test]
fn nothing_selected() {
    assert_snapshot!(told_to_alpha(&need().zone("cluster-alpha")));
}

#[test]
fn a_misspelt_resource() {
    assert_snapshot!(told_to_alpha(
        &need().named("tracker").resource("mlflow-tracker")
    ));
}

#[test]
fn a_version_that_nothing_has_names_the_one_there_is() {
    let need = need().product("kfserving").version(">=0.7");
    assert_snapshot!(told_to_alpha(&need));
}

#[test]
fn two_selectors_missed() {
    let need = need()
        .product("seldon")
        .resource("kfserving-api")
        .category("serving");
    assert_snapshot!(told_to_alpha(&need));
}

#[test]
fn an_unset_field_is_said_to_be_unset() {
    let need = need().product("aws-s3").resource("s3").version(">=1");
    assert_snapshot!(told_to_alpha(&need));
}

#[test]
fn nothing_near() {
    assert_snapshot!(told_to_alpha(&need().product("airflow")));
}

#[test]
fn no_record_at_all() {
    let refusal = refused(&[], &need().product("airflow"), &in_project("alpha"));
    assert_snapshot!(page(&refusal));
}

#[test]
fn ambiguous_s3() {
    assert_snapshot!(told_to_alpha(&need().named("store").resource("s3")));
}

#[test]
fn ambiguous_within_one_record_that_is_named() {
    assert_snapshot!(told_to_alpha(&need().extension("mlflow-0001")));
}

#[test]
fn ambiguous_between_an_own_record_and_one_of_its_name_that_is_never_shadowed() {
    let store = || record("m").offering(service("store").resource("s3"));
    let records = [
        store().zone("east").never_shadowed(),
        store().of_project("dev"),
    ];
    let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
    assert_snapshot!(page(&refusal));
}

#[test]
fn ambiguous_defaults() {
    let store = |name| record(name).offering(service("store").resource("s3"));
    let records = [store("a").by_default(), store("b").by_default()];
    let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
    assert_snapshot!(page(&refusal));
}

/// A default settles it among records: who has one cannot set it on another, nor leave it on one.
#[test]
fn a_default_is_no_way_out_among_the_services_of_one_record() {
    let pair = || {
        record("a")
            .offering(service("one").resource("s3"))
            .offering(service("two").resource("s3"))
    };
    let other = || record("b").offering(service("store").resource("s3"));
    for records in [
        vec![pair()],
        vec![pair().by_default()],
        vec![pair().by_default(), other()],
    ] {
        let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
        assert_eq!(refusal.hint, "add one of these lines to the requirement");
    }
    let records = [pair().by_default(), other().by_default()];
    let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
    assert!(refusal.hint.contains("leave it on one"), "{}", refusal.hint);
}

#[test]
fn no_access_for_a_project() {
    let refusal = refused(&records(), &need().product("seldon"), &in_project("beta"));
    assert_snapshot!(page(&refusal));
}

#[test]
fn no_access_for_a_user() {
    let ada = in_project("beta").of_user("ada");
    assert_snapshot!(page(&refused(&records(), &need().product("seldon"), &ada)));
}

#[test]
fn credentials_that_are_not_there_for_this_project() {
    let need = need().product("seldon").credentials("project-alpha");
    let turing = in_project("beta").of_user("alainturing2000");
    assert_snapshot!(page(&refused(&records(), &need, &turing)));
}

#[test]
fn ambiguous_credentials() {
    let store = service("store")
        .resource("s3")
        .with(shared("upload"))
        .with(shared("download"));
    let refusal = refused(
        &[record("m").offering(store)],
        &need().resource("s3"),
        &in_project("dev"),
    );
    assert_snapshot!(page(&refusal));
}

#[test]
fn an_endpoint_that_is_misspelt() {
    let need = need().resource("mlflow-tracking").endpoint("ingres");
    assert_snapshot!(told_to_alpha(&need));
}

#[test]
fn an_endpoint_that_is_not_there() {
    let need = need().resource("mlflow-tracking").endpoint("tunnel");
    assert_snapshot!(told_to_alpha(&need));
}

#[test]
fn unreachable() {
    let store = service("store")
        .resource("s3")
        .at(internal("cluster", "http://m"));
    let refusal = refused(
        &[record("m").zone("east").offering(store)],
        &need().resource("s3"),
        &in_project("dev").in_zone("west"),
    );
    assert_snapshot!(page(&refusal));
}
