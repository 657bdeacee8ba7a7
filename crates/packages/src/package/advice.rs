//! What a package lacks before strangers can make sense of it (seed 001, section 4: a registration needs a
//! README and a LICENSE).

use std::path::Path;

use crate::manifest::{Kind, Manifest, Packaging};

/// What is missing, with the way out. None of it hinders anybody from publishing.
#[must_use]
pub fn advice(folder: &Path, manifest: &Manifest, has_document: bool) -> Vec<String> {
    let mut missing = Vec::new();
    let mut say = |is_missing: bool, what: &str, hint: &str| {
        if is_missing {
            missing.push(format!("{what}; hint: {hint}"));
        }
    };
    say(
        manifest.description.is_empty(),
        "there is no description, which every list shows",
        "add `description` under `extension`",
    );
    say(
        !has_document,
        "there is no document that people can read before they fetch it",
        "add README.md",
    );
    say(
        manifest.metadata.license.is_none(),
        "nobody knows whether they may use it",
        "add `license` under `metadata`, an SPDX name",
    );
    let has_license = ["LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING"]
        .iter()
        .any(|name| folder.join(name).is_file());
    say(
        !has_license,
        "there is no text of its licence",
        "add a file LICENSE",
    );
    say(
        manifest.kind == Kind::Record && manifest.templates.is_empty(),
        "it has no template, so nobody can register a tool with it",
        "add one under `templates`",
    );
    if let Kind::Unsupported(kind) = &manifest.kind {
        let hint = "it is listed, and never loaded; known are record, provider, taskserv, cluster";
        say(
            true,
            &format!("type `{kind}` is none that this program loads"),
            hint,
        );
    }
    if let Packaging::Unsupported(packaging) = &manifest.packaging {
        let hint = "it is delivered as it is; known are bundle, template";
        say(
            true,
            &format!("packaging `{packaging}` is none that this program unpacks"),
            hint,
        );
    }
    missing
}
