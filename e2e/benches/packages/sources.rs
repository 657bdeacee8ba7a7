//! Discovery from one and from four slow sources.

use std::time::Duration;

use anyhow::Result;
use extension_registry_e2e::servers::docker_registry::{DockerRegistry, Options};
use tokio::task::block_in_place;

use super::home::{Home, median};
use super::proxy::Proxy;
use crate::report::Report;

/// Additional delay of each response.
const DELAY: Duration = Duration::from_secs(1);
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
const ROUNDS: usize = 3;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let registry = DockerRegistry::start(&Options::default())?;
    let mut proxies = Vec::new();
    for _ in NAMES {
        proxies.push(Proxy::start(&registry.host(), DELAY).await?);
    }
    let direct: Vec<_> = NAMES.map(|name| (name, registry.host())).into();
    let publisher = Home::new(&sources(&direct))?;
    publisher.package("tool", 0)?;
    for name in NAMES {
        let publish = ["package", "publish", "tool", "--repository", name];
        block_in_place(|| publisher.ext(&publish))?;
    }
    let delayed: Vec<_> = NAMES
        .into_iter()
        .zip(proxies.iter().map(Proxy::host))
        .collect();
    let (one, four) = (Home::new(&delayed[..1])?, Home::new(&delayed)?);
    let (mut one_source, mut four_sources) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (home, times) in [(&one, &mut one_source), (&four, &mut four_sources)] {
            let discover = ["package", "discover", "--refresh"];
            times.push(block_in_place(|| home.ext(&discover))?.time);
        }
    }
    let (one_source, four_sources) = (median(one_source), median(four_sources));
    report.note(
        "discovery from one source with 1 s latency",
        one_source,
        "s",
    );
    report.note("discovery from four such sources", four_sources, "s");
    report.at_most(
        "four sources relative to one",
        four_sources / one_source,
        1.25,
        "x",
    );
    Ok(())
}

fn sources<'s>(pairs: &'s [(&'s str, String)]) -> Vec<(&'s str, &'s str)> {
    pairs
        .iter()
        .map(|(name, host)| (*name, host.as_str()))
        .collect()
}
