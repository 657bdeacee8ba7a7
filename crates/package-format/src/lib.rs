//! The format of a package: what a package contains, and how it is packed.
//!
//! A package is a folder with a [`Manifest`] (`extension.yaml`), templates of records and their documentation.
//! It is distributed as a *bundle*: one archive that is byte-for-byte reproducible ([`pack`]). Bundles are
//! untrusted input: [`unpack`] writes inside one new folder or fails. A [`lock`] file records the resolved versions.
//!
//! ```text
//! folder ──pack──> bundle (bytes, sha256) ──> a repository ──> bundle ──unpack──> folder
//!    └──read──> Manifest
//! ```

pub mod atomic;
pub mod bundle;
pub mod digest;
pub mod lock;
pub mod manifest;
pub mod package;
pub mod upload;
pub mod version;

pub use bundle::{Bundle, Limits, PackError, UnpackError, pack, unpack};
pub use digest::Digest;
pub use manifest::Manifest;
