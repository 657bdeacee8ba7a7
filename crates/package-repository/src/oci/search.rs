//! Server-side search. Only an advertised search is used, and for zot only if its schema supports it.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::model::listed;
use super::names::VENDOR_EXTENSION;
use super::paging::ListResult;
use super::scope::Scope;
use crate::{Extension, Result};
use extension_registry_package_transport::transport::{Body, Call};

/// Maximum size of a response.
const LIMIT: usize = 16 * 1024 * 1024;
/// Page size for zot.
const PAGE: usize = 200;
/// Maximum number of pages of one search in zot.
const PAGES: usize = 1000;
/// The required query of zot.
const NEEDED: &str = "GlobalSearch";
const QUERY: &str = "query ($query: String!, $limit: Int!, $offset: Int!) { GlobalSearch(query: $query, \
     requestedPage: {limit: $limit, offset: $offset, sortBy: ALPHABETIC_ASC}) { Repos { Name } } }";
const INTROSPECTION: &str = "{ __schema { queryType { fields { name } } } }";

/// A page of our own search extension.
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
    /// Returns repository paths of matching packages; None if no supported search is advertised.
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

    /// Searches `/v2/_fuseml/packages/search?q=&n=`: pages of
    /// `{"packages":[{"repository":"extensions/mlflow"}]}`.
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
            ListResult::All(paths) => Some(paths),
            ListResult::Refused(answer) => {
                self.warn_error(&self.refused(answer, "search").await);
                None
            }
            ListResult::Foreign => {
                self.warn("the advertised search does not return JSON");
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
        // Strip the tag after the colon.
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

    /// Sends a query. None if it is rejected, or the response is not the expected JSON.
    async fn graphql(&self, path: &str, asked: &Value) -> Result<Option<Value>> {
        let call = Call::new(reqwest::Method::POST, self.url(path))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::Bytes(asked.to_string().into_bytes().into()));
        let answer = self.call(call, &Scope::registry(), "search").await?;
        if !answer.status().is_success() {
            self.warn_error(&self.refused(answer, "search").await);
            return Ok(None);
        }
        Ok(answer.json(LIMIT).await.ok())
    }
}

/// Returns the path of an advertised endpoint.
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

/// Returns whether a supported search is advertised.
pub(super) fn is_advertised(extensions: &[Extension]) -> bool {
    endpoint(extensions, VENDOR_EXTENSION, "packages/search").is_some()
        || endpoint(extensions, "_zot", "ext/search").is_some()
}
