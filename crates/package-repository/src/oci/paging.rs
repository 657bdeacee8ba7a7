//! Paginated lists. The URL in `Link` is followed verbatim and never parsed (distribution-spec, "Listing Tags";
//! RFC 8288).

use std::collections::HashSet;

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use url::Url;

use super::client::Client;
use super::scope::Scope;
use crate::Result;
use extension_registry_package_transport::transport::{Answer, Call};

/// Maximum size of a page.
const LIMIT: usize = 16 * 1024 * 1024;
/// Lists are JSON; those of referrers have a media type of their own.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/json";
/// Maximum number of pages of one list.
const PAGES: usize = 10_000;
/// Maximum number of entries of one list.
const ENTRIES: usize = 1_000_000;

/// A list, or the response that rejected it.
pub(super) enum ListResult {
    /// All entries, in the order of the server.
    All(Vec<String>),
    /// The first page was rejected.
    Refused(Answer),
    /// The first page is not the expected JSON: usually an HTML page.
    Foreign,
}

impl Client {
    /// Reads all entries of a list. `read` extracts them from a page.
    ///
    /// If a server returns full pages without `Link`, the list is continued with `last` until nothing new
    /// arrives. A list that loops back to an earlier page is complete. A list that continues on another server
    /// is an error: entries would otherwise seem to be missing.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        mut start: Url,
        scope: &Scope,
        what: &str,
        read: impl Fn(T) -> Vec<String>,
    ) -> Result<ListResult> {
        let mut visited = HashSet::new();
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        let mut next = Some(start.clone());
        let mut is_first = true;
        while let Some(url) = next.take() {
            if !visited.insert(url.clone()) {
                self.warn(&format!("{what}: the list loops back to an earlier page"));
                break;
            }
            if visited.len() > PAGES || all.len() > ENTRIES {
                let why = format!("the list has more than {PAGES} pages or {ENTRIES} entries");
                return Err(self.broken_response(what, why));
            }
            let call = Call::get(url.clone()).header("accept", ACCEPTED);
            let answer = self.call(call, scope, what).await?;
            // The server may reject the page size: retry with its default.
            let is_too_long = answer.status() == StatusCode::BAD_REQUEST && is_first;
            if is_too_long && let Some(short) = without(&start, "n") {
                start = short;
                next = Some(start.clone());
                continue;
            }
            if !answer.status().is_success() {
                if is_first {
                    return Ok(ListResult::Refused(answer));
                }
                return Err(self.refused(answer, what).await);
            }
            let linked = self.next(&answer, what)?;
            let bytes = answer.bytes(LIMIT).await;
            let bytes = bytes.map_err(|error| self.failed(what, error))?;
            let page = match serde_json::from_slice(&bytes) {
                Ok(page) => read(page),
                Err(_) if is_first => return Ok(ListResult::Foreign),
                Err(error) => {
                    let why = format!("a page is not valid JSON: {error}");
                    return Err(self.broken_response(what, why));
                }
            };
            is_first = false;
            let (count, last) = (page.len(), page.last().cloned());
            let before = all.len();
            all.extend(page.into_iter().filter(|entry| seen.insert(entry.clone())));
            next = linked.or_else(|| {
                let last = last.filter(|_| count == self.page && all.len() > before)?;
                Some(after(&start, &last))
            });
        }
        Ok(ListResult::All(all))
    }

    /// Returns the address of the next page.
    pub(super) fn next(&self, answer: &Answer, what: &str) -> Result<Option<Url>> {
        let Some(target) = answer.headers("link").find_map(target) else {
            return Ok(None);
        };
        let next = answer.url().join(target);
        let next = next.map_err(|_| {
            let why = "its `Link` header is not a valid URL".to_owned();
            self.broken_response(what, why)
        })?;
        if next.origin() != self.base.origin() {
            let place = extension_registry_package_transport::transport::host(&next);
            let why = format!("the next page is on another server, {place}");
            return Err(self.broken_response(what, why));
        }
        Ok(Some(next))
    }
}

/// Returns the address of the list after this entry.
fn after(start: &Url, last: &str) -> Url {
    let mut url = without(start, "last").unwrap_or_else(|| start.clone());
    let _ = url.query_pairs_mut().append_pair("last", last);
    url
}

/// Removes a query parameter; None if it is absent.
fn without(start: &Url, parameter: &str) -> Option<Url> {
    let pairs: Vec<(String, String)> = start.query_pairs().into_owned().collect();
    let kept = pairs.iter().filter(|(name, _)| name != parameter);
    let mut url = start.clone();
    url.set_query(None);
    if kept.clone().next().is_some() {
        let _ = url.query_pairs_mut().extend_pairs(kept.clone());
    }
    (kept.count() < pairs.len()).then_some(url)
}

/// Returns the target of the `rel="next"` link of a `Link` header.
fn target(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, others) = after.split_at(end);
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else {
                return false;
            };
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .split_whitespace()
                    .any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        rest = others;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_next_link_among_others() {
        let both = "</a?x=1,2>; rel=\"prev\", </v2/_catalog?last=b&n=2>; title=\"x\"; rel=\"next\"";
        assert_eq!(target(both), Some("/v2/_catalog?last=b&n=2"));
        assert_eq!(target("<https://a/b>; REL=next"), Some("https://a/b"));
        assert_eq!(target("</a>; rel=\"first next\""), Some("/a"));
        for none in ["", "</a>; rel=prev", "</a", "</a>; rel=nextly", "junk"] {
            assert_eq!(target(none), None, "{none}");
        }
    }

    #[test]
    fn continues_after_last_entry() {
        let start = "http://a/v2/_catalog?n=2&last=x".parse().unwrap();
        assert_eq!(after(&start, "b/c").query(), Some("n=2&last=b%2Fc"));
    }
}
