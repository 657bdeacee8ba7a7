//! Runs the operator as a separate process, so that tests can read its log, measure it and kill it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::process;

/// Variable with the operator program to use instead of the one built with the tests.
pub const OPERATOR_VARIABLE: &str = "EXTENSION_REGISTRY_OPERATOR";

/// Starts a program, prints its pid, and stops it when standard input is closed, even if the parent was killed.
const GUARD: &str = r#"log=$1; shift
"$@" >>"$log" 2>&1 </dev/null &
pid=$!
echo "$pid"
exec >/dev/null
cat >/dev/null
kill "$pid" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.5; done
kill -9 "$pid" 2>/dev/null"#;

/// A running operator.
#[derive(Debug)]
pub struct Operator {
    guard: Child,
    input: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
    address: SocketAddr,
}

impl Operator {
    /// Starts the operator against a cluster and waits until it is ready. `arguments` are added to
    /// its command line; the log is appended to `log`, as JSON lines at level debug.
    ///
    /// # Errors
    /// If the program is not found, exits, or does not become ready within two minutes.
    pub fn start(cluster: &Cluster, log: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_with(cluster.kubeconfig(), log, arguments)
    }

    /// Like [`Operator::start`], with another kubeconfig.
    ///
    /// # Errors
    /// As [`Operator::start`].
    pub fn start_with(kubeconfig: &Path, log: &Path, arguments: &[&str]) -> Result<Self> {
        Self::launch(kubeconfig, log, arguments, None)
    }

    pub(crate) fn launch(
        kubeconfig: &Path,
        log: &Path,
        arguments: &[&str],
        level: Option<&str>,
    ) -> Result<Self> {
        let program = program()?;
        File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "operator-guard"])
            .arg(log)
            .arg(&program)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env(
                "RUST_LOG",
                level
                    .map(str::to_owned)
                    .or_else(|| std::env::var("RUST_LOG").ok())
                    .unwrap_or_else(|| "info,extension_registry_operator=debug".to_owned()),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the operator")?;
        let input = guard.stdin.take();
        let mut line = String::new();
        let output = guard
            .stdout
            .take()
            .context("the operator's guard has no output")?;
        BufReader::new(output)
            .read_line(&mut line)
            .context("failed to read the operator's pid")?;
        let pid = line
            .trim()
            .parse()
            .context("the operator's guard gave no pid")?;
        let mut operator = Self {
            guard,
            input,
            pid,
            log: log.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        operator.wait_until_ready()?;
        Ok(operator)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(2);
        while Instant::now() < deadline && !self.has_exited() {
            if let Some(address) = address_in(&self.log()) {
                self.address = address;
                if self.get("/readyz").is_ok() {
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "the operator did not become ready; its log:\n{}",
            self.log()
        )
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns the text of `/metrics`.
    ///
    /// # Errors
    /// If it does not respond.
    pub fn metrics(&self) -> Result<String> {
        self.get("/metrics")
    }

    /// Returns the sum of a metric over all series with the given labels, such as `kind="Secret"`.
    ///
    /// # Errors
    /// If it does not respond.
    pub fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.metrics()?;
        let of_name = |line: &&str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        Ok(text
            .lines()
            .filter(of_name)
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum())
    }

    /// Returns the resident memory in bytes; Linux only.
    ///
    /// # Errors
    /// If the process has exited.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .context("the operator has exited")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }

    /// Returns the CPU time in seconds, assuming 100 kernel ticks a second; Linux only.
    ///
    /// # Errors
    /// If the process has exited.
    pub fn processor_seconds(&self) -> Result<f64> {
        process::processor_seconds(self.pid).context("the operator has exited")
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(30))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n"
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        let (head, body) = response.split_once("\r\n\r\n").context("no response")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{path}: {}", head.lines().next().unwrap_or_default());
        }
        Ok(body.to_owned())
    }

    /// Stops the operator with SIGTERM, like Kubernetes, and waits.
    ///
    /// # Errors
    /// If it does not exit within one minute.
    pub fn stop(mut self) -> Result<()> {
        self.signal("TERM")?;
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.is_running() {
            if Instant::now() > deadline {
                bail!(
                    "the operator did not exit after SIGTERM; its log:\n{}",
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.end();
        Ok(())
    }

    /// Kills the operator, like a crash.
    ///
    /// # Errors
    /// If the process does not exist.
    pub fn kill(mut self) -> Result<()> {
        self.signal("KILL")?;
        self.end();
        Ok(())
    }

    fn is_running(&self) -> bool {
        Path::new(&format!("/proc/{}", self.pid)).exists() && !is_zombie(self.pid)
    }

    /// Returns whether the process has exited; always false on a system without `/proc`.
    fn has_exited(&self) -> bool {
        Path::new("/proc/self").exists() && !self.is_running()
    }

    fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid.to_string()])
            .status()?;
        if !status.success() {
            bail!("failed to send SIG{name} to the operator");
        }
        Ok(())
    }

    fn end(&mut self) {
        drop(self.input.take());
        let _ = self.guard.wait();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.end();
    }
}

fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

fn address_in(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("serving /metrics"))?;
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value["fields"]["address"].as_str()?.parse().ok()
}

/// Returns the operator program: from [`OPERATOR_VARIABLE`], else from the folder of this build.
///
/// # Errors
/// If it is not found, with the command that builds it.
pub fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(OPERATOR_VARIABLE) {
        return Ok(path.into());
    }
    built("extension-registry")
}

/// Returns a program of this repository from the folder of this build.
///
/// # Errors
/// If it is not found, with the command that builds it.
pub fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find this program")?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "program {name} not found next to the tests: run `cargo build --workspace` first"
            )
        })
}
