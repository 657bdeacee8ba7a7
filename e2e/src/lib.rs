//! A real Kubernetes on one machine, without Docker and image downloads, and the tests that use it.
//!
//! The control plane runs on the machine itself. The node, on Linux as root, runs in separate namespaces.
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
pub mod conformance;
mod control_plane;
pub mod fault;
pub mod helm;
pub mod image;
mod installed;
mod kubeconfig;
pub mod kubectl;
mod network;
mod node;
pub mod operator;
pub mod operator_image;
mod persistent;
mod pki;
mod ports;
mod process;
mod progress;
pub mod servers;
pub mod setup;
mod skip;
mod state;
mod tools;
mod wait;
mod watchdog;

pub use cluster::{Cluster, Node, Options};
pub use image::{BUSYBOX_IMAGE, Image};
pub use installed::Installed;
pub use node::NODE_NAME;
pub use operator::Operator;
pub use persistent::Persistent;
pub use skip::{REQUIRE_NODE_VARIABLE, skip, skip_part};
