//! Requirements of workflow steps.

use std::fmt::{self, Write};

use crate::record::Name;
use crate::refusal::{Reason, Refusal};
use crate::version::VersionRange;

/// A selector of a requirement, compared exactly and case-sensitively.
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
    /// All fields, in display order.
    pub const ALL: [Self; 6] = [
        Self::Extension,
        Self::Product,
        Self::Service,
        Self::Resource,
        Self::Category,
        Self::Zone,
    ];

    /// Returns the name used in requirements.
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

/// A validated requirement of a step. Selectors choose the service; `endpoint` and `credentials`
/// refine the result and never decide between candidates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirement {
    /// Name, unique in the step, a DNS label: the directory below `$SERVICE_BINDING_ROOT`.
    pub name: Name,
    /// Name of the record.
    pub extension: Option<Name>,
    /// Product of the record.
    pub product: Option<Name>,
    /// Version range of the record.
    pub version: Option<VersionRange>,
    /// Zone of the record.
    pub zone: Option<Name>,
    /// Name of the service.
    pub service: Option<Name>,
    /// Resource of the service.
    pub resource: Option<Name>,
    /// Category of the service.
    pub category: Option<Name>,
    /// Endpoint to use.
    pub endpoint: Option<Name>,
    /// Credentials to use.
    pub credentials: Option<Name>,
    /// Mapped variables; `None` means the default variables, an empty list none.
    pub environment: Option<Box<[Mapping]>>,
}

/// Maps a variable to a key of the projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the variable.
    pub variable: Name,
    /// The key; `url` is an alias of `uri`.
    pub key: Name,
}

impl Requirement {
    /// Returns the required value of a field.
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

    /// Formats the selectors: `resource s3, version ^1.2`.
    pub(crate) fn format_selectors(&self) -> String {
        let mut text = String::new();
        for field in Field::ALL {
            if let Some(value) = self.selector(field) {
                let separator = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{separator}{field} `{value}`");
            }
        }
        if let Some(range) = &self.version {
            let _ = write!(text, ", version `{range}`");
        }
        text
    }

    /// Validates the requirement by itself.
    ///
    /// # Errors
    /// `InvalidRequirement` if it selects by zone and version only.
    pub fn validate(&self) -> Result<(), Refusal> {
        let selects = Field::ALL
            .into_iter()
            .any(|field| field != Field::Zone && self.selector(field).is_some());
        if selects {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::InvalidRequirement,
            format!("requirement `{}` has no selector", self.name),
            "set at least one of `extension`, `product`, `service`, `resource` or `category`; `zone` and `version` alone are not sufficient",
        ))
    }
}
