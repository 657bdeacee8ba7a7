//! What goes with a version of a registry when it is deleted, and what stays.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod past;
mod quirk;

use std::collections::BTreeSet;

use contract::{Bench, version};
use extension_registry_package_repository::Repository;
use extension_registry_package_transport::progress::Silent;
use extension_registry_package_trust::signature::{Format, Signature};
use past::{got, minisign, published, put};
use quirk::Server;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn delete_keeps_referrers_of_other_versions() {
    let server = Server::without_referrers().await;
    let driver = server.driver();
    let release = published(&driver).await;
    let bench = Bench::new();
    let other = bench.package("tool", "1.1.0", "another");
    let other = driver.publish(&other, false, &Silent).await.unwrap();
    driver.sign(&release, &minisign("somebody")).await.unwrap();
    // Whoever may push may write the list of what refers to the first.
    let path = format!(
        "/v2/extensions/tool/manifests/sha256-{}",
        release.manifest.as_ref().unwrap().digest
    );
    let mut list = got(&server, &path).await;
    let bytes = reqwest::get(server.url("/v2/extensions/tool/manifests/1.1.0"));
    let size = bytes.await.unwrap().bytes().await.unwrap().len();
    let digest = other.manifest.as_ref().unwrap().digest.oci();
    let entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size});
    list["manifests"].as_array_mut().unwrap().push(entry);
    let media_type = "application/vnd.oci.image.index.v1+json";
    put(
        &server,
        &path,
        media_type,
        serde_json::to_vec(&list).unwrap(),
    )
    .await;
    let deleted = driver.delete("tool", &version("1.0.0")).await.unwrap();
    assert_eq!(deleted.left, []);
    assert_eq!(driver.versions("tool").await.unwrap(), [version("1.1.0")]);
    let _ = driver.release("tool", &version("1.1.0")).await.unwrap();
}

#[tokio::test]
async fn delete_removes_signatures() {
    for keeps_referrers in [true, false] {
        let server = if keeps_referrers {
            Server::registry().await
        } else {
            Server::without_referrers().await
        };
        let driver = server.driver();
        let release = published(&driver).await;
        for who in ["first", "second"] {
            driver.sign(&release, &minisign(who)).await.unwrap();
        }
        let cosign = Signature {
            format: Format::CosignSimple,
            ..minisign("third")
        };
        driver.sign(&release, &cosign).await.unwrap();
        let subject = release.manifest.as_ref().unwrap().digest.oci();
        let tag = subject.replace(':', "-");
        let referrers = if keeps_referrers {
            format!("referrers/{subject}")
        } else {
            format!("manifests/{tag}")
        };
        let referrers = got(&server, &format!("/v2/extensions/tool/{referrers}")).await;
        let referrers = referrers["manifests"].as_array().unwrap();
        let mut wanted: BTreeSet<String> = referrers
            .iter()
            .map(|one| format!("the signature {}", one["digest"].as_str().unwrap()))
            .collect();
        assert_eq!(wanted.len(), 2);
        let _ = wanted.insert("1.0.0 of extensions/tool".to_owned());
        let _ = wanted.insert(format!("the cosign signatures, {tag}.sig"));
        if !keeps_referrers {
            let _ = wanted.insert(format!("the list of referrers, {tag}"));
        }
        let deleted = driver.delete("tool", &version("1.0.0")).await.unwrap();
        assert_eq!(deleted.left, []);
        // Each of them is named.
        assert_eq!(BTreeSet::from_iter(deleted.gone), wanted);
        let index =
            reqwest::get(server.url(&format!("/v2/extensions/tool/referrers/{subject}"))).await;
        let text = index.unwrap().text().await.unwrap();
        assert!(!text.contains("signature"), "{text}");
        assert_eq!(driver.versions("tool").await.unwrap(), []);
        // The same package again is the same manifest: it is not signed.
        let again = published(&driver).await;
        assert_eq!(again.manifest, release.manifest);
        assert_eq!(driver.signatures(&again).await.unwrap(), []);
    }
}
