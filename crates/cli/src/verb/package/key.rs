//! The verb `package key`.

mod approve;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::signature::{PublicKey, minisign};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::Format;
use crate::output;
use crate::output::Answer;
use crate::packages::{PASSWORD, public_key};
pub(crate) use approve::Approved;
use approve::{Approve, approve};

#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    what: What,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Format,
}

/// A new key pair.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Made {
    id: String,
    /// File of the secret key
    secret: String,
    /// File of the public key
    public: String,
}

impl Answer for Made {
    fn names(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(
            out,
            "secret key: {}, public key: {}",
            self.secret,
            self.public
        )?;
        Ok(())
    }
}

/// A public key.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Shown {
    id: String,
}

impl Answer for Shown {
    fn names(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(out, "{}", self.id)?;
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
enum What {
    /// Generate a key pair: secret key FILE, public key FILE.pub
    Generate {
        /// File for the secret key; must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Do not encrypt the secret key: anyone who can read the file can sign with it
        #[arg(long)]
        no_password: bool,
    },
    /// Show the id of a key
    Show {
        /// Public key: minisign, or cosign as PEM
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Trust a key by adding it to your configuration
    Approve(Box<Approve>),
}

pub(crate) fn run(verb: &Key, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let output = verb.output;
    match &verb.what {
        What::Generate { file, no_password } => {
            output::answer(out, output, &generate(file, *no_password)?)?;
        }
        What::Show { file } => {
            let (key, _) = public_key(file)?;
            let id = key.id().clone();
            output::answer(out, output, &Shown { id })?;
        }
        What::Approve(verb) => output::answer(out, output, &approve(verb)?)?,
    }
    Ok(ExitStatus::Success)
}

fn generate(file: &Path, no_password: bool) -> Result<Made> {
    let password = if no_password {
        None
    } else if let Ok(password) = std::env::var(PASSWORD) {
        Some(password.as_str().into())
    } else {
        Some(new_password()?)
    };
    let key = minisign::generate(password.as_ref())?;
    let public = PathBuf::from(format!("{}.pub", file.display()));
    ensure!(!public.exists(), "{} already exists", public.display());
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    let mut created = created.with_context(|| format!("failed to create {}", file.display()))?;
    created.write_all(key.secret.reveal().as_bytes())?;
    fs::write(&public, &key.public)
        .with_context(|| format!("failed to write {}", public.display()))?;
    Ok(Made {
        id: PublicKey::read(&key.public)?.id().clone(),
        secret: file.display().to_string(),
        public: public.display().to_string(),
    })
}

/// Prompts twice: a typo would make the key unusable.
fn new_password() -> Result<Sensitive> {
    let question = "password for the new key";
    let hint = format!("set {PASSWORD}, or pass --no-password");
    let password = output::prompt_secret_with_hint(question, &hint)?;
    let again = output::prompt_secret_with_hint("same password again", &hint)?;
    ensure!(
        password.reveal() == again.reveal(),
        Failure::new("the passwords do not match").hint("try again")
    );
    Ok(password)
}
