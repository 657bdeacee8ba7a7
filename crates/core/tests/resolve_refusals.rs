//! Messages of refusals. A change of a snapshot is a change of user-visible text.

mod support;

use extension_registry_core::version::RecordVersion;
use insta::assert_snapshot;
use support::seed::records;
use support::*;

fn refusal_for_alpha(need: &extension_registry_core::requirement::Requirement) -> String {
    let alpha = in_project("alpha").in_zone("cluster-alpha");
    formatted(&refused(&records(), need, &alpha))
}

#[test]
fn no_selector() {
    assert_snapshot!(refusal_for_alpha(&need().zone("cluster-alpha")));
}

#[test]
fn misspelled_resource() {
    assert_snapshot!(refusal_for_alpha(
        &need().named("tracker").resource("mlflow-tracker")
    ));
}

#[test]
fn no_matching_version() {
    let need = need().product("kfserving").version(">=0.7");
    assert_snapshot!(refusal_for_alpha(&need));
}

#[test]
fn two_selectors_missed() {
    let need = need()
        .product("seldon")
        .resource("kfserving-api")
        .category("serving");
    assert_snapshot!(refusal_for_alpha(&need));
}

#[test]
fn unset_field() {
    let need = need().product("aws-s3").resource("s3").version(">=1");
    assert_snapshot!(refusal_for_alpha(&need));
}

#[test]
fn no_close_match() {
    assert_snapshot!(refusal_for_alpha(&need().product("airflow")));
}

#[test]
fn no_visible_record() {
    let refusal = refused(&[], &need().product("airflow"), &in_project("alpha"));
    assert_snapshot!(formatted(&refusal));
}

#[test]
fn ambiguous_resource() {
    assert_snapshot!(refusal_for_alpha(&need().named("store").resource("s3")));
}

#[test]
fn ambiguous_services_of_one_record() {
    assert_snapshot!(refusal_for_alpha(&need().extension("mlflow-0001")));
}

#[test]
fn ambiguous_cluster_and_project_record() {
    let store = || record("m").offering(service("store").resource("s3"));
    let records = [
        store().zone("east").never_shadowed(),
        store().of_project("dev"),
    ];
    let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
    assert_snapshot!(formatted(&refusal));
}

#[test]
fn ambiguous_defaults() {
    let store = |name| record(name).offering(service("store").resource("s3"));
    let records = [store("a").by_default(), store("b").by_default()];
    let refusal = refused(&records, &need().resource("s3"), &in_project("dev"));
    assert_snapshot!(formatted(&refusal));
}

/// A default decides between records, so it is not suggested for services of one record.
#[test]
fn suggests_default_only_between_records() {
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
    assert!(refusal.hint.contains("only one"), "{}", refusal.hint);
}

#[test]
fn no_access_for_project() {
    let refusal = refused(&records(), &need().product("seldon"), &in_project("beta"));
    assert_snapshot!(formatted(&refusal));
}

#[test]
fn no_access_for_user() {
    let ada = in_project("beta").of_user("ada");
    assert_snapshot!(formatted(&refused(
        &records(),
        &need().product("seldon"),
        &ada
    )));
}

#[test]
fn inaccessible_credentials() {
    let need = need().product("seldon").credentials("project-alpha");
    let turing = in_project("beta").of_user("alainturing2000");
    assert_snapshot!(formatted(&refused(&records(), &need, &turing)));
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
    assert_snapshot!(formatted(&refusal));
}

#[test]
fn misspelled_endpoint() {
    let need = need().resource("mlflow-tracking").endpoint("ingres");
    assert_snapshot!(refusal_for_alpha(&need));
}

#[test]
fn unknown_endpoint() {
    let need = need().resource("mlflow-tracking").endpoint("tunnel");
    assert_snapshot!(refusal_for_alpha(&need));
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
    assert_snapshot!(formatted(&refusal));
}

/// Distributions of Kubernetes and vendors of databases write such versions.
#[test]
fn misread_versions_are_explained() {
    let with_version = |version: &str| {
        let mut records = records();
        let kfserving = records
            .iter_mut()
            .find(|record| record.product.as_deref() == Some("kfserving"))
            .unwrap();
        kfserving.version = Some(RecordVersion::new(version));
        let alpha = in_project("alpha").in_zone("cluster-alpha");
        let need = need().product("kfserving").version(">=1.27");
        formatted(&refused(&records, &need, &alpha))
    };
    let text: Vec<String> = [
        "1.27.3-gke.100",
        "v1.27.3-gke.100",
        "1.27.0-rc.1",
        "1.27.3-RC2",
        "1.27.3.4",
        "v1.27.3.4",
        "RELEASE.2021-08-05",
        "latest build",
        "1.26.3-gke.100",
        "1.26.0",
    ]
    .iter()
    .map(|version| with_version(version))
    .collect();
    assert_snapshot!(text.join("\n"));
}
