//! Tests of signatures in a registry: referrers, fallback tags, and cosign.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod past;
mod quirk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::{Bench, version};
use extension_registry_package_format::Digest;
use extension_registry_package_repository::Repository;
use extension_registry_package_transport::progress::Silent;
use extension_registry_package_trust::signature::{Format, Signature};
use past::{got, minisign, published, put};
use quirk::{Server, answer, json};
use serde_json::{Value, json as value};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

async fn put_blob(server: &Server, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes).oci();
    let sent = reqwest::Client::new()
        .post(server.url(&format!(
            "/v2/extensions/tool/blobs/uploads/?digest={digest}"
        )))
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    assert!(sent.status().is_success());
    value!({ "mediaType": "application/octet-stream", "digest": digest, "size": bytes.len() })
}

#[tokio::test]
async fn signature_refers_to_subject_digest() {
    let server = Server::registry().await;
    let driver = server.driver();
    let release = published(&driver).await;
    driver.sign(&release, &minisign("first")).await.unwrap();
    let subject = release.manifest.as_ref().unwrap().digest.oci();
    let index = got(&server, &format!("/v2/extensions/tool/referrers/{subject}")).await;
    let one = &index["manifests"][0];
    assert_eq!(one["artifactType"], "application/vnd.fuseml.signature.v1");
    let path = format!(
        "/v2/extensions/tool/manifests/{}",
        one["digest"].as_str().unwrap()
    );
    let manifest = got(&server, &path).await;
    assert_eq!(manifest["subject"]["digest"], subject.as_str());
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.oci.empty.v1+json"
    );
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.fuseml.statement.v1+json"
    );
    assert_eq!(
        manifest["layers"][1]["mediaType"],
        "application/vnd.fuseml.minisig"
    );
    // A registry that keeps referrers needs no tag beside.
    assert!(
        server
            .lines()
            .iter()
            .all(|line| !line.contains("PUT /v2/extensions/tool/manifests/sha256-"))
    );
}

#[tokio::test]
async fn writes_fallback_tag_without_oci_subject() {
    let server = Server::without_referrers().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let subject = release.manifest.as_ref().unwrap().digest;
    for who in ["first", "second", "first"] {
        driver.sign(&release, &minisign(who)).await.unwrap();
    }
    let index = got(
        &server,
        &format!("/v2/extensions/tool/manifests/sha256-{subject}"),
    )
    .await;
    assert_eq!(
        index["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let kept = index["manifests"].as_array().unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(
        kept[0]["artifactType"],
        "application/vnd.fuseml.signature.v1"
    );
    let found = server.driver().signatures(&release).await.unwrap();
    assert_eq!(found, [minisign("first"), minisign("second")]);
}

/// The write of another client falls between ours and the next look: what it took away is written again.
#[tokio::test]
async fn repeats_lost_tag_update() {
    let lost = Arc::new(AtomicBool::new(false));
    let once = Arc::clone(&lost);
    let server = Server::changed(
        move |asked| {
            if asked.path.contains("/referrers/") {
                return Some(answer(404, &[], ""));
            }
            let is_tag = asked.method == "PUT" && asked.path.contains("/manifests/sha256-");
            // Taken, and gone again.
            (is_tag && !once.swap(true, Ordering::SeqCst)).then(|| answer(201, &[], ""))
        },
        |_, mut answer| {
            let _ = answer.headers_mut().remove("oci-subject");
            answer
        },
    )
    .await;
    let driver = server.driver();
    let release = published(&driver).await;
    driver.sign(&release, &minisign("first")).await.unwrap();
    assert!(lost.load(Ordering::SeqCst));
    assert_eq!(
        driver.signatures(&release).await.unwrap(),
        [minisign("first")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_signatures_are_all_kept() {
    let server = Server::without_referrers().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let (one, other) = (server.driver(), server.driver());
    let (first, second) = (minisign("first"), minisign("second"));
    let (left, right) = tokio::join!(one.sign(&release, &first), other.sign(&release, &second));
    left.unwrap();
    right.unwrap();
    let mut found = driver.signatures(&release).await.unwrap();
    found.sort_by(|left, right| left.signature.cmp(&right.signature));
    assert_eq!(found, [first, second]);
}

/// What others wrote into the tag stays as it is.
#[tokio::test]
async fn preserves_entries_of_fallback_tag() {
    let server = Server::without_referrers().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let subject = release.manifest.as_ref().unwrap().digest;
    let other = value!({
        "mediaType": MANIFEST, "digest": subject.oci(), "size": 10,
        "artifactType": "application/vnd.other", "annotations": {"a": "b"},
        "platform": {"architecture": "amd64", "os": "linux"},
    });
    let index = value!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [other],
    });
    let path = format!("/v2/extensions/tool/manifests/sha256-{subject}");
    put(
        &server,
        &path,
        "application/vnd.oci.image.index.v1+json",
        index.to_string().into_bytes(),
    )
    .await;
    driver.sign(&release, &minisign("first")).await.unwrap();
    let kept = got(&server, &path).await;
    assert_eq!(kept["manifests"][0], other);
    assert_eq!(kept["manifests"].as_array().unwrap().len(), 2);
}

/// The index says something else of it (cosign#4422), and the pages are linked.
#[tokio::test]
async fn reads_type_from_manifest_not_index() {
    let server = Server::changed(
        |_| None,
        |asked, response| {
            if !asked.path.contains("/referrers/") || asked.query.contains("page=2") {
                return response;
            }
            let link = format!("<{}?page=2>; rel=\"next\"", asked.path);
            let lie = r#"{"schemaVersion":2,"manifests":[
                {"mediaType":"x","artifactType":"application/vnd.oci.empty.v1+json","size":3,"digest":
                 "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;
            answer(200, &[("link", &link)], lie)
        },
    )
    .await;
    let driver = server.driver();
    let release = published(&driver).await;
    driver.sign(&release, &minisign("first")).await.unwrap();
    assert_eq!(
        driver.signatures(&release).await.unwrap(),
        [minisign("first")]
    );
}

#[tokio::test]
async fn ignores_signature_of_another_subject() {
    let other = Arc::new(std::sync::Mutex::new(String::new()));
    let shown = Arc::clone(&other);
    let server = Server::before(move |asked| {
        let digest = shown.lock().unwrap().clone();
        (asked.path.contains("/referrers/") && !digest.is_empty()).then(|| {
            json(
                &value!({ "manifests": [{ "digest": digest, "size": 1, "mediaType": MANIFEST }] })
                    .to_string(),
            )
        })
    })
    .await;
    let driver = server.driver();
    let release = published(&driver).await;
    let bench = Bench::new();
    let upload = bench.package("tool", "2.0.0", "another");
    let second = driver.publish(&upload, false, &Silent).await.unwrap();
    driver.sign(&second, &minisign("first")).await.unwrap();
    let path = format!(
        "/v2/extensions/tool/referrers/{}",
        second.manifest.as_ref().unwrap().digest.oci()
    );
    let index = got(&server, &path).await;
    // The registry now says that this signature refers to everything.
    *other.lock().unwrap() = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    assert_eq!(driver.signatures(&second).await.unwrap().len(), 1);
    assert_eq!(driver.signatures(&release).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn never_overwrites_unreadable_list() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let server = Server::changed(
        move |asked| {
            let is_list = asked.path.contains("/manifests/sha256-") && asked.method == "GET";
            let media_type = [("content-type", "application/vnd.oci.image.index.v1+json")];
            (is_list && broken.load(Ordering::Relaxed))
                .then(|| answer(200, &media_type, "{\"manifests\": 7}"))
                .or_else(|| {
                    asked
                        .path
                        .contains("/referrers/")
                        .then(|| answer(404, &[], ""))
                })
        },
        |_, mut answer| {
            let _ = answer.headers_mut().remove("oci-subject");
            answer
        },
    )
    .await;
    let driver = server.driver();
    let release = published(&driver).await;
    driver.sign(&release, &minisign("first")).await.unwrap();
    is_broken.store(true, Ordering::Relaxed);
    let error = driver
        .sign(&release, &minisign("second"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the tag sha256-"), "{error}");
    is_broken.store(false, Ordering::Relaxed);
    let kept = driver.signatures(&release).await.unwrap();
    assert_eq!(kept, [minisign("first")]);
}

#[tokio::test]
async fn finds_cosign_signatures() {
    let server = Server::registry().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let subject = release.manifest.as_ref().unwrap().digest;
    let payload = format!(
        r#"{{"critical":{{"image":{{"docker-manifest-digest":"{}"}}}}}}"#,
        subject.oci()
    );
    let mut layer = put_blob(&server, payload.as_bytes()).await;
    layer["mediaType"] = value!("application/vnd.dev.cosign.simplesigning.v1+json");
    layer["annotations"] = value!({ "dev.cosignproject.cosign/signature": "MEUC" });
    let config = put_blob(&server, b"{}").await;
    let manifest =
        value!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let path = format!("/v2/extensions/tool/manifests/sha256-{subject}.sig");
    put(&server, &path, MANIFEST, manifest.to_string().into_bytes()).await;

    let mut bundle = put_blob(&server, b"{\"a\":\"bundle\"}").await;
    bundle["mediaType"] = value!("application/vnd.dev.sigstore.bundle.v0.3+json");
    let manifest = value!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [bundle],
        "subject": { "mediaType": MANIFEST, "digest": subject.oci(), "size": 1 },
    });
    let manifest = manifest.to_string().into_bytes();
    let path = format!(
        "/v2/extensions/tool/manifests/{}",
        Digest::of(&manifest).oci()
    );
    put(&server, &path, MANIFEST, manifest).await;

    let simple = Signature {
        format: Format::CosignSimple,
        payload: payload.into_bytes(),
        signature: b"MEUC".to_vec(),
    };
    let bundle = Signature {
        format: Format::SigstoreBundle,
        payload: Vec::new(),
        signature: b"{\"a\":\"bundle\"}".to_vec(),
    };
    let found = driver.signatures(&release).await.unwrap();
    assert_eq!(found, [bundle, simple]);
    // Neither is a version.
    assert_eq!(driver.versions("tool").await.unwrap(), [version("1.0.0")]);
}

#[tokio::test]
async fn copies_cosign_signatures() {
    let server = Server::without_referrers().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let simple = |text: &str| Signature {
        format: Format::CosignSimple,
        payload: b"{\"critical\":{}}".to_vec(),
        signature: text.as_bytes().to_vec(),
    };
    let bundle = Signature {
        format: Format::SigstoreBundle,
        payload: Vec::new(),
        signature: b"{\"a\":\"bundle\"}".to_vec(),
    };
    for signature in [
        &simple("one"),
        &bundle,
        &simple("two"),
        &simple("one"),
        &bundle,
    ] {
        driver.sign(&release, signature).await.unwrap();
    }
    let found = driver.signatures(&release).await.unwrap();
    assert_eq!(found, [bundle, simple("one"), simple("two")]);
}

#[tokio::test]
async fn corrupt_signature_hides_no_other() {
    let broken = Arc::new(std::sync::Mutex::new(String::new()));
    let path = Arc::clone(&broken);
    let server = Server::before(move |asked| {
        let path = path.lock().unwrap().clone();
        (!path.is_empty() && asked.path.ends_with(&path))
            .then(|| answer(200, &[], "something else"))
    })
    .await;
    let driver = server.driver();
    let release = published(&driver).await;
    for who in ["first", "second"] {
        driver.sign(&release, &minisign(who)).await.unwrap();
    }
    *broken.lock().unwrap() = Digest::of(&minisign("first").signature).oci();
    assert_eq!(
        driver.signatures(&release).await.unwrap(),
        [minisign("second")]
    );
    assert!(
        driver
            .warnings()
            .iter()
            .any(|warning| warning.message.contains("failed to read a signature"))
    );
}
