//! Builds and imports container images without a registry.

mod archive;
mod name;

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use std::{fs, os};

use anyhow::{Context, Result, bail};

pub use archive::Image;
pub use name::full_name;

use crate::node::{Containerd, NodeTools, PAUSE_IMAGE};
use crate::process::run;

/// An image with busybox and links for its commands. Use the pull policy `IfNotPresent` or `Never`.
pub const BUSYBOX_IMAGE: &str = "registry.local/busybox:e2e";

/// Imports an image and waits until Pods can use it. Blocks.
pub(crate) fn import(containerd: &Containerd, scratch: &Path, image: &Image) -> Result<()> {
    let names: Vec<String> = image.names.iter().map(|name| full_name(name)).collect();
    let archive = archive::write(scratch, image, &names)?;
    run(containerd
        .ctr()
        .args([
            "images",
            "import",
            "--local",
            "--snapshotter",
            &containerd.snapshotter,
        ])
        .arg(&archive))
    .with_context(|| format!("failed to import {}", names.join(", ")))?;
    fs::remove_file(&archive).with_context(|| format!("failed to remove {}", archive.display()))?;
    names.iter().try_for_each(|name| wait_for(containerd, name))
}

/// Adds a name to an image. Blocks.
pub(crate) fn alias(containerd: &Containerd, image: &str, alias: &str) -> Result<()> {
    let (image, alias) = (full_name(image), full_name(alias));
    run(containerd
        .ctr()
        .args(["images", "tag", "--force", &image, &alias]))
    .with_context(|| format!("failed to tag {image} as {alias}"))?;
    wait_for(containerd, &alias)
}

/// Waits until the CRI plugin of containerd has seen and labeled an image.
fn wait_for(containerd: &Containerd, name: &str) -> Result<()> {
    let filter = format!("name=={name},labels.\"io.cri-containerd.image\"==managed");
    for _ in 0..1_200 {
        if !run(containerd
            .ctr()
            .args(["images", "list", "--quiet", &filter]))?
        .trim()
        .is_empty()
        {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    bail!("{name} was imported, but is not visible to Kubernetes")
}

/// Imports the images of every node.
pub(crate) fn import_basics(
    containerd: &Containerd,
    tools: &NodeTools,
    scratch: &Path,
) -> Result<()> {
    let root = scratch.join("busybox");
    fill_busybox(&root, &tools.busybox).context("failed to build the busybox image")?;
    let search_path = vec!["PATH=/bin".to_owned()];
    let pause = Image {
        names: vec![PAUSE_IMAGE.to_owned()],
        entrypoint: ["/bin/sleep", "1000000000"].map(str::to_owned).into(),
        root: root.clone(),
        environment: search_path.clone(),
        ..Image::default()
    };
    let busybox = Image {
        names: vec![BUSYBOX_IMAGE.to_owned()],
        entrypoint: Vec::new(),
        root,
        environment: search_path,
        ..Image::default()
    };
    import(containerd, scratch, &pause)?;
    import(containerd, scratch, &busybox)
}

fn fill_busybox(root: &Path, busybox: &Path) -> Result<()> {
    let programs = root.join("bin");
    for folder in ["bin", "etc", "tmp", "root"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::copy(busybox, programs.join("busybox"))?;
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    )?;
    fs::write(root.join("etc/group"), "root:x:0:\nnobody:x:65534:\n")?;
    run(Command::new("chmod").arg("1777").arg(root.join("tmp")))?;
    for applet in run(Command::new(busybox).arg("--list"))?.lines() {
        if applet != "busybox" {
            os::unix::fs::symlink("busybox", programs.join(applet))?;
        }
    }
    Ok(())
}
