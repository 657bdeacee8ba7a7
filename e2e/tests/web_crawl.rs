//! The pages of 10,000 records, with credentials and hostile text planted in them, and requests that no browser sends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page_checks.rs"]
mod page_checks;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use browser::{Ui, client};
use extension_registry_e2e::skip_part;
use regex::Regex;
use reqwest::header::COOKIE;
use reqwest::{Client, StatusCode};

const RECORDS: usize = 10_000;
/// One record in this number is opened; all are listed.
const OPENED: usize = 200;
/// Number of workflows, and of bindings.
const CONSUMERS: usize = 12;
/// Part of every planted credential.
const CANARY: &str = "canary-7f3a";

/// Text that a page must not interpret, and its name.
fn hostile() -> Vec<(&'static str, String)> {
    vec![
        (
            "markup",
            "<script>alert(1)</script><img src=http://evil.example.org/x onerror=alert(1)>"
                .to_owned(),
        ),
        ("attribute", "\" autofocus onfocus=alert(1) x='".to_owned()),
        ("bidi", "admin\u{202e}nimda\u{2066}".to_owned()),
        (
            "terminal",
            "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m".to_owned(),
        ),
        ("template", "{{ 7 * 7 }}{% raw %}${7*7}".to_owned()),
        ("long", "long text ".repeat(6_554)),
    ]
}

/// Writes the objects of the test.
fn plant(folder: &Path) {
    let mut text = String::new();
    for number in 0..RECORDS {
        let (product, zone) = (number % 40, number % 7);
        let _ = write!(
            text,
            "---\napiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: record-{number}}}\nspec:\n  \
             product: product-{product}\n  version: 1.{number}.0\n  zone: zone-{zone}\n  services:\n    - name: api\n      resource: resource-{}\n      \
             endpoints: [{{name: main, url: \"http://host-{number}.example.org\"}}]\n      credentials:\n        - name: all\n          \
             scope: global\n          configuration: [{{name: KEY, value: {CANARY}-literal}}, {{name: OTHER, valueFrom: {{secretKeyRef: {{name: keys, key: k}}}}}}]\n",
            number % 11,
        );
    }
    fs::write(folder.join("records.yaml"), &text).unwrap();
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys, namespace: extension-registry-records}}\nstringData: {{k: {CANARY}-secret}}\n"
    );
    for number in 0..CONSUMERS {
        let _ = write!(
            text,
            "---\napiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{name: flow-{number}, namespace: dev-{}}}\nspec:\n  steps:\n    \
             - {{name: fit, image: fit, extensions: [{{name: a, extension: record-{}}}, {{name: b, product: product-{}}}]}}\n\
             ---\napiVersion: registry.fuseml.io/v1alpha1\nkind: ExtensionBinding\nmetadata: {{name: binding-{number}, namespace: dev-{}}}\nspec: {{extension: record-{}}}\n",
            number % 3,
            number * OPENED,
            number % 40,
            number % 3,
            number * OPENED,
        );
    }
    for (name, text_of) in hostile() {
        let quoted = serde_json::to_string(&text_of).unwrap();
        // YAML has no raw C1 control characters.
        let quoted = quoted.replace('\u{9b}', "\\u009b");
        let _ = write!(
            text,
            "---\napiVersion: registry.fuseml.io/v1alpha1\nkind: Extension\nmetadata: {{name: hostile-{name}, namespace: dev-0}}\nspec:\n  product: hostile\n  \
             configuration: [{{name: TEXT, value: {quoted}}}]\n  services:\n    - name: s\n      endpoints: [{{name: e, url: {quoted}}}]\n",
        );
    }
    fs::write(folder.join("objects.yaml"), text).unwrap();
}

/// A page that was fetched.
struct Fetched {
    status: StatusCode,
    text: String,
}

async fn fetch(ui: &Ui, client: &Client, cookie: &str, path: &str) -> Fetched {
    let request = client
        .get(format!("{}{path}", ui.url))
        .header(COOKIE, cookie);
    let response = request
        .send()
        .await
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    Fetched {
        status: response.status(),
        text: response.text().await.unwrap(),
    }
}

/// Returns whether a link is followed: all lists, and some of the records.
fn is_followed(path: &str) -> bool {
    let record = path.strip_prefix("/records/clusterextension/record-");
    let record = record.map(|name| name.split('?').next().unwrap().parse::<usize>().unwrap());
    // Two selections at most: their combinations are countless.
    let selections = path.matches('=').count() - path.matches("page=").count();
    record.is_none_or(|number| number % OPENED == 0)
        && selections - path.matches("o=json").count() <= 1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_leads_to_a_page_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let ui = Ui::start(&["-f", folder.path().to_str().unwrap()]);
    let client = client();
    let cookie = ui.cookie(&client).await;
    let links = Regex::new("(?:href|action|src)=\"([^\"]*)\"").unwrap();
    let pages = tempfile::tempdir().unwrap();

    let mut seen: BTreeSet<String> = BTreeSet::from(["/".to_owned()]);
    let mut queue: VecDeque<String> = seen.iter().cloned().collect();
    let mut listed: BTreeSet<String> = BTreeSet::new();
    let mut problems = Vec::new();
    let mut number = 0;
    while let Some(path) = queue.pop_front() {
        let page = fetch(&ui, &client, &cookie, &path).await;
        if page.status != StatusCode::OK {
            problems.push(format!("{path}: {}", page.status));
        }
        if page.text.contains(CANARY) {
            problems.push(format!("{path}: contains a credential"));
        }
        if !page.text.starts_with("<!doctype html>") {
            continue;
        }
        // Lists of the same kind do not have to be validated each.
        if !path.contains("page=") || path.contains("page=2") {
            fs::write(pages.path().join(format!("{number}.html")), &page.text).unwrap();
            number += 1;
        }
        for link in links.captures_iter(&page.text) {
            let link = link[1].replace("&amp;", "&");
            if link.starts_with('#') {
                continue;
            }
            if !link.starts_with('/') {
                problems.push(format!("{path}: link to {link}"));
                continue;
            }
            if link.starts_with("/records/clusterextension/") && !link.contains('?') {
                listed.insert(link.clone());
            }
            if is_followed(&link) && seen.insert(link.clone()) {
                queue.push_back(link);
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(listed.len(), RECORDS, "all records are listed");
    assert!(seen.len() > RECORDS / OPENED, "{}", seen.len());

    hostile_text_is_shown_as_text(&ui, &client, &cookie).await;
    text_browser_finds_a_record(&ui, &client, &cookie, folder.path()).await;
    match page_checks::missing() {
        Some(why) => skip_part("validation of the pages", why),
        None => page_checks::validate(pages.path()).unwrap(),
    }
}

async fn hostile_text_is_shown_as_text(ui: &Ui, client: &Client, cookie: &str) {
    for (name, _) in hostile() {
        let path = format!("/records/extension/dev-0/hostile-{name}");
        let page = fetch(ui, client, cookie, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for part in [
            "<script",
            "<img",
            "onerror=alert(1)>",
            "autofocus",
            "\u{202e}",
            "\u{1b}",
            "\u{9b}",
        ] {
            let is_text = part == "autofocus" || part.starts_with("onerror");
            if !is_text {
                assert!(!page.text.contains(part), "{path}: {part}");
            }
        }
        assert!(!page.text.contains("\" autofocus"), "{path}");
        assert!(!page.text.contains(">49<"), "{path}");
    }
}

/// `w3m` shows the pages of the search and of a record.
async fn text_browser_finds_a_record(ui: &Ui, client: &Client, cookie: &str, folder: &Path) {
    let found = Command::new("w3m")
        .arg("-version")
        .stdout(Stdio::null())
        .status();
    if found.is_err() {
        return skip_part("pages in a text browser", "w3m is not installed");
    }
    let dump = |text: &str| {
        let file = folder.join("page.html");
        fs::write(&file, text).unwrap();
        let output = Command::new("w3m")
            .args(["-dump", "-cols", "100"])
            .arg(&file)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let page = fetch(ui, client, cookie, "/records?q=record-1234").await;
    let text = dump(&page.text);
    assert!(
        text.contains("record-1234") && text.contains("product-34"),
        "{text}"
    );
    let page = fetch(ui, client, cookie, "/records/clusterextension/record-200").await;
    let text = dump(&page.text);
    assert!(
        text.contains("flow-1") && text.contains("binding-1"),
        "{text}"
    );
    assert!(text.contains("If this record is removed"), "{text}");
}

/// Sends bytes, and returns the first line of the response.
fn raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = stream.write_all(request.as_bytes());
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    let response = String::from_utf8_lossy(&response).into_owned();
    assert!(
        !response.contains("panicked") && !response.contains("src/"),
        "{response}"
    );
    response.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_get_an_answer() {
    let ui = Ui::start(&["-f", "examples/records"]);
    let client = client();
    let cookie = ui.cookie(&client).await;
    // The key works once.
    let again = client.get(&ui.key_url).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    let without = client
        .get(format!("{}/records", ui.url))
        .send()
        .await
        .unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    let long = "x".repeat(100_000);
    for (path, expected) in [
        ("/records?page=99999999", 200),
        ("/records?page=-1", 400),
        ("/records?page=abc", 400),
        ("/records?page=99999999999999999999999", 400),
        ("/records?zone=%ff%00%0d%0a", 200),
        ("/records/clusterextension/..%2f..%2fetc%2fpasswd", 404),
        ("/records/clusterextension/%00", 404),
        ("/records/other/a/b", 404),
        ("/../../etc/passwd", 404),
        ("/try?project=%3Cscript%3E&resource=%3Cscript%3E", 200),
        (&format!("/records?q={}", &long[..10_000]), 414),
    ] {
        let page = fetch(&ui, &client, &cookie, path).await;
        let start = &path[..path.len().min(60)];
        assert_eq!(page.status.as_u16(), expected, "{start}: {}", page.text);
        assert!(page.text.contains("<h1>"), "{start}: {}", page.text);
        assert!(!page.text.contains("<script"), "{start}");
    }
    let address = ui.url.strip_prefix("http://").unwrap();
    let get = |path: &str, host: &str, more: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\n{host}Cookie: {cookie}\r\n{more}Connection: close\r\n\r\n"
        );
        raw(address, &request)
    };
    let host = format!("Host: {address}\r\n");
    let is = |line: &str, status: &str| line.starts_with(&format!("HTTP/1.1 {status}"));
    assert!(is(&get("/", &host, ""), "200"));
    for foreign in ["Host: evil.example.org\r\n", &format!("{host}{host}"), ""] {
        let line = get("/", foreign, "");
        assert!(is(&line, "421") || is(&line, "400"), "{foreign}: {line}");
    }
    let line = get("/", &host, "Origin: http://evil.example.org\r\n");
    assert!(is(&line, "403"), "{line}");
    let line = get(&format!("/records?q={long}"), &host, "");
    assert!(is(&line, "414") || is(&line, "431"), "{line}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request = format!(
            "{method} /records HTTP/1.1\r\n{host}Cookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let line = raw(address, &request);
        assert!(is(&line, "405"), "{method}: {line}");
    }
    assert!(raw(address, "\u{0}\u{1}garbage\r\n\r\n").starts_with("HTTP/1.1 400"));
}
