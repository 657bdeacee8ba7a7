//! Input of the second phase, and its errors.

use extension_registry_core::projection::Layout;
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::requirement::Requirement;
use serde_json::Value;

/// A requirement and the service that it is bound to.
#[derive(Clone, Copy, Debug)]
pub struct ServiceBinding<'a> {
    /// The requirement.
    pub requirement: &'a Requirement,
    /// Name of the Secret, in the namespace of the container.
    pub secret: &'a str,
    /// Keys of that Secret.
    pub layout: &'a Layout,
    /// The selected record. Configuration of the record itself, which its services share, is
    /// one source, whichever Secret contains it.
    pub record: &'a RecordKey,
}

/// Location of an error in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An environment variable.
    Variable(String),
    /// An argument.
    Argument(usize),
    /// A field in which expressions are not allowed.
    Field(String),
    /// A requirement.
    Requirement(String),
    /// The combination of all requirements.
    Requirements,
}

/// An error in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    /// Location of the error.
    pub location: Location,
    /// The refusal.
    pub refusal: Refusal,
}

impl PatchError {
    pub(crate) fn new(location: Location, refusal: Refusal) -> Self {
        Self { location, refusal }
    }
}

/// Returns the name of a variable, volume or mount.
pub(super) fn name_of(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}
