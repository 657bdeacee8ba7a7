//! Clusters that outlive the process that started them, each with a name.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;

use crate::cache;
use crate::cluster::{Cluster, Options};
use crate::progress::say;
use crate::state::State;
use crate::watchdog;

/// A name for a cluster that runs until it is ended.
#[derive(Clone, Debug)]
pub struct Persistent {
    file: PathBuf,
    name: String,
}

impl Persistent {
    /// The cluster of this name, whether it runs or not.
    ///
    /// # Errors
    ///
    /// When the name does not suit as the name of a file, or there is no place for a cache.
    pub fn named(name: &str) -> Result<Self> {
        let suits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        ensure!(
            suits,
            "the name `{name}` must consist of letters, digits and dashes"
        );
        let folder = cache::folder()?.join("clusters");
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(Self {
            file: folder.join(format!("{name}.json")),
            name: name.to_owned(),
        })
    }

    /// Starts the cluster unless it runs, and gives the path of its kubeconfig.
    ///
    /// # Errors
    ///
    /// When it does not start. Nothing is left running then.
    pub async fn up(&self, options: Options) -> Result<PathBuf> {
        let _lock = self.lock()?;
        if let Some(state) = State::read(&self.file)? {
            if state.is_whole()? {
                say(&format!("cluster `{}` is up", self.name));
                return Ok(state.kubeconfig);
            }
            // A part of it has ended, so the rest is of no use.
            self.end(state).await?;
        }
        let cluster = Cluster::start(options).await?;
        let kubeconfig = cluster.kubeconfig().to_owned();
        let state =
            State::read(&State::beside(&kubeconfig))?.context("the cluster was not described")?;
        state.write(&self.file)?;
        cluster.keep()?;
        say(&format!(
            "cluster `{}` is up, in {}",
            self.name,
            state.folder.display()
        ));
        Ok(kubeconfig)
    }

    /// Ends the cluster, if it runs.
    ///
    /// # Errors
    ///
    /// When something of it is left.
    pub async fn down(&self) -> Result<()> {
        let _lock = self.lock()?;
        match State::read(&self.file)? {
            Some(state) => {
                self.end(state).await?;
                say(&format!("cluster `{}` is down", self.name));
            }
            None => say(&format!("cluster `{}` does not run", self.name)),
        }
        Ok(())
    }

    /// Lines that say what runs.
    ///
    /// # Errors
    ///
    /// When the notes on the cluster cannot be read.
    pub fn status(&self) -> Result<Vec<String>> {
        let Some(state) = State::read(&self.file)? else {
            return Ok(vec![format!("cluster `{}` does not run", self.name)]);
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
                .map(|reason| format!("no addresses of Services: {reason}")),
        );
        let processes = watchdog::list(&state.folder)?;
        if processes.is_empty() {
            lines.push("nothing runs any more".to_owned());
        }
        lines.extend(
            processes
                .into_iter()
                .map(|process| format!("runs: {process}")),
        );
        Ok(lines)
    }

    async fn end(&self, state: State) -> Result<()> {
        spawn_blocking(move || watchdog::end(&state.folder))
            .await
            .context("failed to end the cluster")??;
        fs::remove_file(&self.file)
            .with_context(|| format!("failed to remove {}", self.file.display()))
    }

    /// Two processes must not start or end the same cluster at a time.
    fn lock(&self) -> Result<File> {
        let path = self.file.with_extension("lock");
        let file =
            File::create(&path).with_context(|| format!("failed to open {}", path.display()))?;
        file.lock()
            .with_context(|| format!("failed to lock {}", path.display()))?;
        Ok(file)
    }
}
