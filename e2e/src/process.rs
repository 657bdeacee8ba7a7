//! Starts the programs of a cluster, and lists them for cleanup.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Shell functions that the scripts share.
pub(crate) const STARTED: &str = include_str!("scripts/started.sh");
const LAUNCH: &str = include_str!("scripts/launch.sh");

/// Data folder of a cluster, with the list of its programs and their logs.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    folder: PathBuf,
}

/// A started program.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Launcher {
    /// Prepares an existing folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("logs")).context("failed to create the folder for logs")?;
        File::create(folder.join("processes")).context("failed to create the list of processes")?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Opens the folder of a running cluster.
    pub(crate) fn existing(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Starts a command under this name. Its output goes to `logs/NAME.log`.
    pub(crate) fn launch(&self, name: &str, command: &Command) -> Result<Process> {
        let log = self.folder.join("logs").join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("failed to create {}", log.display()))?;
        let mut launch = Command::new("sh");
        launch
            .args(["-c", &format!("{STARTED}{LAUNCH}"), "launch"])
            .arg(&self.folder)
            .arg(name);
        launch.arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            launch.env(variable, value.unwrap_or(OsStr::new("")));
        }
        // The components of a cluster connect to each other on this machine, without a proxy.
        for variable in [
            "http_proxy",
            "https_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "all_proxy",
        ] {
            launch.env_remove(variable);
        }
        let child = launch
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Not affected by Ctrl-C in the terminal, so that programs stop in the right order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Process {
            name: name.to_owned(),
            log,
            child,
        })
    }
}

impl Process {
    /// Fails if the program has exited, with the end of its log.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self
            .child
            .try_wait()
            .with_context(|| format!("failed to check {}", self.name))?
        {
            bail!(
                "{} exited ({status}); the end of its log:\n{}",
                self.name,
                tail(&self.log)
            );
        }
        Ok(())
    }

    /// Marks a program as stopped by another process.
    pub(crate) fn reap(&mut self) {
        let _ = self.child.wait();
    }

    /// Returns the end of the log.
    pub(crate) fn tail(&self) -> String {
        format!("the end of the log of {}:\n{}", self.name, tail(&self.log))
    }
}

/// Returns the processor time that a process has used, in seconds, at the kernel's 100 ticks a second;
/// Linux only.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64> {
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is not running"))?;
    let after = stat.rsplit(')').next().context("unreadable stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let tick = |index: usize| {
        fields
            .get(index)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((tick(11) + tick(12)) / TICKS)
}

/// Returns the last lines of a file.
pub(crate) fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Runs a command, and returns its output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to run {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the first program of this name on `PATH` or in the folders of system programs.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
