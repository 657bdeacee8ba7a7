//! Tests of generic packages in a real Gitea.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "support/gitea.rs"]
mod support;

use std::fs;
use std::net::TcpStream;

use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_e2e::servers::crane::{self, Crane};
use extension_registry_e2e::servers::gitea::{Gitea as Server, PASSWORD, USER};
use extension_registry_e2e::skip;
use extension_registry_packages::bundle::{self, Limits};
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::folder::{self, Folder};
use extension_registry_packages::repository::maven::{self, Maven};
use extension_registry_packages::repository::oci::{self, Oci};
use extension_registry_packages::repository::{
    DiscoveryMethod, Error, PartialDownload, Repository,
};
use extension_registry_packages::signature::{Format, Signature};
use support::{RecordedProgress, driver, logged_requests, named, put, server, token, transport};

#[tokio::test(flavor = "multi_thread")]
async fn gitea_with_token_satisfies_contract() {
    let Some(server) = server("the contract of Gitea's driver") else {
        return;
    };
    contract::all(&driver(&server, token(&server))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_with_password_satisfies_contract() {
    let Some(server) = server("the contract of Gitea's driver") else {
        return;
    };
    let credentials = Credentials::Basic {
        user: USER.to_owned(),
        password: Sensitive::from(PASSWORD),
    };
    contract::all(&driver(&server, credentials)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_searches_pulls_publishes_and_deletes() {
    let Some(server) = server("Gitea's packages") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let can = gitea.probe().await.unwrap();
    assert!(
        can.list && can.search && can.publish && can.delete,
        "{can:?}"
    );
    for name in ["mlflow", "mlflow-store", "kserve"] {
        let upload = bench.package(name, "1.0.0", "a tool");
        let release = gitea.publish(&upload, false, &Silent).await.unwrap();
        assert!(release.published.is_some(), "{release:?}");
    }
    let all = gitea.names(None).await.unwrap();
    assert_eq!(
        (all.names, all.method),
        (
            named(&["kserve", "mlflow", "mlflow-store"]),
            DiscoveryMethod::Catalog
        )
    );
    let found = gitea.names(Some("MLflow")).await.unwrap();
    assert_eq!(
        (found.names, found.method, found.faults),
        (
            named(&["mlflow", "mlflow-store"]),
            DiscoveryMethod::Search,
            Vec::new()
        )
    );
    let versions = gitea.versions("mlflow").await.unwrap();
    assert_eq!(versions, [version("1.0.0")]);
    gitea.delete("mlflow", &version("1.0.0")).await.unwrap();
    let found = gitea.names(Some("mlflow")).await.unwrap();
    assert_eq!(found.names, ["mlflow-store"]);
}

/// Gitea requires a token for listing, but not for downloads.
#[tokio::test(flavor = "multi_thread")]
async fn anonymous_pull_works_without_listing() {
    let Some(server) = server("Gitea without a token") else {
        return;
    };
    let bench = Bench::new();
    let owner = driver(&server, token(&server));
    let upload = bench.package("tool", "1.0.0+build.7", "a tool");
    let release = owner.publish(&upload, false, &Silent).await.unwrap();
    for signature in signatures() {
        owner.sign(&release, &signature).await.unwrap();
    }

    let anonymous = driver(&server, Credentials::Anonymous);
    let can = anonymous.probe().await.unwrap();
    assert!(!can.list && !can.search && !can.publish, "{can:?}");
    for error in [
        anonymous.names(None).await.unwrap_err(),
        anonymous.versions("tool").await.unwrap_err(),
        anonymous
            .publish(&bench.package("tool", "2.0.0", "more"), false, &Silent)
            .await
            .unwrap_err(),
        anonymous.delete("tool", &upload.version).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        assert!(
            error.explained().contains("log in with a Gitea token"),
            "{error}"
        );
    }
    let release = anonymous.release("tool", &upload.version).await.unwrap();
    assert_eq!(release.content.digest, Some(upload.digest));
    let document = anonymous.document(&release).await.unwrap();
    assert_eq!(document, upload.document.map(|document| document.bytes));
    assert_eq!(anonymous.signatures(&release).await.unwrap(), signatures());
    let digest = fetched(&anonymous, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest);
    let error = anonymous
        .release("tool", &version("9.0.0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");

    let mut settings = support::settings(&server);
    settings.names = named(&["tool", "other"]);
    let restricted = support::with(settings, Credentials::Anonymous);
    let names = restricted.names(None).await.unwrap();
    assert_eq!(
        (names.names, names.method),
        (named(&["other", "tool"]), DiscoveryMethod::Named)
    );
}

fn signatures() -> Vec<Signature> {
    let by_key = |who: &str| Signature {
        format: Format::Minisign,
        payload: b"{\"a\":\"statement\"}".to_vec(),
        signature: who.as_bytes().to_vec(),
    };
    vec![by_key("first"), by_key("second")]
}

fn oci(registry: &str, namespace: &str, credentials: Credentials) -> Oci {
    let settings = oci::Settings {
        id: format!("oci-{namespace}"),
        registry: registry.to_owned(),
        namespace: namespace.to_owned(),
        names: Vec::new(),
    };
    Oci::new(settings, transport(), credentials).unwrap()
}

fn maven(place: maven::Place, credentials: Option<Credentials>) -> Maven {
    let settings = maven::Settings {
        id: match place {
            maven::Place::Folder(_) => "maven-folder".to_owned(),
            maven::Place::Http(_) => "maven-http".to_owned(),
        },
        place,
        group: "io.fuseml.extensions".to_owned(),
        names: Vec::new(),
    };
    Maven::new(settings, Some(transport()), credentials.unwrap_or_default()).unwrap()
}

/// Returns the URL of the Maven repository of a Gitea.
fn maven_place(server: &Server) -> maven::Place {
    let url = format!("{}api/packages/{USER}/maven/", server.url());
    maven::Place::Http(url.parse().unwrap())
}

/// Returns the token as the password of basic authentication, for clients that do not support tokens of
/// Gitea.
fn token_as_password(server: &Server) -> Credentials {
    Credentials::Basic {
        user: USER.to_owned(),
        password: Sensitive::from(server.token()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digest_is_the_same_in_every_kind() {
    let Some(server) = server("the same digest from Gitea") else {
        return;
    };
    let bench = Bench::new();
    let folder = Folder::new(folder::Settings {
        id: "shelf".to_owned(),
        root: bench.target("shelf"),
    });
    let mut repositories: Vec<Box<dyn Repository>> = vec![
        Box::new(driver(&server, token(&server))),
        Box::new(folder),
        Box::new(maven(maven::Place::Folder(bench.target("maven")), None)),
        // One Gitea serves repositories of three kinds.
        Box::new(maven(
            maven_place(&server),
            Some(token_as_password(&server)),
        )),
        Box::new(oci(&server.url(), USER, token_as_password(&server))),
    ];
    let crane = match crane::missing() {
        Some(why) => {
            skip("the same digest from an OCI registry", why).unwrap();
            None
        }
        None => Some(Crane::start().unwrap()),
    };
    if let Some(crane) = &crane {
        let crane = oci(&crane.host(), "extensions", Credentials::Anonymous);
        repositories.push(Box::new(crane));
    }
    let upload = bench.package("tool", "1.0.0", "a tool");
    for repository in &repositories {
        repository.publish(&upload, false, &Silent).await.unwrap();
        let release = repository.release("tool", &upload.version).await.unwrap();
        assert_eq!(
            release.content.digest,
            Some(upload.digest),
            "{repository:?}"
        );
        let target = bench.target(&format!("from-{}", repository.id()));
        let digest = fetched(repository.as_ref(), &release, &target).await;
        assert_eq!(digest, upload.digest, "{repository:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_client_unpacks_published_package() {
    let Some(server) = server("a new client of Gitea") else {
        return;
    };
    let bench = Bench::new();
    let upload = bench.package("tool", "1.2.0", "a tool");
    let publisher = driver(&server, token(&server));
    publisher.publish(&upload, false, &Silent).await.unwrap();
    let client = driver(&server, Credentials::Anonymous);
    let release = client.release("tool", &version("1.2.0")).await.unwrap();
    let target = bench.target("came.tar.gz");
    fetched(&client, &release, &target).await;
    let folder = bench.target("unpacked");
    bundle::unpack(fs::File::open(&target).unwrap(), &folder, Limits::default()).unwrap();
    let template = fs::read_to_string(folder.join("templates/main.yaml")).unwrap();
    assert!(template.contains("product: tool"), "{template}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_versions_over_many_pages() {
    let Some(server) = server("many versions in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    for text in ["1.10.0", "1.9.0"] {
        let upload = bench.package("tool", text, "a tool");
        gitea.publish(&upload, false, &Silent).await.unwrap();
    }
    for minor in 0..118 {
        let path = format!("tool/0.{minor}.0/tool-0.{minor}.0.tar.gz");
        put(&server, &path, b"content").await;
    }
    let versions = gitea.versions("tool").await.unwrap();
    assert_eq!(versions.len(), 120);
    assert_eq!(versions.iter().max(), Some(&version("1.10.0")));
    for text in ["1.9.0", "0.0.0", "0.117.0"] {
        assert!(versions.contains(&version(text)), "{text}");
        let _ = gitea.delete("tool", &version(text)).await.unwrap();
    }
    assert_eq!(gitea.versions("tool").await.unwrap().len(), 117);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_document_need_no_content() {
    let Some(server) = server("requests of Gitea's driver") else {
        return;
    };
    let bench = Bench::new();
    let owner = driver(&server, token(&server));
    for text in ["1.0.0", "1.1.0"] {
        let upload = bench.package("tool", text, "a tool");
        owner.publish(&upload, false, &Silent).await.unwrap();
    }
    let before = logged_requests(&server).await.len();
    for credentials in [token(&server), Credentials::Anonymous] {
        let reader = driver(&server, credentials.clone());
        if credentials != Credentials::Anonymous {
            assert_eq!(reader.names(None).await.unwrap().names, ["tool"]);
            assert_eq!(reader.versions("tool").await.unwrap().len(), 2);
        }
        for text in ["1.0.0", "1.1.0"] {
            let release = reader.release("tool", &version(text)).await.unwrap();
            let document = reader.document(&release).await.unwrap().unwrap();
            let document = String::from_utf8(document).unwrap();
            assert!(document.contains("# tool"), "{document}");
        }
    }
    let requests = logged_requests(&server).await.split_off(before);
    assert!(
        requests
            .iter()
            .any(|line| line.ends_with("tool-1.1.0-docs.md")),
        "the log contains requests of files: {requests:#?}"
    );
    let content_requests = requests.iter().filter(|line| line.contains(".tar.gz"));
    assert_eq!(content_requests.collect::<Vec<_>>(), Vec::<&String>::new());
    // A list takes one request, the markers of unfinished uploads one more; a release takes two, its document
    // one.
    let lists = requests
        .iter()
        .filter(|line| line.contains("/api/v1/packages/"));
    assert_eq!(lists.count(), 1 + 2 + 2, "{requests:#?}");
    assert!(requests.len() <= 3 + 6 + 6 + 1, "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_version_is_reported_and_hides_nothing() {
    let Some(server) = server("broken packages in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let upload = bench.package("tool", "1.0.0", "a tool");
    gitea.publish(&upload, false, &Silent).await.unwrap();
    put(&server, "stranger/latest/any.bin", b"something else").await;
    // The state after a publisher was killed between the content and the other files.
    put(
        &server,
        "extension__unfinished/half__1.0.0/publisher",
        b"gone",
    )
    .await;
    put(&server, "half/1.0.0/half-1.0.0.tar.gz", b"content").await;

    let names = gitea.names(None).await.unwrap();
    assert_eq!(names.names, ["tool"]);
    let faults = names
        .faults
        .iter()
        .map(Explain::explained)
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(names.faults.len(), 2, "{faults}");
    assert!(
        faults.contains("version 1.0.0 of half is incomplete"),
        "{faults}"
    );
    assert!(
        faults.contains("no version of the generic package stranger is a semantic version"),
        "{faults}"
    );
    assert_eq!(gitea.versions("half").await.unwrap(), Vec::new());
    let error = gitea.release("half", &version("1.0.0")).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    let found = gitea.names(Some("half")).await.unwrap();
    assert_eq!((found.names.len(), found.faults.len()), (0, 1));

    let upload = bench.package("half", "1.0.0", "now whole");
    let error = gitea.publish(&upload, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    gitea.publish(&upload, true, &Silent).await.unwrap();
    let names = gitea.names(None).await.unwrap();
    assert_eq!(names.names, ["half", "tool"]);
    assert_eq!(names.faults.len(), 1, "{:?}", names.faults);
    assert_eq!(gitea.versions("half").await.unwrap(), [version("1.0.0")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers_arbitrary_bytes_with_progress() {
    let Some(server) = server("a large file in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let upload = support::blob(&bench, 20_000_000);
    let progress = RecordedProgress::default();
    let release = gitea.publish(&upload, false, &progress).await.unwrap();
    assert_eq!(progress.bytes(), upload.size);
    assert_eq!(release.content.size, Some(upload.size));
    // Half of the content is present: the download resumes.
    let target = bench.target("came");
    let bytes = fs::read(&upload.content).unwrap();
    fs::write(&target, &bytes[..bytes.len() / 2]).unwrap();
    let progress = RecordedProgress::default();
    let mut download_file = PartialDownload::open(&target, 1 << 30, &progress).unwrap();
    gitea.fetch(&release, &mut download_file).await.unwrap();
    assert_eq!(download_file.digest(), upload.digest);
    assert_eq!(progress.bytes(), upload.size / 2);
    assert_eq!(progress.begins(), [upload.size / 2]);
    // The partial file has other content: the download starts again.
    fs::write(&target, vec![7; bytes.len() / 2]).unwrap();
    let digest = fetched(&gitea, &release, &target).await;
    assert_eq!(digest, upload.digest);
}

#[test]
fn server_stops_if_test_panics() {
    let Some(server) = server("the stop of Gitea") else {
        return;
    };
    let url: url::Url = server.url().parse().unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0];
    assert!(TcpStream::connect(address).is_ok());
    let outcome = std::thread::spawn(move || {
        let _server = server;
        panic!("as a test that fails");
    })
    .join();
    assert!(outcome.is_err());
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_oci_registry_satisfies_contract() {
    let Some(server) = server("the contract with Gitea's registry") else {
        return;
    };
    contract::all(&oci(&server.url(), USER, token_as_password(&server))).await;
}
