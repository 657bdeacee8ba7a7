//! Records, workflows, bindings and Secrets, read from files or from a cluster.

mod base;
mod binding;
mod classify;
mod converted;
mod drafts;
mod encrypted;
mod files;
mod injection;
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
pub use model::{BindingEntry, Injection, Inventory, RecordEntry, WorkflowEntry};
pub use origin::Origin;
pub use secrets::Secrets;
pub use settings::{InlineCredentials, Scope, Settings};
