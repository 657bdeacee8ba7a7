//! The verbs `package login` and `package logout`, which share credentials with docker and podman.

use std::io::{self, Read};

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::config::Environment;
use extension_registry_packages::credentials::{self, Stored};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::Format;
use crate::output;
use crate::output::Answer;

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Server, e.g. `registry.example.com`, `localhost:5000`
    #[arg(value_name = "SERVER")]
    server: String,
    /// Username
    #[arg(long, short, value_name = "USER")]
    username: String,
    /// Read the password from standard input instead of prompting
    #[arg(long)]
    password_stdin: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// Server to log out of
    #[arg(value_name = "SERVER")]
    server: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Where credentials were stored.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Kept {
    server: String,
    /// The file, if they are stored in plain text
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
            output::write_line!(
                out,
                "logged in to {server}; credentials stored unencrypted in {file}"
            )?;
        }
        if let Some(helper) = &self.helper {
            output::write_line!(out, "logged in to {server}; credentials stored by {helper}")?;
        }
        Ok(())
    }
}

/// Removed credentials.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Forgotten {
    server: String,
    /// Whether there were any
    known: bool,
}

impl Answer for Forgotten {
    fn names(&self) -> Vec<String> {
        vec![self.server.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        if self.known {
            output::write_line!(out, "logged out of {}", self.server)?;
        } else {
            output::write_line!(out, "not logged in to {}", self.server)?;
        }
        Ok(())
    }
}

pub(crate) fn login(verb: &Login, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let password = if verb.password_stdin {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("failed to read standard input")?;
        Sensitive::new(text.trim_end_matches(['\r', '\n']))
    } else {
        let question = format!("password of {} for {}", verb.username, verb.server);
        output::prompt_secret_with_hint(&question, "pass --password-stdin")?
    };
    ensure!(
        !password.is_empty(),
        Failure::new("empty password on standard input")
            .hint("run `printf %s \"$PASSWORD\" | kubectl ext package login …`")
    );
    let server = &verb.server;
    ensure!(
        !server.is_empty() && !server.contains(char::is_whitespace),
        Failure::new(format!("invalid server `{server}`")).hint(
            "use a host with an optional port, such as registry.example.com or localhost:5000"
        )
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
    Ok(ExitStatus::Success)
}

pub(crate) fn logout(verb: &Logout, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let environment = Environment::of_process();
    let path = credentials::docker_config(&environment)?;
    let data = Forgotten {
        server: verb.server.clone(),
        known: credentials::remove(&path, &verb.server, &environment)?,
    };
    output::answer(out, verb.output, &data)?;
    Ok(if data.known {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}
