//! The verbs `package publish` and `package sign`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use extension_registry_core::diagnostic::{Explain, Failure, Note};
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::catalog::Source;
use extension_registry_packages::package::{self, check};
use extension_registry_packages::repository::Upload;
use extension_registry_packages::signature::{PublicKey, SignedPayload, Statement, minisign};
use extension_registry_packages::spec::Spec;
use extension_registry_packages::version;
use schemars::JsonSchema;
use serde::Serialize;

use super::index;
use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{Bar, REPOSITORY, Session, print_diagnostics, secret_key, unwrap_build};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Directory of the package
    #[arg(value_name = "DIRECTORY")]
    folder: PathBuf,
    /// Repository to publish to; default is the one given by --registry and --namespace, or the only one configured
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Expected version; fail if the manifest has another one
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Publish as the version given by --version, not the one in the manifest
    #[arg(long, requires = "version")]
    set_version: bool,
    /// Sign the package with this secret key
    #[arg(long, value_name = "FILE")]
    sign_with: Option<PathBuf>,
    /// Check everything without publishing
    #[arg(long)]
    dry_run: bool,
    /// Replace an existing version, for everyone who has pinned it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Name of the package
    #[arg(value_name = "NAME")]
    name: String,
    /// Version of the package
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// Repository of the package
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Secret key to sign with
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A signed package.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Signed {
    name: String,
    version: String,
    repository: String,
    /// SHA-256 of the content
    digest: String,
}

impl Answer for Signed {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self {
            name,
            version,
            repository,
            ..
        } = self;
        output::write_line!(out, "{name} {version} signed in {repository}")?;
        Ok(())
    }
}

/// A published package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Published {
    name: String,
    version: String,
    repository: String,
    /// Location in the repository; absent in a dry run
    #[serde(skip_serializing_if = "Option::is_none")]
    locator: Option<String>,
    /// SHA-256 of the content
    digest: String,
    size: u64,
    signed: bool,
    dry_run: bool,
    /// Suggestions for the publisher
    advice: Vec<String>,
}

impl Answer for Published {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let done = if self.dry_run {
            "can be published"
        } else {
            "published"
        };
        let (name, version) = (&self.name, &self.version);
        output::write_line!(out, "{name} {version} {done} to {}", self.repository)?;
        output::write_line!(out, "sha256:{}", self.digest)?;
        if !self.signed {
            let warning = Note::new(
                "the package is not signed, so clients that enforce a trust policy reject it",
            );
            output::warn(&warning.hint("pass --sign-with FILE"))?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Publish, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let source = session.source(verb.repository.as_deref(), REPOSITORY)?;
    let work = tempfile::tempdir().context("failed to create a temporary directory")?;
    let folder = numbered(verb, work.path())?;
    let upload = unwrap_build(package::build(
        &folder,
        &work.path().join("content"),
        Limits::default(),
    ))?;
    let mut is_wrong = false;
    for checked in check::templates(&folder, &upload.manifest)? {
        is_wrong |= print_diagnostics(&verb.folder.join(&checked.file), checked.diagnostics)?;
    }
    if is_wrong {
        return Ok(ExitStatus::Failure);
    }
    let secret = verb.sign_with.as_deref().map(secret_key).transpose()?;
    let advice = package::advice(&folder, &upload.manifest, upload.document.is_some());
    print_warnings(&advice)?;
    let locator = if verb.dry_run {
        session.query(check_not_published(source, &upload, verb.force))?;
        None
    } else {
        let release = session.transfer(async {
            let bar = Bar::new(&format!("{} {}", upload.name, upload.version));
            let repository = &source.repository;
            let release = repository.publish(&upload, verb.force, &bar).await?;
            if let Some((secret, password)) = &secret {
                let statement = Statement::of_upload(&upload);
                let signature = minisign::sign(&statement, secret, password.as_ref())?;
                repository.sign(&release, &signature).await?;
            }
            Ok(release)
        })?;
        session.listing_cache(true).forget(source);
        index::warn_if_behind(&session, source)?;
        Some(release.locator)
    };
    let data = Published {
        name: upload.name.clone(),
        version: upload.version.to_string(),
        repository: source.id().to_owned(),
        locator,
        digest: upload.digest.to_string(),
        size: upload.size,
        signed: secret.is_some(),
        dry_run: verb.dry_run,
        advice: advice.iter().map(Explain::explained).collect(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}

/// Returns the folder, or a copy of it with another version.
fn numbered(verb: &Publish, work: &Path) -> Result<PathBuf> {
    let Some(expected) = &verb.version else {
        return Ok(verb.folder.clone());
    };
    let expected = version::parse(expected)?;
    let (manifest, _) = unwrap_build(package::manifest(&verb.folder))?;
    if manifest.version == expected {
        return Ok(verb.folder.clone());
    }
    ensure!(
        verb.set_version,
        Failure::new(format!(
            "expected version {expected}, but the manifest has {}",
            manifest.version
        ))
        .hint(format!("pass --set-version to publish as {expected}"))
    );
    let path = verb.folder.join("extension.yaml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let Some(text) = package::renumber(&text, &expected) else {
        let message = format!("the version in {} is not on its own line", path.display());
        bail!(Failure::new(message).hint("put it on its own line"));
    };
    let copy = work.join("package");
    copied(&verb.folder, &copy)?;
    fs::write(copy.join("extension.yaml"), text)?;
    Ok(copy)
}

/// Copies files and folders. Special files are rejected when the copy is packed.
fn copied(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("failed to create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("failed to read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copied(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        } else {
            let path = entry.path();
            let message = format!(
                "{} is neither a regular file nor a directory",
                path.display()
            );
            bail!(
                Failure::new(message)
                    .hint("if it is a symbolic link, replace it with a copy of its target")
            );
        }
    }
    Ok(())
}

async fn check_not_published(source: &Source, upload: &Upload, force: bool) -> Result<()> {
    let exists = source.repository.exists(&upload.name, &upload.version);
    ensure!(
        force || !exists.await?,
        Failure::new(format!(
            "version {} of {} already exists in {}",
            upload.version,
            upload.name,
            source.id()
        ))
        .hint("publish another version, or pass --force to replace the existing one")
    );
    Ok(())
}

pub(crate) fn sign(verb: &Sign, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let source = session.source(verb.repository.as_deref(), REPOSITORY)?;
    let version = version::parse(&verb.version)?;
    let (secret, password) = secret_key(&verb.key)?;
    session.transfer(async {
        let repository = &source.repository;
        let release = repository.release(&verb.name, &version).await?;
        let spec = Spec::of(&**repository, release)?;
        let Some(content) = spec.release.content.digest else {
            let message = format!(
                "repository {} has no digest for the package content",
                source.id()
            );
            bail!(Failure::new(message).hint("publish the package again"));
        };
        let statement = Statement::of(
            &spec.manifest,
            content,
            spec.configuration(),
            spec.document(),
        );
        let own = PublicKey::read(&minisign::public(&secret, password.as_ref())?)?;
        let there = repository.signatures(&spec.release).await?;
        let payload = Ok(SignedPayload::Package(statement.clone()));
        if there.iter().any(|one| own.verify(one) == payload) {
            output::warn(&Note::new(format!(
                "{} is already signed with this key",
                spec.title()
            )))?;
        } else {
            let signature = minisign::sign(&statement, &secret, password.as_ref())?;
            repository.sign(&spec.release, &signature).await?;
        }
        let data = Signed {
            name: verb.name.clone(),
            version: version.to_string(),
            repository: source.id().to_owned(),
            digest: content.to_string(),
        };
        output::answer(out, verb.output, &data)?;
        Ok(ExitStatus::Success)
    })
}
