//! Tests of the OCI endpoint with real registries, clients and the conformance suite of the specification.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "../../crates/web/tests/registry/mod.rs"]
mod registry;

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use contract::fetched;
use extension_registry_e2e::conformance::{self, Content};
use extension_registry_e2e::helm::helm;
use extension_registry_e2e::servers::crane::{self, Crane};
use extension_registry_e2e::servers::docker_registry::{self, DockerRegistry, Options};
use extension_registry_e2e::skip;
use extension_registry_packages::Digest;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::maven::{Maven, Place, Settings as MavenSettings};
use extension_registry_packages::repository::oci::{Oci, Settings as OciSettings};
use extension_registry_packages::repository::{DiscoveryMethod, Repository};
use extension_registry_packages::transport::{self, Transport};
use extension_registry_web::oci::{Anonymous, Settings};
use registry::{Desk, Registry};
use serde_json::Value;

const GROUP: &str = "io.fuseml.extensions";
const CONTENT: &str = "application/vnd.fuseml.package.content.v1.tar+gzip";

/// The APIs of the specification that a read-only registry has, as the suite names them.
const READ: [&str; 9] = [
    "Ping",
    "Tag listing",
    "Manifest get by tag",
    "Manifest get by digest",
    "Manifest head by tag",
    "Manifest head by digest",
    "Blob get",
    "Blob head",
    "Referrers",
];

/// A client of the packages below a namespace of a registry.
fn client(host: &str, namespace: &str) -> Oci {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = OciSettings {
        id: "client".to_owned(),
        registry: host.to_owned(),
        namespace: namespace.to_owned(),
        names: Vec::new(),
    };
    let transport = Transport::new(transport::Settings::default()).unwrap();
    Oci::new(settings, transport, Credentials::Anonymous).unwrap()
}

fn maven(desk: &Desk) -> Maven {
    let settings = MavenSettings {
        id: "central".to_owned(),
        place: Place::Folder(desk.root("central")),
        group: GROUP.to_owned(),
        names: Vec::new(),
    };
    Maven::new(settings, None, Credentials::Anonymous).unwrap()
}

/// The same packages in a folder, a Maven layout and, if there is one, a registry.
async fn published(desk: &Desk, registry: Option<&DockerRegistry>) -> String {
    let mut toml = desk.folder_toml("team");
    let root = desk.root("central");
    let root = root.display();
    writeln!(
        toml,
        "[[repository]]\nname = \"central\"\nkind = \"maven\"\nurl = \"{root}\"\ngroup = \"{GROUP}\""
    )
    .unwrap();
    let mut repositories: Vec<Box<dyn Repository>> =
        vec![Box::new(desk.folder("team")), Box::new(maven(desk))];
    if let Some(registry) = registry {
        let host = registry.host();
        writeln!(
            toml,
            "[[repository]]\nname = \"real\"\nkind = \"oci\"\nurl = \"http://{host}/a/b\""
        )
        .unwrap();
        repositories.push(Box::new(client(&host, "a/b")));
    }
    for version in ["1.2.0", "1.10.0"] {
        let upload = desk.bench.package("mlflow", version, "tracking");
        let signature = desk.signature(&upload);
        for repository in &repositories {
            let release = repository.publish(&upload, false, &Silent).await.unwrap();
            repository.sign(&release, &signature).await.unwrap();
        }
    }
    toml
}

fn docker(test: &str) -> Option<DockerRegistry> {
    if let Some(why) = docker_registry::missing() {
        skip(test, why).unwrap();
        return None;
    }
    Some(DockerRegistry::start(&Options::default()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_repository_has_the_digests_of_a_registry() {
    let Some(docker) = docker("the OCI endpoint of docker-registry") else {
        return;
    };
    let desk = Desk::new();
    let toml = published(&desk, Some(&docker)).await;
    let served = Registry::start(desk.workspace("server", "enforce", &toml)).await;
    let version = "1.10.0".parse().unwrap();
    let origin = client(&docker.host(), "a/b");
    let original = origin.release("mlflow", &version).await.unwrap();
    let signatures = origin.signatures(&original).await.unwrap();
    assert_eq!(signatures.len(), 1);
    for repository in ["team", "central", "real"] {
        let client = client(&served.host, repository);
        assert_eq!(client.versions("mlflow").await.unwrap().len(), 2);
        let release = client.release("mlflow", &version).await.unwrap();
        assert_eq!(release.manifest, original.manifest, "{repository}");
        let served = client.signatures(&release).await.unwrap();
        assert!(served == signatures, "{repository}: {}", served.len());
        let target = desk.bench.target(repository);
        let content = fetched(&client, &release, &target).await;
        assert_eq!(Some(content), original.content.digest);
        let document = client.document(&release).await.unwrap();
        assert_eq!(document, origin.document(&original).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_trusts_what_is_served_and_uses_the_advertised_search() {
    let desk = Desk::new();
    let toml = published(&desk, None).await;
    let workspace = desk.workspace("server", "enforce", &toml);
    let served = Registry::start(workspace.clone()).await;
    let central = client(&served.host, "central");
    let names = central.names(Some("tracking")).await.unwrap();
    assert_eq!(names.names, ["mlflow"]);
    assert_eq!(names.method, DiscoveryMethod::Search);

    // Without the extension, the client reads the catalog.
    let settings = Settings {
        extension: None,
        ..Settings::default()
    };
    let plain = Registry::with(workspace, Arc::new(Anonymous), settings).await;
    let names = client(&plain.host, "central").names(None).await.unwrap();
    assert_eq!(names.names, ["mlflow"]);
    assert_eq!(names.method, DiscoveryMethod::Catalog);

    let toml = format!(
        "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"http://{}/central\"\n",
        served.host
    );
    let user = desk.workspace("user", "enforce", &toml);
    let discovery = user
        .catalog
        .discover(None, &user, &user.listing_cache(true))
        .await;
    assert!(discovery.failures.is_empty(), "{discovery:?}");
    assert_eq!(discovery.packages[0].description, "tracking");
    let range = "^1.2".parse().unwrap();
    let resolved = user.catalog.find("mlflow", &range, None).await.unwrap();
    let delivery = user
        .loader()
        .fetch(&resolved, false, &Silent)
        .await
        .unwrap();
    assert_eq!(delivery.entry.version, "1.10.0".parse().unwrap());
    assert_eq!(delivery.verdict.by(), ["alice"]);
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    output.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn crane_lists_reads_and_copies() {
    if let Some(why) = crane::missing() {
        skip("the OCI endpoint with crane", why).unwrap();
        return;
    }
    let other = Crane::start().unwrap();
    let desk = Desk::new();
    let toml = published(&desk, None).await;
    let served = Registry::start(desk.workspace("server", "enforce", &toml)).await;
    let host = served.host.clone();
    let crane = move |arguments: &[&str]| run(other.client().args(arguments));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let image = format!("{host}/central/mlflow");
    assert_eq!(text(crane(&["ls", &image])), "1.10.0\n1.2.0\n");
    let catalog = text(crane(&["catalog", &host]));
    assert_eq!(catalog, "central/mlflow\nteam/mlflow\n");
    let tagged = format!("{image}:1.10.0");
    let manifest = crane(&["manifest", &tagged]);
    let digest = Digest::of(&manifest).oci();
    assert_eq!(text(crane(&["digest", &tagged])).trim(), digest);
    assert_eq!(crane(&["manifest", &format!("{image}@{digest}")]), manifest);

    // Flux selects the content by its media type.
    let parsed: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = parsed["layers"].as_array().unwrap();
    let layer = layers.iter().find(|layer| layer["mediaType"] == CONTENT);
    let layer = layer.unwrap()["digest"].as_str().unwrap();
    let content = crane(&["blob", &format!("{image}@{layer}")]);
    assert_eq!(Digest::of(&content).oci(), layer);

    let folder = desk.bench.target("layout");
    let folder = folder.to_str().unwrap();
    let _ = crane(&["pull", "--format", "oci", &tagged, folder]);
    let blob = desk.bench.target("layout").join("blobs/sha256");
    let blob = blob.join(digest.trim_start_matches("sha256:"));
    assert_eq!(std::fs::read(blob).unwrap(), manifest);
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_pulls_a_chart_of_a_registry() {
    let Some(docker) = docker("a chart at the OCI endpoint") else {
        return;
    };
    let desk = Desk::new();
    let folder = desk.bench.target("hello");
    std::fs::create_dir(&folder).unwrap();
    let chart = "apiVersion: v2\nname: hello\nversion: 0.1.0\ndescription: a chart\n";
    std::fs::write(folder.join("Chart.yaml"), chart).unwrap();
    let path = |name: &str| desk.bench.target(name).to_str().unwrap().to_owned();
    let (source, packed, pulled) = (path("hello"), path("packed"), path("pulled"));
    let helm = |arguments: &[&str]| helm(arguments).unwrap();
    let _ = helm(&["package", &source, "-d", &packed]);
    let file = format!("{packed}/hello-0.1.0.tgz");
    let upstream = format!("oci://{}/charts", docker.host());
    let _ = helm(&["push", &file, &upstream, "--plain-http"]);

    let toml = format!(
        "[[repository]]\nname = \"charts\"\nkind = \"oci\"\nurl = \"http://{}/charts\"\n",
        docker.host()
    );
    let served = Registry::start(desk.workspace("server", "warn", &toml)).await;
    let chart = format!("oci://{}/charts/hello", served.host);
    let arguments = [
        "pull",
        &chart,
        "--version",
        "0.1.0",
        "--plain-http",
        "-d",
        &pulled,
    ];
    std::fs::create_dir(&pulled).unwrap();
    let _ = helm(&arguments);
    let pulled = std::fs::read(format!("{pulled}/hello-0.1.0.tgz")).unwrap();
    assert_eq!(pulled, std::fs::read(&file).unwrap());

    // No signature covers its metadata, so a registry that enforces the policy does not serve the chart.
    let strict = Registry::start(desk.workspace("strict", "enforce", &toml)).await;
    let (status, code, _) = strict.fault("/v2/charts/hello/manifests/0.1.0").await;
    assert_eq!((status, code.as_str()), (403, "DENIED"));
}

/// What the endpoint has of a package, as the suite expects it.
async fn content(registry: &Registry, path: &str) -> Content {
    let mut content = Content {
        repository: path.to_owned(),
        ..Content::default()
    };
    let names = |value: &Value| -> Vec<String> {
        let names = value.as_array().unwrap().iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let tags = registry.json(&format!("/v2/{path}/tags/list")).await;
    content.tags = names(&tags["tags"]);
    for tag in content.tags.clone() {
        let bytes = registry.bytes(&format!("/v2/{path}/manifests/{tag}")).await;
        let digest = Digest::of(&bytes).oci();
        let referrers = registry
            .json(&format!("/v2/{path}/referrers/{digest}"))
            .await;
        let referrers = referrers["manifests"].as_array().unwrap().clone();
        assert_eq!(referrers.len(), 1, "{path}");
        content.subjects.push(digest.clone());
        content.manifests.push(digest.clone());
        let signature = referrers[0]["digest"].as_str().unwrap();
        content.manifests.push(signature.to_owned());
        for digest in [digest.as_str(), signature] {
            let manifest = registry
                .json(&format!("/v2/{path}/manifests/{digest}"))
                .await;
            let layers = manifest["layers"].as_array().unwrap();
            for blob in layers.iter().chain([&manifest["config"]]) {
                content
                    .blobs
                    .push(blob["digest"].as_str().unwrap().to_owned());
            }
        }
    }
    content.blobs.sort();
    content.blobs.dedup();
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_is_the_same_with_and_without_the_extension() {
    if let Some(why) = conformance::missing() {
        skip("the conformance of the OCI endpoint", why).unwrap();
        return;
    }
    let Some(docker) = docker("the conformance of the OCI endpoint") else {
        return;
    };
    let desk = Desk::new();
    let toml = published(&desk, Some(&docker)).await;
    for repository in ["team", "central", "real"] {
        let mut reports = Vec::new();
        for extension in [Settings::default().extension, None] {
            let workspace = desk.workspace("server", "enforce", &toml);
            let settings = Settings {
                extension,
                ..Settings::default()
            };
            let served = Registry::with(workspace, Arc::new(Anonymous), settings).await;
            let content = content(&served, &format!("{repository}/mlflow")).await;
            let (host, folder) = (served.host.clone(), desk.bench.path().to_owned());
            let suite = move || conformance::run(&host, &content, &folder);
            let report = tokio::task::spawn_blocking(suite).await.unwrap();
            reports.push(report.unwrap());
        }
        assert_eq!(reports[0], reports[1], "{repository}");
        let (report, read) = (&reports[0], READ.map(|api| reports[0].apis.get(api)));
        let pass = "Pass".to_owned();
        assert_eq!(read, READ.map(|_| Some(&pass)), "{repository}: {report:?}");
    }
}
