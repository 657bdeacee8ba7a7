//! From a choice to what a container sees: the keys of a Secret, and the variables set from them
//! (design, section 4).

mod address;
mod document;
pub mod environment;
mod identity;
mod layout;

pub use address::Address;
pub use identity::{Identity, RENDERED_PREFIX};
pub use layout::{Key, Layout, MissingSource, Origin, SourceKeys, SourceValues};

/// The key that holds the chosen service, endpoint and credentials as a document.
pub const DOCUMENT_KEY: &str = "extension.yaml";

/// The key of the Service Binding type.
pub const TYPE_KEY: &str = "type";

/// Names that no configuration entry may have.
pub const RESERVED_KEYS: [&str; 2] = [TYPE_KEY, DOCUMENT_KEY];
