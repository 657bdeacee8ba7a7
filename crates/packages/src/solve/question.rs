//! One question to pubgrub: what is wanted, under which rules.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::rc::Rc;

use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, PackageResolutionStatistics, PubGrubError,
    VersionSet,
};

use super::set::Set;
use super::shelf::{Ask, Name, ROOT, Shelves};
use super::universe::Wanted;
use super::wording;

/// The proof that there is no answer.
pub(super) type Tree = DerivationTree<Name, Set, Infallible>;

/// The number of the one candidate of [`ROOT`].
const ONLY: u32 = 0;

/// The packages that a candidate needs, and which of their candidates will do.
type Needs = Rc<Vec<(Name, Set)>>;

/// A question. Its rules can be bent, to see what would help.
pub(super) struct Question<'s, 'u> {
    pub(super) shelves: &'s Shelves<'u>,
    roots: Vec<(Name, Set)>,
    approved: BTreeSet<(String, String)>,
    /// The name in whose dependency on the other any version will do.
    relaxed: Option<(Name, Name)>,
    needs: RefCell<HashMap<(Name, u32), Needs>>,
    steps: Cell<u64>,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// There can be none.
    Proved(Tree),
    /// The time for it was used up.
    GaveUp,
}

/// A question took more steps than it may.
#[derive(thiserror::Error, Debug)]
#[error("too many steps")]
pub(super) struct TooLong;

impl<'s, 'u> Question<'s, 'u> {
    /// What is wanted, under the rules of the universe. After so many steps there is no answer.
    pub(super) fn new(shelves: &'s Shelves<'u>, wanted: &'u [Wanted], steps: u64) -> Self {
        let mut roots = BTreeMap::<&str, Vec<Ask<'u>>>::new();
        for one in wanted {
            roots.entry(&one.name).or_default().push(Ask::of(one));
        }
        let approved = &shelves.universe.approved;
        let roots = roots.into_iter().filter_map(|(name, asks)| {
            let name = shelves.number(name)?;
            Some((name, fitting(shelves, name, &asks, approved)))
        });
        Self::of(shelves, roots.collect(), steps)
    }

    /// The same, where any version of a name that is wanted will do. None where that changes nothing.
    pub(super) fn widening(mut self, name: Name, wanted: &'u [Wanted]) -> Option<Self> {
        let asks = wording::root_asks(self.shelves, wanted, name);
        let wide = released(self.shelves, name, &asks, &self.approved);
        let (_, set) = self.roots.iter_mut().find(|(root, _)| *root == name)?;
        if wide.subset_of(set) {
            return None;
        }
        *set = wide;
        Some(self)
    }

    pub(super) fn of(shelves: &'s Shelves<'u>, roots: Vec<(Name, Set)>, steps: u64) -> Self {
        Self {
            shelves,
            roots,
            approved: shelves.universe.approved.clone(),
            relaxed: None,
            needs: RefCell::default(),
            steps: Cell::new(steps),
        }
    }

    /// The same, where these may come from these repositories for whoever needs them.
    pub(super) fn approving(mut self, more: &BTreeSet<(String, String)>) -> Self {
        self.approved.extend(more.iter().cloned());
        self
    }

    /// The same, where any version of the one will do for the other.
    pub(super) fn relaxing(mut self, parent: Name, child: Name) -> Self {
        self.relaxed = Some((parent, child));
        self
    }

    /// What is asked of a package by another in one version.
    pub(super) fn asks(&self, parent: Name, number: u32, child: Name) -> Vec<Ask<'u>> {
        let Some(offer) = self.shelves.offer(parent, number) else {
            return Vec::new();
        };
        let name = self.shelves.name(child);
        let dependencies = offer.candidate.dependencies.iter();
        dependencies
            .filter(|dependency| dependency.name == name && !dependency.optional)
            .map(|dependency| Ask::by(offer.candidate, dependency))
            .collect()
    }

    /// What a candidate needs. What it needs of itself was looked at already.
    pub(super) fn needs(&self, name: Name, number: u32) -> Needs {
        if let Some(needs) = self.needs.borrow().get(&(name, number)) {
            return Rc::clone(needs);
        }
        let mut asks = BTreeMap::<Name, Vec<Ask<'u>>>::new();
        if let Some(offer) = self.shelves.offer(name, number) {
            for dependency in &offer.candidate.dependencies {
                let Some(child) = self.shelves.number(&dependency.name) else {
                    continue;
                };
                if !dependency.optional && child != name {
                    asks.entry(child)
                        .or_default()
                        .push(Ask::by(offer.candidate, dependency));
                }
            }
        }
        let needs = asks.into_iter().map(|(child, asks)| {
            let set = if self.relaxed == Some((name, child)) {
                released(self.shelves, child, &asks, &self.approved)
            } else {
                fitting(self.shelves, child, &asks, &self.approved)
            };
            (child, set)
        });
        let needs: Needs = Rc::new(needs.collect());
        self.needs
            .borrow_mut()
            .insert((name, number), Rc::clone(&needs));
        needs
    }

    /// The steps that it may still take.
    pub(super) fn left(&self) -> u64 {
        self.steps.get()
    }

    /// The answer: a candidate for each name that is in it.
    pub(super) fn answer(&self) -> Result<BTreeMap<Name, u32>, Failure> {
        match pubgrub::resolve(self, ROOT, ONLY) {
            Ok(selected) => Ok(selected
                .into_iter()
                .filter(|(name, _)| *name != ROOT)
                .collect()),
            Err(PubGrubError::NoSolution(tree)) => Err(Failure::Proved(tree)),
            Err(_) => Err(Failure::GaveUp),
        }
    }
}

/// The candidates that will do for all that is asked of them.
pub(super) fn fitting<'u>(
    shelves: &Shelves<'u>,
    name: Name,
    asks: &[Ask<'u>],
    approved: &BTreeSet<(String, String)>,
) -> Set {
    let admitted = asks
        .iter()
        .map(|ask| shelves.admitted(name, ask.range))
        .fold(Set::full(), |all, one| all.intersection(&one));
    eligible(shelves, name, asks, approved, |number, _| {
        admitted.contains(&number)
    })
}

/// The candidates that would do if their version did not matter.
fn released(
    shelves: &Shelves<'_>,
    name: Name,
    asks: &[Ask<'_>],
    approved: &BTreeSet<(String, String)>,
) -> Set {
    eligible(shelves, name, asks, approved, |_, version| {
        version.pre.is_empty()
    })
}

fn eligible(
    shelves: &Shelves<'_>,
    name: Name,
    asks: &[Ask<'_>],
    approved: &BTreeSet<(String, String)>,
    has_version: impl Fn(u32, &semver::Version) -> bool,
) -> Set {
    let offers = (0..).zip(shelves.offers(name));
    let fits = offers.filter(|(number, offer)| {
        has_version(*number, &offer.candidate.version)
            && offer.refused.is_none()
            && asks.iter().all(|ask| {
                ask.kind.is_none_or(|kind| *kind == offer.candidate.kind)
                    && shelves.permits(ask, name, offer.candidate, approved)
            })
    });
    fits.map(|(number, _)| number).collect()
}

impl DependencyProvider for Question<'_, '_> {
    type P = Name;
    type V = u32;
    type VS = Set;
    type M = Infallible;
    type Err = TooLong;
    /// What is wanted comes first, so that it has its newest version. Then what was in the way most often, then
    /// what leaves the least choice. The name decides the rest.
    type Priority = (bool, u32, Reverse<usize>, Reverse<Name>);

    fn prioritize(
        &self,
        name: &Name,
        range: &Set,
        conflicts: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let is_wanted = self.roots.iter().any(|(root, _)| root == name);
        let count = range.count(self.shelves.offers(*name).len());
        (
            is_wanted,
            conflicts.conflict_count(),
            Reverse(count),
            Reverse(*name),
        )
    }

    fn choose_version(&self, name: &Name, range: &Set) -> Result<Option<u32>, TooLong> {
        if *name == ROOT {
            return Ok(Some(ONLY));
        }
        Ok(self.shelves.first(*name, |number| range.contains(&number)))
    }

    fn get_dependencies(
        &self,
        name: &Name,
        number: &u32,
    ) -> Result<Dependencies<Name, Set, Infallible>, TooLong> {
        let needs = if *name == ROOT {
            self.roots.iter().cloned().collect()
        } else {
            self.needs(*name, *number).iter().cloned().collect()
        };
        Ok(Dependencies::Available(needs))
    }

    fn should_cancel(&self) -> Result<(), TooLong> {
        let left = self.steps.get().checked_sub(1).ok_or(TooLong)?;
        self.steps.set(left);
        Ok(())
    }
}
