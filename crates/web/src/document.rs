//! Documents of packages as HTML. Their authors are strangers, so only structure and links survive.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};
use extension_registry_core::printable::{Layout, printable};
use extension_registry_packages::repository::DocumentFormat;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Maximum length of the part that is shown, in bytes.
pub(crate) const SHOWN: usize = 256 << 10;

/// Level of the highest heading. The page has the levels above.
const TOP: usize = 3;

/// Maximum depth of nested blocks and styles. The time to parse HTML grows with the depth for each element.
const DEPTH: usize = 64;

/// Maximum number of tags that are written as HTML.
const TAGS: usize = 1000;

/// Maximum length of a text without elements, in bytes. The time to escape it grows with its square.
const RUN: usize = 32 << 10;

/// Elements that are kept. All other elements are replaced by their text.
const ELEMENTS: [&str; 28] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];

/// Elements that are removed with their text.
const WITHOUT_TEXT: [&str; 8] = [
    "iframe", "math", "noscript", "script", "style", "svg", "template", "title",
];

/// A document for a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Its start.
    pub(crate) body: Body,
    /// Whether it is longer than what is shown.
    pub(crate) is_cut: bool,
}

/// Start of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// HTML that needs no escaping.
    Html(String),
    /// Plain text.
    Text(String),
}

/// Prepares a document. What is not Markdown, or would take too long, becomes plain text.
pub(crate) fn document(text: &str, format: DocumentFormat) -> Document {
    let start = start(text);
    let html = match format {
        DocumentFormat::Markdown => markdown(start),
        DocumentFormat::AsciiDoc => None,
    };
    Document {
        body: html.map_or_else(|| Body::Text(start.to_owned()), Body::Html),
        is_cut: start.len() < text.len(),
    }
}

/// Returns what is shown of a text: whole lines, unless the first is too long.
fn start(text: &str) -> &str {
    if text.len() <= SHOWN {
        return text;
    }
    let start = &text[..text.floor_char_boundary(SHOWN)];
    match start.rfind('\n') {
        Some(end) => &start[..=end],
        None => start,
    }
}

/// Returns Markdown as HTML; None if it would take too long.
fn markdown(text: &str) -> Option<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events = Vec::new();
    let (mut depth, mut tags, mut run, mut top) = (0, 0, 0, 6);
    for event in Parser::new_ext(text, options) {
        match &event {
            // Images are not loaded. Their text is a part of the paragraph.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => continue,
            Event::Start(tag) => {
                depth += 1;
                run = 0;
                if let Tag::Heading { level, .. } = tag {
                    top = top.min(*level as usize);
                }
            }
            Event::End(_) => {
                depth -= 1;
                run = 0;
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                tags += html.matches('<').count();
                run += html.len();
            }
            Event::Text(text) | Event::Code(text) => run += text.len(),
            _ => {}
        }
        if depth > DEPTH || tags > TAGS || run > RUN {
            return None;
        }
        events.push(event);
    }
    let mut raw = String::new();
    html::push_html(
        &mut raw,
        events.into_iter().map(|event| shifted(event, top)),
    );
    let safe = sanitizer().clean(&raw).to_string();
    // Entities can name invisible characters too, so these are escaped last.
    Some(printable(&safe, Layout::Lines).into_owned())
}

/// Moves headings below those of the page, where `top` is the highest level of the document.
fn shifted(event: Event<'_>, top: usize) -> Event<'_> {
    let below = |level: HeadingLevel| {
        let level = (level as usize - top + TOP).min(6);
        HeadingLevel::try_from(level).unwrap_or(HeadingLevel::H6)
    };
    match event {
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: below(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    }
}

/// Returns what makes HTML safe. Without identifiers, links to a part of the document would lead nowhere, and relative
/// ones to a page of this site, so both are removed.
fn sanitizer() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(ELEMENTS))
        .clean_content_tags(HashSet::from(WITHOUT_TEXT))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .set_tag_attribute_value("th", "scope", "col")
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener"));
    builder
}

#[cfg(test)]
mod tests;
