//! A separate home for the program: folders, configuration, a trusted key.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extension_registry_e2e::operator;

/// Polling interval for the memory of a running program. The kernel records the peak, so only the last moment
/// can be missed.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A home folder of the program.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    ext: PathBuf,
}

/// Time and memory of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// Peak resident memory in KiB.
    pub(crate) memory: u32,
}

impl Home {
    /// Creates a home with a trusted key and these OCI registries (name and host).
    pub(crate) fn new(repositories: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let configuration = folder.path().join("configuration/extension-registry");
        fs::create_dir_all(&configuration)?;
        let mut text = String::new();
        for (name, host) in repositories {
            writeln!(
                text,
                "[[repository]]\nname = \"{name}\"\nkind = \"oci\"\nurl = \"http://{host}/{name}/extensions\"\n"
            )?;
        }
        fs::write(configuration.join("packages.toml"), text)?;
        let home = Self {
            folder,
            ext: operator::built("kubectl-ext")?,
        };
        home.ext(&["package", "key", "generate", "--no-password", "me.key"])?;
        home.ext(&["package", "key", "approve", "me.key.pub"])?;
        Ok(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `kubectl ext` in the home folder.
    pub(crate) fn ext(&self, arguments: &[&str]) -> Result<Cost> {
        self.run(Command::new(&self.ext).args(arguments))
    }

    /// Runs a program in the home folder.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Cost> {
        let path = self.folder.path();
        let message = path.join("stderr");
        command
            .current_dir(path)
            .env("HOME", path)
            .env("XDG_CONFIG_HOME", path.join("configuration"))
            .env("XDG_CACHE_HOME", path.join("cache"))
            .env("XDG_STATE_HOME", path.join("state"))
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&message)?);
        let start = Instant::now();
        let mut child = command.spawn().context("failed to start a program")?;
        let status = format!("/proc/{}/status", child.id());
        let mut memory = 0;
        loop {
            memory = peak(&status).unwrap_or(memory);
            if let Some(status) = child.try_wait()? {
                let time = start.elapsed();
                let message = fs::read_to_string(message)?;
                ensure!(status.success(), "{command:?} failed: {message}");
                return Ok(Cost { time, memory });
            }
            sleep(POLL_INTERVAL);
        }
    }

    /// Writes a package with an incompressible file of this size in MiB.
    pub(crate) fn package(&self, name: &str, mebibytes: usize) -> Result<()> {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder)?;
        let manifest = format!("extension: {{name: {name}, version: 1.0.0}}\n");
        fs::write(folder.join("extension.yaml"), manifest)?;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let words = (0..mebibytes << 17).map(|_| {
            // Xorshift (Marsaglia, "Xorshift RNGs", 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        });
        let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
        fs::write(folder.join("data"), bytes)?;
        Ok(())
    }
}

/// Returns the peak resident memory of a process in KiB (`VmHWM` in `proc_pid_status(5)`).
fn peak(status: &str) -> Option<u32> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Returns the median in seconds.
pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
