//! Named clusters that outlive the process that started them.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;

use crate::cache;
use crate::cluster::{Cluster, Options};
use crate::progress::print_line;
use crate::state::State;
use crate::watchdog;

/// A named cluster that runs until it is stopped.
#[derive(Clone, Debug)]
pub struct Persistent {
    file: PathBuf,
    name: String,
}

impl Persistent {
    /// Returns the cluster with this name, running or not.
    ///
    /// # Errors
    ///
    /// If the name is invalid, or no cache folder is available.
    pub fn named(name: &str) -> Result<Self> {
        let is_valid =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        ensure!(
            is_valid,
            "invalid name `{name}`: use letters, digits and `-`"
        );
        let folder = cache::folder()?.join("clusters");
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(Self {
            file: folder.join(format!("{name}.json")),
            name: name.to_owned(),
        })
    }

    /// Starts the cluster unless it is running, and returns the path of its kubeconfig.
    ///
    /// # Errors
    ///
    /// If it does not start. Everything is stopped then.
    pub async fn up(&self, options: Options) -> Result<PathBuf> {
        let _lock = self.lock()?;
        if let Some(state) = State::read(&self.file)? {
            if state.is_whole()? {
                print_line(&format!("cluster `{}` is running", self.name));
                return Ok(state.kubeconfig);
            }
            // Some of its processes have exited: start from scratch.
            self.end(state).await?;
        }
        let cluster = Cluster::start(options).await?;
        let kubeconfig = cluster.kubeconfig().to_owned();
        let state = State::read(&State::path_for(&kubeconfig))?.context("state file not found")?;
        state.write(&self.file)?;
        cluster.keep()?;
        print_line(&format!(
            "cluster `{}` is running, data folder {}",
            self.name,
            state.folder.display()
        ));
        Ok(kubeconfig)
    }

    /// Stops the cluster, if it is running.
    ///
    /// # Errors
    ///
    /// If processes or files are left.
    pub async fn down(&self) -> Result<()> {
        let _lock = self.lock()?;
        match State::read(&self.file)? {
            Some(state) => {
                self.end(state).await?;
                print_line(&format!("cluster `{}` stopped", self.name));
            }
            None => print_line(&format!("cluster `{}` is not running", self.name)),
        }
        Ok(())
    }

    /// Returns the status as lines of text.
    ///
    /// # Errors
    ///
    /// If the state file cannot be read.
    pub fn status(&self) -> Result<Vec<String>> {
        let Some(state) = State::read(&self.file)? else {
            return Ok(vec![format!("cluster `{}` is not running", self.name)]);
        };
        let mut lines = vec![
            format!("server {}", state.server),
            format!("kubeconfig {}", state.kubeconfig.display()),
            format!("folder {}", state.folder.display()),
        ];
        lines.extend(
            state
                .node_missing
                .iter()
                .map(|reason| format!("no node: {reason}")),
        );
        lines.extend(
            state
                .services_missing
                .iter()
                .map(|reason| format!("Services are unreachable: {reason}")),
        );
        let processes = watchdog::list(&state.folder)?;
        if processes.is_empty() {
            lines.push("all processes have exited".to_owned());
        }
        lines.extend(
            processes
                .into_iter()
                .map(|process| format!("running: {process}")),
        );
        Ok(lines)
    }

    async fn end(&self, state: State) -> Result<()> {
        spawn_blocking(move || watchdog::end(&state.folder))
            .await
            .context("failed to stop the cluster")??;
        fs::remove_file(&self.file)
            .with_context(|| format!("failed to remove {}", self.file.display()))
    }

    /// Locks the cluster against other processes.
    fn lock(&self) -> Result<File> {
        let path = self.file.with_extension("lock");
        let file =
            File::create(&path).with_context(|| format!("failed to open {}", path.display()))?;
        file.lock()
            .with_context(|| format!("failed to lock {}", path.display()))?;
        Ok(file)
    }
}
