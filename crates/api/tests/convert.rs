//! Conversion of valid and invalid records.

use std::sync::Arc;

use extension_registry_api::convert::{FieldError, Names, record, record_with};
use extension_registry_api::{ClusterExtension, ExtensionSpec, RecordObject};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::record::{
    EndpointKind, Record, RecordKey, Scope, Source, SourceSecret,
};
use extension_registry_core::refusal::Reason;

const PLANTED: &str = "planted-value";

#[expect(clippy::panic, reason = "a test helper")]
fn spec(yaml: &str) -> ExtensionSpec {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn convert(spec: &ExtensionSpec) -> Result<Record, Vec<FieldError>> {
    record(RecordKey::cluster("mlflow-0001"), 7, spec)
}

#[test]
fn converts_all_fields() {
    let text = "
product: mlflow
version: '1.19.0'
zone: ''
access: {projects: [alpha], users: []}
services:
- name: store
  resource: s3
  endpoints:
  - {name: in, url: 'http://minio:9000', type: internal}
  - {name: out, url: minio.example.org}
  credentials:
  - name: ada
    scope: user
    user: [ada]
    secretRef: {name: ada-s3}
    configuration:
    - {name: KEY, valueFrom: {secretKeyRef: {name: other, key: key}}}
    - {name: ID, value: planted-value}
    - {name: OLD, valueFrom: {sealedRef: {name: sealed-x, key: OLD}}}
    - {name: NEW, valueFrom: {sealed: planted-value}}
";
    let record = convert(&spec(text)).unwrap();
    assert_eq!(record.generation, 7);
    assert_eq!(record.zone, None);
    assert!(record.shadowable && !record.default);
    assert_eq!(record.access.projects.as_deref().map(<[_]>::len), Some(1));
    assert_eq!(record.access.users.as_deref().map(<[_]>::len), Some(0));
    assert_eq!(record.access.groups, None);
    let store = record.service("store").unwrap();
    let kinds: Vec<EndpointKind> = store
        .endpoints
        .iter()
        .map(|endpoint| endpoint.kind)
        .collect();
    assert_eq!(kinds, [EndpointKind::Internal, EndpointKind::External]);
    let ada = &store.credentials[0];
    assert_eq!(
        (ada.scope, ada.secret.as_deref()),
        (Scope::User, Some("ada-s3"))
    );
    assert!(
        matches!(&ada.entries[0].source, Source::SecretKey { secret, .. } if *secret == SourceSecret::Referenced("other".into()))
    );
    assert!(matches!(&ada.entries[1].source, Source::Inline(value) if value.reveal() == PLANTED));
    assert!(
        matches!(&ada.entries[2].source, Source::SecretKey { secret, .. } if *secret == SourceSecret::Sealed("sealed-x".into()))
    );
    assert!(matches!(&ada.entries[3].source, Source::Sealed(text) if text.reveal() == PLANTED));
    assert!(!format!("{record:?}").contains(PLANTED));
}

#[test]
fn record_without_services_has_one_with_its_name() {
    let record = convert(&spec("configuration: [{name: URL, value: x}]")).unwrap();
    assert_eq!(record.services.len(), 1);
    assert_eq!(&*record.services[0].name, "mlflow-0001");
    assert_eq!(record.services[0].resource, None);
    assert_eq!(record.configuration.len(), 1);
}

#[test]
fn null_access_list_admits_none() {
    let record = convert(&spec("access: {users: null}")).unwrap();
    assert_eq!(record.access.users.as_deref().map(<[_]>::len), Some(0));
    assert_eq!(record.access.groups, None);
}

#[test]
fn interns_names() {
    let spec = spec("product: mlflow");
    let mut names = Names::default();
    let mut product = || {
        record_with(RecordKey::cluster("a"), 1, &spec, &mut names)
            .unwrap()
            .product
            .unwrap()
    };
    assert!(Arc::ptr_eq(&product(), &product()));
}

/// Records with one error each, and the beginning of the expected message.
const INVALID: &[(&str, &str)] = &[
    ("product: 'planted-value!'", "spec.product: invalid name"),
    ("zone: 'a b planted-value'", "spec.zone: invalid name"),
    (
        "access: {projects: [Planted-value]}",
        "spec.access.projects[0]: invalid project name",
    ),
    (
        "access: {groups: ['']}",
        "spec.access.groups[0]: invalid user or group name",
    ),
    (
        "configuration: [{name: type, value: planted-value}]",
        "spec.configuration[0].name: `type` is reserved for the operator",
    ),
    (
        "configuration: [{name: extension.yaml, value: x}]",
        "spec.configuration[0].name: `extension.yaml`",
    ),
    (
        "configuration: [{name: ../x, value: planted-value}]",
        "spec.configuration[0].name: invalid Secret key",
    ),
    (
        "configuration: [{name: a, value: x}, {name: a, value: x}]",
        "spec.configuration[1].name: duplicate name",
    ),
    (
        "services: [{name: ''}]",
        "spec.services[0].name: invalid name",
    ),
    (
        "services: [{name: s}, {name: s}]",
        "spec.services[1].name: duplicate name",
    ),
    (
        "services: [{name: s, resource: 'a/b'}]",
        "spec.services[0].resource: invalid name",
    ),
    (
        "services: [{name: s, category: ''}]",
        "spec.services[0].category: invalid name",
    ),
    (
        "services: [{name: s, endpoints: [{name: e}, {name: e}]}]",
        "spec.services[0].endpoints[1].name: duplicate name",
    ),
    (
        "services: [{name: s, endpoints: [{name: e}, {name: f, url: 'http://u:planted-value@h'}]}]",
        "spec.services[0].endpoints[1].url: must not contain a user name or password",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'planted-value/x'}]}]",
        "spec.services[0].endpoints[0].url: invalid address",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'mongodb://planted-value:1,b:2/x'}]}]",
        "spec.services[0].endpoints[0].url: invalid address: it has several hosts, or is a JDBC URL; hint: write it as an entry of `configuration`",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'planted-value:9092,kafka-2:9092'}]}]",
        "spec.services[0].endpoints[0].url: invalid address: it has several hosts",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'jdbc:postgresql://planted-value:5432/x'}]}]",
        "spec.services[0].endpoints[0].url: invalid address: it has several hosts, or is a JDBC URL",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'mongodb://u:planted-value@a:1,b:2/x'}]}]",
        "spec.services[0].endpoints[0].url: must not contain a user name or password",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: ''}]}]",
        "spec.services[0].endpoints[0].url: invalid address",
    ),
    (
        "services: [{name: s, credentials: [{name: c}, {name: c}]}]",
        "spec.services[0].credentials[1].name: duplicate name",
    ),
    (
        "services: [{name: s, credentials: [{name: c, scope: user, user: [planted-value, planted-value]}]}]",
        "spec.services[0].credentials[0].user[1]: duplicate entry; hint: remove one of the entries",
    ),
    (
        "services: [{name: s, credentials: [{name: c, scope: project, project: [a, b, a]}]}]",
        "spec.services[0].credentials[0].project[2]: duplicate entry",
    ),
    (
        "access: {projects: [a, a]}",
        "spec.access.projects[1]: duplicate entry",
    ),
    (
        "access: {users: [a, a]}",
        "spec.access.users[1]: duplicate entry",
    ),
    (
        "access: {groups: [a, b, b]}",
        "spec.access.groups[2]: duplicate entry",
    ),
    (
        "services: [{name: s, endpoints: [{name: e, url: 'http://planted-value..x'}]}]",
        "spec.services[0].endpoints[0].url: invalid address",
    ),
    (
        "services: [{name: s, credentials: [{name: c, secretRef: {name: A_B}}]}]",
        "spec.services[0].credentials[0].secretRef.name: invalid Secret name",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k}]}]}]",
        "spec.services[0].credentials[0].configuration[0]: missing value",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k, value: planted-value, valueFrom: {secretKeyRef: {name: a, key: b}}}]}]}]",
        "spec.services[0].credentials[0].configuration[0]: `value` and `valueFrom` are mutually exclusive",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k, valueFrom: {secretKeyRef: {name: a, key: b}, sealedRef: {name: a, key: b}}}]}]}]",
        "spec.services[0].credentials[0].configuration[0].valueFrom: `secretKeyRef`, `sealed` and `sealedRef` are mutually exclusive",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k, valueFrom: {}}]}]}]",
        "spec.services[0].credentials[0].configuration[0].valueFrom: missing Secret reference",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k, valueFrom: {sealedRef: {name: a, key: ../b}}}]}]}]",
        "spec.services[0].credentials[0].configuration[0].valueFrom.sealedRef.key: invalid Secret key",
    ),
    (
        "services: [{name: s, credentials: [{name: c, configuration: [{name: k, valueFrom: {secretKeyRef: {name: a, key: ../b}}}]}]}]",
        "spec.services[0].credentials[0].configuration[0].valueFrom.secretKeyRef.key: invalid Secret key",
    ),
];

#[test]
fn errors_name_field_without_value() {
    for (yaml, expected) in INVALID {
        let errors = convert(&spec(yaml)).unwrap_err();
        let text = errors
            .iter()
            .map(Explain::explained)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(text.starts_with(expected), "{yaml}\n{text}");
        assert!(!text.to_lowercase().contains(PLANTED), "{text}");
        assert!(
            errors
                .iter()
                .all(|error| error.refusal.reason == Reason::Invalid),
            "{text}"
        );
        assert!(
            errors.iter().all(|error| !error.refusal.hint.is_empty()),
            "{text}"
        );
    }
}

#[test]
fn debug_output_redacts_values() {
    let yaml = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: mlflow-0001}
spec:
  configuration: [{name: A, value: planted-value}]
  services:
  - name: s
    configuration: [{name: A, value: planted-value}]
    endpoints: [{name: e, url: 'http://h/?token=planted-value', configuration: [{name: A, value: planted-value}]}]
    credentials: [{name: c, configuration: [{name: A, value: planted-value}]}]
";
    let object: ClusterExtension = serde_saphyr::from_str(yaml).unwrap();
    let record = record(object.key(), 1, object.spec()).unwrap();
    for text in [
        format!("{object:?}"),
        format!("{:#?}", object.spec()),
        format!("{record:?}"),
    ] {
        assert!(text.contains("[redacted]"), "{text}");
        assert!(!text.contains(PLANTED), "{text}");
    }
    // The object itself still contains it.
    assert_eq!(
        serde_json::to_string(&object)
            .unwrap()
            .matches(PLANTED)
            .count(),
        5
    );
}
