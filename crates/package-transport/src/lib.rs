//! HTTP client and credentials for package repositories.

pub mod credentials;
pub mod environment;
pub mod progress;
pub mod transport;
