//! Documents of hostile authors.

use extension_registry_packages::repository::DocumentFormat::{AsciiDoc, Markdown};

use super::{Body, SHOWN, document};

/// Texts that are special in Markdown or HTML.
const MARKS: [&str; 23] = [
    "[",
    "![",
    "[a](",
    "*a ",
    "**",
    "`",
    "``a`",
    "<",
    "<!--",
    "&",
    "\\",
    "_a_ ",
    "|",
    "~~",
    "a\n=\n",
    "#",
    "[a][b]\n",
    "[a]: b\n",
    "<a>",
    "$",
    "{",
    "\u{0}",
    "||\n|-|\n",
];

fn html(text: &str) -> String {
    match document(text, Markdown).body {
        Body::Html(html) => html,
        Body::Text(text) => panic!("plain text: {text}"),
    }
}

/// Asserts that only elements and attributes without effects remain.
fn assert_harmless(html: &str, source: &str) {
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let is_link = tag.strip_prefix("a").is_some_and(|rest| {
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            let rest = match rest.strip_prefix("href=\"") {
                Some(rest) => {
                    let schemes = ["https://", "http://", "mailto:"];
                    assert!(schemes.iter().any(|one| rest.starts_with(one)), "{source}");
                    rest.split_once("\" ").unwrap().1
                }
                None => rest,
            };
            rest == "rel=\"nofollow ugc noopener\""
        });
        let name = tag.trim_start_matches('/');
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_other = tag == "th scope=\"col\"" || tag.starts_with("ol start=\"");
        assert!(is_link || is_plain || is_other, "{source}: <{tag}>");
        for forbidden in [
            "script", "style", "form", "input", "button", "base", "meta", "link", "img", "iframe",
            "object", "embed", "svg", "math", "video", "html", "body", "h1", "h2",
        ] {
            assert_ne!(name, forbidden, "{source}");
        }
    }
}

#[test]
fn active_content_is_removed() {
    for source in [
        "<script>alert(1)</script>",
        "a <script src=//evil.example.org/x.js></script> b",
        "<ScRiPt\n>alert(1)</sCrIpT\n>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](vbscript:x) [y](data:text/html;base64,PHNjcmlwdD4=) [z](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "<a href='javascript:alert(1)' onclick=alert(1)>x</a>",
        "<a href=/sign-out target=_top id=main class=skip style='position:fixed'>x</a>",
        "[x](//evil.example.org) [y](/records) [z](#main) [w](?key=1)",
        "<p onmouseover=alert(1) style=\"background:url(//evil.example.org)\">x</p>",
        "<img src=x onerror=alert(1)>",
        "![x](data:image/svg+xml;base64,PHN2Zz4=) ![y](https://evil.example.org/y.png)",
        "<form action=https://evil.example.org><input name=token><button>Sign in</button></form>",
        "<base href=https://evil.example.org/>",
        "<meta http-equiv=refresh content='0;url=https://evil.example.org'>",
        "<link rel=stylesheet href=//evil.example.org/x.css><style>*{display:none}</style>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object><embed src=x>",
        "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'>x</a></svg>",
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<table><td background=//evil.example.org>x</td></table></main></body></html>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<!DOCTYPE html><html><head><title>x</title></head><body onload=alert(1)>",
        "`<script>` ```\n<script>\n```",
        "```js\" onclick=\"alert(1)\n<script>alert(1)</script>\n```",
        "| <script>a</script> | b |\n|:-:|--:|\n| <img src=x onerror=alert(1)> | c |",
        "<h1>Extension Registry</h1><h2 id=main>Sign in</h2>",
    ] {
        let shown = html(source);
        assert_harmless(&shown, source);
        for text in [
            "alert(1)</p>\n<script",
            "evil.example.org/y.png",
            "onerror=alert(1)>\n",
        ] {
            assert!(!shown.contains(text), "{source}: {shown}");
        }
    }
}

#[test]
fn structure_and_links_survive() {
    let text = "# mlflow\n\nA *tool* for **models**: [site](https://mlflow.org \"t\"), ![logo](logo.png).\n\n\
                ## Install\n\n1. one\n2. two\n\n```sh\nkubectl get <x>\n```\n\n| a | b |\n|--|:-:|\n| 1 | 2 |\n";
    insta::assert_snapshot!(html(text));
}

#[test]
fn headings_are_below_those_of_the_page() {
    assert_eq!(
        html("# a\n## b\n###### c"),
        "<h3>a</h3>\n<h4>b</h4>\n<h6>c</h6>\n"
    );
    assert_eq!(html("## a\n### b"), "<h3>a</h3>\n<h4>b</h4>\n");
    assert_eq!(
        html("a\n=\n\n# b {#main .skip}"),
        "<h3>a</h3>\n<h3>b {#main .skip}</h3>\n"
    );
}

#[test]
fn hidden_characters_are_visible() {
    let shown = html("a\u{202e}b &#x202e; &#8203; [x](https://example.org/\u{202e}) `\u{1b}[2J`");
    let hidden = |character: &char| matches!(character, '\u{202e}' | '\u{200b}' | '\u{1b}');
    assert!(!shown.chars().any(|one| hidden(&one)), "{shown}");
    assert!(shown.contains("a\\u{202e}b \\u{202e} \\u{200b}"), "{shown}");
}

#[test]
fn other_formats_are_plain_text() {
    let text = "= mlflow\n\nlink:javascript:alert(1)[x]\n";
    let shown = document(text, AsciiDoc);
    assert_eq!(
        (shown.body, shown.is_cut),
        (Body::Text(text.to_owned()), false)
    );
}

#[test]
fn long_document_is_cut_after_a_line() {
    let text = "größer\n".repeat(10 << 20 >> 3);
    let shown = document(&text, AsciiDoc);
    let Body::Text(start) = shown.body else {
        panic!("it is not Markdown");
    };
    assert!(shown.is_cut && start.len() <= SHOWN && start.ends_with("größer\n"));
    let line = document(&"ü".repeat(SHOWN), Markdown);
    assert!(line.is_cut);
    let whole = document(&"a".repeat(SHOWN), Markdown);
    assert!(!whole.is_cut);
}

/// Each takes very long in a parser that does not limit the depth.
#[test]
fn deeply_nested_document_is_plain_text() {
    for part in [
        ">",
        "* - ",
        "<b>",
        "<div><p>",
        "<table><td>",
        "1. ",
        "> > - ",
    ] {
        let text = part.repeat(SHOWN / part.len());
        let shown = document(&text, Markdown);
        assert!(matches!(shown.body, Body::Text(_)), "{part}");
    }
}

/// Escaping takes a time that grows with the square of the length.
#[test]
fn document_with_long_paragraph_is_plain_text() {
    let text = "&".repeat(SHOWN);
    let shown = document(&text, Markdown);
    assert!(matches!(shown.body, Body::Text(_)));
}

#[test]
fn repeated_marks_are_parsed() {
    for part in MARKS {
        let text = part.repeat(SHOWN / part.len());
        if let Body::Html(html) = document(&text, Markdown).body {
            assert_harmless(&html, part);
        }
    }
}
