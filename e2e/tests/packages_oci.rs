//! Tests of the OCI driver with real registries: docker-registry and crane.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "support/tokens.rs"]
mod tokens;

use std::fs;
use std::time::Duration;

use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_e2e::servers::crane::{self, Crane};
use extension_registry_e2e::servers::docker_registry::{self, Access, DockerRegistry, Options};
use extension_registry_e2e::skip;
use extension_registry_packages::Digest;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::oci::{Class, Oci, Outcome, Settings, Step};
use extension_registry_packages::repository::{
    Description, DiscoveryMethod, Error, Repository, Upload,
};
use extension_registry_packages::signature::{Format, Signature};
use extension_registry_packages::transport::{self, Transport};
use extension_registry_packages::version::newest;
use tokens::Tokens;

const USER: &str = "somebody";
const PASSWORD: &str = "a-long-password-of-somebody";
/// The password with bcrypt, as `htpasswd -B` writes it.
const FILE: &str = "somebody:$2b$04$9KBPIwWqzOfmOQoLCm1kcuBE042gYyEFJRiqjLn7JxK.ivgn8fSli\n";

fn driver(host: &str, credentials: Credentials) -> Oci {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let transport = Transport::new(transport::Settings {
        timeout: Duration::from_mins(1),
        retries: 1,
        ..transport::Settings::default()
    });
    let settings = Settings {
        id: "real".to_owned(),
        registry: host.to_owned(),
        namespace: "team/extensions".to_owned(),
        names: Vec::new(),
    };
    Oci::new(settings, transport.unwrap(), credentials).unwrap()
}

fn password(password: &str) -> Credentials {
    Credentials::Basic {
        user: USER.to_owned(),
        password: Sensitive::from(password),
    }
}

fn docker(test: &str, access: Access) -> Option<DockerRegistry> {
    if let Some(why) = docker_registry::missing() {
        skip(test, why).unwrap();
        return None;
    }
    let options = Options {
        access,
        deletes: true,
        mirror_of: None,
    };
    Some(DockerRegistry::start(&options).unwrap())
}

fn crane(test: &str) -> Option<Crane> {
    if let Some(why) = crane::missing() {
        skip(test, why).unwrap();
        return None;
    }
    Some(Crane::start().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_registry_satisfies_contract() {
    let Some(server) = docker("docker-registry", Access::Open) else {
        return;
    };
    contract::all(&driver(&server.host(), Credentials::Anonymous)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crane_registry_satisfies_contract() {
    let Some(server) = crane("the registry of crane") else {
        return;
    };
    contract::all(&driver(&server.host(), Credentials::Anonymous)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_registry_with_password_satisfies_contract() {
    let Some(server) = docker("docker-registry", Access::Passwords(FILE.to_owned())) else {
        return;
    };
    contract::all(&driver(&server.host(), password(PASSWORD))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_error_hides_password() {
    let Some(server) = docker("docker-registry", Access::Passwords(FILE.to_owned())) else {
        return;
    };
    for credentials in [password("hunter2-is-wrong"), Credentials::Anonymous] {
        let driver = driver(&server.host(), credentials);
        let error = driver.versions("tool").await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        let text = format!("{error}");
        assert!(
            text.starts_with("real denied access: cannot list versions of"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        assert!(!format!("{text} {error:?} {driver:?}").contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_registry_with_tokens_satisfies_contract() {
    let tokens = Tokens::start(USER, PASSWORD).await;
    let Some(server) = docker("docker-registry", tokens.access()) else {
        return;
    };
    contract::all(&driver(&server.host(), password(PASSWORD))).await;
    let scopes = tokens.scopes();
    let has = |scope: &str| scopes.iter().any(|asked| asked == scope);
    assert!(has("repository:team/extensions/tool:pull"), "{scopes:?}");
    assert!(
        has("repository:team/extensions/tool:pull,push"),
        "{scopes:?}"
    );
    assert!(
        has("repository:team/extensions/tool:pull,delete"),
        "{scopes:?}"
    );
    assert!(has("registry:catalog:*"), "{scopes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_at_token_service_is_one_error() {
    let tokens = Tokens::start(USER, PASSWORD).await;
    let Some(server) = docker("docker-registry", tokens.access()) else {
        return;
    };
    let driver = driver(&server.host(), password("hunter2-is-wrong"));
    let error = driver.versions("tool").await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    let text = error.explained();
    assert!(
        text.starts_with("real denied access: cannot log in to "),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
    assert!(!format!("{text} {error:?} {driver:?}").contains("hunter2"));
    let steps = driver.check().await;
    let auth = steps.iter().find(|check| check.step == Step::Auth).unwrap();
    assert_eq!(auth.outcome, Outcome::Fail, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_through_mirror_is_read_only() {
    let Some(server) = docker("docker-registry", Access::Open) else {
        return;
    };
    let bench = Bench::new();
    let origin = driver(&server.host(), Credentials::Anonymous);
    let upload = bench.package("tool", "1.0.0+build.7", "a tool");
    let release = origin.publish(&upload, false, &Silent).await.unwrap();
    let signature = Signature {
        format: Format::Minisign,
        payload: b"{}".to_vec(),
        signature: b"of the tool".to_vec(),
    };
    origin.sign(&release, &signature).await.unwrap();
    let options = Options {
        mirror_of: Some(server.host()),
        ..Options::default()
    };
    let server = DockerRegistry::start(&options).unwrap();
    let mirror = driver(&server.host(), Credentials::Anonymous);
    assert_eq!(mirror.versions("absent").await.unwrap(), Vec::new());
    assert_eq!(
        mirror.versions("tool").await.unwrap(),
        std::slice::from_ref(&upload.version)
    );
    let release = mirror.release("tool", &upload.version).await.unwrap();
    let digest = fetched(&mirror, &release, &bench.target("mirrored")).await;
    assert_eq!(digest, upload.digest);
    assert_eq!(mirror.signatures(&release).await.unwrap(), [signature]);
    let other = bench.package("tool", "2.0.0", "a tool");
    let error = mirror.publish(&other, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_unsupported_deletion() {
    if let Some(why) = docker_registry::missing() {
        return skip("docker-registry", why).unwrap();
    }
    let server = DockerRegistry::start(&Options::default()).unwrap();
    let driver = driver(&server.host(), Credentials::Anonymous);
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    driver.publish(&upload, false, &Silent).await.unwrap();
    let error = driver.delete("tool", &upload.version).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.explained().contains("405"), "{error}");
    assert_eq!(driver.versions("tool").await.unwrap(), [upload.version]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_signatures_are_all_stored() {
    let Some(docker) = docker("docker-registry", Access::Open) else {
        return;
    };
    let bench = Bench::new();
    let host = docker.host();
    let upload = bench.package("tool", "1.0.0", "a tool");
    let first = driver(&host, Credentials::Anonymous);
    let release = first.publish(&upload, false, &Silent).await.unwrap();
    let signing = ["first", "second", "third", "fourth"].map(|who| {
        let (host, release) = (host.clone(), release.clone());
        async move {
            let signature = Signature {
                format: Format::Minisign,
                payload: b"{}".to_vec(),
                signature: who.as_bytes().to_vec(),
            };
            let client = driver(&host, Credentials::Anonymous);
            client.sign(&release, &signature).await.unwrap();
        }
    });
    let _ = futures::future::join_all(signing).await;
    assert_eq!(first.signatures(&release).await.unwrap().len(), 4);
}

/// 250 tags in random order, including tags that are not versions.
#[tokio::test(flavor = "multi_thread")]
async fn finds_versions_among_many_tags() {
    let docker = docker("docker-registry", Access::Open);
    let crane = crane("the registry of crane");
    let hosts = [
        docker.as_ref().map(DockerRegistry::host),
        crane.as_ref().map(Crane::host),
    ];
    for host in hosts.into_iter().flatten() {
        let bench = Bench::new();
        let upload = bench.package("tool", "1.10.0", "a tool");
        let oci = driver(&host, Credentials::Anonymous);
        let release = oci.publish(&upload, false, &Silent).await.unwrap();
        let reference = format!("http://{host}/v2/team/extensions/tool/manifests");
        let client = reqwest::Client::new();
        let got = client
            .get(format!("{reference}/1.10.0"))
            .header("accept", "application/vnd.oci.image.manifest.v1+json")
            .send();
        let manifest = got.await.unwrap().bytes().await.unwrap();
        let digest = release.manifest.as_ref().unwrap().digest;
        assert_eq!(Digest::of(&manifest), digest);
        let mut tags: Vec<String> = (0..240).map(|minor| format!("0.{minor}.0")).collect();
        tags.extend(
            ["latest", "v1.9.0", "1.0.1_build.7", "2.0.0-rc.1", "stable"].map(str::to_owned),
        );
        tags.extend([
            format!("sha256-{digest}"),
            format!("sha256-{digest}.sig"),
            format!("sha256-{digest}.att"),
            "v1".to_owned(),
        ]);
        // Ascending order would be too easy.
        tags.reverse();
        for tag in &tags {
            let put = client
                .put(format!("{reference}/{tag}"))
                .header("content-type", "application/vnd.oci.image.manifest.v1+json")
                .body(manifest.clone());
            assert!(put.send().await.unwrap().status().is_success(), "{tag}");
        }
        for page in [1000, 7] {
            let oci = driver(&host, Credentials::Anonymous).with_page(page);
            let versions = oci.versions("tool").await.unwrap();
            assert_eq!(versions.len(), 244, "{host}, pages of {page}");
            assert_eq!(versions.iter().max(), Some(&version("2.0.0-rc.1")));
            for (range, taken) in [
                ("*", "1.10.0"),
                ("<1.10", "1.9.0"),
                (">=2.0.0-rc.1", "2.0.0-rc.1"),
            ] {
                let newest = newest(&range.parse().unwrap(), &versions).unwrap();
                assert_eq!(*newest, version(taken), "{host}, {range}");
            }
            for text in ["1.9.0", "1.10.0", "1.0.1+build.7", "0.0.0", "0.239.0"] {
                assert!(versions.contains(&version(text)), "{host}: {text}");
            }
        }
    }
}

/// The second package has the content of the first, but no local file, so the registry must mount it.
#[tokio::test(flavor = "multi_thread")]
async fn docker_registry_mounts_blobs() {
    let tokens = Tokens::start(USER, PASSWORD).await;
    for (access, credentials) in [
        (Access::Open, Credentials::Anonymous),
        (Access::Passwords(FILE.to_owned()), password(PASSWORD)),
        (tokens.access(), password(PASSWORD)),
    ] {
        let Some(server) = docker("docker-registry", access) else {
            return;
        };
        let bench = Bench::new();
        let driver = driver(&server.host(), credentials);
        let first = bench.package("tool", "1.0.0", "a tool");
        driver.publish(&first, false, &Silent).await.unwrap();
        let second = Upload {
            content: bench.target("nowhere"),
            digest: first.digest,
            size: first.size,
            ..bench.package("other", "1.0.0", "another")
        };
        let release = driver.publish(&second, false, &Silent).await.unwrap();
        let digest = fetched(&driver, &release, &bench.target("came")).await;
        assert_eq!(digest, first.digest);
    }
}

/// An artifact of another client is a foreign package, and its content is delivered unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn delivers_artifact_of_other_client() {
    let Some(server) = crane("the registry of crane") else {
        return;
    };
    let bench = Bench::new();
    let content: Vec<u8> = (0..100_000u32).map(|byte| (byte * 7 % 251) as u8).collect();
    let file = bench.target("blob.tar");
    fs::write(&file, &content).unwrap();
    let pushed = server
        .client()
        .args(["append", "--insecure", "-f"])
        .arg(&file)
        .arg("-t")
        .arg(format!("{}/team/extensions/stranger:v1.2.0", server.host()))
        .output()
        .unwrap();
    assert!(pushed.status.success(), "{pushed:?}");
    let driver = driver(&server.host(), Credentials::Anonymous);
    let names = driver.names(None).await.unwrap();
    assert_eq!(
        (names.names, names.method),
        (vec!["stranger".to_owned()], DiscoveryMethod::Catalog)
    );
    assert_eq!(
        driver.versions("stranger").await.unwrap(),
        [version("1.2.0")]
    );
    let release = driver.release("stranger", &version("1.2.0")).await.unwrap();
    assert!(
        matches!(release.description, Description::Foreign(_)),
        "{release:?}"
    );
    let digest = fetched(&driver, &release, &bench.target("came")).await;
    assert_eq!(release.content.digest, Some(digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_client_pulls_published_artifact() {
    let Some(server) = crane("the registry of crane") else {
        return;
    };
    let bench = Bench::new();
    let driver = driver(&server.host(), Credentials::Anonymous);
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = driver.publish(&upload, false, &Silent).await.unwrap();
    let pulled = server
        .client()
        .args(["blob", "--insecure"])
        .arg(format!(
            "{}/team/extensions/tool@{}",
            server.host(),
            upload.digest.oci()
        ))
        .output()
        .unwrap();
    assert!(pulled.status.success(), "{pulled:?}");
    assert_eq!(Digest::of(&pulled.stdout), upload.digest);
    let digest = server
        .client()
        .args(["digest", "--insecure"])
        .arg(format!("{}/team/extensions/tool:1.0.0", server.host()))
        .output()
        .unwrap();
    let digest = String::from_utf8_lossy(&digest.stdout).trim().to_owned();
    assert!(release.locator.ends_with(&digest), "{digest} {release:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reports_every_step() {
    let Some(server) = docker("docker-registry", Access::Passwords(FILE.to_owned())) else {
        return;
    };
    let steps = driver(&server.host(), password(PASSWORD)).check().await;
    let outcomes: Vec<(Step, Outcome)> = steps.iter().map(|one| (one.step, one.outcome)).collect();
    let pass = Outcome::Pass;
    assert_eq!(
        outcomes,
        [
            (Step::Dns, pass),
            (Step::Tcp, pass),
            (Step::Tls, Outcome::Skipped),
            (Step::Base, pass),
            (Step::Auth, pass),
            (Step::Tags, pass),
            (Step::Discover, pass),
            (Step::Referrers, pass)
        ],
        "{steps:#?}"
    );
    let wrong = driver(&server.host(), password("wrong")).check().await;
    let auth = wrong.iter().find(|one| one.step == Step::Auth).unwrap();
    assert_eq!(
        (auth.outcome, auth.class),
        (Outcome::Fail, Some(Class::Credentials)),
        "{wrong:?}"
    );
    assert!(!auth.advice.is_empty());
}
