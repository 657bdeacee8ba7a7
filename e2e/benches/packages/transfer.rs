//! Pulls of a large package by `kubectl ext` and by `crane`, alternating.

use std::fs;

use anyhow::Result;
use extension_registry_e2e::servers::crane::Crane;
use extension_registry_e2e::servers::docker_registry::{DockerRegistry, Options};

use super::home::{Home, median};
use crate::report::Report;

/// Size of the package.
pub(crate) const MEBIBYTES: usize = 200;

const ROUNDS: usize = 7;

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let crane = Crane::start()?;
    let home = Home::new(&[("team", &registry.host())])?;
    let mut published = Vec::new();
    for (name, mebibytes) in [("small", 0), ("large", MEBIBYTES)] {
        home.package(name, mebibytes)?;
        published.push(home.ext(&["package", "publish", name, "--sign-with", "me.key"])?);
    }
    let (cache, target) = (home.path().join("cache"), home.path().join("crane.tar"));
    let reference = format!("{}/team/extensions/large:1.0.0", registry.host());
    let (mut ext_times, mut crane_times) = (Vec::new(), Vec::new());
    let (mut baseline, mut peak) = (u32::MAX, 0);
    // The first round only warms the page cache.
    for round in 0..=ROUNDS {
        fs::remove_dir_all(&cache)?;
        baseline = baseline.min(home.ext(&["package", "pull", "small"])?.memory);
        let ext_pull = home.ext(&["package", "pull", "large"])?;
        let mut pull = crane.client();
        let pull = pull.args(["pull", "--insecure", &reference]).arg(&target);
        let crane_pull = home.run(pull)?;
        fs::remove_file(&target)?;
        if round > 0 {
            ext_times.push(ext_pull.time);
            crane_times.push(crane_pull.time);
        }
        peak = peak.max(ext_pull.memory);
    }
    let (ext_times, crane_times) = (median(ext_times), median(crane_times));
    report.note("pull of 200 MiB", ext_times, "s");
    report.note("crane pull of 200 MiB", crane_times, "s");
    report.at_least(
        "speed of the pull relative to crane",
        crane_times / ext_times,
        0.8,
        "x",
    );
    let above = |more: u32, less: u32| f64::from(more.saturating_sub(less)) / 1024.0;
    report.at_most(
        "memory of a pull of 200 MiB above a small one",
        above(peak, baseline),
        32.0,
        "MiB",
    );
    let above = above(published[1].memory, published[0].memory);
    report.at_most(
        "memory of publishing 200 MiB above a small one",
        above,
        32.0,
        "MiB",
    );
    Ok(())
}
