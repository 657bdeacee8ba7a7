//! Tests of listings: pages, denied catalogs, servers with wrong paging.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod quirk;

use std::sync::Arc;
use std::time::Duration;

use contract::{Bench, version};
use extension_registry_core::diagnostic::{Explain, Note};
use extension_registry_package_repository::mirrored::Mirrored;
use extension_registry_package_repository::oci::Oci;
use extension_registry_package_repository::{DiscoveryMethod, Error, Repository};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Silent;
use quirk::{RecordedRequest, Server, answer, hasty, json, text};

const TAGS: &str = "/v2/extensions/tool/tags/list";

/// Pages by the value of `page` in their address; each with its `Link`.
async fn pages(
    link: impl Fn(&RecordedRequest, usize) -> Option<String> + Send + Sync + 'static,
) -> Server {
    Server::of(move |asked| {
        if asked.path != TAGS {
            return None;
        }
        let page: usize = asked
            .parameter("page")
            .map_or(0, |page| page.parse().unwrap());
        let link = link(asked, page).map(|link| ("link".to_owned(), link));
        let headers: Vec<(&str, &str)> = link
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        // In no order.
        let body = format!(r#"{{"name":"x","tags":["{}.1.0","0.{page}.0"]}}"#, 9 - page);
        Some(answer(200, &headers, body))
    })
    .await
}

async fn count(server: &Server) -> Result<usize, Error> {
    Ok(server.driver().versions("tool").await?.len())
}

#[tokio::test]
async fn follows_links_verbatim() {
    let relative = |_: &RecordedRequest, page: usize| {
        (page < 3).then(|| format!("<{TAGS}?page={}&opaque=a%2Fb>; rel=\"next\"", page + 1))
    };
    let server = pages(relative).await;
    assert_eq!(count(&server).await.unwrap(), 8);
    assert_eq!(server.asked()[2].query, "page=2&opaque=a%2Fb");

    let whole = |asked: &RecordedRequest, page: usize| {
        let host = asked.header("host").unwrap();
        (page < 3).then(|| format!("<http://{host}{TAGS}?page={}>; rel=next", page + 1))
    };
    assert_eq!(count(&pages(whole).await).await.unwrap(), 8);

    let beside =
        |_: &RecordedRequest, page: usize| (page < 1).then(|| "<?page=1>; rel=\"next\"".to_owned());
    assert_eq!(count(&pages(beside).await).await.unwrap(), 4);
}

#[tokio::test]
async fn falls_back_to_default_page_size() {
    let server = Server::of(|asked| {
        if asked.parameter("n").is_some() {
            let body = r#"{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}"#;
            return Some(answer(400, &[], body));
        }
        let (headers, tags) = match asked.parameter("last") {
            None => {
                let link = format!("<{TAGS}?last=1.0.0>; rel=\"next\"");
                (vec![("link".to_owned(), link)], r#"["1.0.0"]"#)
            }
            Some(_) => (Vec::new(), r#"["2.0.0"]"#),
        };
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Some(answer(
            200,
            &headers,
            format!(r#"{{"name":"x","tags":{tags}}}"#),
        ))
    })
    .await;
    assert_eq!(count(&server).await.unwrap(), 2);
    assert_eq!(server.asked().len(), 3);
    // One that refuses all the same has refused.
    let server = Server::of(|_| Some(answer(400, &[], "{}"))).await;
    assert!(count(&server).await.is_err());
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn self_link_ends_list() {
    let server = pages(|asked, _| Some(format!("<{TAGS}?{}>; rel=\"next\"", asked.query))).await;
    let driver = server.driver();
    assert_eq!(driver.versions("tool").await.unwrap().len(), 2);
    assert_eq!(server.asked().len(), 1);
    let warnings = driver.warnings();
    assert!(warnings[0].message.contains("loops back"), "{warnings:?}");

    let circle =
        pages(|_, page| Some(format!("<{TAGS}?page={}>; rel=\"next\"", (page + 1) % 3))).await;
    assert_eq!(count(&circle).await.unwrap(), 6);
    assert!(circle.asked().len() <= 4);
}

#[tokio::test]
async fn rejects_link_to_another_host() {
    let other = Server::of(|_| Some(json(r#"{"tags":["6.6.6"]}"#))).await;
    let place = other.host();
    let server = pages(move |_, _| Some(format!("<http://{place}{TAGS}>; rel=\"next\""))).await;
    let error = count(&server).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    assert!(error.to_string().contains(&other.host()), "{error}");
    assert_eq!(other.asked().len(), 0);
}

/// As crane's registry: `n` cuts the list, and nothing says that there is more.
#[tokio::test]
async fn continues_after_full_page_without_link() {
    let mut sorted: Vec<String> = (0..25).map(|minor| format!("1.{minor}.0")).collect();
    sorted.sort();
    let server = Server::of(move |asked| {
        if asked.path != TAGS {
            return None;
        }
        let n: usize = asked.parameter("n").unwrap().parse().unwrap();
        let last = asked.parameter("last").unwrap_or_default();
        let page: Vec<&String> = sorted.iter().filter(|tag| **tag > last).take(n).collect();
        Some(json(&serde_json::json!({ "tags": page }).to_string()))
    })
    .await;
    let versions = server.driver().with_page(4).versions("tool").await.unwrap();
    assert_eq!(versions.len(), 25);
    assert!(server.asked().len() > 3);
}

/// A server that ignores `last` would give the same page for ever.
#[tokio::test]
async fn repeated_full_page_ends_list() {
    let server = Server::of(|_| Some(json(r#"{"tags":["1.0.0","1.1.0"]}"#))).await;
    let versions = server.driver().with_page(2).versions("tool").await.unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn null_lists_are_empty() {
    let server = Server::of(|asked| match asked.path.as_str() {
        TAGS => Some(json(r#"{"name":"x","tags":null}"#)),
        "/v2/_catalog" => Some(json(r#"{"repositories":null}"#)),
        _ => None,
    })
    .await;
    assert_eq!(server.driver().versions("tool").await.unwrap(), []);
    assert_eq!(
        server.driver().names(None).await.unwrap().names,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn html_page_is_not_a_list() {
    let html = || {
        answer(
            200,
            &[("content-type", "text/html")],
            "<html>Sign in</html>",
        )
    };
    let server = Server::of(move |_| Some(html())).await;
    let error = server.driver().versions("tool").await.unwrap_err();
    assert!(
        error.to_string().contains("not from an OCI registry"),
        "{error}"
    );
    let error = server.driver().names(None).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

async fn refusing_catalog(status: u16) -> Server {
    Server::before(move |asked| {
        (asked.path == "/v2/_catalog").then(|| text(status, "no catalog here"))
    })
    .await
}

#[tokio::test]
async fn configured_names_replace_denied_catalog() {
    for status in [401, 403, 404, 405] {
        let server = refusing_catalog(status).await;
        let mut settings = server.settings();
        settings.names = ["tool", "other", "_bad"].map(str::to_owned).to_vec();
        let driver = Oci::new(settings, hasty(), Credentials::Anonymous);
        let names = driver.unwrap().names(None).await.unwrap();
        assert_eq!(names.method, DiscoveryMethod::Named, "{status}");
        assert_eq!(names.names, ["other", "tool"]);
    }
}

#[tokio::test]
async fn hint_suggests_index_if_nothing_can_be_listed() {
    for status in [401, 403, 404] {
        let server = refusing_catalog(status).await;
        let error = server.driver().names(None).await.unwrap_err();
        assert_eq!(
            matches!(error, Error::Denied { .. }),
            status < 404,
            "{error}"
        );
        assert!(error.explained().contains("publish an index"), "{error}");
    }
    let server = refusing_catalog(503).await;
    let error = server.driver().names(None).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn lists_only_packages_of_namespace() {
    let server = Server::of(|asked| {
        (asked.path == "/v2/_catalog").then(|| {
            json(
                r#"{"repositories":["extensions/tool","extensions/deep/er","extensionsx/no","tool","other/tool",
                    "extensions","extensions/extension-index","extensions/Bad"]}"#,
            )
        })
    })
    .await;
    assert_eq!(server.driver().names(None).await.unwrap().names, ["tool"]);
    let mut settings = server.settings();
    settings.namespace = String::new();
    let whole = Oci::new(settings, hasty(), Credentials::Anonymous);
    assert_eq!(
        whole.unwrap().names(None).await.unwrap().names,
        ["extensions", "tool"]
    );
}

/// A list of names takes one request per page, and the metadata of a version two small ones more.
#[tokio::test]
async fn listing_fetches_no_content() {
    let server = Server::registry().await;
    let driver = server.driver();
    let bench = Bench::new();
    for name in ["one", "two", "three"] {
        let upload = bench.package(name, "1.0.0", "a tool");
        driver.publish(&upload, false, &Silent).await.unwrap();
    }
    let content = bench.package("one", "1.0.0", "a tool").digest;
    let fresh = server.driver();
    let _ = server.lines();
    let names = fresh.names(None).await.unwrap().names;
    assert_eq!(
        server.lines(),
        ["GET /v2/_oci/ext/discover", "GET /v2/_catalog"]
    );
    let _ = fresh.names(None).await.unwrap();
    assert_eq!(server.lines(), ["GET /v2/_catalog"]);
    for name in &names {
        let versions = fresh.versions(name).await.unwrap();
        assert_eq!(server.lines().len(), 1);
        let release = fresh.release(name, &versions[0]).await.unwrap();
        assert_eq!(server.lines().len(), 2);
        let document = fresh.document(&release).await.unwrap().unwrap();
        assert!(String::from_utf8(document).unwrap().contains("a tool"));
        let lines = server.lines();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains(&content.to_string()), "{lines:?}");
    }
}

#[tokio::test]
async fn exact_tag_precedes_v_prefixed_tag() {
    let own = r#"{"schemaVersion":2,"layers":null,"annotations":{"org.opencontainers.image.title":"own"}}"#;
    let other = r#"{"schemaVersion":2,"layers":[],"annotations":null}"#;
    let server = Server::of(move |asked| match asked.path.as_str() {
        TAGS => Some(json(r#"{"tags":["v1.2.0","1.2.0","v1.3.0"]}"#)),
        "/v2/extensions/tool/manifests/1.2.0" => Some(json(own)),
        "/v2/extensions/tool/manifests/v1.2.0" | "/v2/extensions/tool/manifests/v1.3.0" => {
            Some(json(other))
        }
        _ => None,
    })
    .await;
    let driver = server.driver();
    let versions = driver.versions("tool").await.unwrap();
    assert_eq!(versions, [version("1.2.0"), version("1.3.0")]);
    let digest = |text: &str| extension_registry_package_format::Digest::of(text.as_bytes());
    let release = driver.release("tool", &versions[0]).await.unwrap();
    assert_eq!(
        release.manifest.map(|around| around.digest),
        Some(digest(own))
    );
    let release = driver.release("tool", &versions[1]).await.unwrap();
    assert_eq!(
        release.manifest.map(|around| around.digest),
        Some(digest(other))
    );
}

#[tokio::test]
async fn warnings_are_reported_once() {
    let server = Server::of(|_| {
        let headers = [
            ("warning", "299 - \"this registry closes soon\""),
            ("warning", "110 - \"for machines\""),
        ];
        Some(answer(200, &headers, r#"{"tags":[]}"#))
    })
    .await;
    let driver = server.driver();
    for _ in 0..3 {
        let _ = driver.versions("tool").await.unwrap();
    }
    let told = [Note::new("quirk: this registry closes soon")];
    assert_eq!(driver.warnings(), told);
    let _ = driver.versions("tool").await.unwrap();
    assert_eq!(driver.warnings(), [], "they were told");
    // Behind a copy they are told all the same.
    let copy: Arc<dyn Repository> = Arc::new(server.driver());
    let original: Arc<dyn Repository> = Arc::new(server.driver());
    let _ = original.versions("tool").await.unwrap();
    let mirrored = Mirrored::new(vec![Arc::clone(&copy)], original, Duration::from_secs(20));
    assert_eq!(mirrored.warnings(), told);
    let _ = copy.versions("tool").await.unwrap();
    assert_eq!(mirrored.warnings(), told);
}
