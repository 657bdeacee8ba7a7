//! Format of packages.

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
