//! Merges the settings of a repository in one file over those in other files.

use super::super::model::OCI;
use super::super::origin::{ConfigDiagnostics, Origin, Valued};
use super::super::part::{Guard, Level, Part};

/// Merges settings over those of the same repository, field by field.
///
/// A project file cannot change where the credentials of a repository of another file are sent, and only the
/// system file can name the System Repository. Repeating a value is allowed: a project may define a repository
/// that its user has defined too.
pub(super) fn put(parts: &mut Vec<Part>, mut part: Part, findings: &mut ConfigDiagnostics) {
    ignore_system_flag(&mut part, findings);
    reject_project_token(&mut part, findings);
    let Some(below) = parts.iter_mut().find(|below| below.name == part.name) else {
        parts.push(part);
        return;
    };
    if part.level.is_some() {
        // The existing value keeps its origin, against which a relative path is resolved.
        part.drop_same(below);
    }
    if is_guarded(below, &part) {
        for (field, origin) in guarded(&part) {
            let message = format!(
                "cannot be changed here: `{}` is defined in {}, and its credentials would be sent to another server",
                part.name, below.defined
            );
            let field = format!("repository.{}.{field}", part.name);
            let hint = "rename the repository here, or change the field there";
            findings.error(origin, field, message, hint);
        }
        return;
    }
    drop_token_of_other_server(below, &part, findings);
    below.overlay(part);
}

fn is_guarded(below: &Part, part: &Part) -> bool {
    let is_others = part.level == Some(Level::Project) && below.level != Some(Level::Project);
    let is_system = below.system.as_ref().is_some_and(|system| system.value);
    let is_guarded = is_others || (is_system && part.level != Some(Level::System));
    is_guarded && !guarded(part).is_empty()
}

/// Returns the fields that decide where credentials are sent.
fn guarded(part: &Part) -> Vec<(&'static str, &Origin)> {
    let fields = part.guarded().into_iter();
    let fields = fields.filter(|(_, guard, _)| part.name != OCI || *guard != Guard::Kind);
    fields.map(|(name, _, origin)| (name, origin)).collect()
}

/// Ignores `system` outside of the system file.
fn ignore_system_flag(part: &mut Part, findings: &mut ConfigDiagnostics) {
    if matches!(part.level, None | Some(Level::System)) {
        return;
    }
    if let Some(system) = part.system.take()
        && system.value
    {
        let field = format!("repository.{}.system", part.name);
        let hint = "set it in the system file";
        findings.warning(&system.origin, field, "has no effect", hint);
    }
}

/// An untrusted project could otherwise send any file of the user to its own server.
fn reject_project_token(part: &mut Part, findings: &mut ConfigDiagnostics) {
    if part.level != Some(Level::Project) {
        return;
    }
    if let Some(given) = part.auth_token_path.take() {
        let field = format!("repository.{}.auth_token_path", part.name);
        findings.error(
            &given.origin,
            field,
            "is not allowed in a project file: a project file must not select a file that is sent to a server",
            "set it in the user file, or use `kubectl ext package login`",
        );
    }
}

/// Drops a token file if the location of the repository was changed by another file.
fn drop_token_of_other_server(below: &mut Part, part: &Part, findings: &mut ConfigDiagnostics) {
    let moved = moved(below.url.as_ref(), part.url.as_ref())
        .or_else(|| moved(below.registry.as_ref(), part.registry.as_ref()));
    let (Some(moved), None) = (moved, &part.auth_token_path) else {
        return;
    };
    if let Some(token) = below.auth_token_path.take() {
        let field = format!("repository.{}.auth_token_path", part.name);
        let message = format!(
            "is ignored: it is for a different server than the one set in {}",
            moved.origin
        );
        findings.warning(
            &token.origin,
            field,
            message,
            "set a token file for that server",
        );
    }
}

fn moved<'p>(
    below: Option<&Valued<String>>,
    above: Option<&'p Valued<String>>,
) -> Option<&'p Valued<String>> {
    above.filter(|above| below.is_none_or(|below| below.value != above.value))
}
