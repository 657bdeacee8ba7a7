//! Names of the OCI protocol: repositories, tags, extensions.

use crate::digest::Digest;

/// Longest path of a repository, with the host (distribution-spec, "Pulling manifests": many clients stop at 255).
const LONGEST_REPOSITORY: usize = 255;
/// Longest tag.
const LONGEST_TAG: usize = 128;

/// Our extension of the protocol (seed 002: experimental names are those of a vendor).
pub(super) const VENDOR_EXTENSION: &str = "_fuseml";

/// Why a text is no path of a repository; None if it is one.
///
/// Each component begins with a letter or digit, so no path that this accepts is one below `/v2/_` or holds
/// `/_`: it never collides with an extension (distribution-spec, "extensions/README.md").
#[must_use]
pub fn repository_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > LONGEST_REPOSITORY {
        return Some("the path of a repository has 1 to 255 characters");
    }
    (!path.split('/').all(is_component)).then_some(
        "parts of the path of a repository have small letters and digits, with `.`, `_`, `__` or dashes between them",
    )
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_are_words = [bytes.first(), bytes.last()]
        .into_iter()
        .all(|byte| byte.is_some_and(|byte| is_word(*byte)));
    ends_are_words
        && text
            .split(|letter: char| letter.is_ascii() && is_word(letter as u8))
            .all(|between| {
                matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
            })
}

/// Whether a text is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(is_word)
        && text
            .bytes()
            .all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// The tag of a version: a tag has no `+`, so that is `_`. None where it is longer than a tag can be.
#[must_use]
pub fn tag(version: &semver::Version) -> Option<String> {
    let tag = version.to_string().replace('+', "_");
    is_tag(&tag).then_some(tag)
}

/// The tags under which a version can be: its own, then the one with a `v` before it.
pub(super) fn tags(version: &semver::Version) -> Vec<String> {
    let own = tag(version).into_iter();
    own.flat_map(|tag| {
        let other = format!("v{tag}");
        [tag, other]
    })
    .filter(|tag| is_tag(tag))
    .collect()
}

/// The version that a tag stands for, with or without a `v` before it. None for tags of signatures, for `latest`
/// and for whatever else is no version with all three parts.
#[must_use]
pub fn version(tag: &str) -> Option<semver::Version> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    // No version has a `_`, so the first one is a `+`; a second one makes it no version.
    bare.replacen('_', "+", 1).parse().ok()
}

/// The tag under which clients keep referrers of a manifest where the server does not
/// (distribution-spec, "Referrers Tag Schema").
pub(super) fn fallback_tag(subject: Digest) -> String {
    format!("sha256-{subject}")
}

/// The tag under which cosign keeps signatures in its classic form.
pub(super) fn cosign_tag(subject: Digest) -> String {
    format!("sha256-{subject}.sig")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of extensions that are taken (distribution-spec, "extensions/README.md").
    const RESERVED: [&str; 4] = ["_oci", "_catalog", "_chainguard", "_docker"];

    #[test]
    fn r38_the_name_of_our_extension_is_one_and_is_not_taken() {
        assert!(!RESERVED.contains(&VENDOR_EXTENSION));
        assert!(VENDOR_EXTENSION.strip_prefix('_').is_some_and(is_component));
        // No path of a repository begins so.
        assert!(repository_fault(VENDOR_EXTENSION).is_some());
    }
}
