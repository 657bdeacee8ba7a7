//! Step 6: select the credentials.

use crate::access::Consumer;
use crate::record::{Record, Scope};
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;

/// Returns the position of the credentials; `None` if the service has none and none are required.
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
        // One message for absent and for inaccessible: the result must not reveal which exist.
        return position.map(Some).ok_or_else(|| {
            Refusal::new(
                Reason::NoAccess,
                format!(
                    "credentials `{name}` of `{}/{}` not found, or not accessible to project `{}` (requirement `{}`)",
                    record.key.name, service.name, consumer.project, requirement.name
                ),
                "remove `credentials` from the requirement to use accessible ones, or ask your platform administrator for access",
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
    for scope in Scope::ALL {
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
                        "requirement `{}` resolved to `{}/{}`, which has {} accessible sets of credentials with scope `{}`: {}",
                        requirement.name,
                        record.key.name,
                        service.name,
                        several.len(),
                        scope.as_str(),
                        names.join(", ")
                    ),
                    "set `credentials` in the requirement to one of these names, or set `default: true` on exactly one of them",
                ));
            }
        }
    }
    // Step 4 has removed candidates without accessible credentials.
    Ok(None)
}
