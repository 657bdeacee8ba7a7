//! Bodies that servers change unasked: compressed ones, and HTML pages with status 200 instead of a file.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// First bytes of gzip data (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Maximum size of decompressed data for one chunk: a chunk of zeros decompresses to a thousand times its size.
const LARGEST: usize = 64 << 20;

/// Decompresses a body chunk by chunk.
#[derive(Debug)]
pub struct Inflater {
    /// The first bytes, until they show whether the body is compressed.
    start: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    Unknown,
    /// The header is wrong, as for `.gz` files that a server declares as encoded.
    Plain,
    Compressed(Box<MultiGzDecoder<Target>>),
}

/// Decompressed bytes.
#[derive(Debug, Default)]
struct Target(Vec<u8>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::Error::other("it decompresses to too many bytes"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the decoder of a `Content-Encoding`; None for none, and for labels that are not content codings, such
/// as `utf-8` and `aws-chunked`.
///
/// # Errors
/// Returns the name of a coding that is not supported.
pub(super) fn inflater(encoding: &str) -> Result<Option<Inflater>, String> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Ok(Some(Inflater {
            start: Vec::new(),
            state: State::Unknown,
        })),
        other @ ("br" | "zstd" | "deflate" | "compress" | "x-compress") => Err(other.to_owned()),
        _ => Ok(None),
    }
}

impl Inflater {
    /// Decompresses the next bytes.
    ///
    /// # Errors
    /// Returns an error if they are invalid.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        match &mut self.state {
            State::Plain => Ok(Bytes::copy_from_slice(bytes)),
            State::Compressed(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                Ok(std::mem::take(&mut decoder.get_mut().0).into())
            }
            State::Unknown => {
                self.start.extend_from_slice(bytes);
                if self.start.len() < GZIP.len() {
                    return Ok(Bytes::new());
                }
                self.state = if self.start.starts_with(&GZIP) {
                    State::Compressed(Box::new(MultiGzDecoder::new(Target::default())))
                } else {
                    State::Plain
                };
                let start = std::mem::take(&mut self.start);
                self.push(&start)
            }
        }
    }

    /// Returns the last bytes.
    ///
    /// # Errors
    /// Returns an error if the data is truncated.
    pub fn finish(self) -> io::Result<Bytes> {
        match self.state {
            State::Unknown => Ok(self.start.into()),
            State::Plain => Ok(Bytes::new()),
            State::Compressed(decoder) => Ok(decoder.finish()?.0.into()),
        }
    }
}

/// Returns whether a body is an HTML page.
#[must_use]
pub fn is_html(body: &[u8]) -> bool {
    let start = body.get(..body.len().min(256)).unwrap_or_default();
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype html", "<html"]
        .iter()
        .any(|begin| start.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::{inflater, is_html};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn decoded(parts: &[&[u8]]) -> std::io::Result<Vec<u8>> {
        let mut inflater = inflater("gzip").unwrap().unwrap();
        let mut all = Vec::new();
        for part in parts {
            all.extend_from_slice(&inflater.push(part)?);
        }
        all.extend_from_slice(&inflater.finish()?);
        Ok(all)
    }

    #[test]
    fn decompresses_any_chunks_and_passes_plain_bytes() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"some text").unwrap();
        let compressed = encoder.finish().unwrap();
        for at in 0..compressed.len() {
            let (left, right) = compressed.split_at(at);
            assert_eq!(decoded(&[left, right]).unwrap(), b"some text");
        }
        assert!(decoded(&[&compressed[..compressed.len() - 4]]).is_err());
        for plain in [&b""[..], b"a", b"abc"] {
            assert_eq!(decoded(&[plain]).unwrap(), plain);
        }
    }

    #[test]
    fn rejects_other_codings_and_ignores_other_labels() {
        for coding in ["br", "zstd", " Deflate"] {
            inflater(coding).unwrap_err();
        }
        for label in ["", "identity", "utf-8", "aws-chunked"] {
            assert!(inflater(label).unwrap().is_none(), "{label}");
        }
    }

    #[test]
    fn recognizes_html_pages() {
        for page in ["<!DOCTYPE html>", "\u{feff} <html lang=en>", "\n<HTML>"] {
            assert!(is_html(page.as_bytes()), "{page}");
        }
        for other in ["<?xml version=\"1.0\"?><project/>", "", "{}", "abc <html>"] {
            assert!(!is_html(other.as_bytes()), "{other}");
        }
    }
}
