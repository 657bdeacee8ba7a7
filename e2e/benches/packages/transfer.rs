//! A large package, pulled by `kubectl ext` and by `crane`, in turns.

use std::fs;

use anyhow::Result;
use extension_registry_e2e::servers::crane::Crane;
use extension_registry_e2e::servers::docker_registry::{DockerRegistry, Options};

use super::machine::{Machine, median};
use crate::report::Report;

/// Size of the package.
pub(crate) const MEBIBYTES: usize = 200;

const TURNS: usize = 7;

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let crane = Crane::start()?;
    let machine = Machine::new(&[("team", &registry.host())])?;
    let mut published = Vec::new();
    for (name, mebibytes) in [("small", 0), ("large", MEBIBYTES)] {
        machine.package(name, mebibytes)?;
        published.push(machine.ext(&["package", "publish", name, "--sign-with", "me.key"])?);
    }
    let (cache, taken) = (
        machine.path().join("cache"),
        machine.path().join("taken.tar"),
    );
    let reference = format!("{}/team/extensions/large:1.0.0", registry.host());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut start, mut most) = (u32::MAX, 0);
    // The first turn warms the memory of the system's files.
    for turn in 0..=TURNS {
        fs::remove_dir_all(&cache)?;
        start = start.min(machine.ext(&["package", "pull", "small"])?.memory);
        let our = machine.ext(&["package", "pull", "large"])?;
        let mut pull = crane.client();
        let pull = pull.args(["pull", "--insecure", &reference]).arg(&taken);
        let their = machine.run(pull)?;
        fs::remove_file(&taken)?;
        if turn > 0 {
            ours.push(our.time);
            theirs.push(their.time);
        }
        most = most.max(our.memory);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    report.note("pull of 200 MiB", ours, "s");
    report.note("crane pull of the same", theirs, "s");
    report.least("speed of the pull, of crane's", theirs / ours, 0.8, "x");
    let above = |more: u32, less: u32| f64::from(more.saturating_sub(less)) / 1024.0;
    report.most(
        "memory of the pull above that of a small one",
        above(most, start),
        32.0,
        "MiB",
    );
    let above = above(published[1].memory, published[0].memory);
    report.most("memory of publishing it, the same way", above, 32.0, "MiB");
    Ok(())
}
