//! Keys of projections, precedence of their sources, and the document.

#![allow(clippy::expect_used, reason = "test helpers panic")]

mod support;

use std::collections::BTreeMap;

use extension_registry_core::projection::{Layout, MissingSource, Origin};
use extension_registry_core::record::{Record, Service, SourceSecret};
use support::seed::{aws_object_storage, kfserving_local, mlflow_global, records};
use support::*;

fn rendered(records: &[Record], sources: &Sources) -> BTreeMap<String, String> {
    rendered_for(&need().extension(&records[0].key.name), records, sources)
}

fn rendered_for(
    need: &extension_registry_core::requirement::Requirement,
    records: &[Record],
    sources: &Sources,
) -> BTreeMap<String, String> {
    let choice = chosen(records, need, &in_project("alpha"));
    let layout = Layout::new(&choice, sources).expect("sources");
    let data = layout.render(&choice, sources).expect("values");
    data.into_iter()
        .map(|(key, value)| (key, String::from_utf8(value).expect("text")))
        .collect()
}

fn with_service(service: Service) -> Record {
    record("m").offering(service)
}

/// A record that sets `K` in the first `parts` places, from general to specific.
fn setting(parts: usize) -> Record {
    let mut endpoint = external("e", "http://m");
    let mut service = service("s");
    let mut credentials = shared("c");
    let mut record = record("m");
    if parts > 0 {
        record = record.configured("K", "extension");
    }
    if parts > 1 {
        service = service.configured("K", "service");
    }
    if parts > 2 {
        endpoint = endpoint.configured("K", "endpoint");
    }
    if parts > 3 {
        credentials = credentials.all_of("source");
    }
    if parts > 4 {
        credentials = credentials.holding("K", "entry");
    }
    record.offering(service.at(endpoint).with(credentials))
}

#[test]
fn specific_part_overrides_general_and_entry_overrides_secret() {
    let sources = Sources::none().with("source", &[("K", "secret")]);
    let expected = ["extension", "service", "endpoint", "secret", "entry"];
    for (parts, value) in (1..).zip(expected) {
        assert_eq!(rendered(&[setting(parts)], &sources)["K"], value);
    }
}

#[test]
fn keys_have_their_origin() {
    let sources = Sources::none().with("source", &[("K", "secret")]);
    let origins = [
        Origin::Extension,
        Origin::Service,
        Origin::Endpoint,
        Origin::Credentials,
        Origin::Credentials,
    ];
    for (parts, origin) in (1..).zip(origins) {
        let choice = chosen(&[setting(parts)], &need().extension("m"), &in_project("p"));
        let layout = Layout::new(&choice, &sources).expect("sources");
        assert_eq!(layout.get("K").map(|key| key.origin), Some(origin));
        assert!(origin.is_configuration());
    }
}

#[test]
fn set_fields_become_keys() {
    let minio = need().extension("minio-s3-storage");
    let data = rendered_for(&minio, &records(), &Sources::none());
    let expected = [
        ("AWS_ACCESS_KEY_ID", "minio-id"),
        ("AWS_SECRET_ACCESS_KEY", "minio-secret"),
        ("category", "object-storage"),
        ("host", "mlflow-minio"),
        ("port", "9000"),
        ("provider", "minio"),
        ("type", "s3"),
        ("uri", "http://mlflow-minio:9000"),
        ("version", "4.1.3"),
        ("zone", "development-cluster"),
    ];
    for (key, value) in expected {
        assert_eq!(data[key], value, "{key}");
    }
    assert_eq!(data.len(), expected.len() + 1, "including the document");

    let bare = rendered(&[with_service(service("s"))], &Sources::none());
    let keys: Vec<&str> = bare.keys().map(String::as_str).collect();
    assert_eq!(keys, ["extension.yaml", "type"]);
}

#[test]
fn address_without_port_sets_no_port() {
    let api = need().resource("kfserving-api");
    let data = rendered_for(&api, &[kfserving_local()], &Sources::none());
    assert_eq!(data["uri"], "kubernetes.default.svc");
    assert_eq!(data["host"], "kubernetes.default.svc");
    assert!(!data.contains_key("port"));
    let data = rendered(&[aws_object_storage()], &Sources::none());
    assert_eq!(data["port"], "443", "default port of the scheme");
    assert!(!data.contains_key("version"));
}

#[test]
fn type_is_resource_else_product_else_record() {
    let typed = |record: Record| rendered(&[record], &Sources::none())["type"].clone();
    let bare = || record("m").offering(service("s"));
    assert_eq!(typed(bare()), "m");
    assert_eq!(typed(bare().product("minio")), "minio");
    let full = record("m").offering(service("s").resource("s3"));
    assert_eq!(typed(full.product("minio")), "s3");
}

#[test]
fn configuration_overrides_derived_keys() {
    let endpoint = external("e", "http://m:9000")
        .configured("uri", "written")
        .configured("port", "1");
    let record = with_service(
        service("s")
            .at(endpoint)
            .configured("category", "mine")
            .configured("provider", "other"),
    );
    let data = rendered(
        &[record.product("minio").configured("zone", "z")],
        &Sources::none(),
    );
    for (key, value) in [
        ("uri", "written"),
        ("port", "1"),
        ("host", "m"),
        ("category", "mine"),
        ("provider", "other"),
        ("zone", "z"),
    ] {
        assert_eq!(data[key], value, "{key}");
    }
}

#[test]
fn type_and_document_cannot_be_overridden() {
    let sources = Sources::none().with("source", &[("type", "x"), ("extension.yaml", "x")]);
    let all = |name: &str| {
        [
            with_service(service("s")).configured(name, "x"),
            with_service(service("s").configured(name, "x")),
            with_service(service("s").at(external("e", "http://m").configured(name, "x"))),
            with_service(service("s").with(shared("c").holding(name, "x"))),
            with_service(service("s").with(shared("c").taking(name, "source", "type"))),
            with_service(service("s").with(shared("c").all_of("source"))),
        ]
    };
    for name in ["type", "extension.yaml"] {
        for record in all(name) {
            let data = rendered(&[record], &sources);
            assert_eq!(data["type"], "m");
            assert!(data["extension.yaml"].starts_with("name: m\n"));
        }
    }
}

#[test]
fn reports_each_missing_source_once() {
    let record = with_service(
        service("s").with(
            shared("c")
                .all_of("gone")
                .taking("A", "lost", "a")
                .taking("B", "lost", "b")
                .taking("C", "there", "no")
                .taking("D", "there", "yes")
                .taking("E", "there", "no"),
        ),
    );
    let sources = Sources::none().with("there", &[("yes", "1")]);
    let choice = chosen(&[record], &need().extension("m"), &in_project("p"));
    let secret = |name: &str| MissingSource::Secret {
        secret: SourceSecret::Referenced(name.into()),
    };
    let key = MissingSource::Key {
        secret: SourceSecret::Referenced("there".into()),
        key: "no".into(),
    };
    let missing = Layout::new(&choice, &sources).expect_err("missing");
    assert_eq!(missing, [secret("gone"), secret("lost"), key.clone()]);
    assert_eq!(key.to_string(), "key `no` not found in Secret `there`");

    let before = sources
        .clone()
        .with("gone", &[])
        .with("lost", &[("a", "1"), ("b", "2")]);
    let before = before.with("there", &[("yes", "1"), ("no", "0")]);
    let layout = Layout::new(&choice, &before).expect("all sources exist");
    let missing = layout.render(&choice, &sources).expect_err("missing since");
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert_eq!(missing.iter().filter(|one| **one == key).count(), 1);
}

#[test]
fn sealed_entries_have_known_keys_and_decrypted_values() {
    let record = with_service(service("s").with(shared("c").sealing("K", "text")));
    let choice = chosen(&[record], &need().extension("m"), &in_project("p"));
    let layout = Layout::new(&choice, &Sources::none()).expect("no source is read");
    assert!(layout.get("K").is_some());
    let missing = layout.render(&choice, &Sources::none());
    let field = "spec.services[s].credentials[c].configuration[K].valueFrom.sealed";
    assert_eq!(missing, Err(vec![MissingSource::sealed("s", "c", "K")]));
    assert!(missing.unwrap_err()[0].to_string().contains(field));
    let sources = Sources::none().with(SEALED, &[("K", "value")]);
    let data = layout.render(&choice, &sources).expect("decrypted");
    assert_eq!(data["K"], b"value");
    let document = String::from_utf8_lossy(&data["extension.yaml"]);
    assert!(
        document.contains("name: K") && !document.contains("text") && !document.contains("value")
    );
}

#[test]
fn source_values_are_preserved() {
    let record = with_service(service("s").with(shared("c").taking("K", "source", "k")));
    let sources = Sources::none().with("source", &[("k", " two\nlines\u{0}\n")]);
    assert_eq!(rendered(&[record], &sources)["K"], " two\nlines\u{0}\n");
}

#[test]
fn document_contains_only_chosen_parts() {
    let seldon = need().product("seldon").resource("seldon-core-api");
    let data = rendered_for(&seldon, &records(), &Sources::none());
    insta::assert_snapshot!("document_seldon", data["extension.yaml"]);
    let mlflow = need().product("mlflow").resource("s3");
    let data = rendered_for(&mlflow, &records(), &Sources::none());
    insta::assert_snapshot!("document_mlflow", data["extension.yaml"]);
    let data = rendered(&[mlflow_global()], &Sources::none());
    insta::assert_snapshot!("document_minimal", data["extension.yaml"]);
}

#[test]
fn document_lists_source_keys_without_values() {
    let record =
        with_service(service("s").with(shared("c").all_of("whole").taking("TOKEN", "source", "k")));
    let sources = Sources::none()
        .with("source", &[("k", "planted-one")])
        .with("whole", &[("OTHER", "planted-two")]);
    let data = rendered(&[record], &sources);
    let document = &data["extension.yaml"];
    assert!(document.contains("TOKEN") && !document.contains("planted"));
    assert_eq!(data["OTHER"], "planted-two");
}
