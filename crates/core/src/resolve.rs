//! Resolution of a requirement of a consumer against all records, to one choice or one refusal. Pure,
//! total and deterministic; independent of the order of records.

mod candidates;
mod credentials;
mod endpoint;
mod evaluate;
mod index;
mod nearest;
mod service_index;
mod sticky;

use std::sync::Arc;

use crate::access::Consumer;
use crate::projection::Identity;
use crate::record::{ConfigurationLevel, Credentials, Endpoint, Entry, Name, Record, Service};
use crate::refusal::Refusal;
use crate::requirement::Requirement;

pub use evaluate::{Evaluation, Mismatch, Verdict, evaluate};
pub use index::Index;
pub use sticky::{CurrentChoice, keep};

/// A service of a record, with the selected endpoint and credentials.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The record.
    pub record: Arc<Record>,
    service: usize,
    endpoint: Option<usize>,
    credentials: Option<usize>,
    /// Whether the choice depended on the user, so that other users must not share its Secret.
    pub personal: bool,
    /// Whether the selected endpoint is internal to another zone.
    pub foreign_endpoint: bool,
}

impl Choice {
    /// Creates the choice of a service with the positions of its selected credentials and endpoint.
    fn assemble(
        record: Arc<Record>,
        service: usize,
        credentials: Option<usize>,
        endpoint: Option<usize>,
        consumer: &Consumer,
    ) -> Self {
        let offered = &record.services[service];
        let of_user = credentials.is_some_and(|set| offered.credentials[set].is_personal());
        let is_foreign =
            |position: usize| endpoint::is_foreign(&record, &offered.endpoints[position], consumer);
        Self {
            personal: record.access.is_personal() || of_user,
            foreign_endpoint: endpoint.is_some_and(is_foreign),
            service,
            endpoint,
            credentials,
            record,
        }
    }

    /// Returns whether two choices are the same service, endpoint and credentials of the same record.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity(None) == other.identity(None)
    }

    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.record.services[self.service]
    }

    /// Returns the endpoint; `None` if the service has none.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint
            .map(|position| &self.service().endpoints[position])
    }

    /// Returns the credentials; `None` if the service has none.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials
            .map(|position| &self.service().credentials[position])
    }

    /// Returns the identity of the projection. `user` is used only if the choice depended on it.
    #[must_use]
    pub fn identity(&self, user: Option<&Name>) -> Identity {
        Identity {
            record: self.record.key.clone(),
            service: self.service().name.clone(),
            binding_type: self.binding_type().into(),
            endpoint: self.endpoint().map(|endpoint| endpoint.name.clone()),
            credentials: self
                .credentials()
                .map(|credentials| credentials.name.clone()),
            user: user.filter(|_| self.personal).cloned(),
        }
    }

    /// Returns the choice with this identity in the current record. `None` if the record no longer
    /// offers it or the consumer no longer has access: then the projection is revoked.
    #[must_use]
    pub fn find(record: &Arc<Record>, identity: &Identity, consumer: &Consumer) -> Option<Self> {
        let service = record
            .services
            .iter()
            .position(|service| service.name == identity.service)?;
        let offered = &record.services[service];
        let endpoint = match &identity.endpoint {
            Some(name) => Some(
                offered
                    .endpoints
                    .iter()
                    .position(|endpoint| endpoint.name == *name)?,
            ),
            None => None,
        };
        let admitted = |entry: &Credentials| {
            Some(&entry.name) == identity.credentials.as_ref() && entry.admits(consumer)
        };
        let credentials = match &identity.credentials {
            Some(_) => Some(offered.credentials.iter().position(admitted)?),
            None if offered.credentials.is_empty() => None,
            None => return None,
        };
        let choice = Self {
            record: Arc::clone(record),
            service,
            endpoint,
            credentials,
            personal: identity.user.is_some(),
            foreign_endpoint: false,
        };
        let same =
            choice.binding_type() == &*identity.binding_type && record.key == identity.record;
        (same && record.access.admits(consumer)).then_some(choice)
    }

    /// Returns the plain configuration of the chosen parts, from general to specific.
    pub(crate) fn configurations(&self) -> impl Iterator<Item = (ConfigurationLevel, &[Entry])> {
        ConfigurationLevel::ALL.into_iter().map(|level| {
            let entries: &[Entry] = match level {
                ConfigurationLevel::Record => &self.record.configuration,
                ConfigurationLevel::Service => &self.service().configuration,
                ConfigurationLevel::Endpoint => self
                    .endpoint()
                    .map_or(&[], |endpoint| &endpoint.configuration),
            };
            (level, entries)
        })
    }

    /// Returns the binding type (Service Binding specification, "Well-known Secret Entries"): the
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
/// Returns a refusal with a hint for the user. It names nothing that is invisible to the
/// consumer.
pub fn resolve(
    index: &Index,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Choice, Refusal> {
    requirement.validate()?;
    let (record, service) = candidates::choose(index, requirement, consumer)?;
    let credentials = credentials::choose(&record, service, requirement, consumer)?;
    let endpoint = endpoint::choose(&record, service, requirement, consumer)?;
    Ok(Choice::assemble(
        record,
        service,
        credentials,
        endpoint,
        consumer,
    ))
}
