//! Test records.

use extension_registry_core::record::{
    Access, CredentialEntry, Credentials, Endpoint, EndpointKind, Entry, Record, RecordKey, Scope,
    Service, Source,
};
use extension_registry_core::version::RecordVersion;

use crate::support::VALUE;

/// A record with one service, with these configuration entries and credential keys.
pub(crate) fn record(
    name: &str,
    product: &str,
    service: &str,
    configuration: &[&str],
    keys: &[&str],
) -> Record {
    let credentials = Credentials {
        name: "default".into(),
        scope: Scope::Global,
        projects: None,
        users: None,
        default: false,
        entries: keys
            .iter()
            .map(|key| CredentialEntry {
                name: (*key).into(),
                source: Source::Inline(VALUE.into()),
            })
            .collect(),
        secret: None,
    };
    Record {
        key: RecordKey::cluster(name),
        generation: 1,
        product: Some(product.into()),
        version: Some(RecordVersion::new("0.6.0")),
        zone: Some("cluster-alpha".into()),
        default: false,
        shadowable: true,
        access: Access::default(),
        services: [Service {
            name: service.into(),
            resource: Some(service.into()),
            category: Some("test".into()),
            endpoints: [
                endpoint(
                    "cluster",
                    EndpointKind::Internal,
                    "http://never-in-a-pipeline:9000",
                ),
                endpoint(
                    "ingress",
                    EndpointKind::External,
                    "http://never-in-a-pipeline.example.com",
                ),
            ]
            .into(),
            credentials: if keys.is_empty() {
                Box::default()
            } else {
                [credentials].into()
            },
            configuration: Box::default(),
        }]
        .into(),
        configuration: configuration
            .iter()
            .map(|name| Entry {
                name: (*name).into(),
                value: VALUE.into(),
            })
            .collect(),
    }
}

fn endpoint(name: &str, kind: EndpointKind, url: &str) -> Endpoint {
    Endpoint {
        name: name.into(),
        url: Some(url.into()),
        kind,
        configuration: Box::default(),
    }
}

/// Records that the test workflows refer to.
pub(crate) fn seed_records() -> Vec<Record> {
    let mut tracker = record(
        "mlflow-0001",
        "mlflow",
        "mlflow-tracker",
        &["MLFLOW_TRACKING_URI"],
        &[],
    );
    let store = record(
        "store",
        "mlflow",
        "mlflow-storage",
        &[],
        &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    );
    tracker.services = tracker
        .services
        .iter()
        .chain(&store.services)
        .cloned()
        .collect();
    let mut s3 = record(
        "mlflow-0002",
        "mlflow",
        "s3",
        &[],
        &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    );
    s3.configuration = [Entry {
        name: "LD_PRELOAD".into(),
        value: VALUE.into(),
    }]
    .into();
    vec![
        tracker,
        s3,
        record(
            "kfserving-local",
            "kfserving",
            "kfserving-api",
            &["KFSERVING_NAMESPACE"],
            &["token"],
        ),
    ]
}
