//! Cache of small responses that are revalidated by `ETag` (RFC 9110, section 13.1.2): lists, manifests, indexes.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use extension_registry_package_format::atomic::{self, Purpose};
use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Answer, Call, Error};
use extension_registry_package_format::digest::Digest;

/// Maximum size of a cached response.
const LARGEST: u64 = 1 << 20;
/// Maximum number of cached responses; beyond it the cache is cleared.
const MOST: usize = 10_000;

/// Cached responses on disk.
#[derive(Clone, Debug)]
pub(super) struct HttpCache {
    folder: PathBuf,
}

/// A cached response with its `ETag`.
pub(super) struct CachedResponse {
    pub(super) tag: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// Detects other addresses with the same file name.
    url: String,
    tag: String,
    headers: Vec<(String, String)>,
    /// Detects an incomplete write, for example after a power loss.
    body: Digest,
}

impl HttpCache {
    pub(super) fn new(folder: PathBuf) -> Self {
        let count = fs::read_dir(&folder).map_or(0, Iterator::count);
        if count > MOST {
            let _ = fs::remove_dir_all(&folder);
        }
        Self { folder }
    }

    /// Returns whether the response may be cached. After a redirect to another server the address may be
    /// presigned, and so a credential itself.
    pub(super) fn is_for(call: &Call, url: &Url) -> bool {
        call.method == Method::GET
            && !call.is_secret
            && !call.headers.contains_key(RANGE)
            && call.url.origin() == url.origin()
    }

    fn path(&self, call: &Call, url: &Url) -> PathBuf {
        let mut key = url.as_str().as_bytes().to_vec();
        for accepted in call.headers.get_all(ACCEPT) {
            key.push(0);
            key.extend_from_slice(accepted.as_bytes());
        }
        self.folder.join(Digest::of(&key).to_string())
    }

    /// Returns the cached response.
    pub(super) fn cached(&self, call: &Call, url: &Url) -> Option<CachedResponse> {
        let bytes = fs::read(self.path(call, url)).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        let body = &bytes[end + 1..];
        let is_whole = head.url == url.as_str() && head.body == Digest::of(body);
        is_whole.then(|| CachedResponse {
            tag: head.tag,
            headers: head.headers,
            body: body.to_vec(),
        })
    }

    /// Stores a response if it is small and has an `ETag`. Write errors are ignored.
    pub(super) async fn store(
        &self,
        call: &Call,
        url: &Url,
        answer: Answer,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let is_small = answer.length().is_some_and(|length| length <= LARGEST);
        let tag = answer.header(ETAG.as_str()).map(str::to_owned);
        // RFC 9111, section 5.2.2.5.
        let is_private = answer
            .header(CACHE_CONTROL.as_str())
            .is_some_and(|value| value.to_ascii_lowercase().contains("no-store"));
        let is_cacheable = is_small && !is_private && answer.status() == StatusCode::OK;
        let Some(tag) = tag.filter(|_| is_cacheable) else {
            return Ok(answer);
        };
        let headers = answer.all_headers();
        let body = answer
            .bytes(usize::try_from(LARGEST).unwrap_or(usize::MAX))
            .await?;
        let head = Head {
            url: url.as_str().to_owned(),
            tag: tag.clone(),
            headers: headers.clone(),
            body: Digest::of(&body),
        };
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let head = serde_json::to_vec(&head)?;
            atomic::write(&self.path(call, url), Purpose::Cache, |file| {
                file.write_all(&head)?;
                file.write_all(b"\n")?;
                file.write_all(&body)
            })
        };
        let _ = write();
        let cached = CachedResponse { tag, headers, body };
        cached.answer(url, timeout)
    }
}

impl CachedResponse {
    /// Rebuilds the response.
    pub(super) fn answer(self, url: &Url, timeout: Duration) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.append(name, value);
            }
        }
        Answer::of(url, StatusCode::OK, headers, self.body, timeout)
    }
}
