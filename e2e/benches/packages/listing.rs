//! Discovery in a registry with many packages, with and without an index.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use extension_registry_e2e::servers::docker_registry::{DockerRegistry, Options};
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::package;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository as _;
use extension_registry_packages::repository::oci::{Oci, Settings};
use extension_registry_packages::transport::{self, Transport};
use tokio::task::block_in_place;

use super::home::Home;
use super::proxy::Proxy;
use crate::report::Report;

/// Number of packages in the registry.
pub(crate) const PACKAGES: usize = 1_000;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let proxy = Proxy::start(&registry.host(), Duration::ZERO).await?;
    let home = Home::new(&[("team", proxy.host())])?;
    publish(&registry.host(), &home).await?;
    let list = || block_in_place(|| home.ext(&["package", "discover", "--refresh"]));
    proxy.take_count();
    let without = list()?;
    report.note(
        "requests for 1,000 packages, without an index",
        f64::from(proxy.take_count()),
        "",
    );
    report.note(
        "discovery of 1,000 packages, without an index",
        without.time.as_secs_f64(),
        "s",
    );
    block_in_place(|| home.ext(&["package", "index", "team", "--sign-with", "me.key"]))?;
    for (name, clear) in [("the first time", true), ("again", false)] {
        if clear {
            fs::remove_dir_all(home.path().join("cache"))?;
        }
        proxy.take_count();
        let with = list()?;
        let requests = f64::from(proxy.take_count());
        report.note(
            &format!("requests for 1,000 packages, with an index, {name}"),
            requests,
            "",
        );
        let title = format!("discovery of 1,000 packages, with an index, {name}");
        report.note(&title, with.time.as_secs_f64(), "s");
    }
    Ok(())
}

async fn publish(host: &str, home: &Home) -> Result<()> {
    let settings = Settings {
        id: "team".to_owned(),
        registry: host.to_owned(),
        namespace: "team/extensions".to_owned(),
        names: Vec::new(),
    };
    let oci = Oci::new(
        settings,
        Transport::new(transport::Settings::default())?,
        Credentials::Anonymous,
    )?;
    let folder = home.path().join("many");
    fs::create_dir(&folder)?;
    for number in 0..PACKAGES {
        let manifest = format!("extension: {{name: tool-{number}, version: 1.0.0}}\n");
        fs::write(folder.join("extension.yaml"), manifest)?;
        let upload = package::build(&folder, &home.path().join("content"), Limits::default())?;
        // There are no concurrent publishers to wait for.
        oci.publish(&upload, true, &Silent).await?;
    }
    Ok(())
}
