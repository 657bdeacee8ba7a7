//! Step 7: select the endpoint.

use crate::access::Consumer;
use crate::record::{Endpoint, EndpointKind, Record};
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;
use crate::suggest;

/// Returns the position of the endpoint; `None` if the service has none and none is required.
pub(super) fn choose(
    record: &Record,
    service: usize,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Option<usize>, Refusal> {
    let service = &record.services[service];
    let endpoints = &service.endpoints;
    let service_name = || format!("`{}/{}`", record.key.name, service.name);
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
                        "remove `endpoint` from the requirement: the service has no endpoints"
                            .to_owned()
                    }
                    None => format!(
                        "available endpoints: {}",
                        names()
                            .map(|name| format!("`{name}`"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                };
                Refusal::new(
                    Reason::NotFound,
                    format!(
                        "endpoint `{name}` of {} not found (requirement `{}`)",
                        service_name(),
                        requirement.name
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
                "requirement `{}` resolved to {}, but all its endpoints are internal to zone `{}` and the steps run in zone `{}`",
                requirement.name,
                service_name(),
                record.zone.as_deref().unwrap_or_default(),
                consumer.zone.as_deref().unwrap_or_default()
            ),
            "add an external endpoint to the record, or set `endpoint` in the requirement to an internal endpoint that the steps can reach",
        )
    })
}

/// Returns whether the endpoint is internal to a zone other than the consumer's.
pub(super) fn is_foreign(record: &Record, endpoint: &Endpoint, consumer: &Consumer) -> bool {
    endpoint.kind == EndpointKind::Internal && !same_zone(record, consumer)
}

/// An unknown zone matches every zone.
fn same_zone(record: &Record, consumer: &Consumer) -> bool {
    let known = |zone: &Option<crate::record::Name>| zone.clone().filter(|zone| !zone.is_empty());
    match (known(&record.zone), known(&consumer.zone)) {
        (Some(record), Some(consumer)) => record == consumer,
        _ => true,
    }
}
