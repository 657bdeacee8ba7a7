//! `package`: find, verify, pull and publish packages of record templates. One file a verb.

pub(crate) mod cache;
pub(crate) mod closure;
pub(crate) mod config;
pub(crate) mod delete;
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
pub(crate) mod needs;
pub(crate) mod publish;
pub(crate) mod pull;
pub(crate) mod repositories;
pub(crate) mod test_oci;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod versions;

use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Package {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find packages by a word
    Search(list::Search),
    /// List packages
    List(list::List),
    /// Ask every source what it has, and say how it was asked
    Discover(list::Discover),
    /// Show a package before it is fetched
    Info(info::Info),
    /// List the versions of a package
    Versions(versions::Versions),
    /// Show the document of a package
    Docs(docs::Docs),
    /// Verify and unpack a package, from the cache where it is there
    Load(load::Load),
    /// Fetch packages into the cache
    Pull(pull::Pull),
    /// Say who vouches for a package
    Verify(verify::Verify),
    /// Say whether a repository has all that its packages need
    VerifyClosure(closure::Closure),
    /// Begin a package
    Init(init::Init),
    /// Publish a package
    Publish(publish::Publish),
    /// Sign a package that is published
    Sign(publish::Sign),
    /// Delete a version of a package
    Delete(delete::Delete),
    /// Write the index of a repository
    Index(index::Index),
    /// Forget what was seen of the index of a repository that began anew
    Forget(forget::Forget),
    /// Make a key, and say whom to trust
    Key(key::Key),
    /// Copy packages to another repository
    Mirror(mirror::Mirror),
    /// Look into the cache, and clear it
    Cache(cache::Cache),
    /// List the repositories, and what each can do
    #[command(visible_alias = "repo")]
    Repositories(repositories::Repositories),
    /// Show the configuration, and where it was said
    Config(config::Config),
    /// Keep credentials for a server
    Login(login::Login),
    /// Forget credentials for a server
    Logout(login::Logout),
    /// Try a registry, step by step
    TestOci(test_oci::TestOci),
    /// Compare versions
    Version(version::Version),
}

pub(crate) fn run(package: &Package, out: &mut Vec<u8>) -> Result<u8> {
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
