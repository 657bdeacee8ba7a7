//! The verb `package index`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::Digest;
use extension_registry_packages::catalog::Source;
use extension_registry_packages::index::{self, Index as Listing, IndexedVersion, Package};
use extension_registry_packages::repository::{Error, IndexFile};
use extension_registry_packages::spec::Spec;
use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{Session, secret_key};
use crate::report::human::print_warnings;

/// Maximum number of concurrent requests.
const AT_ONCE: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Index {
    /// Repository to index
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    /// Days until the index expires
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u32,
    /// Start a new series; clients must then run `forget`
    #[arg(long)]
    anew: bool,
    /// Sign the index with this secret key
    #[arg(long, value_name = "FILE")]
    sign_with: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The published index.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Written {
    repository: String,
    /// Serial number; the next index has a higher one
    serial: u64,
    packages: usize,
    versions: usize,
    /// Time of expiry
    expires: String,
    signed: bool,
}

impl Answer for Written {
    fn names(&self) -> Vec<String> {
        vec![self.repository.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self {
            repository,
            serial,
            packages,
            versions,
            expires,
            ..
        } = self;
        output::write_line!(
            out,
            "index {serial} of {repository}: {}, {}, expires {expires}",
            output::count(*packages, "package"),
            output::count(*versions, "version")
        )?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Index, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let source = session.source(
        verb.repository.as_deref(),
        "run `kubectl ext package index NAME`",
    )?;
    let secret = verb.sign_with.as_deref().map(secret_key).transpose()?;
    let (index, count) = session.query(async {
        let packages = packages(source).await?;
        let before = if verb.anew {
            None
        } else {
            before(&session, source).await?
        };
        let count: usize = packages.iter().map(|package| package.versions.len()).sum();
        let index = Listing::next(
            before.as_ref(),
            packages,
            session.workspace.clock.now(),
            verb.days,
        )?;
        let bytes = index.to_json();
        let signatures = match &secret {
            Some((secret, password)) => vec![index::sign(&bytes, secret, password.as_ref())?],
            None => Vec::new(),
        };
        let digest = Digest::of(&bytes);
        let file = IndexFile { bytes, signatures };
        source.repository.put_index(&file).await?;
        // Record the state, so that the publisher is protected against rollback too.
        if verb.anew {
            session.workspace.memory.forget(source.id())?;
        }
        if secret.is_some() {
            session
                .workspace
                .memory
                .remember(source.id(), &index, digest)?;
        }
        Ok((index, count))
    })?;
    session.listing_cache(true).forget(source);
    let data = Written {
        repository: source.id().to_owned(),
        serial: index.serial,
        packages: index.packages.len(),
        versions: count,
        expires: index.expires.to_string(),
        signed: secret.is_some(),
    };
    output::answer(out, verb.output, &data)?;
    if secret.is_none() {
        let warning =
            Note::new("the index is not signed, so clients that enforce a trust policy ignore it");
        output::warn(&warning.hint("pass --sign-with FILE"))?;
    }
    Ok(ExitStatus::Success)
}

/// Prints a warning if a changed repository has an index, which does not include the change yet.
pub(super) fn warn_if_behind(session: &Session, source: &Source) -> Result<()> {
    let index = session.query(async { Ok(source.repository.own_index().await?) });
    // An unreadable index is reported where it is needed.
    let is_there = index.is_ok_and(|index| index.is_some());
    let id = source.id();
    if is_there {
        let warning = Note::new(format!("the index of {id} does not include this change"));
        let hint = format!("update it with `kubectl ext package index {id}`");
        output::warn(&warning.hint(hint))?;
    }
    Ok(())
}

/// Returns the current index, after checking it against the recorded state: it may have been replaced.
async fn before(session: &Session, source: &Source) -> Result<Option<Listing>> {
    let unread = || {
        Failure::new("failed to read the current index")
            .hint("pass --anew to start a new index series")
    };
    let file = match source.repository.own_index().await {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(error @ Error::Broken { .. }) => return Err(unread().caused_by(error).into()),
        Err(error) => return Err(error.into()),
    };
    let read = Listing::read(&file.bytes);
    let (index, _) =
        read.map_err(|error| unread().caused_by(Failure::new(source.id()).caused_by(error)))?;
    let digest = Digest::of(&file.bytes);
    session
        .workspace
        .memory
        .check(source.id(), &index, digest)?;
    Ok(Some(index))
}

/// Lists the packages of a repository with all versions.
async fn packages(source: &Source) -> Result<Vec<Package>> {
    let repository = &source.repository;
    let names = repository.names(None).await?;
    print_warnings(&names.faults)?;
    let mut packages = Vec::new();
    for name in names.names {
        let versions = repository.versions(&name).await?;
        let requests = stream::iter(versions).map(|version| {
            let name = name.clone();
            async move {
                let release = repository.release(&name, &version).await?;
                Spec::of(&**repository, release)
            }
        });
        let mut specs = Vec::new();
        for spec in requests.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match spec {
                Ok(spec) => specs.push(spec),
                // A corrupt version hides no other.
                Err(error) => print_warnings(&[Note::of(&error)])?,
            }
        }
        specs.sort_by(|left, right| right.manifest.version.cmp(&left.manifest.version));
        let Some(newest) = specs.first() else {
            continue;
        };
        let manifest = newest.manifest.clone();
        let mut listed = Vec::new();
        for spec in specs {
            listed.push(version(spec).with_context(|| format!("package {name}"))?);
        }
        packages.push(Package {
            name,
            kind: manifest.kind,
            description: manifest.description,
            keywords: manifest.keywords,
            license: manifest.metadata.license,
            versions: listed,
        });
    }
    Ok(packages)
}

fn version(spec: Spec) -> Result<IndexedVersion> {
    let title = spec.title();
    let content = spec.release.content.digest;
    Ok(IndexedVersion {
        content: content.ok_or_else(|| {
            Failure::new(format!("the repository has no digest for {title}"))
                .hint("publish it again")
        })?,
        configuration: spec.configuration(),
        document: spec.document(),
        published: spec.release.published.clone(),
        yanked: spec.manifest.deprecated.clone(),
        version: spec.manifest.version,
        requires: spec.manifest.requires,
        dependencies: spec.manifest.dependencies,
    })
}
