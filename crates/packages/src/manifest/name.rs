//! Names of packages: what an OCI repository, a Maven artifact, a generic package of Gitea and a folder can
//! all be called.

/// Longest name.
const LONGEST: usize = 100;

/// Why a text is no name; None if it is one.
///
/// The form is a component of the name of an OCI repository (distribution-spec, "Pulling manifests") with
/// single separators. It begins with a letter or digit, so no reference to a package is a path below `/v2/_`.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > LONGEST {
        return Some("a name has 1 to 100 characters");
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (!name.split(['.', '_', '-']).all(is_word))
        .then_some("a name has small letters and digits, and single `.`, `_` or `-` between them")
}
