//! Fault injection in a cluster that this harness started: a suspended program, or one that is killed and restarted.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::process::Launcher;

/// Time limit for the end or the start of a program on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Pause before a program that exits at once is started again.
const PAUSE: Duration = Duration::from_millis(1500);

/// Number of attempts to start a program that exits at once.
const ATTEMPTS: usize = 10;

/// A program that is suspended until this is dropped.
#[derive(Debug)]
pub struct Frozen {
    pid: u32,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // The program may have exited meanwhile.
        let _ = signal("CONT", self.pid);
    }
}

/// Suspends a process.
///
/// # Errors
/// If the process does not exist.
pub fn freeze(pid: u32) -> Result<Frozen> {
    signal("STOP", pid)?;
    Ok(Frozen { pid })
}

impl Cluster {
    /// Returns the process of a program of the cluster, such as `etcd`.
    ///
    /// # Errors
    /// If this harness did not start the cluster, or the program is not running.
    pub fn process(&self, name: &str) -> Result<u32> {
        let folder = self
            .folder()
            .context("the cluster was not started by this harness")?;
        let list = fs::read_to_string(folder.join("processes"))?;
        list.lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?, words.nth(1)?))
            })
            .rfind(|(_, known)| *known == name)
            .and_then(|(pid, _)| pid.parse().ok())
            .with_context(|| format!("{name} is not running"))
    }

    /// Kills a program and restarts it with the same arguments. Waits until the API server is ready.
    ///
    /// # Errors
    /// If it does not exit, or does not start.
    pub fn restart(&self, name: &str) -> Result<()> {
        let pid = self.process(name)?;
        let line = fs::read(format!("/proc/{pid}/cmdline"))
            .with_context(|| format!("{name} is not running"))?;
        let words: Vec<String> = line
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let [program, arguments @ ..] = words.as_slice() else {
            bail!("{name} has no command line");
        };
        signal("KILL", pid)?;
        let deadline = Instant::now() + TIMEOUT;
        while is_alive(pid) {
            if Instant::now() > deadline {
                bail!("{name} did not exit");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let folder = self
            .folder()
            .context("the cluster was not started by this harness")?;
        let mut command = Command::new(program);
        command.args(arguments);
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            // It is listed, so the watchdog of the cluster stops it.
            let mut process = Launcher::existing(folder).launch(name, &command)?;
            let start = Instant::now();
            let ended = loop {
                if let Err(error) = process.check() {
                    break error;
                }
                if self.is_ready() {
                    return Ok(());
                }
                if start.elapsed() > TIMEOUT {
                    bail!("{name} runs, but the API server is not ready");
                }
                std::thread::sleep(Duration::from_millis(100));
            };
            // Clients that reconnect may keep the port busy for a moment.
            last = format!("{ended:#}");
            std::thread::sleep(PAUSE);
        }
        bail!("{name} did not restart: {last}")
    }

    fn is_ready(&self) -> bool {
        let arguments = ["get", "--raw", "/readyz", "--request-timeout=10s"];
        self.kubectl_run(&arguments).is_ok()
    }
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| {
        let state = stat.rsplit(')').next().map(str::trim_start);
        !state.is_some_and(|state| state.starts_with(['Z', 'X']))
    })
}

fn signal(name: &str, pid: u32) -> Result<()> {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .context("failed to run kill")?;
    if !status.success() {
        bail!("failed to send SIG{name} to process {pid}");
    }
    Ok(())
}
