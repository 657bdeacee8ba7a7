//! Numbers the names and candidates of a universe, independently of the order in which they were gathered.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use extension_registry_core::version::VersionRange;

use super::platform::unmet;
use super::set::Set;
use super::universe::{Candidate, Origin, RequestedPackage, Universe};
use extension_registry_package_format::manifest::{Dependency, From, Kind};
use extension_registry_package_format::version;

/// Number of a name.
pub(super) type Name = usize;

/// The virtual package that depends on the requested packages.
pub(super) const ROOT: Name = usize::MAX;

/// A candidate, and why it can never be selected.
pub(super) struct MapEntry<'u> {
    pub(super) candidate: &'u Candidate,
    pub(super) rejection: Option<String>,
}

/// All candidates, numbered by ascending version.
pub(super) struct VersionMap<'u> {
    pub(super) universe: &'u Universe,
    names: Vec<&'u str>,
    numbers: BTreeMap<&'u str, Name>,
    entries: Vec<Vec<MapEntry<'u>>>,
    /// Numbers of candidates, the most preferred first.
    ranked: Vec<Vec<u32>>,
    /// Caches the candidates of each name that match a range.
    admitted: RefCell<HashMap<(Name, &'u VersionRange), Set>>,
}

/// A requirement on a package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Constraint<'u> {
    pub(super) range: &'u VersionRange,
    pub(super) kind: Option<&'u Kind>,
    pub(super) source: Source<'u>,
}

/// Where a package may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'u> {
    /// Any source.
    Any,
    /// The repository that the request names.
    Named(&'u str),
    /// The System Repository.
    System,
    /// The System Repository, or that of the dependent package; None if the latter is unknown.
    SameOrSystem(Option<&'u str>),
}

impl<'u> Constraint<'u> {
    pub(super) fn of(wanted: &'u RequestedPackage) -> Self {
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
                From::Same => Source::SameOrSystem(parent.origin.repository()),
            },
        }
    }
}

impl<'u> VersionMap<'u> {
    pub(super) fn new(universe: &'u Universe, wanted: &'u [RequestedPackage]) -> Self {
        let mut names: BTreeSet<&str> = universe.candidates.keys().map(String::as_str).collect();
        names.extend(wanted.iter().map(|one| one.name.as_str()));
        let all = universe.candidates.values().flatten();
        names.extend(all.flat_map(|one| one.dependencies.iter().map(|next| next.name.as_str())));
        let names: Vec<&str> = names.into_iter().collect();
        let numbers = names
            .iter()
            .enumerate()
            .map(|(number, name)| (*name, number));
        let entries: Vec<Vec<MapEntry<'u>>> =
            names.iter().map(|name| entries(universe, name)).collect();
        let ranked = names
            .iter()
            .zip(&entries)
            .map(|(name, entries)| ranked(universe, name, entries));
        Self {
            universe,
            numbers: numbers.collect(),
            ranked: ranked.collect(),
            names,
            entries,
            admitted: RefCell::default(),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<Name> {
        self.numbers.get(name).copied()
    }

    pub(super) fn name(&self, name: Name) -> &'u str {
        self.names.get(name).copied().unwrap_or_default()
    }

    /// Names with at least one candidate.
    pub(super) fn known(&self) -> impl Iterator<Item = &'u str> {
        let entries = self.names.iter().zip(&self.entries);
        entries
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(name, _)| *name)
    }

    pub(super) fn entries(&self, name: Name) -> &[MapEntry<'u>] {
        self.entries.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn entry(&self, name: Name, number: u32) -> Option<&MapEntry<'u>> {
        self.entries(name).get(number as usize)
    }

    /// Returns the most preferred candidate that fits.
    pub(super) fn first(&self, name: Name, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let ranked = self.ranked.get(name)?;
        ranked.iter().copied().find(|number| fits(*number))
    }

    /// Returns the candidates with a version in a range, whatever their origin.
    pub(super) fn admitted(&self, name: Name, range: &'u VersionRange) -> Set {
        let mut known = self.admitted.borrow_mut();
        let admitted = known.entry((name, range)).or_insert_with(|| {
            let entries = (0..).zip(self.entries(name));
            let fitting =
                entries.filter(|(_, entry)| version::admits(range, &entry.candidate.version));
            fitting.map(|(number, _)| number).collect()
        });
        admitted.clone()
    }

    /// Returns whether a candidate may come from its origin.
    pub(super) fn permits(
        &self,
        constraint: &Constraint<'_>,
        name: Name,
        candidate: &Candidate,
        approved: &BTreeSet<(String, String)>,
    ) -> bool {
        let system = self.universe.system.as_deref();
        let repository = candidate.origin.repository();
        match constraint.source {
            Source::Any => true,
            Source::Named(id) => repository == Some(id),
            _ if candidate.origin.is_installed() || (system.is_some() && repository == system) => {
                true
            }
            Source::System => false,
            Source::SameOrSystem(id) if id.is_some() && id == repository => true,
            Source::SameOrSystem(_) => approved.iter().any(|(approved, id)| {
                approved == self.name(name) && Some(id.as_str()) == repository
            }),
        }
    }
}

/// Returns the candidates of a name in the order of their numbers. Among equal versions, the repository that
/// comes first has the highest number.
fn entries<'u>(universe: &'u Universe, name: &str) -> Vec<MapEntry<'u>> {
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
        // Two candidates of one version and origin are a mistake; the choice between them must not depend on
        // the order.
        same.then_with(|| format!("{left:?}").cmp(&format!("{right:?}")))
    });
    candidates.dedup_by(|next, kept| next.version == kept.version && next.origin == kept.origin);
    let entries = candidates.into_iter();
    entries
        .map(|candidate| MapEntry {
            candidate,
            rejection: rejection(universe, name, candidate),
        })
        .collect()
}

/// Sort key of an origin, the preferred first.
fn place<'u>(universe: &Universe, origin: &'u Origin) -> (usize, Option<&'u str>, bool) {
    let id = origin.repository();
    let at = universe
        .order
        .iter()
        .position(|one| Some(one.as_str()) == id);
    (at.unwrap_or(usize::MAX), id, !origin.is_installed())
}

fn ranked(universe: &Universe, name: &str, entries: &[MapEntry<'_>]) -> Vec<u32> {
    let preferred = universe.preferred.get(name);
    let mut ranked: Vec<(u32, &MapEntry<'_>)> = (0..).zip(entries).collect();
    ranked.sort_by_key(|(number, entry)| {
        let Candidate {
            version, origin, ..
        } = entry.candidate;
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

/// Returns why a candidate can never be selected.
fn rejection(universe: &Universe, name: &str, candidate: &Candidate) -> Option<String> {
    if let Kind::Unsupported(kind) = &candidate.kind {
        return Some(format!("the type `{kind}` is not supported"));
    }
    if let Some(why) = &candidate.rejection {
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
        return Some(format!("requires {}", unmet.join(", and ")));
    }
    let itself = candidate.dependencies.iter().find(|dependency| {
        dependency.name == name
            && !dependency.optional
            && !version::admits(&dependency.range, &candidate.version)
    });
    itself.map(|dependency| format!("depends on version `{}` of itself", dependency.range))
}

/// Returns the requests for a package.
pub(super) fn root_constraints<'u>(
    map: &VersionMap<'_>,
    wanted: &'u [RequestedPackage],
    name: Name,
) -> Vec<Constraint<'u>> {
    let name = map.name(name);
    let mut wanted: Vec<&RequestedPackage> = wanted.iter().filter(|one| one.name == name).collect();
    wanted.sort_by_key(|one| (one.range.to_string(), one.repository.clone()));
    wanted.into_iter().map(Constraint::of).collect()
}
