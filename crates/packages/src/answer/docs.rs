//! The question what the document of a package says.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use schemars::JsonSchema;
use serde::Serialize;

use crate::package;

/// The document of a package.
#[derive(JsonSchema, Serialize)]
pub struct Document {
    pub name: String,
    pub version: String,
    pub text: String,
}

/// Returns a document without its machine-readable first line.
#[must_use]
pub fn document(name: &str, version: &semver::Version, document: &[u8]) -> Document {
    let text = if package::described(document).is_some() {
        let end = document.iter().position(|byte| *byte == b'\n');
        end.map_or(&[][..], |end| &document[end + 1..])
    } else {
        document
    };
    let text = String::from_utf8_lossy(text);
    Document {
        name: name.to_owned(),
        version: version.to_string(),
        text: format!("{}\n", text.trim_end()),
    }
}
