//! Pages of lists: `n`, `last` and `Link` (distribution-spec, "Listing Tags").

use http::{HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::fault::Fault;

/// Characters that a query value needs no escape for.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Parameters of the query of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// Returns a parameter unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let pair = pairs.find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    fn count(&self, longest: usize) -> Result<usize, Fault> {
        let Some(text) = self.get("n") else {
            return Ok(longest);
        };
        let count: Result<usize, _> = text.parse();
        let count = count.map_err(|_| {
            let message = "invalid `n`: expected a number";
            Fault::new(
                StatusCode::BAD_REQUEST,
                "PAGINATION_NUMBER_INVALID",
                message,
            )
        })?;
        Ok(count.min(longest))
    }
}

/// A page of a list, and the `Link` to the next one.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) link: Option<HeaderValue>,
}

/// Selects the page of a list that a query asks for.
///
/// The list may have any order: the page begins after the entry that `last` names. If that entry no longer exists,
/// it begins with the entries that sort after it.
pub(super) fn page<T>(
    all: Vec<T>,
    key: impl Fn(&T) -> &str,
    (path, query, longest): (&str, &Query, usize),
) -> Result<Page<T>, Fault> {
    let count = query.count(longest)?;
    let mut entries = all;
    if let Some(last) = query.get("last") {
        match entries.iter().position(|entry| key(entry) == last) {
            Some(index) => drop(entries.drain(..=index)),
            None => entries.retain(|entry| key(entry) > last),
        }
    }
    let is_more = entries.len() > count && count > 0;
    entries.truncate(count);
    let last = entries.last().filter(|_| is_more);
    let link = last.map(|last| link(path, query, key(last), count));
    Ok(Page {
        entries,
        link: link.and_then(|link| HeaderValue::from_str(&link).ok()),
    })
}

fn link(path: &str, query: &Query, last: &str, count: usize) -> String {
    let value = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    let others = query.0.iter();
    let others = others.filter(|(name, _)| name != "n" && name != "last");
    let others = others.fold(String::new(), |text, (name, other)| {
        format!("{text}&{}={}", value(name), value(other))
    });
    format!(
        "<{path}?n={count}&last={}{others}>; rel=\"next\"",
        value(last)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(all: &[&str], query: &str) -> (Vec<String>, Option<String>) {
        let all: Vec<String> = all.iter().map(|one| (*one).to_owned()).collect();
        let query = Query::parse(Some(query));
        let page = page(all, String::as_str, ("/v2/_catalog", &query, 100)).unwrap();
        let link = page.link.map(|link| link.to_str().unwrap().to_owned());
        (page.entries, link)
    }

    #[test]
    fn links_to_the_next_page() {
        let (page, link) = pages(&["c/1", "a/2", "b/3"], "n=2&q=x y");
        assert_eq!(page, ["c/1", "a/2"]);
        let link = link.unwrap();
        assert_eq!(link, "</v2/_catalog?n=2&last=a/2&q=x%20y>; rel=\"next\"");
        let (page, link) = pages(&["c/1", "a/2", "b/3"], "n=2&last=a/2");
        assert_eq!((page, link), (vec!["b/3".to_owned()], None));
    }

    #[test]
    fn continues_after_an_entry_that_is_gone() {
        assert_eq!(pages(&["a", "c", "d"], "last=b").0, ["c", "d"]);
    }

    #[test]
    fn zero_entries_have_no_next_page() {
        assert_eq!(pages(&["a"], "n=0"), (Vec::new(), None));
    }

    #[test]
    fn rejects_invalid_number() {
        let query = Query::parse(Some("n=-1"));
        let fault = page(vec!["a"], |one| one, ("/", &query, 5)).unwrap_err();
        assert_eq!(fault.status, StatusCode::BAD_REQUEST);
    }
}
