//! Packages of record templates (seeds 001, 002 and 003).
//!
//! A package is a folder with a [`Manifest`] (`extension.yaml`), templates of records and their
//! documentation. It travels as a *bundle*: one archive, the same bytes whoever packs it ([`pack`]). Whoever
//! gets one trusts nothing of it: [`unpack`] writes inside one new folder or nowhere.
//!
//! ```text
//! folder ──pack──> bundle (bytes, sha256) ──> a repository ──> bundle ──unpack──> folder
//!    └──read──> Manifest
//! ```

mod bundle;
mod manifest;

pub use bundle::{Bundle, Limits, PackError, UnpackError, pack, unpack};
pub use manifest::{
    Dependency, Docs, From, Kind, Manifest, Metadata, Packaging, Parameter, Provided, Requirement,
    TemplateFile, read,
};
