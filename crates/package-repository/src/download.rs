//! Downloads content over HTTP, resumed with range requests (RFC 9110, section 14) or restarted.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;

use super::{Error, PartialDownload, Result};
use extension_registry_package_transport::transport::{self, Answer, Inflater};

/// Content that can be downloaded.
#[async_trait]
pub(super) trait Content: Sync {
    /// Returns its size if known.
    fn size(&self) -> Option<u64>;

    /// Returns whether it is compressed itself. Servers declare such files as encoded, but do not compress them.
    fn is_compressed(&self) -> bool {
        true
    }

    /// Requests it from an offset. The server may ignore the offset and send everything.
    async fn ask(&self, from: u64) -> Result<Answer>;

    /// Converts an error response.
    async fn refused(&self, answer: Answer) -> Error;

    /// Converts a transport error after the last retry.
    fn failed(&self, error: transport::Error) -> Error;

    /// Verifies the downloaded bytes.
    async fn check(&self, download_file: &PartialDownload<'_>) -> Result<()>;
}

/// Why a transfer stopped.
enum Stop {
    /// It was interrupted and can be resumed.
    Cut(transport::Error),
    /// It failed.
    Final(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Downloads the content. A partial download is resumed; an interrupted transfer is retried as long as delays
/// are left.
pub(super) async fn download(
    content: &dyn Content,
    mut waits: impl Iterator<Item = Duration>,
    download_file: &mut PartialDownload<'_>,
) -> Result<()> {
    let mut continued = download_file.written() > 0;
    loop {
        let encoding = match transfer(content, download_file).await {
            Ok(encoding) => encoding,
            Err(Stop::Final(error)) => return Err(error),
            Err(Stop::Cut(error)) => {
                let Some(wait) = waits.next() else {
                    return Err(content.failed(error));
                };
                tokio::time::sleep(wait).await;
                continue;
            }
        };
        match content.check(download_file).await {
            Err(error @ Error::Broken { .. }) => {
                empty(download_file)?;
                // The partial download may be of other content.
                if !std::mem::take(&mut continued) {
                    return Err(encoded(error, encoding.as_deref()));
                }
            }
            outcome => return outcome,
        }
    }
}

/// Adds to a mismatch that the server declares to have changed the bytes.
fn encoded(error: Error, encoding: Option<&str>) -> Error {
    match (error, encoding) {
        (
            Error::Broken {
                repository,
                what,
                why,
                ..
            },
            Some(encoding),
        ) => Error::Broken {
            repository,
            what,
            why: format!("{why}; the server sent it with `Content-Encoding: {encoding}`"),
            hint: "ask the administrator of the server to send files unchanged".to_owned(),
        },
        (error, _) => error,
    }
}

/// Sends one request for the remaining bytes. Returns the `Content-Encoding` that the server declares.
async fn transfer(
    content: &dyn Content,
    download_file: &mut PartialDownload<'_>,
) -> std::result::Result<Option<String>, Stop> {
    let size = content.size();
    let start = download_file.written();
    if start > 0 && size.is_some_and(|size| size <= start) {
        download_file.expect(size);
        return Ok(None);
    }
    let mut answer = content.ask(start).await?;
    // Part of a compressed body is not part of the file.
    let is_part = content.is_compressed() || answer.header("content-encoding").is_none();
    let goes_on =
        answer.status() == StatusCode::PARTIAL_CONTENT && begins_at(&answer, start) && is_part;
    if start > 0 && !goes_on {
        if is_whole(&answer, start) {
            download_file.expect(Some(start));
            return Ok(None);
        }
        empty(download_file)?;
        if matches!(answer.status().as_u16(), 206 | 416) {
            answer = content.ask(0).await?;
        }
    }
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::PARTIAL_CONTENT if goes_on => {}
        _ => return Err(content.refused(answer).await.into()),
    }
    // Labels such as `identity` and `utf-8` are no codings.
    let inflater = answer.inflater();
    let is_plain = matches!(inflater, Ok(None));
    let encoding = answer.header("content-encoding").filter(|_| !is_plain);
    let encoding = encoding.map(str::to_owned);
    if !content.is_compressed()
        && let Some(inflater) = inflater.map_err(|error| content.failed(error))?
    {
        inflate(answer, inflater, download_file).await?;
        return Ok(encoding);
    }
    let rest = answer.length();
    let announced = rest.and_then(|rest| download_file.written().checked_add(rest));
    let total = size.or(announced);
    download_file.expect(total);
    while let Some(bytes) = answer.chunk().await.map_err(Stop::Cut)? {
        download_file
            .write(&bytes)
            .map_err(|error| written(download_file, error))?;
        // The server sends more than expected: stop reading.
        if size.is_some_and(|size| download_file.written() > size) {
            break;
        }
    }
    match total {
        Some(total) if download_file.written() < total => Err(Stop::Cut(transport::Error::Cut {
            host: answer.host().to_owned(),
            why: format!(
                "truncated after {} of {total} bytes",
                download_file.written()
            ),
        })),
        _ => Ok(encoding),
    }
}

/// Writes a body that the server compressed. It cannot be resumed.
async fn inflate(
    mut answer: Answer,
    mut inflater: Inflater,
    download_file: &mut PartialDownload<'_>,
) -> std::result::Result<(), Stop> {
    download_file.expect(None);
    let outcome = async {
        while let Some(chunk) = answer.chunk().await? {
            let bytes = inflater.push(&chunk);
            let bytes = bytes.map_err(|error| answer.garbled(&error))?;
            if let Err(error) = download_file.write(&bytes) {
                return Ok(Err(error));
            }
        }
        let rest = inflater.finish().map_err(|error| answer.garbled(&error))?;
        Ok(download_file.write(&rest))
    };
    match outcome.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(written(download_file, error).into()),
        Err(error) => {
            empty(download_file)?;
            Err(Stop::Cut(error))
        }
    }
}

/// Returns whether a partial response starts at the requested offset.
fn begins_at(answer: &Answer, start: u64) -> bool {
    let range = answer.header("content-range").unwrap_or_default();
    let range = range.trim().strip_prefix("bytes ");
    let first = range.and_then(|range| range.split(['-', '/']).next());
    first.is_some_and(|first| first.trim().parse() == Ok(start))
}

/// Returns whether the server reports that no bytes are left: 416 with `bytes */LENGTH` (RFC 9110, section
/// 14.4).
fn is_whole(answer: &Answer, start: u64) -> bool {
    let range = answer.header("content-range").unwrap_or_default();
    let length = range.trim().strip_prefix("bytes */");
    answer.status() == StatusCode::RANGE_NOT_SATISFIABLE
        && length.is_some_and(|length| length.trim().parse() == Ok(start))
}

/// Returns the `Range` header for an offset; None for the whole content.
pub(super) fn range(from: u64) -> Option<String> {
    (from > 0).then(|| format!("bytes={from}-"))
}

fn empty(download_file: &mut PartialDownload<'_>) -> Result<()> {
    download_file
        .restart()
        .map_err(|error| written(download_file, error))
}

fn written(download_file: &PartialDownload<'_>, error: std::io::Error) -> Error {
    Error::File {
        what: "write",
        path: download_file.path().to_owned(),
        error,
    }
}
