//! The pages in a real browser.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page_checks.rs"]
mod page_checks;

use browser::{Browser, ENTER, Ui, client, missing};
use extension_registry_e2e::{skip, skip_part};
use reqwest::header::COOKIE;
use serde_json::{Value, json};

/// The examples, and a workflow with an ambiguous requirement.
const FILES: [&str; 10] = [
    "--zone=cluster-alpha",
    "-f",
    "examples/records",
    "-f",
    "examples/workflows",
    "-f",
    "examples/bindings",
    "-f",
    "examples/ambiguous/workflow.yaml",
    "--records-namespace=extension-registry-records",
];

/// Every kind of page.
const PAGES: [&str; 16] = [
    "/",
    "/records",
    "/records?q=s3",
    "/records?product=none",
    "/records?page=99999",
    "/records/clusterextension/mlflow-0001",
    "/workflows",
    "/workflows/alpha/train-ambiguous",
    "/workflows/alpha/train-explicit",
    "/bindings",
    "/bindings/default/storage",
    "/try?project=alpha&resource=s3",
    "/where",
    "/map",
    "/records/clusterextension/missing",
    "/missing",
];

#[tokio::test(flavor = "multi_thread")]
async fn users_find_what_they_need() {
    if let Some(why) = missing() {
        return skip("pages in a browser", why).unwrap();
    }
    let ui = Ui::start(&FILES);
    let browser = Browser::start().await;
    browser.resize(1280, 900).await;
    browser.open(&ui.key_url).await;
    // The key is not in the address any more.
    assert_eq!(browser.url().await, format!("{}/", ui.url));

    finds_a_record_and_its_consumers(&browser).await;
    understands_an_ambiguity(&browser).await;
    does_the_same_with_the_keyboard(&browser, &ui).await;
    browser.stop().await;
}

async fn finds_a_record_and_its_consumers(browser: &Browser) {
    browser.follow("Records").await;
    browser.fill("#q", "model-store").await;
    browser.click("form button").await;
    browser.follow("mlflow-0001").await;
    let text = browser.text().await;
    for expected in [
        "Service mlflow-store",
        "default-s3-account",
        "AWS_ACCESS_KEY_ID (sealed)",
        "train-explicit",
        "If this record is removed",
        "stops",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    browser.screenshot("record").await;
}

async fn understands_an_ambiguity(browser: &Browser) {
    browser.follow("Overview").await;
    browser.screenshot("overview").await;
    browser.follow("alpha/train-ambiguous").await;
    let text = browser.text().await;
    assert!(text.contains("matches 3 services"), "{text}");
    assert!(text.contains("add `extension: minio-s3-storage`"), "{text}");
    browser.screenshot("ambiguity").await;
    // The diagram leads to the record as well.
    browser.click("svg a").await;
    let url = browser.url().await;
    assert!(
        url.ends_with("/records/clusterextension/aws-object-storage"),
        "{url}"
    );
}

async fn does_the_same_with_the_keyboard(browser: &Browser, ui: &Ui) {
    browser.open(&format!("{}/", ui.url)).await;
    browser.tab_to("Records").await;
    browser.press(ENTER).await;
    browser.tab_to("q").await;
    browser.press(&format!("model-store{ENTER}")).await;
    browser.tab_to("mlflow-0001").await;
    browser.press(ENTER).await;
    assert!(browser.text().await.contains("train-explicit"));
    browser.tab_to("Try a requirement").await;
    browser.press(ENTER).await;
    browser.tab_to("resource").await;
    browser.press(&format!("s3{ENTER}")).await;
    let text = browser.text().await;
    assert!(text.contains("matches (ambiguous)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_accessible_and_complete() {
    if let Some(why) = missing() {
        return skip("checks of the pages", why).unwrap();
    }
    // Only npm has these programs.
    if let Some(why) = page_checks::missing() {
        return skip_part("checks of the pages", why);
    }
    let ui = Ui::start(&FILES);
    let browser = Browser::start().await;
    let axe = page_checks::axe();
    browser.open(&ui.key_url).await;
    let mut found = Vec::new();
    for path in PAGES {
        browser.resize(1280, 900).await;
        for theme in ["light", "dark"] {
            browser.theme(theme).await;
            browser.open(&format!("{}{path}", ui.url)).await;
            let violations = browser.run_async(&axe).await;
            if violations != json!([]) {
                found.push(format!("{path}, {theme}: {violations:#}"));
            }
        }
        let name = path.trim_matches('/').replace(['/', '?', '&', '='], "-");
        browser.screenshot(&format!("page-{name}-dark")).await;
        found.extend(foreign_parts(&browser, &ui, path).await);
        // A small phone, and a window of 1280 pixels at 400 %.
        browser.resize(320, 700).await;
        let wide = "return document.documentElement.scrollWidth";
        let width = browser.run(wide).await.as_u64().unwrap();
        if width > 320 {
            found.push(format!("{path}: {width} pixels wide in a window of 320"));
        }
        browser.screenshot(&format!("page-{name}-narrow")).await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    browser.stop().await;
}

/// Returns the scripts of a page, its requests to other hosts, and its messages in the console.
async fn foreign_parts(browser: &Browser, ui: &Ui, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let scripts = "return document.querySelectorAll('script, [onclick], [onload], [style]').length";
    if browser.run(scripts).await != 0 {
        found.push(format!("{path}: scripts or inline styles"));
    }
    let requests = "return performance.getEntriesByType('resource').map(one => one.name)";
    for request in browser.run(requests).await.as_array().unwrap() {
        if !request.as_str().unwrap().starts_with(&ui.url) {
            found.push(format!("{path}: request to {request}"));
        }
    }
    let is_expected = |message: &Value| {
        // The browser reports the status of the page itself.
        let text = message["message"].as_str().unwrap();
        path.contains("missing") && text.contains("404 (Not Found)")
    };
    let console = browser.console().await;
    let messages = console.iter().filter(|message| !is_expected(message));
    found.extend(messages.map(|message| format!("{path}: {message}")));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_valid_html() {
    if let Some(why) = page_checks::missing() {
        return skip_part("validation of the pages", why);
    }
    let ui = Ui::start(&FILES);
    let client = client();
    let cookie = ui.cookie(&client).await;
    let folder = tempfile::tempdir().unwrap();
    for (number, path) in PAGES.into_iter().enumerate() {
        let request = client.get(format!("{}{path}", ui.url));
        let response = request.header(COOKIE, &cookie).send().await.unwrap();
        let expected = if path.contains("missing") { 404 } else { 200 };
        assert_eq!(response.status(), expected, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.len() <= 30_000, "{path}: {} bytes", text.len());
        let file = folder.path().join(format!("{number}.html"));
        std::fs::write(file, text).unwrap();
    }
    page_checks::validate(folder.path()).unwrap();
}
