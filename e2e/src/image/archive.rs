//! Writes an image as an archive in the format of `docker save`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::process::run;

/// An image to build and import.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Names of the image, with tags.
    pub names: Vec<String>,
    /// Root folder of the image. All files will be owned by root.
    pub root: PathBuf,
    /// Entrypoint.
    pub entrypoint: Vec<String>,
    /// Environment variables as `NAME=value`.
    pub environment: Vec<String>,
    /// Numeric user; root if empty.
    pub user: String,
}

/// Writes the archive to `scratch` and returns its path.
pub(super) fn write(scratch: &Path, image: &Image, names: &[String]) -> Result<PathBuf> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = format!(
        "{}-{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let folder = scratch.join(&number);
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;

    let layer = folder.join("layer.tar");
    pack(&image.root, &layer, &["."])?;
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": image.entrypoint, "Env": image.environment, "User": image.user},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer)?)]},
    });
    let manifest = json!([{"Config": "config.json", "RepoTags": names, "Layers": ["layer.tar"]}]);
    fs::write(folder.join("config.json"), config.to_string())
        .context("failed to write the image's settings")?;
    fs::write(folder.join("manifest.json"), manifest.to_string())
        .context("failed to write the image's manifest")?;

    let archive = scratch.join(format!("{number}.tar"));
    pack(
        &folder,
        &archive,
        &["manifest.json", "config.json", "layer.tar"],
    )?;
    fs::remove_dir_all(&folder)
        .with_context(|| format!("failed to remove {}", folder.display()))?;
    Ok(archive)
}

fn pack(folder: &Path, target: &Path, members: &[&str]) -> Result<()> {
    let mut command = Command::new("tar");
    command
        .args([
            "--create",
            "--numeric-owner",
            "--owner=0",
            "--group=0",
            "--file",
        ])
        .arg(target);
    command.arg("--directory").arg(folder).args(members);
    run(&mut command)
        .map(drop)
        .with_context(|| format!("failed to pack {}", folder.display()))
}

fn digest(path: &Path) -> Result<String> {
    let mut file =
        File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut HashWriter(&mut hash))
        .with_context(|| format!("failed to read {}", path.display()))?;
    Ok(hash
        .finalize()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the architecture of the machine, as named in images.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
