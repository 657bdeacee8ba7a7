//! The namespaces of a node, and the link between them and the machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use crate::network::Network;
use crate::process::{Launcher, Process, STARTED, run};

const NODE: &str = include_str!("../scripts/node.sh");

/// Namespaces that exist as long as their first process.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) folder: PathBuf,
    pub(crate) network: Network,
    first_process: String,
}

impl Space {
    /// Creates the namespaces, with the first network that no other cluster uses.
    pub(crate) async fn create(folder: &Path, launcher: &Launcher) -> Result<(Self, Process)> {
        for hidden in ["/run", "/var/run", "/var/lib", "/var/log"] {
            ensure!(
                !folder.starts_with(hidden),
                "the data folder of a node cannot be below {hidden}"
            );
        }
        // Concurrent runs start their search at different networks.
        let first = u8::try_from(process::id() % 256).unwrap_or_default();
        for step in 0..=u8::MAX {
            let network = Network::new(first.wrapping_add(step));
            if is_used(network)? {
                continue;
            }
            let mut process = launch(folder, launcher, network)?;
            match first_process(folder, &mut process).await {
                Ok(first_process) => {
                    return Ok((
                        Self {
                            folder: folder.to_owned(),
                            network,
                            first_process,
                        },
                        process,
                    ));
                }
                Err(error) if format!("{error:#}").contains("File exists") => {}
                Err(error) => return Err(error.context("failed to create the node's namespaces")),
            }
        }
        bail!("all networks are in use")
    }

    /// Returns a command that runs inside the namespaces.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target",
                &self.first_process,
                "--net",
                "--mount",
                "--pid",
                "--",
            ])
            .arg(program);
        command
    }
}

/// Returns whether the machine already has a route to an address of the network.
fn is_used(network: Network) -> Result<bool> {
    let routes = run(Command::new("ip").args(["-4", "route", "show", "root", &network.block()]))?;
    Ok(!routes.trim().is_empty())
}

fn launch(folder: &Path, launcher: &Launcher, network: Network) -> Result<Process> {
    let script = folder.join("node.sh");
    fs::write(&script, format!("{STARTED}{NODE}")).context("failed to write the node's script")?;
    let (address, third) = network.prefix();
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "sh",
        ])
        .args([&script, folder])
        .args([
            process::id().to_string(),
            network.interface(),
            address,
            third.to_string(),
        ]);
    launcher.launch("node", &command)
}

/// Waits until the first process is ready, and returns its id.
async fn first_process(folder: &Path, process: &mut Process) -> Result<String> {
    for _ in 0..2_400 {
        process.check()?;
        if let Ok(pid) = fs::read_to_string(folder.join("node")) {
            return Ok(pid.trim().to_owned());
        }
        sleep(Duration::from_millis(25)).await;
    }
    Err(anyhow::anyhow!(process.tail())).context("the node's first process is not ready after 60 s")
}
