//! Connects to the cluster of a kubeconfig or of the Pod, as `kubectl` does.
//!
//! Kubeconfig files are read and validated here, so that no file makes a client panic, and errors name the field.
//! Credentials are never part of an error. Server certificates are verified as Go does, and errors say what is wrong
//! with a certificate and which command corrects it.

mod certificate;
mod connect;
mod credentials;
mod field;
mod files;
mod in_cluster;
mod kubeconfig;
mod options;
mod pem;
mod plugin;
mod problem;
mod proxy;
mod server;
mod target;
mod tls;
mod verifier;

pub use connect::{Connection, address, connect};
pub use options::{Address, Options};
pub use problem::{flatten, problem, reason, root};
