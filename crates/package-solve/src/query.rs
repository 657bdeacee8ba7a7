//! A query to pubgrub: requests and the rules that apply to them.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::rc::Rc;

use pubgrub::{
    Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError, VersionSet,
};

use super::proof::Tree;
use super::set::Set;
use super::universe::RequestedPackage;
use super::version_map::{Constraint, Name, ROOT, VersionMap, root_constraints};

/// Number of the only candidate of [`ROOT`].
const ONLY: u32 = 0;

/// The packages that a candidate depends on, with the acceptable candidates of each.
type DependencyList = Rc<Vec<(Name, Set)>>;

/// A query. Its rules can be relaxed to find hints.
pub(super) struct Query<'s, 'u> {
    pub(super) map: &'s VersionMap<'u>,
    roots: Vec<(Name, Set)>,
    approved: BTreeSet<(String, String)>,
    /// The parent and child of a dependency whose range is ignored.
    relaxed: Option<(Name, Name)>,
    needs: RefCell<HashMap<(Name, u32), DependencyList>>,
    steps: Cell<u64>,
}

/// Why there is no solution.
pub(super) enum Failure {
    /// The requests are incompatible.
    Proved(Tree),
    /// The step limit was reached.
    StepLimit,
}

/// The step limit was reached.
#[derive(thiserror::Error, Debug)]
#[error("too many steps")]
pub(super) struct StepLimitReached;

impl<'s, 'u> Query<'s, 'u> {
    /// Creates a query for the requested packages with a step limit.
    pub(super) fn new(map: &'s VersionMap<'u>, wanted: &'u [RequestedPackage], steps: u64) -> Self {
        let mut roots = BTreeMap::<&str, Vec<Constraint<'u>>>::new();
        for one in wanted {
            roots
                .entry(&one.name)
                .or_default()
                .push(Constraint::of(one));
        }
        let approved = &map.universe.approved;
        let roots = roots.into_iter().filter_map(|(name, constraints)| {
            let name = map.number(name)?;
            Some((name, fitting(map, name, &constraints, approved)))
        });
        Self::of(map, roots.collect(), steps)
    }

    /// Accepts any version of a requested name. None if that changes nothing.
    pub(super) fn widening(mut self, name: Name, wanted: &'u [RequestedPackage]) -> Option<Self> {
        let constraints = root_constraints(self.map, wanted, name);
        let wide = released(self.map, name, &constraints, &self.approved);
        let (_, set) = self.roots.iter_mut().find(|(root, _)| *root == name)?;
        if wide.subset_of(set) {
            return None;
        }
        *set = wide;
        Some(self)
    }

    pub(super) fn of(map: &'s VersionMap<'u>, roots: Vec<(Name, Set)>, steps: u64) -> Self {
        Self {
            map,
            roots,
            approved: map.universe.approved.clone(),
            relaxed: None,
            needs: RefCell::default(),
            steps: Cell::new(steps),
        }
    }

    /// Also accepts these packages from these repositories, whatever depends on them.
    pub(super) fn approving(mut self, more: &BTreeSet<(String, String)>) -> Self {
        self.approved.extend(more.iter().cloned());
        self
    }

    /// Accepts any version of the child as a dependency of the parent.
    pub(super) fn relaxing(mut self, parent: Name, child: Name) -> Self {
        self.relaxed = Some((parent, child));
        self
    }

    /// Returns what one version of a package requires of another.
    pub(super) fn constraints(
        &self,
        parent: Name,
        number: u32,
        child: Name,
    ) -> Vec<Constraint<'u>> {
        let Some(entry) = self.map.entry(parent, number) else {
            return Vec::new();
        };
        let name = self.map.name(child);
        let dependencies = entry.candidate.dependencies.iter();
        dependencies
            .filter(|dependency| dependency.name == name && !dependency.optional)
            .map(|dependency| Constraint::by(entry.candidate, dependency))
            .collect()
    }

    /// Returns what a candidate depends on. Dependencies on itself are checked before.
    pub(super) fn needs(&self, name: Name, number: u32) -> DependencyList {
        if let Some(needs) = self.needs.borrow().get(&(name, number)) {
            return Rc::clone(needs);
        }
        let mut constraints = BTreeMap::<Name, Vec<Constraint<'u>>>::new();
        if let Some(entry) = self.map.entry(name, number) {
            for dependency in &entry.candidate.dependencies {
                let Some(child) = self.map.number(&dependency.name) else {
                    continue;
                };
                if !dependency.optional && child != name {
                    constraints
                        .entry(child)
                        .or_default()
                        .push(Constraint::by(entry.candidate, dependency));
                }
            }
        }
        let needs = constraints.into_iter().map(|(child, constraints)| {
            let set = if self.relaxed == Some((name, child)) {
                released(self.map, child, &constraints, &self.approved)
            } else {
                fitting(self.map, child, &constraints, &self.approved)
            };
            (child, set)
        });
        let needs: DependencyList = Rc::new(needs.collect());
        self.needs
            .borrow_mut()
            .insert((name, number), Rc::clone(&needs));
        needs
    }

    /// Returns the number of steps left.
    pub(super) fn left(&self) -> u64 {
        self.steps.get()
    }

    /// Solves the query: one candidate for each name.
    pub(super) fn answer(&self) -> Result<BTreeMap<Name, u32>, Failure> {
        match pubgrub::resolve(self, ROOT, ONLY) {
            Ok(selected) => Ok(selected
                .into_iter()
                .filter(|(name, _)| *name != ROOT)
                .collect()),
            Err(PubGrubError::NoSolution(tree)) => Err(Failure::Proved(tree)),
            Err(_) => Err(Failure::StepLimit),
        }
    }
}

/// Returns the candidates that satisfy all requirements.
pub(super) fn fitting<'u>(
    map: &VersionMap<'u>,
    name: Name,
    constraints: &[Constraint<'u>],
    approved: &BTreeSet<(String, String)>,
) -> Set {
    let admitted = constraints
        .iter()
        .map(|constraint| map.admitted(name, constraint.range))
        .fold(Set::full(), |all, one| all.intersection(&one));
    eligible(map, name, constraints, approved, |number, _| {
        admitted.contains(&number)
    })
}

/// Returns the candidates that satisfy all requirements but those on the version.
fn released(
    map: &VersionMap<'_>,
    name: Name,
    constraints: &[Constraint<'_>],
    approved: &BTreeSet<(String, String)>,
) -> Set {
    eligible(map, name, constraints, approved, |_, version| {
        version.pre.is_empty()
    })
}

fn eligible(
    map: &VersionMap<'_>,
    name: Name,
    constraints: &[Constraint<'_>],
    approved: &BTreeSet<(String, String)>,
    has_version: impl Fn(u32, &semver::Version) -> bool,
) -> Set {
    let entries = (0..).zip(map.entries(name));
    let fits = entries.filter(|(number, entry)| {
        has_version(*number, &entry.candidate.version)
            && entry.rejection.is_none()
            && constraints.iter().all(|constraint| {
                constraint
                    .kind
                    .is_none_or(|kind| *kind == entry.candidate.kind)
                    && map.permits(constraint, name, entry.candidate, approved)
            })
    });
    fits.map(|(number, _)| number).collect()
}

impl DependencyProvider for Query<'_, '_> {
    type P = Name;
    type V = u32;
    type VS = Set;
    type M = Infallible;
    type Err = StepLimitReached;
    /// Requested packages are decided first, so that they get their newest version; then those with the most
    /// conflicts, then those with the fewest candidates, then by name.
    type Priority = (bool, u32, Reverse<usize>, Reverse<Name>);

    fn prioritize(
        &self,
        name: &Name,
        range: &Set,
        conflicts: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let is_wanted = self.roots.iter().any(|(root, _)| root == name);
        let count = range.count(self.map.entries(*name).len());
        (
            is_wanted,
            conflicts.conflict_count(),
            Reverse(count),
            Reverse(*name),
        )
    }

    fn choose_version(&self, name: &Name, range: &Set) -> Result<Option<u32>, StepLimitReached> {
        if *name == ROOT {
            return Ok(Some(ONLY));
        }
        Ok(self.map.first(*name, |number| range.contains(&number)))
    }

    fn get_dependencies(
        &self,
        name: &Name,
        number: &u32,
    ) -> Result<Dependencies<Name, Set, Infallible>, StepLimitReached> {
        let needs = if *name == ROOT {
            self.roots.iter().cloned().collect()
        } else {
            self.needs(*name, *number).iter().cloned().collect()
        };
        Ok(Dependencies::Available(needs))
    }

    fn should_cancel(&self) -> Result<(), StepLimitReached> {
        let left = self.steps.get().checked_sub(1).ok_or(StepLimitReached)?;
        self.steps.set(left);
        Ok(())
    }
}
