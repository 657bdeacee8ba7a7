//! Package names, valid for OCI repositories, Maven artifacts, generic packages of Gitea and folders.

/// Maximum length of a name.
const LONGEST: usize = 100;

/// Returns why a name is invalid; None if it is valid.
///
/// The syntax is that of an OCI repository name component (distribution-spec, "Pulling manifests") with single
/// separators. It begins with a letter or digit, so no reference to a package is a path below `/v2/_`.
#[must_use]
pub fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > LONGEST {
        return Some("use 1 to 100 characters");
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (!name.split(['.', '_', '-']).all(is_word))
        .then_some("use lowercase letters and digits, separated by single `.`, `_` or `-`")
}
