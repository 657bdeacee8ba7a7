//! Records, workflows and Secrets, read from files or from a cluster.

mod base;
mod classify;
mod converted;
mod drafts;
mod encrypted;
mod files;
mod load;
mod log;
mod model;
mod origin;
mod read;
mod seal;
mod secrets;
mod settings;
mod source;

pub use base::BASE;
pub use drafts::Drafts;
pub use extension_registry_core::diagnostic::Note;
pub use files::{Input, names};
pub use log::ReadLog;
pub use model::{Inventory, RecordEntry, WorkflowEntry};
pub use origin::Origin;
pub use secrets::Secrets;
pub use settings::{InlineCredentials, Scope, Settings};
