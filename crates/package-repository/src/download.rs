//! Downloads content over HTTP, resumed with range requests (RFC 9110, section 14) or restarted.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;

use super::{Error, PartialDownload, Result};
use extension_registry_package_transport::transport::{self, Answer};

/// Content that can be downloaded.
#[async_trait]
pub(super) trait Content: Sync {
    /// Returns its size if known.
    fn size(&self) -> Option<u64>;

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
        match transfer(content, download_file).await {
            Ok(()) => {}
            Err(Stop::Final(error)) => return Err(error),
            Err(Stop::Cut(error)) => {
                let Some(wait) = waits.next() else {
                    return Err(content.failed(error));
                };
                tokio::time::sleep(wait).await;
                continue;
            }
        }
        match content.check(download_file).await {
            Err(error @ Error::Broken { .. }) => {
                empty(download_file)?;
                // The partial download may be of other content.
                if !std::mem::take(&mut continued) {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

/// Sends one request for the remaining bytes.
async fn transfer(
    content: &dyn Content,
    download_file: &mut PartialDownload<'_>,
) -> std::result::Result<(), Stop> {
    let size = content.size();
    let start = download_file.written();
    if start > 0 && size.is_some_and(|size| size <= start) {
        download_file.expect(size);
        return Ok(());
    }
    let mut answer = content.ask(start).await?;
    let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT && begins_at(&answer, start);
    if start > 0 && !goes_on {
        if is_whole(&answer, start) {
            download_file.expect(Some(start));
            return Ok(());
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
        _ => Ok(()),
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
