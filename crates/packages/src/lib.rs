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

pub mod bundle;
pub mod cache;
pub mod catalog;
pub mod config;
pub mod credentials;
pub mod deliver;
pub mod digest;
pub mod environment;
pub mod index;
pub mod lock;
pub mod manifest;
pub mod mirror;
pub mod package;
pub mod progress;
pub mod repository;
pub mod signature;
pub mod solve;
pub mod spec;
pub mod transport;
pub mod trust;
pub mod upload;
pub mod version;

pub use bundle::{Bundle, Limits, PackError, UnpackError, pack, unpack};
pub use digest::Digest;
pub use manifest::Manifest;
