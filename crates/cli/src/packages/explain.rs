//! Explains why a package came from one source and not from another.

use anyhow::Result;
use extension_registry_packages::catalog::{Source, VersionListing};
use extension_registry_packages::deliver::{Delivery, Step};

use super::session::Session;

impl Session {
    /// Returns the steps of a delivery. With reasons, they are followed by why each source was chosen or not;
    /// for that, the sources are queried again for their versions.
    pub(crate) fn steps(&self, delivery: &Delivery, with_reasons: bool) -> Result<Vec<String>> {
        let mut steps = Vec::new();
        for step in &delivery.steps {
            steps.push(step.to_string());
            if let (Step::Source(id), true) = (step, with_reasons)
                && let Some(taken) = self.workspace.catalog.source(id)
            {
                let name = &delivery.entry.name;
                let found =
                    self.query(async { Ok(self.workspace.catalog.versions(name).await) })?;
                let reasons = self.reasons(taken, delivery, &found);
                steps.extend(reasons.into_iter().map(|reason| format!("why: {reason}")));
            }
        }
        Ok(steps)
    }

    fn reasons(&self, taken: &Source, delivery: &Delivery, found: &VersionListing) -> Vec<String> {
        let sources = self.workspace.catalog.sources();
        let id = taken.id();
        if sources.len() == 1 {
            let why = match self.only {
                Some(_) => "selected by --source",
                None => "no other source is configured",
            };
            return vec![format!("{id} is the only source: {why}")];
        }
        let has = |index: usize| {
            found
                .versions
                .values()
                .any(|places| places.contains(&index))
        };
        let highest = (0..sources.len())
            .filter(|index| has(*index))
            .map(|index| sources[index].priority)
            .max();
        let priority = taken.priority;
        let mut reasons = vec![if highest.is_none_or(|highest| priority >= highest) {
            format!(
                "{id} has priority {priority}, the highest among the sources that have the package"
            )
        } else {
            format!("{id} has priority {priority}")
        }];
        let version = &delivery.entry.version;
        let at = found.versions.get(version).map_or(&[][..], Vec::as_slice);
        for (index, other) in sources.iter().enumerate() {
            let name = other.id();
            if name == id {
                continue;
            }
            let mut failures = found.failures.iter();
            let failure = failures.find(|failure| failure.repository == name);
            reasons.push(match failure {
                Some(failure) => {
                    format!("failed to query {name}: {}", failure.why)
                }
                None if !has(index) => format!("{name} has no package with this name"),
                None if other.priority < priority => {
                    format!("{name} has a lower priority ({})", other.priority)
                }
                None if other.priority > priority => format!(
                    "{name} has priority {} but was not considered: its package has another type, \
                     or this package is a dependency and comes from the same repository as the \
                     package that requires it",
                    other.priority
                ),
                None if at.contains(&index) => {
                    format!("{name} has the same content and priority, but comes after {id} in the configuration")
                }
                None => {
                    format!("{name} has the same priority, but does not have version {version}")
                }
            });
        }
        reasons
    }
}
