//! The text of a `.minisig` file, read strictly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::signature::Fault;

/// What a comment begins with that nobody vouches for.
pub(super) const UNTRUSTED: &str = "untrusted comment: ";

/// What a comment begins with that is signed.
const TRUSTED: &str = "trusted comment: ";

/// Bytes of the longest file: the tool's longest comments, and room.
const LONGEST: usize = 16 * 1024;

/// The four lines of a signature. Each is in its one canonical form: a signature that can be written in two
/// ways can be changed without anybody noticing.
pub(super) struct Lines<'s> {
    /// The whole text.
    pub(super) text: &'s str,
    /// Key id, as bytes.
    pub(super) key: Vec<u8>,
    /// The signed comment.
    pub(super) comment: &'s str,
}

impl<'s> Lines<'s> {
    pub(super) fn read(signature: &'s [u8]) -> Result<Self, Fault> {
        if signature.len() > LONGEST {
            return Err(Fault::Unreadable("it is too long"));
        }
        let text =
            std::str::from_utf8(signature).map_err(|_| Fault::Unreadable("it is not UTF-8"))?;
        // A `\r` alone ends no line.
        let lines: Vec<&str> = text
            .split_inclusive('\n')
            .map(|line| {
                let bare = line.strip_suffix('\n');
                bare.map_or(line, |bare| bare.strip_suffix('\r').unwrap_or(bare))
            })
            .collect();
        let [untrusted, signature, trusted, global] = lines.as_slice() else {
            return Err(Fault::Unreadable("it does not have four lines"));
        };
        if !untrusted.starts_with(UNTRUSTED) {
            return Err(Fault::Unreadable("its first line is no comment"));
        }
        let Some(comment) = trusted.strip_prefix(TRUSTED) else {
            return Err(Fault::Unreadable("its third line is no trusted comment"));
        };
        // The library verifies the comment without white space around it.
        if comment.trim() != comment || comment.contains('\r') {
            return Err(Fault::Unreadable("white space is around its comment"));
        }
        let signature = decode(signature, 2 + 8 + 64)?;
        decode(global, 64)?;
        if !signature.starts_with(b"ED") {
            return Err(Fault::Unreadable(
                "it is not prehashed, which minisign does since version 0.11",
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
        _ => Err(Fault::Unreadable("one of its lines is no signature")),
    }
}

/// A key id as the tool prints it: a number of eight bytes, the lowest first.
pub(super) fn id(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{number:016X}")
}
