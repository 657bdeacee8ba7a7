//! Packages of record templates.
//!
//! A package is a folder with a [`Manifest`] (`extension.yaml`), templates of records and their documentation.
//! It is distributed as a *bundle*: one archive that is byte-for-byte reproducible ([`pack`]). Bundles are
//! untrusted input: [`unpack`] writes inside one new folder or fails.
//!
//! ```text
//! folder ──pack──> bundle (bytes, sha256) ──> a repository ──> bundle ──unpack──> folder
//!    └──read──> Manifest
//! ```

pub mod catalog;
pub mod config;
pub mod deliver;
pub mod mirror;
pub use extension_registry_package_cache::{cache, index};
pub use extension_registry_package_format::{
    Bundle, Digest, Limits, Manifest, PackError, UnpackError, bundle, digest, lock, manifest, pack,
    package, unpack, upload, version,
};
pub use extension_registry_package_repository as repository;
pub use extension_registry_package_repository::spec;
pub use extension_registry_package_solve as solve;
pub use extension_registry_package_transport::{credentials, environment, progress, transport};
pub use extension_registry_package_trust::{signature, trust};
