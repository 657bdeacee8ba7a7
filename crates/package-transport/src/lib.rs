//! Access to package servers: HTTP, credentials, downloads, progress.
//!
//! [`transport`] sends requests with retries and redirects, and never sends credentials to another server.
//! [`credentials`] finds them where users already keep them: token files, docker and podman.

pub mod credentials;
pub mod environment;
pub mod partial_download;
pub mod progress;
pub mod transport;
