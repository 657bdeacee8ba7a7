//! The verbs of `package`: find, verify, pull and publish packages of record templates. One module for each
//! verb.

pub(crate) mod cache;
pub(crate) mod closure;
pub(crate) mod config;
pub(crate) mod delete;
pub(crate) mod dependencies;
pub(crate) mod docs;
pub(crate) mod forget;
pub(crate) mod index;
pub(crate) mod info;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod mirror;
pub(crate) mod publish;
pub(crate) mod pull;
pub(crate) mod repositories;
pub(crate) mod test_oci;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod versions;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::exit::ExitStatus;

#[derive(Debug, Args)]
pub(crate) struct Package {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Search packages by text
    Search(list::Search),
    /// List packages
    List(list::List),
    /// List packages from all sources and how they were discovered
    Discover(list::Discover),
    /// Show package metadata without downloading the package
    Info(info::Info),
    /// List the versions of a package
    Versions(versions::Versions),
    /// Show the documentation of a package
    Docs(docs::Docs),
    /// Verify and unpack a package, using the cache if possible
    Load(load::Load),
    /// Download packages to the cache
    Pull(pull::Pull),
    /// Verify the signatures of a package
    Verify(verify::Verify),
    /// Check that a repository contains all dependencies of its packages
    VerifyClosure(closure::Closure),
    /// Create a new package
    Init(init::Init),
    /// Publish a package
    Publish(publish::Publish),
    /// Sign a published package
    Sign(publish::Sign),
    /// Delete a version of a package
    Delete(delete::Delete),
    /// Publish the index of a repository
    Index(index::Index),
    /// Reset the recorded index state of a re-created repository
    Forget(forget::Forget),
    /// Manage signing keys and trusted keys
    Key(key::Key),
    /// Copy packages to another repository
    Mirror(mirror::Mirror),
    /// Inspect and clean up the cache
    Cache(cache::Cache),
    /// List repositories and their capabilities
    #[command(visible_alias = "repo")]
    Repositories(repositories::Repositories),
    /// Show the configuration and the origin of each value
    Config(config::Config),
    /// Log in to a registry
    Login(login::Login),
    /// Log out of a registry
    Logout(login::Logout),
    /// Test the connection to a registry step by step
    TestOci(test_oci::TestOci),
    /// Compare versions
    Version(version::Version),
}

pub(crate) fn run(package: &Package, out: &mut Vec<u8>) -> Result<ExitStatus> {
    match &package.verb {
        Verb::Search(verb) => list::search(verb, out),
        Verb::List(verb) => list::list(verb, out),
        Verb::Discover(verb) => list::discover(verb, out),
        Verb::Info(verb) => info::run(verb, out),
        Verb::Versions(verb) => versions::run(verb, out),
        Verb::Docs(verb) => docs::run(verb, out),
        Verb::Load(verb) => load::run(verb, out),
        Verb::Pull(verb) => pull::run(verb, out),
        Verb::Verify(verb) => verify::run(verb, out),
        Verb::VerifyClosure(verb) => closure::run(verb, out),
        Verb::Init(verb) => init::run(verb, out),
        Verb::Publish(verb) => publish::run(verb, out),
        Verb::Sign(verb) => publish::sign(verb, out),
        Verb::Delete(verb) => delete::run(verb, out),
        Verb::Index(verb) => index::run(verb, out),
        Verb::Forget(verb) => forget::run(verb, out),
        Verb::Key(verb) => key::run(verb, out),
        Verb::Mirror(verb) => mirror::run(verb, out),
        Verb::Cache(verb) => cache::run(verb, out),
        Verb::Repositories(verb) => repositories::run(verb, out),
        Verb::Config(verb) => config::run(verb, out),
        Verb::Login(verb) => login::login(verb, out),
        Verb::Logout(verb) => login::logout(verb, out),
        Verb::TestOci(verb) => test_oci::run(verb, out),
        Verb::Version(verb) => version::run(verb, out),
    }
}
