//! Requirements of workflow steps.

use std::fmt::{self, Write};
use std::ops::{Index, IndexMut};

use crate::record::{Name, Record, Service};
use crate::refusal::{Reason, Refusal};
use crate::version::VersionRange;

/// Declares the selectors in display order, so that no list omits one.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// A selector of a requirement, compared exactly and case-sensitively.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// All fields, in display order.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Returns the name used in requirements.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

fields! {
    /// Name of the record.
    Extension: "extension",
    /// Product of the record.
    Product: "product",
    /// Name of the service.
    Service: "service",
    /// Resource of the service.
    Resource: "resource",
    /// Category of the service.
    Category: "category",
    /// Zone of the record.
    Zone: "zone",
}

impl Field {
    /// Returns the value that the field is compared with.
    #[must_use]
    pub fn value<'r>(self, record: &'r Record, service: &'r Service) -> Option<&'r Name> {
        match self {
            Self::Extension => Some(&record.key.name),
            Self::Product => record.product.as_ref(),
            Self::Service => Some(&service.name),
            Self::Resource => service.resource.as_ref(),
            Self::Category => service.category.as_ref(),
            Self::Zone => record.zone.as_ref(),
        }
    }

    /// Returns whether a requirement may select by this field alone.
    #[must_use]
    pub fn is_sufficient(self) -> bool {
        match self {
            Self::Extension | Self::Product | Self::Service | Self::Resource | Self::Category => {
                true
            }
            Self::Zone => false,
        }
    }
}

/// Returns whether a service has the selected value in every field. The selector of a field is `None` if it is
/// not selected.
pub fn selects<'s>(
    selector: impl Fn(Field) -> Option<&'s str>,
    record: &Record,
    service: &Service,
) -> bool {
    Field::ALL.into_iter().all(|field| {
        selector(field).is_none_or(|expected| {
            let actual = field.value(record, service);
            actual.is_some_and(|actual| **actual == *expected)
        })
    })
}

/// One value for each field.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByField<T>([T; Field::ALL.len()]);

impl<T> Index<Field> for ByField<T> {
    type Output = T;

    fn index(&self, field: Field) -> &T {
        &self.0[field as usize]
    }
}

impl<T> IndexMut<Field> for ByField<T> {
    fn index_mut(&mut self, field: Field) -> &mut T {
        &mut self.0[field as usize]
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

    /// Returns whether every selector matches a service.
    #[must_use]
    pub fn matches(&self, record: &Record, service: &Service) -> bool {
        let selector = |field| self.selector(field).map(|expected| &**expected);
        selects(selector, record, service) && !self.fails_version(record)
    }

    /// Returns whether a selected field has a different value.
    #[must_use]
    pub fn fails(&self, field: Field, record: &Record, service: &Service) -> bool {
        self.selector(field)
            .is_some_and(|expected| field.value(record, service) != Some(expected))
    }

    /// Returns whether the required version range does not match.
    #[must_use]
    pub fn fails_version(&self, record: &Record) -> bool {
        self.version
            .as_ref()
            .is_some_and(|range| !range.matches(record.version.as_ref()))
    }

    /// Validates the requirement by itself.
    ///
    /// # Errors
    /// `InvalidRequirement` if it selects by zone and version only.
    pub fn validate(&self) -> Result<(), Refusal> {
        let sufficient = Field::ALL.into_iter().filter(|field| field.is_sufficient());
        if sufficient
            .clone()
            .any(|field| self.selector(field).is_some())
        {
            return Ok(());
        }
        let mut names: Vec<String> = sufficient.map(|field| format!("`{field}`")).collect();
        let last = names.pop().unwrap_or_default();
        Err(Refusal::new(
            Reason::InvalidRequirement,
            format!("requirement `{}` has no selector", self.name),
            format!(
                "set at least one of {} or {last}; `zone` and `version` alone are not sufficient",
                names.join(", ")
            ),
        ))
    }
}
