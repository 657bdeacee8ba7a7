//! A real Kubernetes on one machine, without Docker and without downloads of images, and the tests that use it.
//!
//! The control plane runs on the machine itself. The node, on Linux as root, runs in namespaces of its own.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use extension_registry_e2e::{Cluster, Options};
//!
//! let cluster = Cluster::from_environment_or_start(Options::default()).await?;
//! if let Some(why) = cluster.node_missing() {
//!     extension_registry_e2e::skip("the test of a Pod", why)?;
//! }
//! let version = cluster.client().apiserver_version().await?;
//! cluster.stop().await
//! # }
//! ```

pub mod cache;
pub mod chart;
pub mod cluster;
mod control_plane;
pub mod helm;
