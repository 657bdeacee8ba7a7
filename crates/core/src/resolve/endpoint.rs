//! Step 7: the endpoint of the winner.

use crate::access::Consumer;
use crate::record::{Endpoint, EndpointKind, Record};
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;
use crate::suggest;

/// Position of the endpoint; `None` when the service has none and none is named.
pub(super) fn choose(
    record: &Record,
    service: usize,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Option<usize>, Refusal> {
    let service = &record.services[service];
    let endpoints = &service.endpoints;
    let place = || format!("`{}/{}`", record.key.name, service.name);
    if let Some(name) = &requirement.endpoint {
        return endpoints
            .iter()
            .position(|endpoint| endpoint.name == *name)
            .map(Some)
            .ok_or_else(|| {
                let names = || endpoints.iter().map(|endpoint| &*endpoint.name);
                let hint = match suggest::closest(name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if endpoints.is_empty() => {
                        "remove `endpoint`: the service has none".to_owned()
                    }
                    None => format!(
                        "it has {}",
                        names()
                            .map(|name| format!("`{name}`"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                };
                Refusal::new(
                    Reason::NotFound,
                    format!(
                        "requirement `{}` names endpoint `{name}`, which {} does not have",
                        requirement.name,
                        place()
                    ),
                    hint,
                )
            });
    }
    if endpoints.is_empty() {
        return Ok(None);
    }
    let first = |kind| endpoints.iter().position(|endpoint| endpoint.kind == kind);
    let internal = if same_zone(record, consumer) {
        first(EndpointKind::Internal)
    } else {
        None
    };
    internal.or_else(|| first(EndpointKind::External)).map(Some).ok_or_else(|| {
        Refusal::new(
            Reason::Unreachable,
            format!(
                "requirement `{}` resolved to {}, which has only endpoints internal to zone `{}`, and the steps run in zone `{}`",
                requirement.name,
                place(),
                record.zone.as_deref().unwrap_or_default(),
                consumer.zone.as_deref().unwrap_or_default()
            ),
            "add an external endpoint to the record, or name one with `endpoint:` if it can be reached all the same",
        )
    })
}

/// Whether the endpoint is internal to a zone that is not the consumer's.
pub(super) fn is_foreign(record: &Record, endpoint: &Endpoint, consumer: &Consumer) -> bool {
    endpoint.kind == EndpointKind::Internal && !same_zone(record, consumer)
}

/// Zones that are not known are no reason to keep away.
fn same_zone(record: &Record, consumer: &Consumer) -> bool {
    let known = |zone: &Option<crate::record::Name>| zone.clone().filter(|zone| !zone.is_empty());
    match (known(&record.zone), known(&consumer.zone)) {
        (Some(record), Some(consumer)) => record == consumer,
        _ => true,
    }
}
