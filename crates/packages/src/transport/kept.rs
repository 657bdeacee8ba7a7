//! Small answers that are asked for again only if they changed (RFC 9110, section 13.1.2): lists, manifests, indexes.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Answer, Call, Error};
use crate::digest::Digest;

/// Bytes of the largest answer that is kept.
const LARGEST: u64 = 1 << 20;
/// Answers that are kept. With more, all are forgotten: what is here is only ever a saving.
const MOST: usize = 10_000;

/// Answers on the disk.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    folder: PathBuf,
}

/// An answer that was kept, with the tag of its server.
pub(super) struct Known {
    pub(super) tag: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// Of other addresses with the same file name.
    url: String,
    tag: String,
    headers: Vec<(String, String)>,
    /// Of what follows: a machine that lost power may have written a part.
    body: Digest,
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        let count = fs::read_dir(&folder).map_or(0, Iterator::count);
        if count > MOST {
            let _ = fs::remove_dir_all(&folder);
        }
        Self { folder }
    }

    /// Whether an answer to this call could be kept. Where another server was led to, the address may be signed for
    /// this once, and is a credential itself.
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

    /// What was answered before.
    pub(super) fn known(&self, call: &Call, url: &Url) -> Option<Known> {
        let bytes = fs::read(self.path(call, url)).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        let body = &bytes[end + 1..];
        let is_whole = head.url == url.as_str() && head.body == Digest::of(body);
        is_whole.then(|| Known {
            tag: head.tag,
            headers: head.headers,
            body: body.to_vec(),
        })
    }

    /// Keeps an answer, if it is small and has a tag. Where it cannot be written, nothing is lost.
    pub(super) async fn keep(
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
            .is_some_and(|said| said.to_ascii_lowercase().contains("no-store"));
        let may_be_kept = is_small && !is_private && answer.status() == StatusCode::OK;
        let Some(tag) = tag.filter(|_| may_be_kept) else {
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
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&serde_json::to_vec(&head)?)?;
            file.write_all(b"\n")?;
            file.write_all(&body)?;
            file.persist(self.path(call, url))
                .map_err(|error| error.error)?;
            Ok(())
        };
        let _ = write();
        let known = Known { tag, headers, body };
        known.answer(url, timeout)
    }
}

impl Known {
    /// The answer, as if it had come now.
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
