//! A registry with many packages, listed from its index and without one.

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

use super::gate::Gate;
use super::machine::Machine;
use crate::report::Report;

/// Packages of the registry.
pub(crate) const PACKAGES: usize = 1_000;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let gate = Gate::open(&registry.host(), Duration::ZERO).await?;
    let machine = Machine::new(&[("team", gate.host())])?;
    publish(&registry.host(), &machine).await?;
    let list = || block_in_place(|| machine.ext(&["package", "discover", "--refresh"]));
    gate.counted();
    let without = list()?;
    report.note(
        "requests for 1,000 packages, without an index",
        f64::from(gate.counted()),
        "",
    );
    report.note("their time", without.time.as_secs_f64(), "s");
    block_in_place(|| machine.ext(&["package", "index", "team", "--sign-with", "me.key"]))?;
    for (name, clear) in [("the first time", true), ("again", false)] {
        if clear {
            fs::remove_dir_all(machine.path().join("cache"))?;
        }
        gate.counted();
        let with = list()?;
        let requests = f64::from(gate.counted());
        report.note(&format!("requests with an index, {name}"), requests, "");
        report.note("their time", with.time.as_secs_f64(), "s");
    }
    Ok(())
}

async fn publish(host: &str, machine: &Machine) -> Result<()> {
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
    let folder = machine.path().join("many");
    fs::create_dir(&folder)?;
    for number in 0..PACKAGES {
        let manifest = format!("extension: {{name: tool-{number}, version: 1.0.0}}\n");
        fs::write(folder.join("extension.yaml"), manifest)?;
        let upload = package::build(&folder, &machine.path().join("content"), Limits::default())?;
        // Nobody else is there who would have to be waited for.
        oci.publish(&upload, true, &Silent).await?;
    }
    Ok(())
}
