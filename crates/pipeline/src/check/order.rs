//! Order of steps: as written, unless a step sets `runAfter`.

use std::collections::BTreeSet;

use extension_registry_api::workflow::WorkflowSpec;

use crate::problem::{Problem, did_you_mean};
use crate::spec::{find_step, step_field};

/// Dependencies between steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    waits_for: Vec<Vec<usize>>,
    is_cyclic: bool,
}

impl Order {
    /// Reads the order. Unknown and cyclic dependencies are problems.
    pub(crate) fn new(spec: &WorkflowSpec, problems: &mut Vec<Problem>) -> Self {
        let mut order = Self::default();
        for (index, step) in spec.steps.iter().enumerate() {
            let mut waits_for = Vec::new();
            match &step.run_after {
                None => waits_for.extend(index.checked_sub(1)),
                Some(names) => {
                    for (position, name) in names.iter().enumerate() {
                        match find_step(spec, name) {
                            Some((found, _)) if found == index => problems.push(Problem::invalid(
                                format!("{}.runAfter[{position}]", step_field(index)),
                                Some(&step.name),
                                "a step cannot run after itself",
                                "remove the entry",
                            )),
                            Some((found, _)) if waits_for.contains(&found) => {}
                            Some((found, _)) => waits_for.push(found),
                            None => problems.push(Problem::invalid(
                                format!("{}.runAfter[{position}]", step_field(index)),
                                Some(&step.name),
                                format!("unknown step `{name}`"),
                                did_you_mean(
                                    name,
                                    spec.steps.iter().map(|step| step.name.as_str()),
                                    "use the name of a step of this workflow",
                                ),
                            )),
                        }
                    }
                }
            }
            order.waits_for.push(waits_for);
        }
        if let Some(cycle) = order.cycle() {
            order.is_cyclic = true;
            let name = |index: &usize| spec.steps.get(*index).map_or("", |step| step.name.as_str());
            let names: Vec<&str> = cycle.iter().map(name).collect();
            let first = cycle.first().copied().unwrap_or_default();
            problems.push(Problem::invalid(
                format!("{}.runAfter", step_field(first)),
                names.first().copied(),
                format!("dependency cycle between steps: `{}`", names.join("` after `")),
                "a step without `runAfter` runs after the preceding step; set `runAfter: []` to start it immediately",
            ));
        }
        order
    }

    /// Returns the steps that a step waits for, in the order of `runAfter`.
    pub(crate) fn waits_for(&self, step: usize) -> &[usize] {
        self.waits_for.get(step).map_or(&[], Vec::as_slice)
    }

    /// Returns whether `first` always ends before `then` starts. Returns true if there is a cycle, which is
    /// a problem of its own.
    pub(crate) fn is_before(&self, first: usize, then: usize) -> bool {
        if self.is_cyclic {
            return true;
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![then];
        while let Some(step) = open.pop() {
            for &earlier in self.waits_for(step) {
                if earlier == first {
                    return true;
                }
                if seen.insert(earlier) {
                    open.push(earlier);
                }
            }
        }
        false
    }

    /// Returns a cycle, beginning and ending with its first step as written.
    fn cycle(&self) -> Option<Vec<usize>> {
        let mut left: BTreeSet<usize> = (0..self.waits_for.len()).collect();
        loop {
            let free: Vec<usize> = left
                .iter()
                .copied()
                .filter(|step| {
                    self.waits_for(*step)
                        .iter()
                        .all(|earlier| !left.contains(earlier))
                })
                .collect();
            if free.is_empty() {
                break;
            }
            for step in free {
                left.remove(&step);
            }
        }
        // Every remaining step waits for a remaining step, so going back must revisit one.
        let mut path: Vec<usize> = vec![*left.first()?];
        loop {
            let step = *path.last()?;
            let earlier = *self
                .waits_for(step)
                .iter()
                .find(|earlier| left.contains(earlier))?;
            if let Some(position) = path.iter().position(|step| *step == earlier) {
                let mut cycle = path.split_off(position);
                let smallest = cycle.iter().enumerate().min_by_key(|(_, step)| **step)?.0;
                cycle.rotate_left(smallest);
                cycle.extend(cycle.first().copied());
                return Some(cycle);
            }
            path.push(earlier);
        }
    }
}
