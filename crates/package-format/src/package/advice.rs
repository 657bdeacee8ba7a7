//! Suggestions for packages that are published to others.

use std::path::Path;

use extension_registry_core::diagnostic::Note;

use crate::manifest::{Kind, Manifest, Packaging};

/// Returns what is missing, with hints. Publishing is still possible.
#[must_use]
pub fn advice(folder: &Path, manifest: &Manifest, has_document: bool) -> Vec<Note> {
    let mut missing = Vec::new();
    let mut say = |is_missing: bool, what: &str, hint: &str| {
        if is_missing {
            missing.push(Note::new(what).hint(hint));
        }
    };
    say(
        manifest.description.is_empty(),
        "no description to show in package lists",
        "add `description` under `extension`",
    );
    say(
        !has_document,
        "no documentation that users can read before they pull the package",
        "add a README.md",
    );
    say(
        manifest.metadata.license.is_none(),
        "no license",
        "set `license` under `metadata` to an SPDX identifier",
    );
    let has_license = ["LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING"]
        .iter()
        .any(|name| folder.join(name).is_file());
    say(!has_license, "no license text", "add a LICENSE file");
    say(
        manifest.kind == Kind::Record && manifest.templates.is_empty(),
        "no template, so the package cannot be used to register a tool",
        "add a template under `templates`",
    );
    if let Kind::Unsupported(kind) = &manifest.kind {
        let hint = "use one of record, provider, taskserv and cluster; other types are listed but never loaded";
        say(true, &format!("unsupported type `{kind}`"), hint);
    }
    if let Packaging::Unsupported(packaging) = &manifest.packaging {
        let hint = "use bundle or template; other packagings are never unpacked";
        say(true, &format!("unsupported packaging `{packaging}`"), hint);
    }
    missing
}
