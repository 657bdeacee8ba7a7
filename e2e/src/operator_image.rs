//! The operator as a container image, built without Docker: a static program and CA certificates.

use std::env::{self, consts::ARCH};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;

use crate::cluster::Cluster;
use crate::image::Image;
use crate::progress::{Progress, print_line};
use crate::setup::repository;

/// Repository and tag of the image, for the chart values.
pub const OPERATOR_IMAGE: (&str, &str) = ("registry.local/extension-registry", "e2e");

const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Cluster {
    /// Builds the operator as a static program, and imports it to the node as [`OPERATOR_IMAGE`].
    ///
    /// # Errors
    /// If it cannot be built, or the cluster has no node of this harness.
    pub async fn import_operator(&self) -> Result<()> {
        let folder = self
            .folder()
            .context("images can be imported only into a cluster that this harness started")?;
        let root = folder.join("operator-image");
        let image = Image {
            names: vec![format!("{}:{}", OPERATOR_IMAGE.0, OPERATOR_IMAGE.1)],
            root: root.clone(),
            entrypoint: vec!["/extension-registry".to_owned()],
            environment: vec![format!("SSL_CERT_FILE={AUTHORITIES}")],
            user: "65532:65532".to_owned(),
        };
        spawn_blocking(move || fill(&root))
            .await
            .context("failed to build the operator image")??;
        self.import_image(image).await
    }
}

/// Builds the root file system of the image.
fn fill(root: &Path) -> Result<()> {
    let program = build()?;
    let authorities = root.join(AUTHORITIES.trim_start_matches('/'));
    let certificates = authorities
        .parent()
        .context("the path has no parent folder")?;
    fs::create_dir_all(certificates)
        .with_context(|| format!("failed to create {}", certificates.display()))?;
    fs::copy(&program, root.join("extension-registry"))
        .with_context(|| format!("failed to copy {}", program.display()))?;
    if Path::new(AUTHORITIES).is_file() {
        fs::copy(AUTHORITIES, authorities).context("failed to copy certificates")?;
    } else {
        print_line(&format!(
            "{AUTHORITIES} not found, so the image has no CA certificates"
        ));
    }
    Ok(())
}

/// Builds the static program in a separate folder, so that the usual build is not invalidated.
fn build() -> Result<PathBuf> {
    let target = format!("{ARCH}-unknown-linux-gnu");
    let folder = target_folder()?.join("static");
    let mut progress = Progress::start(1);
    let step = progress.step("building the operator as a static program".to_owned());
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(repository("."))
        .args(["build", "--quiet", "-p", "extension-registry-operator"])
        // With an explicit target, procedural macros are not linked statically, which is impossible.
        .args(["--bin", "extension-registry", "--target", &target])
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null())
        .status()
        .context("failed to run cargo")?;
    step.finish(status.success());
    ensure!(
        status.success(),
        "failed to build the operator as a static program"
    );
    Ok(folder.join(target).join("debug/extension-registry"))
}

/// Returns the build folder of this program.
fn target_folder() -> Result<PathBuf> {
    let own = env::current_exe().context("failed to find this program")?;
    own.ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .and_then(Path::parent)
        .map(Path::to_owned)
        .with_context(|| format!("{} is not in a build folder", own.display()))
}
