//! Lists that come in pages. `Link` is followed as it is given, and nothing is read out of it
//! (distribution-spec, "Listing Tags"; RFC 8288).

use std::collections::HashSet;

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use url::Url;

use super::client::Client;
use super::scope::Scope;
use crate::repository::Result;
use crate::transport::{Answer, Call};

/// Largest page.
const LIMIT: usize = 16 * 1024 * 1024;
/// Lists are JSON, those of referrers with a type of their own.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/json";
/// Pages of one list, at most.
const PAGES: usize = 10_000;
/// Entries of one list, at most.
const ENTRIES: usize = 1_000_000;

/// A list, or the answer that refused it.
pub(super) enum Listed {
    /// All of it, in the order of the server.
    All(Vec<String>),
    /// The first page was refused.
    Refused(Answer),
    /// The first page is no JSON that belongs here: a page of the web, most often.
    Foreign,
}

impl Client {
    /// All entries of a list. `read` takes them out of a page.
    ///
    /// A server that gives full pages and no `Link` is asked on with `last`, until nothing new comes. A list that
    /// leads back to a page that was read is at its end. One that leads to another server is broken: what is
    /// missing would look as if it were not there.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        mut start: Url,
        scope: &Scope,
        what: &str,
        read: impl Fn(T) -> Vec<String>,
    ) -> Result<Listed> {
        let mut visited = HashSet::new();
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        let mut next = Some(start.clone());
        let mut is_first = true;
        while let Some(url) = next.take() {
            if !visited.insert(url.clone()) {
                self.note(&format!("to {what}: the list leads back to where it was"));
                break;
            }
            if visited.len() > PAGES || all.len() > ENTRIES {
                let why = format!("the list has more than {PAGES} pages, or {ENTRIES} entries");
                return Err(self.broken(what, why));
            }
            let call = Call::get(url.clone()).header("accept", ACCEPTED);
            let answer = self.call(call, scope, what).await?;
            // Whoever gives no such long pages knows how long its own are.
            let is_too_long = answer.status() == StatusCode::BAD_REQUEST && is_first;
            if is_too_long && let Some(short) = without(&start, "n") {
                start = short;
                next = Some(start.clone());
                continue;
            }
            if !answer.status().is_success() {
                if is_first {
                    return Ok(Listed::Refused(answer));
                }
                return Err(self.refused(answer, what).await);
            }
            let linked = self.next(&answer, what)?;
            let bytes = answer.bytes(LIMIT).await;
            let bytes = bytes.map_err(|error| self.failed(what, error))?;
            let page = match serde_json::from_slice(&bytes) {
                Ok(page) => read(page),
                Err(_) if is_first => return Ok(Listed::Foreign),
                Err(error) => {
                    return Err(self.broken(what, format!("a page of it is no JSON: {error}")));
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
        Ok(Listed::All(all))
    }

    /// The next page, where the answer says one.
    pub(super) fn next(&self, answer: &Answer, what: &str) -> Result<Option<Url>> {
        let Some(target) = answer.headers("link").find_map(target) else {
            return Ok(None);
        };
        let next = answer.url().join(target);
        let next = next.map_err(|_| self.broken(what, "its `Link` is no address".to_owned()))?;
        if next.origin() != self.base.origin() {
            let place = crate::transport::host(&next);
            let why = format!("the list goes on at {place}, which is another server");
            return Err(self.broken(what, why));
        }
        Ok(Some(next))
    }
}

/// The same list after this entry.
fn after(start: &Url, last: &str) -> Url {
    let mut url = without(start, "last").unwrap_or_else(|| start.clone());
    let _ = url.query_pairs_mut().append_pair("last", last);
    url
}

/// The same address without a parameter; None where it has none of this name.
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

/// The target of the link `rel="next"` in a header `Link`.
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
    fn the_link_to_the_next_page_is_found_among_others() {
        let both = "</a?x=1,2>; rel=\"prev\", </v2/_catalog?last=b&n=2>; title=\"x\"; rel=\"next\"";
        assert_eq!(target(both), Some("/v2/_catalog?last=b&n=2"));
        assert_eq!(target("<https://a/b>; REL=next"), Some("https://a/b"));
        assert_eq!(target("</a>; rel=\"first next\""), Some("/a"));
        for none in ["", "</a>; rel=prev", "</a", "</a>; rel=nextly", "junk"] {
            assert_eq!(target(none), None, "{none}");
        }
    }

    #[test]
    fn a_list_goes_on_after_its_last_entry() {
        let start = "http://a/v2/_catalog?n=2&last=x".parse().unwrap();
        assert_eq!(after(&start, "b/c").query(), Some("n=2&last=b%2Fc"));
    }
}
