//! Builds programs with `go build`, once for each state of a `go.mod`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{Tool, on_path};
use crate::cache;
use crate::process::tail;
use crate::progress::{Step, say};

/// The programs from the cache; those that it lacks are built first.
pub(super) fn cached_or_built(tools: &[Tool]) -> Result<Vec<(Tool, PathBuf)>> {
    let root = cache::folder()?.join("tools");
    let place = |tool: Tool| root.join(tool.module().cache_name()).join(tool.program());
    let to_build: Vec<Tool> = tools
        .iter()
        .copied()
        .filter(|&tool| !place(tool).is_file())
        .collect();
    if !to_build.is_empty() {
        fs::create_dir_all(&root)
            .with_context(|| format!("failed to create {}", root.display()))?;
        let _lock = lock(&root.join("lock"))?;
        for (done, &tool) in to_build.iter().enumerate() {
            // Another run may have built it while this one waited for the lock.
            if !place(tool).is_file() {
                build(tool, &place(tool), done + 1, to_build.len())?;
            }
        }
    }
    Ok(tools.iter().map(|&tool| (tool, place(tool))).collect())
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("failed to open {}", path.display()))?;
    if file.try_lock().is_err() {
        say("waiting for another run that builds the cluster's programs");
        file.lock()
            .with_context(|| format!("failed to lock {}", path.display()))?;
    }
    Ok(file)
}

fn build(tool: Tool, target: &Path, number: usize, total: usize) -> Result<()> {
    let module = tool.module();
    let go = on_path("go").with_context(|| {
        format!(
            "{} is neither on PATH nor in the cache, and there is no `go` to build it",
            tool.program()
        )
    })?;
    let folder = target.parent().context("a program needs a folder")?;
    let source = folder.join("source");
    fs::create_dir_all(&source)
        .with_context(|| format!("failed to create {}", source.display()))?;
    fs::write(source.join("go.mod"), module.go_mod)?;
    fs::write(source.join("go.sum"), module.go_sum)?;

    let log = folder.join(format!("{}.log", tool.program()));
    let unfinished = target.with_extension("unfinished");
    let output =
        File::create(&log).with_context(|| format!("failed to create {}", log.display()))?;
    let mut child = dying_with_parent(&go)
        .current_dir(&source)
        .env("CGO_ENABLED", "0")
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            &module.linker_flags(),
            "-o",
        ])
        .arg(&unfinished)
        .arg(tool.package())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .context("failed to run `go build`")?;

    let mut step = Step::start(format!(
        "building {} {} ({number} of {total})",
        tool.program(),
        module.version()
    ));
    let status = loop {
        match child.try_wait().context("failed to wait for `go build`")? {
            Some(status) => break status,
            None => step.tick(),
        }
        sleep(Duration::from_millis(250));
    };
    step.finish(if status.success() { "done" } else { "failed" });
    if !status.success() {
        bail!("`go build {}` failed:\n{}", tool.package(), tail(&log));
    }
    ensure!(
        unfinished.is_file(),
        "`go build {}` made no program",
        tool.package()
    );
    // The name appears only with a whole program behind it.
    fs::rename(&unfinished, target).with_context(|| format!("failed to name {}", target.display()))
}

/// A command that ends with this process, even when that is killed. What `go` started then ends within seconds.
fn dying_with_parent(program: &Path) -> Command {
    let Some(wrapper) = on_path("setpriv").filter(|_| cfg!(target_os = "linux")) else {
        return Command::new(program);
    };
    let mut command = Command::new(wrapper);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}
