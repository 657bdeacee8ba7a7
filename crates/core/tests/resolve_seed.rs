//! Requirements of example workflows, resolved against example records.

mod support;

use extension_registry_core::refusal::Reason;
use support::seed::{mlflow_global, mlflow_model_store_0001, records};
use support::*;

fn alpha() -> extension_registry_core::access::Consumer {
    in_project("alpha").in_zone("cluster-alpha")
}

#[test]
fn selects_by_record_service_and_endpoint() {
    let tracker = need()
        .extension("mlflow-0001")
        .service("mlflow-tracking")
        .endpoint("ingress");
    let found = outcome(&records(), &tracker, &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-0001/mlflow-tracking ingress -")
    );
    let store = need()
        .extension("mlflow-0001")
        .service("mlflow-store")
        .endpoint("ingress");
    let found = outcome(&records(), &store, &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-0001/mlflow-store ingress default-s3-account")
    );
}

#[test]
fn selects_by_product_resource_and_range() {
    let kfserving = need()
        .product("kfserving")
        .resource("kfserving-api")
        .version(">=0.4.0");
    let found = outcome(&records(), &kfserving, &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("kfserving-local/API cluster-external -")
    );
    let found = outcome(&records(), &kfserving, &in_project("alpha"));
    assert_eq!(
        found.as_deref(),
        Ok("kfserving-local/API cluster-internal -")
    );
    let newer = kfserving.version(">=0.7");
    assert_eq!(outcome(&records(), &newer, &alpha()), Err(Reason::NotFound));
}

#[test]
fn selects_by_resource() {
    let found = outcome(&records(), &need().resource("mlflow-tracking"), &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-0001/mlflow-tracking cluster -")
    );
}

#[test]
fn selects_store_of_product() {
    let storage = need().product("mlflow").resource("s3").endpoint("cluster");
    let found = outcome(&records(), &storage, &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-0001/mlflow-store cluster default-s3-account")
    );
}

#[test]
fn selects_minimal_record_by_name() {
    let need = need().extension("mlflow-global");
    let found = outcome(&[mlflow_global()], &need, &alpha());
    assert_eq!(found.as_deref(), Ok("mlflow-global/mlflow-global - -"));
}

#[test]
fn resource_is_ambiguous_until_narrowed() {
    let s3 = need().resource("s3");
    assert_eq!(outcome(&records(), &s3, &alpha()), Err(Reason::Ambiguous));
    let cases = [
        (
            s3.clone().category("model-store"),
            "mlflow-0001/mlflow-store cluster default-s3-account",
        ),
        (
            s3.clone().product("aws-s3"),
            "aws-object-storage/aws s3.eu-central-1 aws",
        ),
        (
            s3.clone().product("minio").zone("cluster-alpha"),
            "mlflow-model-store-0001/s3 cluster default",
        ),
        (
            s3.clone().zone("development-cluster"),
            "minio-s3-storage/s3 ingress local-minio",
        ),
    ];
    for (need, expected) in cases {
        let found = outcome(&records(), &need, &alpha());
        assert_eq!(found.as_deref(), Ok(expected));
    }
    let mut marked = records();
    marked[1] = mlflow_model_store_0001().by_default();
    let found = outcome(&marked, &s3, &alpha());
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-model-store-0001/s3 cluster default")
    );
}

#[test]
fn category_selects_either_product() {
    let portable = need().category("prediction-serving");
    let found = outcome(&records(), &portable, &in_project("gamma"));
    assert_eq!(
        found.as_deref(),
        Ok("kfserving-local/API cluster-internal -"),
        "project gamma has no access to seldon"
    );
    let found = outcome(&records(), &portable, &in_project("alpha"));
    assert_eq!(found, Err(Reason::Ambiguous));
}

#[test]
fn selects_credentials_by_project_and_user() {
    let seldon = need().product("seldon").resource("seldon-core-api");
    let turing = "alainturing2000";
    let cases = [
        (in_project("alpha"), Ok("project-alpha")),
        (in_project("alpha").of_user("ada"), Ok("project-alpha")),
        (in_project("alpha").of_user(turing), Ok("project-beta")),
        (in_project("beta").of_user(turing), Ok("project-beta")),
        (in_project("beta"), Err(Reason::NoAccess)),
        (in_project("beta").of_user("ada"), Err(Reason::NoAccess)),
        (in_project("gamma").of_user(turing), Err(Reason::NoAccess)),
    ];
    for (consumer, expected) in cases {
        let expected = expected.map(|name| format!("seldon-core-production/API cluster {name}"));
        assert_eq!(outcome(&records(), &seldon, &consumer), expected);
    }
    let named = seldon.credentials("project-alpha");
    let found = outcome(&records(), &named, &in_project("alpha").of_user(turing));
    assert!(found.is_ok(), "a name overrides the narrower scope");
}

#[test]
fn uses_external_endpoint_in_another_zone() {
    let found = outcome(&records(), &need().resource("git+http"), &alpha());
    assert_eq!(found.as_deref(), Ok("gitea-devel-rd/git+http public admin"));
    let far = in_project("alpha").in_zone("rd-cloud");
    let found = outcome(&records(), &need().product("mlflow").resource("s3"), &far);
    assert_eq!(
        found.as_deref(),
        Ok("mlflow-0001/mlflow-store ingress default-s3-account")
    );
}

#[test]
fn record_without_version_matches_no_range() {
    let aws = need().product("aws-s3");
    assert!(outcome(&records(), &aws, &alpha()).is_ok());
    let found = outcome(&records(), &aws.version(">=0"), &alpha());
    assert_eq!(found, Err(Reason::NotFound));
}

#[test]
fn suggests_correct_names() {
    let cases = [
        (
            need().extension("mlflow-0001").service("mlflow-tracker"),
            "did you mean `service: mlflow-tracking`?",
        ),
        (
            need().extension("mlflow-0001").service("mlflow-storage"),
            "did you mean `service: mlflow-store`?",
        ),
        (
            need().resource("mlflow-tracker"),
            "did you mean `resource: mlflow-tracking`?",
        ),
        (
            need().product("mlflow").resource("mlflow-tracker"),
            "did you mean `resource: mlflow-tracking`?",
        ),
        (
            need().product("MLFlow").resource("s3"),
            "did you mean `product: mlflow`?",
        ),
    ];
    for (need, hint) in cases {
        let refusal = refused(&records(), &need, &alpha());
        assert_eq!(refusal.reason, Reason::NotFound);
        assert_eq!(refusal.hint, hint, "{}", refusal.message);
    }
}
