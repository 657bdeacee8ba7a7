//! Certificates, servers and kubeconfigs for tests of connections.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a helper of several tests, each of which uses a part of it"
)]

pub(crate) mod certificates;
pub(crate) mod proxies;
pub(crate) mod server;
pub(crate) mod table;

/// Encodes base64 without a dependency of the tests that share this module.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(index).copied().unwrap_or_default());
        }
        for index in 0..4 {
            if index > chunk.len() {
                out.push('=');
            } else {
                let letter = bits >> (18 - 6 * index) & 63;
                out.push(char::from(LETTERS[letter as usize]));
            }
        }
    }
    out
}

/// Wraps a text at 76 columns, as `base64` does, as a YAML block.
pub(crate) fn wrapped(text: &str) -> String {
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!("|\n          {}\n", lines.join("\n          "))
}
