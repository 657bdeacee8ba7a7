//! A server that runs until it is dropped, or this process is killed.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::ports;
use crate::process::{Launcher, Process};
use crate::watchdog::Watchdog;

/// Time limit for the start on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A program that listens on a port of this machine. It is stopped, and its folder removed, when dropped.
#[derive(Debug)]
pub(super) struct Running {
    watchdog: Watchdog,
    process: Process,
    port: u16,
}

/// Folder and free port of a program to start.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    launcher: Launcher,
    watchdog: Watchdog,
}

impl Workspace {
    pub(super) fn new(name: &str) -> Result<Self> {
        let random = RandomState::new().build_hasher().finish();
        let folder = format!("er-{name}-{:08x}", random & 0xffff_ffff);
        let folder = std::env::temp_dir().join(folder);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        let [port] = ports::free(Ipv4Addr::LOCALHOST.into())?;
        Ok(Self {
            launcher: Launcher::new(&folder)?,
            watchdog: Watchdog::start(&folder)?,
            folder,
            port,
        })
    }

    /// Starts the program, and waits until it accepts connections. Blocks.
    pub(super) fn run(self, name: &str, command: &Command) -> Result<Running> {
        let mut running = Running {
            process: self.launcher.launch(name, command)?,
            watchdog: self.watchdog,
            port: self.port,
        };
        let start = Instant::now();
        while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, running.port))).is_err() {
            running.process.check()?;
            if start.elapsed() > TIMEOUT {
                bail!("{name} does not respond; {}", running.process.tail());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

impl Running {
    /// Returns host and port.
    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors cannot be reported here; the watchdog cleans up.
        if self.watchdog.end().is_ok() {
            self.process.reap();
        }
    }
}
