//! Projection of a choice into a container: the keys of a Secret, and the environment variables set
//! from them.

mod address;
mod document;
pub mod environment;
mod files;
mod identity;
mod layout;

pub use address::Address;
pub use files::{FileAlias, files};
pub use identity::{
    ENVIRONMENT_SUFFIX, Identity, RENDERED_PREFIX, binding_environment_secret, binding_secret,
};
pub use layout::{Key, Layout, MissingSource, Origin, SourceKeys, SourceValues};

/// Key that holds the chosen service, endpoint and credentials as a YAML document.
pub const DOCUMENT_KEY: &str = "extension.yaml";

/// Key of the Service Binding type.
pub const TYPE_KEY: &str = "type";

/// Keys that configuration entries must not use.
pub const RESERVED_KEYS: [&str; 2] = [TYPE_KEY, DOCUMENT_KEY];
