//! Records, workflows and Secrets, read from files or from a cluster.

mod base;
mod classify;
mod converted;
mod drafts;
mod files;
mod load;
mod log;
mod model;
mod read;
mod seal;
mod secrets;
mod settings;

pub use base::BASE;
pub use drafts::Drafts;
pub use extension_registry_core::diagnostic::Note;
pub use files::{Input, names};
pub use log::ReadLog;
pub use model::{Inventory, Origin, RecordEntry, WorkflowEntry};
pub use secrets::Secrets;
pub use settings::{InlineCredentials, Scope, Settings};
