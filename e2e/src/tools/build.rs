//! Builds programs with `go build`, once for each state of a `go.mod`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::module::{Module, Tool};
use crate::cache;
use crate::process::{on_path, run, tail};
use crate::progress::{Progress, print_line};

/// Returns whether a program is in the cache.
pub(super) fn is_cached(tool: Tool) -> bool {
    cache::folder().is_ok_and(|root| program_path(&root.join("tools"), tool).is_file())
}

/// Returns the path of a program in the cache.
fn program_path(root: &Path, tool: Tool) -> PathBuf {
    root.join(tool.module().cache_name()).join(tool.program())
}

/// Returns programs from the cache, after building missing ones.
pub(super) fn cached_or_built(tools: &[Tool]) -> Result<Vec<(Tool, PathBuf)>> {
    let root = cache::folder()?.join("tools");
    let program_path = |tool: Tool| program_path(&root, tool);
    let to_build: Vec<Tool> = tools
        .iter()
        .copied()
        .filter(|&tool| !program_path(tool).is_file())
        .collect();
    if !to_build.is_empty() {
        fs::create_dir_all(&root)
            .with_context(|| format!("failed to create {}", root.display()))?;
        let _lock = lock(&root.join("lock"))?;
        // Another run may have built some of them while this one waited for the lock.
        let missing: Vec<Tool> = to_build
            .into_iter()
            .filter(|&tool| !program_path(tool).is_file())
            .collect();
        let mut progress = Progress::start(missing.len());
        for tool in missing {
            build(tool, &program_path(tool), &mut progress)?;
        }
    }
    Ok(tools
        .iter()
        .map(|&tool| (tool, program_path(tool)))
        .collect())
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("failed to open {}", path.display()))?;
    if file.try_lock().is_err() {
        print_line("waiting for another run to build the programs of the cluster");
        file.lock()
            .with_context(|| format!("failed to lock {}", path.display()))?;
    }
    Ok(file)
}

fn build(tool: Tool, target: &Path, progress: &mut Progress) -> Result<()> {
    let module = tool.module();
    let go = on_path("go").with_context(|| {
        format!(
            "{} is neither on PATH nor in the cache, and `go`, which builds it, is not installed",
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
        .env("CGO_ENABLED", if module.cgo { "1" } else { "0" })
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-tags",
            module.tags,
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

    let mut step = progress.step(format!("building {} {}", tool.program(), module.version()));
    let status = loop {
        match child.try_wait().context("failed to wait for `go build`")? {
            Some(status) => break status,
            None => step.tick(),
        }
        sleep(Duration::from_millis(250));
    };
    step.finish(status.success());
    if !status.success() {
        bail!("`go build {}` failed:\n{}", tool.package(), tail(&log));
    }
    ensure!(
        unfinished.is_file(),
        "`go build {}` created no program",
        tool.package()
    );
    if !module.files.is_empty() {
        copy_files(module, &go, &source, &folder.join("files"))?;
    }
    // The rename is atomic, so the name always refers to a complete program.
    fs::rename(&unfinished, target).with_context(|| format!("failed to name {}", target.display()))
}

/// Copies the run-time files of a program from its module.
fn copy_files(module: &Module, go: &Path, source: &Path, target: &Path) -> Result<()> {
    let mut list = Command::new(go);
    list.current_dir(source)
        .args(["list", "-m", "-f", "{{.Dir}}", module.path]);
    let from = PathBuf::from(run(&mut list)?.trim());
    fs::create_dir_all(target).with_context(|| format!("failed to create {}", target.display()))?;
    let mut copy = Command::new("cp");
    copy.arg("-R")
        .args(module.files.iter().map(|file| from.join(file)))
        .arg(target);
    run(&mut copy)?;
    // Files of a module are read-only; these can be removed.
    run(Command::new("chmod").args(["-R", "u+w"]).arg(target)).map(drop)
}

/// Returns a command that exits with this process, even if it is killed. Child processes of `go` exit within seconds.
fn dying_with_parent(program: &Path) -> Command {
    let Some(wrapper) = on_path("setpriv").filter(|_| cfg!(target_os = "linux")) else {
        return Command::new(program);
    };
    let mut command = Command::new(wrapper);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}
