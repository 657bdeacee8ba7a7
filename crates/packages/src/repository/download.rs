//! Content over HTTP: continued where the server can (RFC 9110, section 14), else begun anew (R80).

use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;

use super::{Error, Result, Sink};
use crate::transport::{self, Answer};

/// Something that can be fetched, and what is known of it.
#[async_trait]
pub(super) trait Content: Sync {
    /// How many bytes it has, where that is known.
    fn size(&self) -> Option<u64>;

    /// Asks for it, from a byte on. What is not zero is a wish: the answer may be the whole.
    async fn ask(&self, from: u64) -> Result<Answer>;

    /// What an answer means that brings nothing.
    async fn refused(&self, answer: Answer) -> Error;

    /// What a connection means that ended for good.
    fn failed(&self, error: transport::Error) -> Error;

    /// Whether what came is what it should be.
    async fn check(&self, sink: &Sink<'_>) -> Result<()>;
}

/// Why a transfer did not come to its end.
enum Stop {
    /// It can go on.
    Cut(transport::Error),
    /// It cannot.
    Final(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Brings all of it. What the sink has is its beginning; a transfer that is cut goes on as long as there are waits.
pub(super) async fn download(
    content: &dyn Content,
    mut waits: impl Iterator<Item = Duration>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut continued = sink.written() > 0;
    loop {
        match transfer(content, sink).await {
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
        match content.check(sink).await {
            Err(error @ Error::Broken { .. }) => {
                empty(sink)?;
                // What was there before may have been of something else.
                if !std::mem::take(&mut continued) {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

/// One request, from where the sink is to the end.
async fn transfer(content: &dyn Content, sink: &mut Sink<'_>) -> std::result::Result<(), Stop> {
    let size = content.size();
    let start = sink.written();
    if start > 0 && size.is_some_and(|size| size <= start) {
        sink.expect(size);
        return Ok(());
    }
    let mut answer = content.ask(start).await?;
    let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT && begins_at(&answer, start);
    if start > 0 && !goes_on {
        if is_whole(&answer, start) {
            sink.expect(Some(start));
            return Ok(());
        }
        empty(sink)?;
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
    let announced = rest.and_then(|rest| sink.written().checked_add(rest));
    let total = size.or(announced);
    sink.expect(total);
    while let Some(bytes) = answer.chunk().await.map_err(Stop::Cut)? {
        sink.write(&bytes).map_err(|error| written(sink, error))?;
        // More than it is: what comes then is not worth waiting for.
        if size.is_some_and(|size| sink.written() > size) {
            break;
        }
    }
    match total {
        Some(total) if sink.written() < total => Err(Stop::Cut(transport::Error::Cut {
            host: answer.host().to_owned(),
            why: format!("it ended after {} of {total} bytes", sink.written()),
        })),
        _ => Ok(()),
    }
}

/// Whether a part begins where it should.
fn begins_at(answer: &Answer, start: u64) -> bool {
    let range = answer.header("content-range").unwrap_or_default();
    let range = range.trim().strip_prefix("bytes ");
    let first = range.and_then(|range| range.split(['-', '/']).next());
    first.is_some_and(|first| first.trim().parse() == Ok(start))
}

/// Whether a server says that nothing is left to send: 416 with `bytes */LENGTH` (RFC 9110, section 14.4).
fn is_whole(answer: &Answer, start: u64) -> bool {
    let range = answer.header("content-range").unwrap_or_default();
    let length = range.trim().strip_prefix("bytes */");
    answer.status() == StatusCode::RANGE_NOT_SATISFIABLE
        && length.is_some_and(|length| length.trim().parse() == Ok(start))
}

/// The header that asks for what is left; None for the whole.
pub(super) fn range(from: u64) -> Option<String> {
    (from > 0).then(|| format!("bytes={from}-"))
}

fn empty(sink: &mut Sink<'_>) -> Result<()> {
    sink.restart().map_err(|error| written(sink, error))
}

fn written(sink: &Sink<'_>, error: std::io::Error) -> Error {
    Error::File {
        what: "write",
        path: sink.path().to_owned(),
        error,
    }
}
