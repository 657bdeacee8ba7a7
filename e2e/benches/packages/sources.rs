//! Sources that let people wait, one and four.

use std::time::Duration;

use anyhow::Result;
use extension_registry_e2e::servers::docker_registry::{DockerRegistry, Options};
use tokio::task::block_in_place;

use super::gate::Gate;
use super::machine::{Machine, median};
use crate::report::Report;

/// What each answer takes longer.
const DELAY: Duration = Duration::from_secs(1);
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
const TURNS: usize = 3;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let mut gates = Vec::new();
    for _ in NAMES {
        gates.push(Gate::open(&registry.host(), DELAY).await?);
    }
    let direct: Vec<_> = NAMES.map(|name| (name, registry.host())).into();
    let publishing = Machine::new(&sources(&direct))?;
    publishing.package("tool", 0)?;
    for name in NAMES {
        let publish = ["package", "publish", "tool", "--repository", name];
        block_in_place(|| publishing.ext(&publish))?;
    }
    let behind: Vec<_> = NAMES
        .into_iter()
        .zip(gates.iter().map(Gate::host))
        .collect();
    let (one, four) = (Machine::new(&behind[..1])?, Machine::new(&behind)?);
    let (mut of_one, mut of_four) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for (machine, times) in [(&one, &mut of_one), (&four, &mut of_four)] {
            let discover = ["package", "discover", "--refresh"];
            times.push(block_in_place(|| machine.ext(&discover))?.time);
        }
    }
    let (of_one, of_four) = (median(of_one), median(of_four));
    report.note("discover, one source that waits 1 s", of_one, "s");
    report.note("discover, four of them", of_four, "s");
    report.most("four, of the time of one", of_four / of_one, 1.25, "x");
    Ok(())
}

fn sources<'s>(pairs: &'s [(&'s str, String)]) -> Vec<(&'s str, &'s str)> {
    pairs
        .iter()
        .map(|(name, host)| (*name, host.as_str()))
        .collect()
}
