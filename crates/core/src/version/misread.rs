//! Explains why a version does not match although its author may expect it to.

use super::{RecordVersion, VersionRange};
use crate::diagnostic::Note;
use crate::suggest::excerpt;

/// First identifiers of pre-releases that no vendor uses as its suffix.
const PRE_RELEASES: [&str; 10] = [
    "a", "alpha", "b", "beta", "dev", "m", "next", "pre", "preview", "rc",
];

impl VersionRange {
    /// Explains how a version is read that does not match: as a pre-release, although it may have the suffix of a
    /// vendor, or as a text. The message continues a sentence about the version; None if neither is the cause.
    ///
    /// ```
    /// use extension_registry_core::diagnostic::Explain;
    /// use extension_registry_core::version::{RecordVersion, VersionRange};
    ///
    /// let range: VersionRange = ">=1.27".parse().unwrap();
    /// let note = range.misread(&RecordVersion::new("1.27.3-gke.100")).unwrap();
    /// assert_eq!(note.message, "read as a pre-release of 1.27.3");
    /// assert!(range.misread(&RecordVersion::new("1.26.0")).is_none());
    /// ```
    #[must_use]
    pub fn misread(&self, version: &RecordVersion) -> Option<Note> {
        if self.matches(Some(version)) {
            return None;
        }
        let text = version.text().trim();
        let exact = format!("={text}");
        let exact = exact.parse::<Self>().ok();
        let exact = exact.filter(|range| range.matches(Some(version)));
        let exact = exact.map(|range| format!("request `{}`", excerpt(&range.to_string())));
        let Some(parsed) = version.parsed() else {
            return Some(text_version(text, exact));
        };
        let release = parsed.release_text();
        let is_early = parsed.is_prerelease() && self.matches(Some(&RecordVersion::new(&release)));
        if !is_early {
            return None;
        }
        let suffix = parsed.prerelease.as_str();
        let first = suffix.split('.').next().unwrap_or_default();
        let word = first.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let is_usual = PRE_RELEASES
            .iter()
            .any(|usual| word.eq_ignore_ascii_case(usual));
        let note = Note::new(format!("read as a pre-release of {}", excerpt(&release)));
        let note = note.hint(exact.unwrap_or_default());
        Some(if is_usual {
            note
        } else {
            let written = excerpt(&format!("{release}+{suffix}"));
            note.hint(format!(
                "if `{}` is the suffix of a vendor, write the version of the record as `{written}`",
                excerpt(suffix)
            ))
        })
    }
}

fn text_version(text: &str, exact: Option<String>) -> Note {
    let note = Note::new("read as a text, not as a semantic version");
    let note = note.hint(exact.unwrap_or_default());
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let parts: Vec<&str> = bare.splitn(4, '.').collect();
    let semantic = match parts.as_slice() {
        [major, minor, patch, rest] => {
            let written = format!("{major}.{minor}.{patch}+{}", rest.replace('+', "."));
            RecordVersion::new(&written).parsed().map(|_| written)
        }
        _ => None,
    };
    note.hint(match semantic {
        Some(written) => format!(
            "write the version of the record as `{}` to match ranges",
            excerpt(&written)
        ),
        None => "write the version of the record as MAJOR.MINOR.PATCH to match ranges".to_owned(),
    })
}
