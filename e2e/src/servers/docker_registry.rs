//! Debian's docker-registry: widely used, and without the referrers API.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::running::{Running, Workspace};
use crate::process::on_path;

/// Name of the program.
const PROGRAM: &str = "docker-registry";

/// Settings of a registry.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Authentication.
    pub access: Access,
    /// Upstream registry; the registry is then a read-only mirror.
    pub mirror_of: Option<String>,
    /// Whether manifests can be deleted.
    pub deletes: bool,
}

/// Authentication of a registry.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Anonymous access to everything.
    #[default]
    Open,
    /// Users in an `htpasswd` file with bcrypt.
    Passwords(String),
    /// Tokens of a token service.
    Tokens {
        /// Address of the service.
        realm: String,
        /// Name of the service, and of the issuer.
        issuer: String,
        /// Certificate of the issuer, as PEM.
        certificate: String,
    },
}

/// A running registry, until it is dropped.
#[derive(Debug)]
pub struct DockerRegistry {
    running: Running,
}

/// Returns why docker-registry cannot run on this machine; None if it can.
#[must_use]
pub fn missing() -> Option<&'static str> {
    on_path(PROGRAM)
        .is_none()
        .then_some("docker-registry is not installed: `apt-get install docker-registry`")
}

impl DockerRegistry {
    /// Starts a registry, and waits until it accepts connections. Blocks.
    ///
    /// # Errors
    /// If it is not installed, or does not start.
    pub fn start(options: &Options) -> Result<Self> {
        let program = on_path(PROGRAM).context("docker-registry is not installed")?;
        let workspace = Workspace::new(PROGRAM)?;
        let settings = settings(&workspace, options)?;
        let path = workspace.folder.join("config.yml");
        fs::write(&path, settings).context("failed to write the registry's settings")?;
        let mut command = Command::new(program);
        command.arg("serve").arg(path);
        let running = workspace.run(PROGRAM, &command)?;
        Ok(Self { running })
    }

    /// Returns host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.running.host()
    }
}

fn settings(workspace: &Workspace, options: &Options) -> Result<String> {
    let folder = workspace.folder.display();
    let mut text = format!(
        "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n  \
         delete:\n    enabled: {}\nhttp:\n  addr: 127.0.0.1:{}\n",
        options.deletes, workspace.port
    );
    match &options.access {
        Access::Open => {}
        Access::Passwords(file) => {
            fs::write(workspace.folder.join("htpasswd"), file)
                .context("failed to write htpasswd")?;
            write!(
                text,
                "auth:\n  htpasswd:\n    realm: packages\n    path: {folder}/htpasswd\n"
            )?;
        }
        Access::Tokens {
            realm,
            issuer,
            certificate,
        } => {
            fs::write(workspace.folder.join("issuer.pem"), certificate)
                .context("failed to write the certificate")?;
            write!(
                text,
                "auth:\n  token:\n    realm: {realm}\n    service: {issuer}\n    issuer: {issuer}\n    \
                 rootcertbundle: {folder}/issuer.pem\n"
            )?;
        }
    }
    if let Some(address) = &options.mirror_of {
        write!(text, "proxy:\n  remoteurl: http://{address}\n")?;
    }
    Ok(text)
}
