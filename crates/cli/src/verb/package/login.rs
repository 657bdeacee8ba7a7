//! `package login` and `package logout`: credentials where docker and others find them too.

use std::io::{self, Read, Write};

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::config::Environment;
use extension_registry_packages::credentials::{self, Stored};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::output::Answer;
use crate::{FINE, WRONG, output};

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The server: `registry.example.com`, `localhost:5000`
    #[arg(value_name = "SERVER")]
    server: String,
    /// Who you are there
    #[arg(long, short, value_name = "USER")]
    username: String,
    /// Read the password from standard input; else it is asked for
    #[arg(long)]
    password_stdin: bool,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// The server
    #[arg(value_name = "SERVER")]
    server: String,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Where credentials are kept.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Kept {
    server: String,
    /// The file, readable for whoever may read it
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The credential helper
    #[serde(skip_serializing_if = "Option::is_none")]
    helper: Option<String>,
}

impl Answer for Kept {
    fn names(&self) -> Vec<String> {
        vec![self.server.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let server = &self.server;
        if let Some(file) = &self.file {
            writeln!(out, "{server} is in {file}, for everybody who can read it")?;
        }
        if let Some(helper) = &self.helper {
            writeln!(out, "{server} is with {helper}")?;
        }
        Ok(())
    }
}

/// Credentials that were forgotten.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Forgotten {
    server: String,
    /// Whether there were some
    known: bool,
}

impl Answer for Forgotten {
    fn names(&self) -> Vec<String> {
        vec![self.server.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let end = if self.known {
            "is forgotten"
        } else {
            "was not known"
        };
        writeln!(out, "{} {end}", self.server)?;
        Ok(())
    }
}

pub(crate) fn login(verb: &Login, out: &mut Vec<u8>) -> Result<u8> {
    let password = if verb.password_stdin {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("failed to read standard input")?;
        Sensitive::new(text.trim_end_matches(['\r', '\n']))
    } else {
        let question = format!("password of {} for {}", verb.username, verb.server);
        output::ask_secret_or(&question, "--password-stdin reads it")?
    };
    ensure!(
        !password.is_empty(),
        "the password on standard input is empty; hint: printf %s \"$PASSWORD\" | kubectl ext package login …"
    );
    let server = &verb.server;
    ensure!(
        !server.is_empty() && !server.contains(char::is_whitespace),
        "`{server}` is no server; hint: write its host, and its port where it has one: registry.example.com, localhost:5000"
    );
    let environment = Environment::of_process();
    let path = credentials::docker_config(&environment)?;
    let stored = credentials::store(&path, &verb.server, &verb.username, &password, &environment)?;
    let (file, helper) = match stored {
        Stored::File(path) => (Some(path.display().to_string()), None),
        Stored::Helper(program) => (None, Some(program)),
    };
    let data = Kept {
        server: verb.server.clone(),
        file,
        helper,
    };
    output::answer(out, verb.output, &data)?;
    Ok(FINE)
}

pub(crate) fn logout(verb: &Logout, out: &mut Vec<u8>) -> Result<u8> {
    let environment = Environment::of_process();
    let path = credentials::docker_config(&environment)?;
    let data = Forgotten {
        server: verb.server.clone(),
        known: credentials::remove(&path, &verb.server, &environment)?,
    };
    output::answer(out, verb.output, &data)?;
    Ok(if data.known { FINE } else { WRONG })
}
