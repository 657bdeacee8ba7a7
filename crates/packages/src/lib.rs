//! Packages of record templates: finds, verifies, downloads and publishes them.
//!
//! This crate combines the others into one interface: a [`catalog`](catalog::Catalog) of the repositories that
//! the [`config`] names, the [delivery](deliver::Loader) of packages to the local cache, with their
//! [`dependencies`], and the [`mirror`] of packages in another repository. The modules below them come from the crates `package-*`.
//!
//! ```
//! use extension_registry_packages::bundle::Limits;
//! use extension_registry_packages::package;
//! use extension_registry_packages::progress::Silent;
//! use extension_registry_packages::repository::Repository;
//! use extension_registry_packages::repository::folder::{Folder, Settings};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let temporary = tempfile::tempdir().unwrap();
//! let source = temporary.path().join("mlflow");
//! std::fs::create_dir(&source).unwrap();
//! let manifest = "extension: {name: mlflow, version: 1.2.0}\n";
//! std::fs::write(source.join("extension.yaml"), manifest).unwrap();
//!
//! let bundle = temporary.path().join("mlflow.tar.gz");
//! let upload = package::build(&source, &bundle, Limits::default()).unwrap();
//! let repository = Folder::new(Settings {
//!     id: "team".to_owned(),
//!     root: temporary.path().join("team"),
//! });
//! repository.publish(&upload, false, &Silent).await.unwrap();
//! assert_eq!(repository.versions("mlflow").await.unwrap(), ["1.2.0".parse().unwrap()]);
//! # });
//! ```

pub mod answer;
pub mod catalog;
pub mod config;
pub mod deliver;
pub mod dependencies;
pub mod image;
pub mod mirror;
pub mod workspace;

pub use extension_registry_package_cache::{cache, index};
pub use extension_registry_package_format::{
    Bundle, Digest, Limits, Manifest, PackError, UnpackError, atomic, bundle, digest, lock,
    manifest, pack, package, unpack, upload, version,
};
pub use extension_registry_package_repository as repository;
pub use extension_registry_package_repository::spec;
pub use extension_registry_package_solve as solve;
pub use extension_registry_package_transport::{credentials, environment, progress, transport};
pub use extension_registry_package_trust::{signature, trust};
