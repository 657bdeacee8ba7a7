//! Blobs: streamed from the cache, whole or in part (RFC 9110, section 14).

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use extension_registry_packages::Digest;
use extension_registry_packages::image::{ImageBlob, Place};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::PartialDownload;
use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::fault::Fault;
use super::reply;
use super::route::Name;
use super::served::Served;
use super::shelf::{Shelf, blocking};

/// Size of the pieces that are read and sent. The memory of a response does not depend on the size of its blob.
const PIECE: usize = 256 * 1024;

/// Content of a blob.
enum Content {
    Memory(Bytes),
    File(std::fs::File),
}

/// Returns a blob, or the part of it that is asked for.
pub(super) async fn get(
    shelf: &Shelf,
    (name, digest): (&Name, Digest),
    headers: &HeaderMap,
    is_head: bool,
) -> Result<Response, Fault> {
    let absent = || Fault::unknown_blob(&digest.oci(), &name.path());
    let served = shelf.find(name, digest, true).await?.ok_or_else(absent)?;
    let blob = served.image.blobs.get(&digest).ok_or_else(absent)?;
    if blob.place == Place::Withheld {
        return Err(Fault::denied(format!(
            "{} is not covered by a trusted signature of {}",
            digest.oci(),
            name.path()
        )));
    }
    let size = blob.size;
    let mut response = Response::new(Body::empty());
    reply::describe(&mut response, digest, "application/octet-stream");
    let fields = response.headers_mut();
    fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if reply::is_known(headers, digest) {
        return Ok(reply::not_modified(response));
    }
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let (start, length) = match range.map(|range| parse(range, size)) {
        None | Some(Range::Ignored) => (0, size),
        Some(Range::Outside) => return Err(Fault::range(size)),
        Some(Range::Part(start, length)) => {
            let range = format!("bytes {start}-{}/{size}", start + length - 1);
            if let Ok(range) = HeaderValue::from_str(&range) {
                response.headers_mut().insert(header::CONTENT_RANGE, range);
            }
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, length)
        }
    };
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if is_head {
        return Ok(response);
    }
    let content = match open(shelf, name, &served, (digest, blob)).await? {
        Some(content) => content,
        None => reopen(shelf, name, &served, digest).await?,
    };
    *response.body_mut() = match content {
        Content::Memory(bytes) => {
            let (start, end) = (index(start), index(start + length));
            Body::from(
                bytes
                    .get(start..end)
                    .map(Bytes::copy_from_slice)
                    .unwrap_or_default(),
            )
        }
        Content::File(file) => stream(File::from_std(file), (start, length)).await?,
    };
    Ok(response)
}

/// Opens a blob. None if it was removed from the cache.
async fn open(
    shelf: &Shelf,
    name: &Name,
    served: &Arc<Served>,
    (digest, blob): (Digest, &ImageBlob),
) -> Result<Option<Content>, Fault> {
    let repository = shelf.repository(name)?.clone();
    match &blob.place {
        Place::Memory(bytes) => Ok(Some(Content::Memory(Bytes::copy_from_slice(bytes)))),
        Place::Cache => {
            let path = repository.cache.blob_path(digest);
            let opened = blocking(async move || std::fs::File::open(path)).await?;
            match opened {
                Ok(file) => Ok(Some(Content::File(file))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Fault::internal(&error)),
            }
        }
        Place::Withheld => Ok(None),
        Place::Source => {
            let (size, largest) = (blob.size, shelf.largest());
            if size > largest {
                let message = format!("the blob of {size} bytes exceeds {largest}");
                return Err(Fault::new(StatusCode::BAD_GATEWAY, "SIZE_INVALID", message));
            }
            let served = served.clone();
            let fetched = blocking(async move || {
                let partial = repository.cache.partial(&digest.to_string());
                let partial = partial.map_err(|error| Fault::internal(&error))?;
                let path = partial.path().to_owned();
                let failed = |error: std::io::Error| Fault::internal(&error);
                // Bytes of an earlier request are verified again, and not downloaded again.
                let mut download =
                    PartialDownload::open(&path, largest, &Silent).map_err(failed)?;
                let source = &repository.source.repository;
                let fetched = source.blob(&served.release, (digest, size), &mut download);
                fetched.await.map_err(|error| Fault::of_source(&error))?;
                std::fs::File::open(&path).map_err(failed)
            });
            Ok(Some(Content::File(fetched.await??)))
        }
    }
}

/// Delivers a version again whose files were removed from the cache.
async fn reopen(
    shelf: &Shelf,
    name: &Name,
    served: &Arc<Served>,
    digest: Digest,
) -> Result<Content, Fault> {
    let absent = || Fault::unknown_blob(&digest.oci(), &name.path());
    let version = &served.release.version;
    shelf.forget(name, version);
    let served = shelf.version(name, version).await?;
    let blob = served.image.blobs.get(&digest).ok_or_else(absent)?;
    let opened = open(shelf, name, &served, (digest, blob)).await?;
    opened.ok_or_else(absent)
}

/// Streams a part of a file.
async fn stream(mut file: File, (start, length): (u64, u64)) -> Result<Body, Fault> {
    file.set_max_buf_size(PIECE);
    if start > 0 {
        let sought = file.seek(SeekFrom::Start(start)).await;
        let _ = sought.map_err(|error| Fault::internal(&error))?;
    }
    let pieces = stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut piece = Vec::with_capacity(PIECE.min(index(left)));
        let count = (&mut file)
            .take(left.min(PIECE as u64))
            .read_buf(&mut piece)
            .await?;
        if count == 0 {
            // The client must not take a truncated blob for a complete one.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((Bytes::from(piece), (file, left - count as u64))))
    });
    Ok(Body::from_stream(pieces))
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// A `Range` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// Start and length; the length is not 0.
    Part(u64, u64),
    /// It is outside the blob.
    Outside,
    /// It is invalid, or has several parts.
    Ignored,
}

fn parse(text: &str, size: u64) -> Range {
    let Some((first, last)) = text
        .trim()
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Range::Ignored;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => {
            Range::Outside
        }
        (Some(first), None) if last.is_empty() => Range::Part(first, size - first),
        (Some(first), Some(last)) if last >= first => {
            Range::Part(first, last.min(size - 1) - first + 1)
        }
        (None, Some(0)) if first.is_empty() => Range::Outside,
        (None, Some(_)) if first.is_empty() && size == 0 => Range::Outside,
        (None, Some(count)) if first.is_empty() => {
            let count = count.min(size);
            Range::Part(size - count, count)
        }
        _ => Range::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_ranges() {
        for (text, range) in [
            ("bytes=0-", Range::Part(0, 10)),
            ("bytes=3-5", Range::Part(3, 3)),
            ("bytes=3-99", Range::Part(3, 7)),
            ("bytes=9-9", Range::Part(9, 1)),
            ("bytes=-4", Range::Part(6, 4)),
            ("bytes=-99", Range::Part(0, 10)),
            ("bytes=10-", Range::Outside),
            ("bytes=99999999999999999999-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-3", Range::Ignored),
            ("bytes=0-1,3-4", Range::Ignored),
            ("bytes=-", Range::Ignored),
            ("bytes=x-2", Range::Ignored),
            ("lines=0-1", Range::Ignored),
        ] {
            assert_eq!(parse(text, 10), range, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), Range::Outside);
        assert_eq!(parse("bytes=-1", 0), Range::Outside);
    }

    proptest! {
        #[test]
        fn part_is_inside_the_blob(text in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 0_u64..1000) {
            if let Range::Part(start, length) = parse(&text, size) {
                prop_assert!(length > 0 && start + length <= size);
            }
        }
    }
}
