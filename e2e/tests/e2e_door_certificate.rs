//! The certificate of the webhook: whatever somebody wipes, it is trusted again soon, and one authority serves all replicas.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use door::kubectl;
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use k8s_openapi::ByteString;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use support::{Lab, eventually, section, text, workflow};

const PROJECT: &str = "door";
const AUTHORITY: &str = "extension-registry-webhook-ca";
const OWN: &str = "extension-registry";
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

fn run(lab: &Lab, arguments: &[&str]) -> String {
    kubectl(&lab.cluster, arguments, "").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_always_trusted() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut lab = Lab::with_webhook("door-certificate", options, &[], &[]).await;
    lab.namespace(PROJECT);
    let authority = ca(&lab).await;
    assert!(!authority.is_empty());

    section("a second operator has the same authority");
    let log = std::env::temp_dir().join(format!("door-second-{}.log", std::process::id()));
    let second = lab.installed.beside();
    let second = second
        .start(&log, &["--webhook-listen", "127.0.0.1:0"])
        .unwrap();
    assert_eq!(ca(&lab).await, authority);
    second.stop().unwrap();
    let _ = std::fs::remove_file(log);
    lab.apply(&workflow(PROJECT, "flow", &json!({"product": "any"})))
        .await;

    section("a bundle wiped by hand is back");
    for kind in CONFIGURATIONS {
        for index in 0..2 {
            let field = format!("/webhooks/{index}/clientConfig/caBundle");
            let patch = json!([{"op": "remove", "path": field}]).to_string();
            run(&lab, &["patch", kind, OWN, "--type=json", "-p", &patch]);
        }
    }
    let start = Instant::now();
    eventually(
        Duration::from_secs(20),
        "the bundles are back",
        async || {
            for kind in CONFIGURATIONS {
                let stored = run(&lab, &["get", kind, OWN, "-o", "json"]);
                let stored: Value = serde_json::from_str(&stored).unwrap();
                for webhook in stored["webhooks"].as_array().unwrap() {
                    if webhook["clientConfig"]["caBundle"] != authority.as_str() {
                        return Err(format!("{kind}: {}", webhook["name"]));
                    }
                }
            }
            Ok(())
        },
    )
    .await;
    println!("after {:?}", start.elapsed());
    let flow = |count: u32| workflow(PROJECT, "flow", &json!({"product": format!("p{count}")}));
    eventually(Duration::from_secs(5), "it is trusted again", async || {
        lab.try_apply(&flow(0))
            .await
            .map_err(|error| error.to_string())
    })
    .await;

    section("the authority deleted by hand is back, and was trusted all the time");
    lab.delete("Secret", OWN, AUTHORITY).await;
    let (start, mut count) = (Instant::now(), 0);
    while ca(&lab).await.is_empty() || start.elapsed() < Duration::from_secs(18) {
        assert!(start.elapsed() < Duration::from_secs(20), "it is not back");
        count += 1;
        if let Err(error) = lab.try_apply(&flow(count)).await {
            panic!("apply {count}: {error}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{count} applies in {:?}", start.elapsed());
    assert_eq!(ca(&lab).await, authority);

    made_by_somebody_else(&mut lab).await;
    lab.stop().await;
}

/// As cert-manager does it: files that are renewed, and a bundle that somebody else writes.
async fn made_by_somebody_else(lab: &mut Lab) {
    section("a certificate from a folder is served, and followed when it is renewed");
    let folder = std::env::temp_dir().join(format!("door-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    lab.stop_operator();
    issue(lab, &folder);
    let files = format!("--webhook-certificate={}", folder.display());
    lab.arguments.push(files);
    // It is ready only once the API server has reached it.
    lab.start_operator();
    lab.apply(&workflow(PROJECT, "from-files", &json!({"product": "any"})))
        .await;
    issue(lab, &folder);
    let renewed = || workflow(PROJECT, "from-files", &json!({"product": "other"}));
    eventually(
        Duration::from_secs(30),
        "the new one is served",
        async || {
            // The API server keeps a connection that it trusted: only a new one shows the certificate.
            if !lab
                .operator()
                .log()
                .contains("the serving certificate is renewed")
            {
                return Err("it is not loaded".to_owned());
            }
            lab.try_apply(&renewed())
                .await
                .map_err(|error| error.to_string())
        },
    )
    .await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// A new authority and a certificate of it: the one into the configurations, the other into files.
fn issue(lab: &Lab, folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("tls.crt"), leaf.pem()).unwrap();
    let bundle = ByteString(authority.pem().into_bytes());
    for kind in CONFIGURATIONS {
        let patches: Vec<Value> = (0..2)
            .map(|index| json!({"op": "replace", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": bundle}))
            .collect();
        let patch = json!(patches).to_string();
        run(lab, &["patch", kind, OWN, "--type=json", "-p", &patch]);
    }
}

/// The authorities that are published, in base64; empty where there are none.
async fn ca(lab: &Lab) -> String {
    let secret = lab.get("Secret", OWN, AUTHORITY).await;
    text(&secret["data"]["ca.crt"]).to_owned()
}
