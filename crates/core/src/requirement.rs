//! A requirement: what a step of a workflow needs (seed 000, "referencing a service").

use std::fmt;

use crate::record::Name;
use crate::refusal::{Reason, Refusal};
use crate::version::VersionRange;

/// A field of a requirement that selects candidates by exact, case-sensitive comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Name of the record.
    Extension,
    /// Product of the record.
    Product,
    /// Zone of the record.
    Zone,
    /// Name of the service.
    Service,
    /// Resource of the service.
    Resource,
    /// Category of the service.
    Category,
}

impl Field {
    /// All of them, in the order people read them.
    pub const ALL: [Self; 6] = [
        Self::Extension,
        Self::Product,
        Self::Service,
        Self::Resource,
        Self::Category,
        Self::Zone,
    ];

    /// As written in a requirement.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Product => "product",
            Self::Zone => "zone",
            Self::Service => "service",
            Self::Resource => "resource",
            Self::Category => "category",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a step needs, validated. Selectors choose the candidate; `endpoint` and `credentials`
/// refine the winner and never decide between candidates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirement {
    /// Unique in the step, a DNS label: the folder below `$SERVICE_BINDING_ROOT`.
    pub name: Name,
    /// Name of the record.
    pub extension: Option<Name>,
    /// Product of the record.
    pub product: Option<Name>,
    /// Range of versions of the record.
    pub version: Option<VersionRange>,
    /// Zone of the record.
    pub zone: Option<Name>,
    /// Name of the service.
    pub service: Option<Name>,
    /// Resource of the service.
    pub resource: Option<Name>,
    /// Category of the service.
    pub category: Option<Name>,
    /// Endpoint of the winner.
    pub endpoint: Option<Name>,
    /// Credentials of the winner.
    pub credentials: Option<Name>,
    /// Variables asked for; `None` means the default set, an empty list means none.
    pub environment: Option<Box<[Mapping]>>,
}

/// A variable mapped to a key of the projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the variable.
    pub variable: Name,
    /// The key; `url` means `uri`.
    pub key: Name,
}

impl Requirement {
    /// The value asked for in a field, if any.
    #[must_use]
    pub fn selector(&self, field: Field) -> Option<&Name> {
        match field {
            Field::Extension => self.extension.as_ref(),
            Field::Product => self.product.as_ref(),
            Field::Zone => self.zone.as_ref(),
            Field::Service => self.service.as_ref(),
            Field::Resource => self.resource.as_ref(),
            Field::Category => self.category.as_ref(),
        }
    }

    /// Checks what a requirement must have by itself.
    ///
    /// # Errors
    /// `InvalidRequirement` when nothing but zone and version is selected (design, section 2).
    pub fn validate(&self) -> Result<(), Refusal> {
        let selects = Field::ALL
            .into_iter()
            .any(|field| field != Field::Zone && self.selector(field).is_some());
        if selects {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::InvalidRequirement,
            format!("requirement `{}` selects nothing", self.name),
            "add at least one of `extension`, `product`, `service`, `resource` or `category`; `zone` and `version` alone are not enough",
        ))
    }
}
