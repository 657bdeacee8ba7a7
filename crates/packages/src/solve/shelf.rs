//! The universe in order: names and candidates have numbers, and the same universe has the same numbers in
//! whatever order it was gathered.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use extension_registry_core::version::VersionRange;

use super::platform::unmet;
use super::set::Set;
use super::universe::{Candidate, Origin, Universe, Wanted};
use crate::manifest::{Dependency, From, Kind};
use crate::version;

/// Number of a name.
pub(super) type Name = usize;

/// What asks for the packages that are wanted.
pub(super) const ROOT: Name = usize::MAX;

/// A candidate, and why it cannot be taken whoever asks.
pub(super) struct Offer<'u> {
    pub(super) candidate: &'u Candidate,
    pub(super) refused: Option<String>,
}

/// All candidates, numbered: the higher version has the higher number.
pub(super) struct Shelves<'u> {
    pub(super) universe: &'u Universe,
    names: Vec<&'u str>,
    numbers: BTreeMap<&'u str, Name>,
    offers: Vec<Vec<Offer<'u>>>,
    /// Numbers of candidates, the one to be taken first at the head.
    ranked: Vec<Vec<u32>>,
    /// A range is asked of every version of a name once.
    admitted: RefCell<HashMap<(Name, &'u VersionRange), Set>>,
}

/// What somebody asks of a package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask<'u> {
    pub(super) range: &'u VersionRange,
    pub(super) kind: Option<&'u Kind>,
    pub(super) source: Source<'u>,
}

/// Where it may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'u> {
    /// From wherever it is.
    Any,
    /// A person named a repository.
    Named(&'u str),
    /// The System Repository.
    System,
    /// The System Repository, or that of the package that asks; None is one that nobody knows.
    Beside(Option<&'u str>),
}

impl<'u> Ask<'u> {
    pub(super) fn of(wanted: &'u Wanted) -> Self {
        Self {
            range: &wanted.range,
            kind: wanted.kind.as_ref(),
            source: match &wanted.repository {
                Some(id) => Source::Named(id),
                None => Source::Any,
            },
        }
    }

    pub(super) fn by(parent: &'u Candidate, dependency: &'u Dependency) -> Self {
        Self {
            range: &dependency.range,
            kind: dependency.kind.as_ref(),
            source: match dependency.from {
                From::System => Source::System,
                From::Same => Source::Beside(parent.origin.repository()),
            },
        }
    }
}

impl<'u> Shelves<'u> {
    pub(super) fn new(universe: &'u Universe, wanted: &'u [Wanted]) -> Self {
        let mut names: BTreeSet<&str> = universe.candidates.keys().map(String::as_str).collect();
        names.extend(wanted.iter().map(|one| one.name.as_str()));
        let all = universe.candidates.values().flatten();
        names.extend(all.flat_map(|one| one.dependencies.iter().map(|next| next.name.as_str())));
        let names: Vec<&str> = names.into_iter().collect();
        let numbers = names
            .iter()
            .enumerate()
            .map(|(number, name)| (*name, number));
        let offers: Vec<Vec<Offer<'u>>> = names.iter().map(|name| offers(universe, name)).collect();
        let ranked = names
            .iter()
            .zip(&offers)
            .map(|(name, offers)| ranked(universe, name, offers));
        Self {
            universe,
            numbers: numbers.collect(),
            ranked: ranked.collect(),
            names,
            offers,
            admitted: RefCell::default(),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<Name> {
        self.numbers.get(name).copied()
    }

    pub(super) fn name(&self, name: Name) -> &'u str {
        self.names.get(name).copied().unwrap_or_default()
    }

    /// Names of which there is something.
    pub(super) fn known(&self) -> impl Iterator<Item = &'u str> {
        let offers = self.names.iter().zip(&self.offers);
        offers
            .filter(|(_, offers)| !offers.is_empty())
            .map(|(name, _)| *name)
    }

    pub(super) fn offers(&self, name: Name) -> &[Offer<'u>] {
        self.offers.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn offer(&self, name: Name, number: u32) -> Option<&Offer<'u>> {
        self.offers(name).get(number as usize)
    }

    /// Number of the candidate in a set that is to be taken first.
    pub(super) fn first(&self, name: Name, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let ranked = self.ranked.get(name)?;
        ranked.iter().copied().find(|number| fits(*number))
    }

    /// Candidates with a version in a range, wherever they are.
    pub(super) fn admitted(&self, name: Name, range: &'u VersionRange) -> Set {
        let mut known = self.admitted.borrow_mut();
        let admitted = known.entry((name, range)).or_insert_with(|| {
            let offers = (0..).zip(self.offers(name));
            let fitting =
                offers.filter(|(_, offer)| version::admits(range, &offer.candidate.version));
            fitting.map(|(number, _)| number).collect()
        });
        admitted.clone()
    }

    /// Whether the place of a candidate is one that it may come from.
    pub(super) fn permits(
        &self,
        ask: &Ask<'_>,
        name: Name,
        candidate: &Candidate,
        approved: &BTreeSet<(String, String)>,
    ) -> bool {
        let system = self.universe.system.as_deref();
        let repository = candidate.origin.repository();
        match ask.source {
            Source::Any => true,
            Source::Named(id) => repository == Some(id),
            _ if candidate.origin.is_installed() || (system.is_some() && repository == system) => {
                true
            }
            Source::System => false,
            Source::Beside(id) if id.is_some() && id == repository => true,
            Source::Beside(_) => approved.iter().any(|(approved, id)| {
                approved == self.name(name) && Some(id.as_str()) == repository
            }),
        }
    }
}

/// The candidates of a name, in the order of their numbers. Of the same version, the repository that comes
/// first has the highest.
fn offers<'u>(universe: &'u Universe, name: &str) -> Vec<Offer<'u>> {
    let mut candidates: Vec<&Candidate> = universe
        .candidates
        .get(name)
        .into_iter()
        .flatten()
        .collect();
    candidates.sort_by(|left, right| {
        let same = left.version.cmp(&right.version);
        let same =
            same.then_with(|| place(universe, &right.origin).cmp(&place(universe, &left.origin)));
        // Two of one version and place are a mistake; which of them stays must not depend on the order.
        same.then_with(|| format!("{left:?}").cmp(&format!("{right:?}")))
    });
    candidates.dedup_by(|next, kept| next.version == kept.version && next.origin == kept.origin);
    let offers = candidates.into_iter();
    offers
        .map(|candidate| Offer {
            candidate,
            refused: refused(universe, name, candidate),
        })
        .collect()
}

/// The lesser comes first.
fn place<'u>(universe: &Universe, origin: &'u Origin) -> (usize, Option<&'u str>, bool) {
    let id = origin.repository();
    let at = universe
        .order
        .iter()
        .position(|one| Some(one.as_str()) == id);
    (at.unwrap_or(usize::MAX), id, !origin.is_installed())
}

fn ranked(universe: &Universe, name: &str, offers: &[Offer<'_>]) -> Vec<u32> {
    let preferred = universe.preferred.get(name);
    let mut ranked: Vec<(u32, &Offer<'_>)> = (0..).zip(offers).collect();
    ranked.sort_by_key(|(number, offer)| {
        let Candidate {
            version, origin, ..
        } = offer.candidate;
        let is_other_version = preferred.is_none_or(|(locked, _)| locked != version);
        let is_other_place = preferred.is_none_or(|(_, id)| origin.repository() != Some(id));
        (
            is_other_version,
            !origin.is_installed(),
            is_other_place,
            std::cmp::Reverse(*number),
        )
    });
    ranked.into_iter().map(|(number, _)| number).collect()
}

/// Why a candidate cannot be taken, whoever asks for it.
fn refused(universe: &Universe, name: &str, candidate: &Candidate) -> Option<String> {
    if let Kind::Unsupported(kind) = &candidate.kind {
        return Some(format!("its type `{kind}` is none that this program knows"));
    }
    if let Some(why) = &candidate.barred {
        return Some(why.clone());
    }
    let unmet = candidate
        .requires
        .iter()
        .filter_map(|one| unmet(&universe.platform, one));
    let mut unmet: Vec<String> = unmet.collect();
    unmet.sort();
    unmet.dedup();
    if !unmet.is_empty() {
        return Some(format!("it requires {}", unmet.join(", and ")));
    }
    let itself = candidate.dependencies.iter().find(|dependency| {
        dependency.name == name
            && !dependency.optional
            && !version::admits(&dependency.range, &candidate.version)
    });
    itself.map(|dependency| format!("it needs itself in `{}`", dependency.range))
}
