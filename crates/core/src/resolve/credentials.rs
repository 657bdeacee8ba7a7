//! Step 6: the credentials of the winner.

use crate::access::Consumer;
use crate::record::{Record, Scope};
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;

/// Position of the credentials; `None` when the service has none and none are named.
pub(super) fn choose(
    record: &Record,
    service: usize,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Option<usize>, Refusal> {
    let service = &record.services[service];
    if let Some(name) = &requirement.credentials {
        let position = service
            .credentials
            .iter()
            .position(|entry| entry.name == *name && entry.admits(consumer));
        // The same words for absent and for not permitted: the answer must not tell which exist.
        return position.map(Some).ok_or_else(|| {
            Refusal::new(
                Reason::NoAccess,
                format!(
                    "requirement `{}` names credentials `{name}`, which `{}/{}` does not have for project `{}`",
                    requirement.name, record.key.name, service.name, consumer.project
                ),
                "remove `credentials` to take what is permitted, or ask the operator of the platform",
            )
        });
    }
    if service.credentials.is_empty() {
        return Ok(None);
    }
    let usable = || {
        service
            .credentials
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.admits(consumer))
    };
    for scope in [Scope::User, Scope::Project, Scope::Global] {
        let of_scope: Vec<_> = usable().filter(|(_, entry)| entry.scope == scope).collect();
        match of_scope.as_slice() {
            [] => {}
            [(position, _)] => return Ok(Some(*position)),
            several => {
                let mut defaults = several.iter().filter(|(_, entry)| entry.default);
                if let (Some((position, _)), None) = (defaults.next(), defaults.next()) {
                    return Ok(Some(*position));
                }
                let mut names: Vec<_> = several
                    .iter()
                    .map(|(_, entry)| format!("`{}`", entry.name))
                    .collect();
                names.sort();
                return Err(Refusal::new(
                    Reason::AmbiguousCredentials,
                    format!(
                        "requirement `{}` resolved to `{}/{}`, which has {} sets of credentials of scope {} for it: {}",
                        requirement.name,
                        record.key.name,
                        service.name,
                        several.len(),
                        scope.as_str(),
                        names.join(", ")
                    ),
                    "add `credentials:` with one of these names to the requirement, or set `default: true` on exactly one of them",
                ));
            }
        }
    }
    // A candidate without usable credentials has dropped out in step 4.
    Ok(None)
}
