//! The registry in a browser, and as a read-only OCI registry.
//!
//! [`Site`] serves pages about the objects of a [`Source`]: files, or a cluster that is read as the user. Each page shows
//! the answer to a question of `query`, and returns the same document as the command line with `?o=json`. Pages are
//! complete without JavaScript.
//!
//! A request passes `access` (who may ask, and as whom the cluster is read), a page in `page`, and `reply`, which sets the
//! headers. Templates escape every value ([`escape`]). [`oci`] is the registry.

pub mod access;
mod diagram;
mod document;
pub mod escape;
mod link;
pub mod oci;
mod packages;
mod page;
mod reply;
mod site;
mod snapshot;
mod source;

pub use packages::Packages;
pub use site::Site;
pub use source::{ClusterSource, FileSource, Source};
