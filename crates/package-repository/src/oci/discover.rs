//! Discovers protocol extensions of a registry: `_oci/ext/discover` (distribution-spec, "extensions/_oci.md").

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Oci;
use super::client::{Client, clean};
use super::model::listed;
use super::scope::Scope;
use crate::{Error, Extension, Extensions, Result};
use extension_registry_package_transport::transport::Call;

/// Maximum size of a response.
const LIMIT: usize = 1024 * 1024;
/// Maximum number of concurrent requests.
const AT_ONCE: usize = 8;

/// The response. Entries are parsed one by one: an invalid entry hides no other.
#[derive(Debug, Deserialize)]
struct Discovered {
    #[serde(default, deserialize_with = "listed")]
    extensions: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    name: String,
    url: Option<String>,
    description: Option<String>,
    #[serde(deserialize_with = "listed")]
    endpoints: Vec<String>,
}

impl Oci {
    /// Returns the extensions of the registry, then those of the configured packages, each queried with the
    /// scope of its repository.
    pub(super) async fn all_extensions(&self) -> Extensions {
        let mut all = Extensions::default();
        all.add(None, self.client.discover(None).await);
        let is_denied = |(_, error): &(_, Error)| matches!(error, Error::Denied { .. });
        if !all.failures.iter().all(is_denied) {
            // If the registry does not respond, each repository would be another timeout.
            return all;
        }
        let names = self.settings.names.iter();
        let paths: Vec<String> = names.filter_map(|name| self.path(name)).collect();
        let asked = stream::iter(paths).map(|path| async move {
            let outcome = self.client.discover(Some(&path)).await;
            (path, outcome)
        });
        for (path, outcome) in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
            all.add(Some(path), outcome);
        }
        all
    }
}

impl Client {
    /// Returns the extensions that the registry, or one repository of it, advertises.
    ///
    /// Most registries do not support this and respond in many different ways; all of them mean "none".
    ///
    /// # Errors
    /// Returns [`Error::Denied`] for 401 and 403, which do not mean "none", and an error if the registry does
    /// not respond.
    pub(super) async fn discover(&self, repository: Option<&str>) -> Result<Vec<Extension>> {
        let (path, scope) = match repository {
            None => ("/v2/_oci/ext/discover".to_owned(), Scope::registry()),
            Some(path) => (format!("/v2/{path}/_oci/ext/discover"), Scope::pull(path)),
        };
        let what = match repository {
            None => "list extensions".to_owned(),
            Some(path) => format!("list extensions of {path}"),
        };
        let call = Call::get(self.url(&path)).header("accept", "application/json");
        let answer = self.call(call, &scope, &what).await?;
        let status = answer.status();
        if matches!(status.as_u16(), 401 | 403)
            || extension_registry_package_transport::transport::is_transient(status)
        {
            return Err(self.refused(answer, &what).await);
        }
        if !status.is_success() {
            return Ok(Vec::new());
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        let is_json = media_type.split(';').next().is_some_and(|media_type| {
            let media_type = media_type.trim();
            media_type == "application/json" || media_type.ends_with("+json")
        });
        let media_type = media_type.to_owned();
        let bytes = answer.bytes(LIMIT).await;
        let bytes = bytes.map_err(|error| self.failed(&what, error))?;
        let Ok(discovered) = serde_json::from_slice::<Discovered>(&bytes) else {
            return Ok(Vec::new());
        };
        if !is_json {
            self.warn(&format!(
                "{what}: the response is JSON, but has the content type `{media_type}`"
            ));
        }
        let entries = discovered.extensions.into_iter();
        Ok(entries
            .filter_map(|entry| self.extension(entry, repository, &what))
            .collect())
    }

    fn extension(&self, entry: Value, repository: Option<&str>, what: &str) -> Option<Extension> {
        let entry = serde_json::from_value::<Entry>(entry).unwrap_or_default();
        if entry.name.is_empty() {
            self.warn(&format!("{what}: skipped an entry without a name"));
            return None;
        }
        let url = entry.url.unwrap_or_default();
        let endpoints = entry.endpoints.iter();
        Some(Extension {
            name: clean(&entry.name),
            url: if is_web(&url) {
                clean(&url)
            } else {
                String::new()
            },
            description: clean(&entry.description.unwrap_or_default()),
            endpoints: endpoints
                .filter_map(|endpoint| self.endpoint(endpoint, repository))
                .collect(),
            repository: repository.map(str::to_owned),
        })
    }

    /// Returns the path of an endpoint from the root of the server. The specification leaves its format open:
    /// with `/v2/`, without, or complete.
    fn endpoint(&self, text: &str, repository: Option<&str>) -> Option<String> {
        let text = text.trim();
        let path = match text.parse::<Url>() {
            Ok(url) if url.origin() == self.base.origin() => url.path().to_owned(),
            Ok(_) => return None,
            Err(_) => text.trim_start_matches('/').to_owned(),
        };
        let path = path.trim_start_matches('/');
        let below = path.strip_prefix("v2/").unwrap_or(path);
        let whole = match repository {
            Some(repository) if below.starts_with('_') => format!("/v2/{repository}/{below}"),
            _ => format!("/v2/{below}"),
        };
        let is_plain = whole.bytes().all(|byte| byte.is_ascii_graphic()) && !whole.contains("..");
        is_plain.then_some(whole)
    }
}

/// Returns whether an address can be shown as a link.
fn is_web(text: &str) -> bool {
    let url = text.parse::<Url>();
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
