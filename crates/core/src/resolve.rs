//! Resolution: one requirement, all records, one consumer; one choice or one explained refusal
//! (design, section 3). Pure, total, deterministic; the order of records never matters.

mod candidates;
mod credentials;
mod endpoint;
mod index;
mod nearest;
mod shelf;

use std::sync::Arc;

use crate::access::Consumer;
use crate::record::{Credentials, Endpoint, Record, Service};
use crate::refusal::Refusal;
use crate::requirement::Requirement;

pub use index::Index;

/// One service of one record, with the endpoint and the credentials that go with it.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The record.
    pub record: Arc<Record>,
    service: usize,
    endpoint: Option<usize>,
    credentials: Option<usize>,
    /// Whether the choice depended on the user, so that nobody else may share its Secret.
    pub personal: bool,
    /// The named endpoint is internal to another zone.
    pub foreign_endpoint: bool,
}

impl Choice {
    /// The service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.record.services[self.service]
    }

    /// The endpoint; `None` when the service has none.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint
            .map(|position| &self.service().endpoints[position])
    }

    /// The credentials; `None` when the service has none.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials
            .map(|position| &self.service().credentials[position])
    }

    /// Type of the binding (Service Binding specification, "Well-known Secret Entries"): the
    /// resource, else the product, else the name of the record.
    #[must_use]
    pub fn binding_type(&self) -> &str {
        self.service()
            .resource
            .as_deref()
            .or(self.record.product.as_deref())
            .unwrap_or(&self.record.key.name)
    }
}

/// Resolves a requirement.
///
/// # Errors
/// The refusal, with everything that a person needs to mend it. It names nothing that the consumer
/// cannot see.
pub fn resolve(
    index: &Index,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Choice, Refusal> {
    requirement.validate()?;
    let (record, service) = candidates::choose(index, requirement, consumer)?;
    let credentials = credentials::choose(&record, service, requirement, consumer)?;
    let endpoint = endpoint::choose(&record, service, requirement, consumer)?;
    let personal = record.access.is_personal()
        || credentials.is_some_and(|position| {
            record.services[service].credentials[position]
                .users
                .is_some()
        });
    Ok(Choice {
        foreign_endpoint: endpoint.is_some_and(|position| {
            endpoint::is_foreign(
                &record,
                &record.services[service].endpoints[position],
                consumer,
            )
        }),
        record,
        service,
        endpoint,
        credentials,
        personal,
    })
}
