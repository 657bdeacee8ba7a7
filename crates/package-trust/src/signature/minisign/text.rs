//! Strict parser of `.minisig` files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::signature::Fault;

/// Prefix of the untrusted comment.
pub(super) const UNTRUSTED: &str = "untrusted comment: ";

/// Prefix of the signed comment.
const TRUSTED: &str = "trusted comment: ";

/// Maximum size of a file: the longest comments of the tool, with a margin.
const LONGEST: usize = 16 * 1024;

/// The four lines of a signature, each in canonical form: a signature with several encodings could be modified
/// unnoticed.
pub(super) struct Lines<'s> {
    /// The whole text.
    pub(super) text: &'s str,
    /// The key id.
    pub(super) key: Vec<u8>,
    /// The signed comment.
    pub(super) comment: &'s str,
}

impl<'s> Lines<'s> {
    pub(super) fn read(signature: &'s [u8]) -> Result<Self, Fault> {
        if signature.len() > LONGEST {
            return Err(Fault::Unreadable("too long"));
        }
        let text =
            std::str::from_utf8(signature).map_err(|_| Fault::Unreadable("not valid UTF-8"))?;
        // A lone `\r` ends no line.
        let lines: Vec<&str> = text
            .split_inclusive('\n')
            .map(|line| {
                let bare = line.strip_suffix('\n');
                bare.map_or(line, |bare| bare.strip_suffix('\r').unwrap_or(bare))
            })
            .collect();
        let [untrusted, signature, trusted, global] = lines.as_slice() else {
            return Err(Fault::Unreadable("expected four lines"));
        };
        if !untrusted.starts_with(UNTRUSTED) {
            return Err(Fault::Unreadable("the first line is not a comment"));
        }
        let Some(comment) = trusted.strip_prefix(TRUSTED) else {
            return Err(Fault::Unreadable("the third line is not a trusted comment"));
        };
        // The library verifies the trimmed comment.
        if comment.trim() != comment || comment.contains('\r') {
            return Err(Fault::Unreadable("whitespace around the trusted comment"));
        }
        let signature = decode(signature, 2 + 8 + 64)?;
        decode(global, 64)?;
        if !signature.starts_with(b"ED") {
            return Err(Fault::Unreadable(
                "not prehashed: minisign 0.11 or later is required",
            ));
        }
        Ok(Self {
            text,
            key: signature[2..10].to_vec(),
            comment,
        })
    }
}

fn decode(line: &str, length: usize) -> Result<Vec<u8>, Fault> {
    match STANDARD.decode(line) {
        Ok(bytes) if bytes.len() == length => Ok(bytes),
        _ => Err(Fault::Unreadable("invalid signature line")),
    }
}

/// Formats a key id as the tool prints it: a little-endian number of eight bytes.
pub(super) fn id(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{number:016X}")
}
