//! Keeps the service that a binding has, while it exists, matches and grants access.

use crate::access::Consumer;
use crate::record::{Name, RecordKey, RecordKind, Service};
use crate::requirement::Requirement;
use crate::resolve::index::Index;
use crate::resolve::{Choice, credentials, endpoint};

/// The choice that a binding has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentChoice {
    /// The record.
    pub record: RecordKey,
    /// The service.
    pub service: Name,
    /// The endpoint, if the service has any.
    pub endpoint: Option<Name>,
    /// The credentials, if the service has any.
    pub credentials: Option<Name>,
}

/// Returns the current choice, if its record still offers the service, the requirement matches it, and the
/// consumer has access. Credentials and endpoint are kept as well while they exist, grant access and are
/// reachable; otherwise the service is kept with others of its own.
#[must_use]
pub fn keep(
    index: &Index,
    requirement: &Requirement,
    consumer: &Consumer,
    current: &CurrentChoice,
) -> Option<Choice> {
    let record = index.get(&current.record)?;
    let is_visible = match record.key.kind() {
        RecordKind::ClusterExtension => true,
        RecordKind::Extension => record.key.namespace.as_ref() == Some(&consumer.project),
    };
    let has_name = |service: &Service| service.name == current.service;
    let position = record.services.iter().position(has_name)?;
    let service = &record.services[position];
    if !is_visible
        || !record.access.admits(consumer)
        || !requirement.matches(record, service)
        || requirement.validate().is_err()
    {
        return None;
    }
    let credentials = {
        let kept = service.credentials.iter().position(|set| {
            Some(&set.name) == current.credentials.as_ref() && set.admits(consumer)
        });
        match kept.filter(|_| requirement.credentials.is_none()) {
            Some(kept) => Some(kept),
            None => credentials::choose(record, position, requirement, consumer).ok()?,
        }
    };
    if credentials.is_none() && !service.credentials.is_empty() {
        return None;
    }
    let endpoint = {
        let kept = service.endpoints.iter().position(|offered| {
            Some(&offered.name) == current.endpoint.as_ref()
                && !endpoint::is_foreign(record, offered, consumer)
        });
        match kept.filter(|_| requirement.endpoint.is_none()) {
            Some(kept) => Some(kept),
            None => endpoint::choose(record, position, requirement, consumer).ok()?,
        }
    };
    Some(Choice::assemble(
        record.clone(),
        position,
        credentials,
        endpoint,
        consumer,
    ))
}
