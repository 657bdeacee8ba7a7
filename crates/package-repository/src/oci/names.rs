//! Names in the OCI protocol: repositories, tags, extensions.

use extension_registry_package_format::digest::Digest;

/// Maximum length of a repository path with the host (distribution-spec, "Pulling manifests": many clients stop
/// at 255).
const LONGEST_REPOSITORY: usize = 255;
/// Maximum length of a tag.
const LONGEST_TAG: usize = 128;

/// Name of the repository of the index.
pub(super) const INDEX: &str = "extension-index";
/// Name of our vendor extension of the protocol.
pub const VENDOR_EXTENSION: &str = "_fuseml";

/// Returns why a text is not a valid repository path; None if it is valid.
///
/// Each component begins with a letter or digit, so a valid path is never below `/v2/_` and never contains
/// `/_`: it cannot collide with an extension (distribution-spec, "extensions/README.md").
#[must_use]
pub fn repository_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > LONGEST_REPOSITORY {
        return Some("a repository path must be 1 to 255 characters long");
    }
    (!path.split('/').all(is_component)).then_some(
        "components of a repository path must be lowercase letters and digits, separated by `.`, `_`, `__` or dashes",
    )
}

/// Matches `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
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

/// Returns whether a text is a valid tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(is_word)
        && text
            .bytes()
            .all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// Returns the tag of a version, with `_` for `+`, which tags do not allow. None if it is too long for a tag.
#[must_use]
pub fn tag(version: &semver::Version) -> Option<String> {
    let tag = version.to_string().replace('+', "_");
    is_tag(&tag).then_some(tag)
}

/// Returns the possible tags of a version: its own, then the one with a leading `v`.
pub(super) fn tags(version: &semver::Version) -> Vec<String> {
    let own = tag(version).into_iter();
    own.flat_map(|tag| {
        let other = format!("v{tag}");
        [tag, other]
    })
    .filter(|tag| is_tag(tag))
    .collect()
}

/// Returns the version of a tag, with or without a leading `v`. None for tags of signatures, for `latest` and
/// for anything but a full semantic version.
#[must_use]
pub fn version(tag: &str) -> Option<semver::Version> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    // A version contains no `_`, so the first one is a `+`; a second one makes it invalid.
    bare.replacen('_', "+", 1).parse().ok()
}

/// Returns the tag under which clients store the referrers of a manifest if the server does not support them
/// (distribution-spec, "Referrers Tag Schema").
pub(super) fn fallback_tag(subject: Digest) -> String {
    format!("sha256-{subject}")
}

/// Returns the tag of cosign's classic signatures.
pub(super) fn cosign_tag(subject: Digest) -> String {
    format!("sha256-{subject}.sig")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reserved extension names (distribution-spec, "extensions/README.md").
    const RESERVED: [&str; 4] = ["_oci", "_catalog", "_chainguard", "_docker"];

    #[test]
    fn vendor_extension_name_is_valid_and_not_reserved() {
        assert!(!RESERVED.contains(&VENDOR_EXTENSION));
        assert!(VENDOR_EXTENSION.strip_prefix('_').is_some_and(is_component));
        // It cannot be the beginning of a repository path.
        assert!(repository_fault(VENDOR_EXTENSION).is_some());
    }
}
