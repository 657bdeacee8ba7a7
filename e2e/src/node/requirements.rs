//! Requirements of a node.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::process::on_path;

/// Programs of the machine that a node uses.
#[derive(Clone, Debug)]
pub(crate) struct NodeTools {
    pub(crate) runc: PathBuf,
    pub(crate) cni: PathBuf,
    pub(crate) busybox: PathBuf,
}

/// Finds everything that a node requires, or returns what is missing and how to install it.
pub(crate) fn check() -> Result<NodeTools, String> {
    if !cfg!(target_os = "linux") {
        return Err("a node requires Linux".to_owned());
    }
    if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return Err("a node requires root".to_owned());
    }
    let mut packages = Vec::new();
    for (program, package) in [
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
        ("tar", "tar"),
    ] {
        if on_path(program).is_none() && !packages.contains(&package) {
            packages.push(package);
        }
    }
    let runc = on_path("runc");
    if runc.is_none() {
        packages.push("runc");
    }
    let cni = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"]
        .map(Path::new)
        .into_iter()
        .find(|folder| {
            ["ptp", "host-local", "loopback"]
                .iter()
                .all(|plugin| folder.join(plugin).is_file())
        });
    if cni.is_none() {
        packages.push("containernetworking-plugins");
    }
    let busybox = on_path("busybox").filter(|path| is_static(path));
    if busybox.is_none() {
        packages.push("busybox-static");
    }
    match (runc, cni, busybox, packages.is_empty()) {
        (Some(runc), Some(cni), Some(busybox), true) => Ok(NodeTools {
            runc,
            cni: cni.to_owned(),
            busybox,
        }),
        _ => Err(format!(
            "packages are missing; install them with: apt-get install {}",
            packages.join(" ")
        )),
    }
}

/// Returns whether a program is statically linked, as it must be in an image. A dynamically linked program
/// names its loader.
fn is_static(program: &Path) -> bool {
    fs::read(program).is_ok_and(|bytes| {
        let head = &bytes[..bytes.len().min(4096)];
        !head
            .windows(8)
            .any(|window| window == b"ld-linux" || window == b"/ld-musl")
    })
}
