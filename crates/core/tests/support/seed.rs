//! Example records with placeholder values.

use extension_registry_core::record::{Credentials, Record};

use super::builders::*;

fn keys(credentials: Credentials) -> Credentials {
    credentials
        .holding("AWS_ACCESS_KEY_ID", "minio-id")
        .holding("AWS_SECRET_ACCESS_KEY", "minio-secret")
}

/// Tracking server and its store.
pub(crate) fn mlflow_0001() -> Record {
    record("mlflow-0001")
        .product("mlflow")
        .version("1.19.0")
        .zone("cluster-alpha")
        .offering(
            service("mlflow-tracking")
                .resource("mlflow-tracking")
                .category("experiment-tracking")
                .at(internal("cluster", "http://mlflow"))
                .at(external("ingress", "http://mlflow.10.110.120.130.nip.io")),
        )
        .offering(
            service("mlflow-store")
                .resource("s3")
                .category("model-store")
                .with(keys(shared("default-s3-account")))
                .at(internal("cluster", "http://mlflow-minio:9000"))
                .at(external("ingress", "http://mlflow.10.110.120.130.nip.io")),
        )
}

/// The same store, registered as a generic one.
pub(crate) fn mlflow_model_store_0001() -> Record {
    record("mlflow-model-store-0001")
        .product("minio")
        .version("4.1.3")
        .zone("cluster-alpha")
        .offering(
            service("s3")
                .resource("s3")
                .category("object-storage")
                .with(keys(shared("default")))
                .at(internal("cluster", "http://mlflow-minio:9000"))
                .at(external("ingress", "http://mlflow.10.110.120.130.nip.io")),
        )
}

/// A service in another zone.
pub(crate) fn gitea_devel_rd() -> Record {
    record("gitea-devel-rd")
        .product("gitea")
        .version("1.14.3")
        .zone("rd-cloud")
        .offering(
            service("git+http")
                .resource("git+http")
                .category("VCS")
                .at(external("public", "http://gitea.10.110.120.130.nip.io"))
                .with(
                    shared("admin")
                        .holding("username", "admin")
                        .holding("password", "gitea-password"),
                ),
        )
}

/// Object storage in a development cluster.
pub(crate) fn minio_s3_storage() -> Record {
    record("minio-s3-storage")
        .product("minio")
        .version("4.1.3")
        .zone("development-cluster")
        .offering(
            service("s3")
                .resource("s3")
                .category("object-storage")
                .with(keys(shared("local-minio")))
                .at(internal("cluster", "http://mlflow-minio:9000"))
                .at(external("ingress", "http://mlflow.10.110.120.130.nip.io")),
        )
}

/// Object storage without a version.
pub(crate) fn aws_object_storage() -> Record {
    record("aws-object-storage")
        .product("aws-s3")
        .zone("eu-central-1")
        .offering(
            service("aws")
                .resource("s3")
                .category("object-storage")
                .with(
                    shared("aws")
                        .holding("AWS_ACCESS_KEY_ID", "aws-id")
                        .holding("AWS_SECRET_ACCESS_KEY", "aws-secret"),
                )
                .at(external(
                    "s3.eu-central-1",
                    "https://s3.eu-central-1.amazonaws.com",
                )),
        )
}

/// A service without credentials.
pub(crate) fn kfserving_local() -> Record {
    record("kfserving-local")
        .product("kfserving")
        .version("0.6.0")
        .zone("cluster.local")
        .offering(
            service("API")
                .resource("kfserving-api")
                .category("prediction-serving")
                .at(internal("cluster-internal", "kubernetes.default.svc"))
                .at(external("cluster-external", "https://10.120.130.140/")),
        )
        .offering(
            service("UI")
                .resource("kfserving-ui")
                .at(external("ui", "https://kfserving.10.120.130.140.nip.io/")),
        )
}

/// Credentials by project and by user.
pub(crate) fn seldon_core_production() -> Record {
    record("seldon-core-production")
        .product("seldon")
        .version("1.9.1")
        .zone("production-cluster-001")
        .offering(
            service("API")
                .resource("seldon-core-api")
                .category("prediction-serving")
                .with(
                    for_projects("project-alpha", &["alpha"])
                        .holding("CLIENT_CERT", "alpha-cert")
                        .holding("CLIENT_KEY", "alpha-key")
                        .holding("namespace", "prj_xbs228"),
                )
                .with(
                    for_users("project-beta", &["alainturing2000"])
                        .only_in(&["alpha", "beta"])
                        .holding("CLIENT_CERT", "beta-cert")
                        .holding("CLIENT_KEY", "beta-key")
                        .holding("namespace", "prj_hys568"),
                )
                .at(external(
                    "cluster",
                    "https://production-cluster-xasf.example.com:6443",
                ))
                .configured("CERT_AUTH", "authority")
                .configured("INSECURE", "False"),
        )
}

/// Minimal form: configuration only. A record without services has one with its name.
pub(crate) fn mlflow_global() -> Record {
    record("mlflow-global")
        .version("1.19.0")
        .configured("MLFLOW_TRACKING_URI", "http://mlflow")
        .configured("MLFLOW_S3_ENDPOINT_URL", "http://mlflow-minio:9000")
        .configured("AWS_ACCESS_KEY_ID", "minio-id")
        .configured("AWS_SECRET_ACCESS_KEY", "minio-secret")
        .offering(service("mlflow-global"))
}

/// All example records with a product.
pub(crate) fn records() -> Vec<Record> {
    vec![
        mlflow_0001(),
        mlflow_model_store_0001(),
        gitea_devel_rd(),
        minio_s3_storage(),
        aws_object_storage(),
        kfserving_local(),
        seldon_core_production(),
    ]
}
