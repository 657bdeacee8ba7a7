//! Tests of the pages about packages, with folder repositories.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod browser;
#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use browser::{Browser, built, publish};
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::Digest;
use extension_registry_packages::repository::Repository;
use extension_registry_packages::signature::{Statement, minisign};
use extension_registry_query::Settings;
use extension_registry_web::access::Access;
use extension_registry_web::oci::{Anonymous, Settings as OciSettings, router};
use extension_registry_web::{FileSource, Packages, Site, Source};
use registry::{Desk, Registry};
use tower::ServiceExt;

/// Asserts that a page contains these texts.
#[track_caller]
fn assert_shows(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[track_caller]
fn assert_hides(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(!page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn list_is_paged_and_narrowed_by_facets() {
    let desk = Desk::new();
    let (team, hub) = (desk.folder("team"), desk.folder("hub"));
    for number in 10..63 {
        let upload = desk
            .bench
            .package(&format!("tool-{number}"), "1.0.0", "a tool");
        publish(&team, &upload).await;
    }
    for (name, kind, license) in [
        ("store", "provider", "BSD-3-Clause"),
        ("queue", "odd", "MIT"),
    ] {
        let manifest = format!(
            "extension: {{name: {name}, version: 2.0.0, type: {kind}, description: keeps things}}\n\
             metadata: {{license: {license}}}\n"
        );
        publish(&hub, &built(&desk, &manifest, b"")).await;
    }
    let toml = desk.folder_toml("team") + &desk.folder_toml("hub");
    let browser = Browser::open(desk.workspace("home", "enforce", &toml)).await;

    let page = browser.page("/packages").await;
    assert_shows(
        &page,
        &[
            "55 packages",
            "Page 1 of 2",
            "<a href=\"/packages?page=2\" rel=\"next\">",
            "<a href=\"/packages?type=record\">record</a> <small>53</small>",
            "<a href=\"/packages?license=BSD-3-Clause\">BSD-3-Clause</a> <small>1</small>",
            "<a href=\"/packages?repository=hub\">hub</a> <small>2</small>",
            "<a href=\"/packages/record/tool-10\">tool-10</a>",
            "<a href=\"/packages/record/tool-10/1.0.0\">1.0.0</a>",
            "unsupported type odd",
        ],
    );
    assert_eq!(page.matches("<th scope=\"row\">").count(), 50);
    let second = browser.page("/packages?page=2").await;
    assert_eq!(second.matches("<th scope=\"row\">").count(), 5);
    let beyond = browser.page("/packages?page=99").await;
    assert_shows(&beyond, &["this is the last one", "Page 2 of 2"]);

    let hub = browser.page("/packages?repository=hub&type=provider").await;
    assert_shows(
        &hub,
        &[
            "1 package ",
            "<a href=\"/packages?repository=hub\">All</a>",
            ">store</a>",
        ],
    );
    assert_hides(&hub, &["tool-10", ">queue</a>"]);
    let found = browser.page("/packages?q=KEEPS&license=MIT").await;
    assert_shows(&found, &["1 package ", ">queue</a>", "value=\"KEEPS\""]);
    let none = browser.page("/packages?q=absent").await;
    assert_shows(&none, &["0 packages", "No package matches."]);
    let (status, page) = browser.get("/packages?repository=absent").await;
    assert_eq!(status, 404);
    assert_shows(&page, &["unknown repository `absent`"]);

    let document = browser.json("/packages?repository=hub&o=json").await;
    assert_eq!(document["packages"].as_array().unwrap().len(), 2);
    assert_eq!(document["sources"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn new_package_is_listed_after_another_query() {
    let desk = Desk::new();
    let team = desk.folder("team");
    publish(&team, &desk.bench.package("first", "1.0.0", "a tool")).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let browser = Browser::open(workspace).await;
    assert_shows(&browser.page("/packages").await, &["1 package "]);
    publish(&team, &desk.bench.package("second", "1.0.0", "a tool")).await;
    let page = browser.page("/packages?refresh=true").await;
    assert_shows(&page, &["2 packages", "href=\"/packages?refresh=true\""]);
}

#[tokio::test]
async fn versions_of_one_type_are_listed() {
    let desk = Desk::new();
    let team = desk.folder("team");
    for version in ["1.9.0", "1.10.0", "2.0.0-rc.1"] {
        publish(&team, &desk.bench.package("mlflow", version, "a tool")).await;
    }
    let old = "extension: {name: mlflow, version: 0.1.0, deprecated: use 1.x}\n";
    publish(&team, &built(&desk, old, b"")).await;
    let other = "extension: {name: mlflow, version: 0.2.0, type: provider}\n";
    publish(&team, &built(&desk, other, b"")).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let browser = Browser::open(workspace).await;

    let page = browser.page("/packages/record/mlflow").await;
    assert_shows(
        &page,
        &[
            "record, 4 versions",
            "pre-release",
            "deprecated</span>: use 1.x",
        ],
    );
    let order = ["2.0.0-rc.1", "1.10.0", "1.9.0", "0.1.0"].map(|version| {
        let link = format!("<a href=\"/packages/record/mlflow/{version}\">");
        page.find(&link).unwrap_or_else(|| panic!("{link}: {page}"))
    });
    assert!(order.is_sorted(), "{order:?}");
    assert_hides(&page, &["0.2.0"]);
    let document = browser.json("/packages/record/mlflow?o=json").await;
    assert_eq!(document["versions"].as_array().unwrap().len(), 5);
    for path in [
        "/packages/cluster/mlflow",
        "/packages/record/absent",
        "/packages/record/mlflow/9.9.9",
        "/packages/provider/mlflow/1.9.0",
        "/packages/record/mlflow/latest",
    ] {
        let (status, page) = browser.get(path).await;
        assert_eq!(status, 404, "{path}: {page}");
    }
}

#[tokio::test]
async fn version_page_shows_trust_and_commands() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let manifest = "extension: {name: mlflow, version: 1.2.0}\ntemplates: [{file: templates/main.yaml}]\n\
                    metadata: {homepage: https://example.com}\n";
    let upload = built(&desk, manifest, b"# mlflow\n\nTracks experiments.\n");
    desk.publish(&team, &upload).await;
    publish(&team, &desk.bench.package("unsigned", "1.0.0", "a tool")).await;
    let upload = desk.bench.package("stranger", "1.0.0", "a tool");
    let release = team.publish(
        &upload,
        false,
        &extension_registry_packages::progress::Silent,
    );
    let release = release.await.unwrap();
    let key = minisign::generate(None).unwrap();
    let signature = minisign::sign(&Statement::of_upload(&upload), &key.secret, None).unwrap();
    team.sign(&release, &signature).await.unwrap();

    let toml = desk.folder_toml("team");
    let browser = Browser::open(desk.workspace("home", "enforce", &toml)).await;
    let trusted = browser.page("/packages/record/mlflow/1.2.0").await;
    assert_shows(
        &trusted,
        &[
            "<h1>mlflow 1.2.0</h1>",
            "<span class=\"good\">trusted</span>, signed by alice",
            "<pre>kubectl ext package pull mlflow --version 1.2.0</pre>",
            "<pre>kubectl ext register mlflow --from-template package:mlflow@1.2.0 --dry-run</pre>",
            "<a href=\"https://example.com\" rel=\"nofollow ugc noopener\">",
            "<h3>mlflow</h3>",
        ],
    );
    for name in ["unsigned", "stranger"] {
        let path = format!("/packages/record/{name}/1.0.0");
        let page = browser.page(&path).await;
        let verify = format!("<pre>kubectl ext package verify {name} --version 1.0.0</pre>");
        assert_shows(&page, &["<span class=\"bad\">refused</span>", &verify]);
        assert_hides(&page, &["package pull", "--from-template"]);
        let document = browser.json(&format!("{path}?o=json")).await;
        assert_eq!(document["trust"], "refused");
    }
    let unsigned = browser.page("/packages/record/unsigned/1.0.0").await;
    assert_shows(&unsigned, &["is not signed"]);
    let stranger = browser.page("/packages/record/stranger/1.0.0").await;
    assert_shows(&stranger, &["untrusted key"]);

    let lenient = Browser::open(desk.workspace("other", "warn", &toml)).await;
    let page = lenient.page("/packages/record/unsigned/1.0.0").await;
    assert_shows(
        &page,
        &[
            "<span class=\"warn\">tolerated</span>",
            "package pull unsigned",
        ],
    );
}

#[tokio::test]
async fn failing_repositories_do_not_hide_a_working_one() {
    let desk = Desk::new();
    let team = desk.folder("team");
    desk.publish(&team, &desk.bench.package("mlflow", "1.2.0", "a tool"))
        .await;
    let silent = Router::new().fallback(async || std::future::pending::<&str>().await);
    let silent = Registry::of(silent).await;
    let portal = "<!doctype html><title>Sign in</title><script>alert(1)</script>";
    let portal = Router::new().fallback(async move || ([("content-type", "text/html")], portal));
    let portal = Registry::of(portal).await;
    let oci = |name: &str, server: &Registry| {
        format!(
            "[[repository]]\nname = \"{name}\"\nkind = \"oci\"\nurl = \"http://{}/x\"\n\
             priority = -1\ntimeout = 1\nretry_count = 0\n",
            server.host
        )
    };
    let toml = desk.folder_toml("team") + &oci("silent", &silent) + &oci("portal", &portal);
    let browser = Browser::open(desk.workspace("home", "enforce", &toml)).await;

    let page = browser.page("/repositories").await;
    assert_eq!(page.matches("<span class=\"bad\">failed</span>").count(), 1);
    assert_shows(&page, &[">team</a>", "no response within 1"]);
    let rows = browser.json("/repositories?o=json").await;
    let rows = rows["repositories"].as_array().unwrap();
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row["failure"].is_string())
        .collect();
    assert_eq!(failed.len(), 1, "{rows:?}");
    assert_eq!(failed[0]["name"], "silent");
    // Registries may withhold their catalog, so one that sends a page instead is noticed only when packages are listed.
    let portal = rows.iter().find(|row| row["name"] == "portal").unwrap();
    assert!(
        !portal["can"]
            .as_array()
            .unwrap()
            .iter()
            .any(|can| can == "list")
    );

    let list = browser.page("/packages").await;
    assert_shows(
        &list,
        &["1 package ", ">mlflow</a>", "silent: failed to", "portal"],
    );
    let listing = browser.json("/packages?o=json").await;
    let sources = listing["sources"].as_array().unwrap();
    let failed = sources.iter().filter(|row| row["failure"].is_string());
    assert_eq!((sources.len(), failed.count()), (3, 2), "{listing}");
    for path in ["/packages/record/mlflow", "/packages/record/mlflow/1.2.0"] {
        let page = browser.page(path).await;
        assert_shows(&page, &["silent: failed to", "1.2.0"]);
        assert_hides(&page, &["alert(1)"]);
    }
    // The versions of a package that only a failed repository may have are unknown.
    let page = browser.page("/packages/record/absent").await;
    assert_shows(&page, &["record, 0 versions", "silent: failed to"]);
    let (status, page) = browser.get("/packages/record/absent/1.0.0").await;
    assert_eq!(status, 502, "{page}");
}

/// Their failure is reported on the page, which still shows the rest.
#[tokio::test]
async fn signatures_and_document_that_cannot_be_read_are_reported() {
    let desk = Desk::new();
    let upload = desk.bench.package("mlflow", "1.2.0", "a tool");
    desk.publish(&desk.folder("team"), &upload).await;
    let origin = desk.workspace("origin", "enforce", &desk.folder_toml("team"));
    let settings = OciSettings::default();
    let (routes, _) = router(Arc::new(origin), Arc::new(Anonymous), settings).unwrap();
    let document = Digest::of(&upload.document.as_ref().unwrap().bytes).oci();
    let hanging = from_fn(move |request: Request, next: Next| {
        let path = request.uri().path();
        let hangs = path.contains("/referrers/") || path.ends_with(&document);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            next.run(request).await
        }
    });
    let origin = Registry::of(routes.layer(hanging)).await;
    let toml = format!(
        "[[repository]]\nname = \"far\"\nkind = \"oci\"\nurl = \"http://{}/team\"\n\
         timeout = 1\nretry_count = 0\n",
        origin.host
    );
    let browser = Browser::open(desk.workspace("home", "enforce", &toml)).await;
    let path = "/packages/record/mlflow/1.2.0";
    let page = browser.page(path).await;
    assert_shows(
        &page,
        &[
            "<span class=\"warn\">unknown</span>",
            "far: failed to",
            "no response within 1",
            "<dd>Somebody</dd>",
        ],
    );
    assert_eq!(page.matches("class=\"note\"").count(), 2, "{page}");
    assert_hides(&page, &["<h2>Document</h2>"]);
    let (status, _) = browser.get(&format!("{path}?o=json")).await;
    assert_eq!(status, 502);
}

#[tokio::test]
async fn page_without_configuration_says_how_to_configure() {
    let desk = Desk::new();
    let browser = Browser::open(desk.workspace("home", "enforce", "")).await;
    for path in ["/packages", "/repositories"] {
        let page = browser.page(path).await;
        assert_shows(
            &page,
            &["[[repository]]", "kubectl ext package config show"],
        );
    }
    let listing = browser.json("/packages?o=json").await;
    assert_eq!(listing["packages"], serde_json::json!([]));

    let note = Note::new("packages.toml: unknown key").hint("remove it");
    let browser = Browser::of(Packages::Unusable(note)).await;
    let (status, page) = browser.get("/packages").await;
    assert_eq!(status, 500);
    assert_shows(&page, &["packages.toml: unknown key", "Hint: remove it"]);
}

/// The repositories are read with the credentials of the process, so RBAC of a cluster does not apply.
#[tokio::test]
async fn users_of_a_cluster_see_no_packages() {
    let desk = Desk::new();
    let team = desk.folder("team");
    desk.publish(&team, &desk.bench.package("mlflow", "1.2.0", "a tool"))
        .await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let source = Source::Files(FileSource::new(Vec::new(), Settings::default()));
    let packages = Packages::Open(Arc::new(workspace));
    let router = Site::new(source, Access::Forwarded)
        .with_packages(packages)
        .router();
    for (path, expected) in [
        ("/packages", 200),
        ("/repositories", 200),
        ("/packages?o=json", 404),
        ("/repositories?o=json", 404),
        ("/packages/record/mlflow", 404),
        ("/packages/record/mlflow/1.2.0", 404),
    ] {
        let request = http::Request::get(path).header("authorization", "Bearer token");
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap());
        let response = response.await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let page = String::from_utf8_lossy(&body);
        assert_shows(&page, &["ackages are not shown here", "kubectl ext ui"]);
        assert_hides(&page, &["1.2.0</a>", "team"]);
    }
}
