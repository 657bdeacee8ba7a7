//! `_oci/ext/discover`, and searches that it leads to: answers as the specification, as zot, and as most registries
//! give them.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod quirk;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_repository::oci::{Oci, Settings};
use extension_registry_package_repository::{DiscoveryMethod, Error, Extension, Repository};
use extension_registry_package_transport::credentials::Credentials;
use quirk::{RecordedRequest, Server, answer, hasty, json, text};

const DISCOVER: &str = "/v2/_oci/ext/discover";

/// What zot answers, with all that it has.
const ZOT: &str = r#"{"extensions":[{"name":"_zot",
    "url":"https://github.com/project-zot/zot/blob/v2.1.0/pkg/extensions/_zot.md",
    "description":"zot registry extensions",
    "endpoints":["/v2/_zot/ext/notation","/v2/_zot/ext/cosign","/v2/_zot/ext/search",
                 "/v2/_zot/ext/userprefs","/v2/_zot/ext/mgmt"]}]}"#;

async fn saying(status: u16, media_type: &'static str, body: &'static str) -> Server {
    Server::of(move |asked| {
        let is_discover = asked.path.ends_with("/_oci/ext/discover");
        is_discover.then(|| answer(status, &[("content-type", media_type)], body))
    })
    .await
}

async fn discovered(body: &'static str) -> Vec<Extension> {
    let server = saying(200, "application/json", body).await;
    all(&server.driver()).await
}

/// Extensions where everybody answers.
async fn all(driver: &Oci) -> Vec<Extension> {
    let extensions = driver.extensions().await;
    assert!(extensions.failures.is_empty(), "{extensions:?}");
    extensions.found
}

/// A driver for a server, whose configuration names these packages.
fn naming(server: &Server, names: &[&str]) -> Oci {
    let settings = Settings {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..server.settings()
    };
    Oci::new(settings, hasty(), Credentials::Anonymous).unwrap()
}

/// 400 may be about the length of a page, or about the list.
#[tokio::test]
async fn rejected_catalog_falls_back_to_configured_names() {
    for body in ["{}", "<html>"] {
        let server = Server::of(move |asked| {
            (asked.path == "/v2/_catalog").then(|| {
                let status = if asked.parameter("n").is_some() {
                    400
                } else {
                    404
                };
                answer(status, &[], body)
            })
        })
        .await;
        let names = naming(&server, &["tool"]).names(None).await.unwrap();
        assert_eq!(
            (names.names, names.method),
            (vec!["tool".to_owned()], DiscoveryMethod::Named)
        );
    }
}

#[tokio::test]
async fn reads_extensions_of_zot() {
    let found = discovered(ZOT).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "_zot");
    assert_eq!(found[0].description, "zot registry extensions");
    assert!(found[0].url.starts_with("https://github.com/project-zot/"));
    assert_eq!(found[0].endpoints[2], "/v2/_zot/ext/search");
    assert_eq!(found[0].repository, None);
    assert_eq!(discovered(r#"{"extensions":[]}"#).await, []);
    assert_eq!(discovered(r#"{"extensions":null}"#).await, []);
}

#[tokio::test]
async fn reads_endpoints_in_all_forms() {
    let found = discovered(
        r#"{"extensions":[{"name":"_x","url":"https://a.example/","endpoints":
            ["_x/a/b","/_x/a/b","v2/_x/a/b","/v2/_x/a/b","https://elsewhere.example/v2/_x/a/b","/v2/_x/../../etc"]}]}"#,
    )
    .await;
    assert_eq!(found[0].endpoints, ["/v2/_x/a/b"; 4]);
}

#[tokio::test]
async fn reads_extensions_of_repository() {
    let server = Server::of(|asked| match asked.path.as_str() {
        DISCOVER => Some(json(ZOT)),
        "/v2/extensions/tool/_oci/ext/discover" => Some(json(
            r#"{"extensions":[{"name":"_x","url":"https://a.example/","endpoints":["_x/a/b"]}]}"#,
        )),
        _ => None,
    })
    .await;
    let found = all(&naming(&server, &["tool", "other", "_no"])).await;
    let origins: Vec<(&str, Option<&str>)> = found
        .iter()
        .map(|one| (one.name.as_str(), one.repository.as_deref()))
        .collect();
    assert_eq!(origins, [("_zot", None), ("_x", Some("extensions/tool"))]);
    assert_eq!(found[1].endpoints, ["/v2/extensions/tool/_x/a/b"]);
    assert!(server.lines().iter().all(|line| !line.contains("_no")));
}

#[tokio::test]
async fn unsupported_discover_is_none() {
    for (status, media_type, body) in [
        (404, "text/plain", "404 page not found\n"),
        (
            404,
            "application/json",
            r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#,
        ),
        (
            404,
            "application/json",
            r#"{"errors":[{"code":"UNSUPPORTED"}]}"#,
        ),
        (
            405,
            "application/json",
            r#"{"errors":[{"code":"UNSUPPORTED"}]}"#,
        ),
        (
            400,
            "application/json",
            r#"{"errors":[{"code":"EXTENSION_UNKNOWN","message":"?"}]}"#,
        ),
        (200, "text/html", "<html><body>Sign in</body></html>"),
        (200, "application/json", "[]"),
    ] {
        let server = saying(status, media_type, body).await;
        assert_eq!(all(&server.driver()).await, [], "{status} {body}");
    }
}

#[tokio::test]
async fn denied_discover_is_not_none() {
    for status in [401, 403] {
        let server = saying(
            status,
            "application/json",
            r#"{"errors":[{"code":"DENIED"}]}"#,
        )
        .await;
        let extensions = naming(&server, &["tool"]).extensions().await;
        assert_eq!(extensions.found, []);
        let places: Vec<Option<&str>> = extensions
            .failures
            .iter()
            .map(|(place, error)| {
                assert!(matches!(error, Error::Denied { .. }), "{error}");
                place.as_deref()
            })
            .collect();
        assert_eq!(places, [None, Some("extensions/tool")]);
    }
}

/// What one place does not say takes nothing from the others.
#[tokio::test]
async fn failures_are_reported_per_repository() {
    let server = Server::of(|asked| match asked.path.as_str() {
        DISCOVER => Some(text(403, "no")),
        "/v2/extensions/tool/_oci/ext/discover" => Some(json(FUSEML)),
        "/v2/extensions/broken/_oci/ext/discover" => Some(text(500, "no")),
        _ => None,
    })
    .await;
    let extensions = naming(&server, &["tool", "broken", "other"])
        .extensions()
        .await;
    let found: Vec<Option<&str>> = extensions
        .found
        .iter()
        .map(|one| one.repository.as_deref())
        .collect();
    assert_eq!(found, [Some("extensions/tool")]);
    let [(None, denied), (Some(broken), error)] = &extensions.failures[..] else {
        unreachable!("{extensions:?}");
    };
    assert!(matches!(denied, Error::Denied { .. }), "{denied}");
    assert_eq!(broken, "extensions/broken");
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");

    // A registry that does not answer is not asked for each repository.
    let server = saying(500, "text/plain", "no").await;
    let extensions = naming(&server, &["tool"]).extensions().await;
    assert_eq!(extensions.failures.len(), 1);
    assert!(server.lines().iter().all(|line| !line.contains("/tool/")));
}

/// Lists go on without a search that nobody may ask for; that it failed is told.
#[tokio::test]
async fn failed_discover_is_warning() {
    for (status, told) in [(500, 1), (403, 0)] {
        let server = Server::of(move |asked| match asked.path.as_str() {
            DISCOVER => Some(text(status, "no")),
            "/v2/_catalog" => Some(json(r#"{"repositories":["extensions/mlflow"]}"#)),
            _ => None,
        })
        .await;
        let driver = server.driver();
        assert_eq!(driver.names(None).await.unwrap().names, ["mlflow"]);
        let warnings = driver.warnings();
        assert_eq!(warnings.len(), told, "{warnings:?}");
        for warning in warnings {
            assert!(
                warning
                    .message
                    .starts_with("quirk: failed to list extensions: the server responded with 500"),
                "{warning}"
            );
        }
    }
}

#[tokio::test]
async fn keeps_unknown_and_incomplete_extensions() {
    let server = saying(
        200,
        "text/plain",
        r#"{"more":1,"extensions":[
            {"name":"_new","url":"https://a.example/","endpoints":["_new/x"],"since":"v9"},
            {"name":"_short"},
            {"url":"https://a.example/"},
            7,
            {"name":"_null","description":null,"url":null,"endpoints":null}]}"#,
    )
    .await;
    let driver = server.driver();
    let found = all(&driver).await;
    let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["_new", "_short", "_null"]);
    assert_eq!(server.asked()[0].header("accept"), Some("application/json"));
    let warnings = driver
        .warnings()
        .iter()
        .map(Explain::explained)
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        warnings.contains("has the content type `text/plain`"),
        "{warnings}"
    );
    assert!(warnings.contains("an entry without a name"), "{warnings}");
}

#[tokio::test]
async fn only_web_addresses_are_links() {
    let found = discovered(
        r#"{"extensions":[
            {"name":"_a","url":"javascript:alert(1)","endpoints":[]},
            {"name":"_b","url":"file:///etc/passwd","endpoints":[]},
            {"name":"_c","url":"http://a.example/doc","endpoints":[]}]}"#,
    )
    .await;
    let urls: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(urls, ["", "", "http://a.example/doc"]);
}

const FUSEML: &str = r#"{"extensions":[{"name":"_fuseml","url":"https://a.example/",
    "endpoints":["_fuseml/packages/search"]}]}"#;

#[tokio::test]
async fn uses_advertised_vendor_search() {
    let server = Server::of(|asked: &RecordedRequest| {
        Some(match (asked.path.as_str(), asked.parameter("last").as_deref()) {
            (DISCOVER, _) => json(FUSEML),
            ("/v2/_fuseml/packages/search", None) => answer(
                200,
                &[("link", "</v2/_fuseml/packages/search?q=flow&last=2>; rel=\"next\"")],
                r#"{"packages":[{"repository":"extensions/mlflow","type":"record"},
                    {"repository":"elsewhere/mlflow"},{"repository":"extensions/extension-index"}]}"#,
            ),
            ("/v2/_fuseml/packages/search", Some("2")) => {
                json(r#"{"packages":[{"repository":"extensions/airflow"},{"repository":"extensions/_x"}]}"#)
            }
            _ => return None,
        })
    })
    .await;
    let names = server.driver().names(Some("flow")).await.unwrap();
    assert_eq!(names.method, DiscoveryMethod::Search);
    assert_eq!(names.names, ["airflow", "mlflow"]);
    let asked = server.asked();
    assert_eq!(asked[1].parameter("q").as_deref(), Some("flow"));
    assert!(asked.iter().all(|one| one.path != "/v2/_catalog"));
}

#[tokio::test]
async fn never_uses_unadvertised_search() {
    let server = Server::of(|asked| match asked.path.as_str() {
        DISCOVER => Some(json(
            r#"{"extensions":[{"name":"_other","url":"","endpoints":[]}]}"#,
        )),
        "/v2/_catalog" => Some(json(r#"{"repositories":["extensions/mlflow"]}"#)),
        _ => None,
    })
    .await;
    let names = server.driver().names(Some("flow")).await.unwrap();
    assert_eq!(names.method, DiscoveryMethod::Catalog);
    assert_eq!(
        server.lines(),
        [format!("GET {DISCOVER}"), "GET /v2/_catalog".to_owned()]
    );
}

/// zot, with these queries.
async fn zot(queries: &'static str) -> Server {
    Server::of(move |asked| match asked.path.as_str() {
        DISCOVER => Some(json(ZOT)),
        "/v2/_catalog" => Some(json(r#"{"repositories":["extensions/by-catalog"]}"#)),
        "/v2/_zot/ext/search" => {
            let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
            if body["query"].as_str().unwrap().contains("__schema") {
                return Some(json(queries));
            }
            assert_eq!(body["variables"]["query"], "flow");
            Some(json(
                r#"{"data":{"GlobalSearch":{"Repos":[{"Name":"extensions/mlflow"},{"Name":"other/x"}]}}}"#,
            ))
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn checks_schema_before_zot_search() {
    let server = zot(r#"{"data":{"__schema":{"queryType":{"fields":[{"name":"ImageList"},{"name":"GlobalSearch"}]}}}}"#).await;
    let names = server.driver().names(Some("flow")).await.unwrap();
    assert_eq!(
        (names.method, names.names),
        (DiscoveryMethod::Search, vec!["mlflow".to_owned()])
    );

    let server =
        zot(r#"{"data":{"__schema":{"queryType":{"fields":[{"name":"ImageList"}]}}}}"#).await;
    let names = server.driver().names(Some("flow")).await.unwrap();
    assert_eq!(
        (names.method, names.names),
        (DiscoveryMethod::Catalog, vec!["by-catalog".to_owned()])
    );
    let searches = server
        .lines()
        .iter()
        .filter(|line| line.contains("_zot"))
        .count();
    assert_eq!(searches, 1, "the query itself is not tried");
}

#[tokio::test]
async fn failed_search_falls_back_to_catalog() {
    let server = Server::of(|asked| match asked.path.as_str() {
        DISCOVER => Some(json(FUSEML)),
        "/v2/_fuseml/packages/search" => Some(text(403, "no")),
        "/v2/_catalog" => Some(json(r#"{"repositories":["extensions/mlflow"]}"#)),
        _ => None,
    })
    .await;
    let driver = server.driver();
    let names = driver.names(None).await.unwrap();
    assert_eq!(names.method, DiscoveryMethod::Catalog);
    let warnings = driver.warnings();
    assert!(
        warnings.len() == 1
            && warnings[0]
                .message
                .starts_with("quirk denied access: cannot search"),
        "{warnings:?}"
    );
}

/// The search shows what its token may see, and what a repository says is asked with a token of that repository.
#[tokio::test]
async fn requests_use_repository_scope() {
    let server = Server::of(|asked| {
        let host = asked.header("host").unwrap();
        if asked.path == "/token" {
            let scope = asked.parameter("scope").unwrap_or_default();
            return Some(json(&format!(
                r#"{{"token":"for:{scope}","expires_in":300}}"#
            )));
        }
        let Some(shown) = asked.header("authorization") else {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"r\"");
            return Some(answer(401, &[("www-authenticate", &challenge)], ""));
        };
        Some(match (asked.path.as_str(), shown) {
            (DISCOVER, "Bearer for:")
            | (
                "/v2/extensions/tool/_oci/ext/discover",
                "Bearer for:repository:extensions/tool:pull",
            ) => json(FUSEML),
            ("/v2/_fuseml/packages/search", "Bearer for:") => {
                json(r#"{"packages":[{"repository":"extensions/tool"}]}"#)
            }
            _ => text(403, "another scope"),
        })
    })
    .await;
    let driver = naming(&server, &["tool"]);
    assert_eq!(all(&driver).await.len(), 2);
    assert_eq!(driver.names(Some("tool")).await.unwrap().names, ["tool"]);
}
