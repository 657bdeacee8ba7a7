//! Searches of a registry. Only what it advertises is asked, and of zot what it says that it can
//! (seed 002: a handshake, not a guess).

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::model::listed;
use super::names::VENDOR_EXTENSION;
use super::paging::Listed;
use super::scope::Scope;
use crate::repository::{Extension, Result};
use crate::transport::{Body, Call};

/// Largest answer.
const LIMIT: usize = 16 * 1024 * 1024;
/// Entries of a page of zot.
const PAGE: usize = 200;
/// Pages of one search of zot.
const PAGES: usize = 1000;
/// The query of zot that is needed.
const NEEDED: &str = "GlobalSearch";
const QUERY: &str = "query ($query: String!, $limit: Int!, $offset: Int!) { GlobalSearch(query: $query, \
     requestedPage: {limit: $limit, offset: $offset, sortBy: ALPHABETIC_ASC}) { Repos { Name } } }";
const INTROSPECTION: &str = "{ __schema { queryType { fields { name } } } }";

/// A page of our own search.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Packages {
    #[serde(deserialize_with = "listed")]
    packages: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    /// Path of its repository in the registry.
    repository: String,
}

impl Client {
    /// Paths of repositories with packages that fit a text; None where nothing that can be asked is advertised.
    pub(super) async fn search(
        &self,
        extensions: &[Extension],
        namespace: &str,
        text: Option<&str>,
    ) -> Result<Option<Vec<String>>> {
        if let Some(path) = endpoint(extensions, VENDOR_EXTENSION, "packages/search") {
            return self.search_packages(path, text).await;
        }
        if let Some(path) = endpoint(extensions, "_zot", "ext/search") {
            return self.search_zot(path, text.unwrap_or(namespace)).await;
        }
        Ok(None)
    }

    /// `/v2/_fuseml/packages/search?q=&n=`: pages of `{"packages":[{"repository":"extensions/mlflow"}]}`.
    async fn search_packages(&self, path: &str, text: Option<&str>) -> Result<Option<Vec<String>>> {
        let mut url = self.url(path);
        let _ = url
            .query_pairs_mut()
            .append_pair("q", text.unwrap_or_default())
            .append_pair("n", &self.page.to_string());
        let read = |page: Packages| {
            let packages = page.packages.into_iter();
            packages.map(|package| package.repository).collect()
        };
        let listed = self.list(url, &Scope::registry(), "search", read).await?;
        Ok(match listed {
            Listed::All(paths) => Some(paths),
            Listed::Refused(answer) => {
                self.note_failure(&self.refused(answer, "search").await);
                None
            }
            Listed::Foreign => {
                self.note("its search, which it advertises, answers with no JSON");
                None
            }
        })
    }

    async fn search_zot(&self, path: &str, text: &str) -> Result<Option<Vec<String>>> {
        let Some(schema) = self
            .graphql(path, &json!({ "query": INTROSPECTION }))
            .await?
        else {
            return Ok(None);
        };
        let fields = schema.pointer("/data/__schema/queryType/fields");
        let fields = fields.and_then(Value::as_array);
        let can = fields.is_some_and(|fields| fields.iter().any(|field| field["name"] == NEEDED));
        if !can {
            return Ok(None);
        }
        // What is behind a colon is a tag.
        let text = text.split(':').next().unwrap_or_default();
        let (mut paths, mut known) = (Vec::new(), HashSet::new());
        for page in 0..PAGES {
            let variables = json!({ "query": text, "limit": PAGE, "offset": page * PAGE });
            let asked = json!({ "query": QUERY, "variables": variables });
            let Some(answer) = self.graphql(path, &asked).await? else {
                return Ok(None);
            };
            let Some(found) = answer.pointer("/data/GlobalSearch/Repos") else {
                return Ok(None);
            };
            let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
            let names = found.iter().filter_map(|found| found["Name"].as_str());
            let before = paths.len();
            for name in names {
                if known.insert(name.to_owned()) {
                    paths.push(name.to_owned());
                }
            }
            if found.len() < PAGE || paths.len() == before {
                break;
            }
        }
        Ok(Some(paths))
    }

    /// None where it is refused, or answers with something else.
    async fn graphql(&self, path: &str, asked: &Value) -> Result<Option<Value>> {
        let call = Call::new(reqwest::Method::POST, self.url(path))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::Bytes(asked.to_string().into_bytes().into()));
        let answer = self.call(call, &Scope::registry(), "search").await?;
        if !answer.status().is_success() {
            self.note_failure(&self.refused(answer, "search").await);
            return Ok(None);
        }
        Ok(answer.json(LIMIT).await.ok())
    }
}

/// The path of an endpoint that the registry advertises.
fn endpoint<'e>(extensions: &'e [Extension], name: &str, module: &str) -> Option<&'e str> {
    let wanted = format!("/v2/{name}/{module}");
    let mut all = extensions
        .iter()
        .filter(|extension| extension.name == name && extension.repository.is_none());
    all.find_map(|extension| {
        let mut endpoints = extension.endpoints.iter();
        endpoints.find(|endpoint| endpoint.trim_end_matches('/') == wanted)
    })
    .map(String::as_str)
}

/// Whether the registry advertises a search that can be asked.
pub(super) fn is_advertised(extensions: &[Extension]) -> bool {
    endpoint(extensions, VENDOR_EXTENSION, "packages/search").is_some()
        || endpoint(extensions, "_zot", "ext/search").is_some()
}
