//! Builders for universes of the solver.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use extension_registry_package_format::manifest::{Dependency, From, Kind, Requirement};
use extension_registry_package_solve::{
    Candidate, Origin, RequestedPackage, Solution, Universe, Unsolvable, solve,
};

/// A version of a package in the making.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) candidate: Candidate,
}

/// A version in a repository; `installed` and `installed:team` are what is here.
pub(crate) fn package(place: &str, name: &str, version: &str) -> Package {
    let origin = match place.split_once(':') {
        Some(("installed", from)) => Origin::Installed(Some(from.to_owned())),
        None if place == "installed" => Origin::Installed(None),
        _ => Origin::Repository(place.to_owned()),
    };
    Package {
        name: name.to_owned(),
        candidate: Candidate {
            version: version.parse().unwrap(),
            kind: Kind::Record,
            origin,
            dependencies: Vec::new(),
            requires: Vec::new(),
            rejection: None,
        },
    }
}

fn dependency(name: &str, range: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        kind: None,
        range: range.parse().unwrap(),
        optional: false,
        from: From::Same,
    }
}

impl Package {
    pub(crate) fn needs(mut self, name: &str, range: &str) -> Self {
        self.candidate.dependencies.push(dependency(name, range));
        self
    }

    pub(crate) fn can_use(mut self, name: &str, range: &str) -> Self {
        self.candidate.dependencies.push(Dependency {
            optional: true,
            ..dependency(name, range)
        });
        self
    }

    pub(crate) fn needs_of_the_system(mut self, name: &str, range: &str) -> Self {
        self.candidate.dependencies.push(Dependency {
            from: From::System,
            ..dependency(name, range)
        });
        self
    }

    pub(crate) fn needs_of_kind(mut self, name: &str, range: &str, kind: Kind) -> Self {
        self.candidate.dependencies.push(Dependency {
            kind: Some(kind),
            ..dependency(name, range)
        });
        self
    }

    pub(crate) fn requires(mut self, name: &str, range: &str) -> Self {
        self.candidate.requires.push(Requirement {
            name: name.to_owned(),
            range: range.parse().unwrap(),
        });
        self
    }

    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.candidate.kind = kind;
        self
    }

    pub(crate) fn rejection(mut self, why: &str) -> Self {
        self.candidate.rejection = Some(why.to_owned());
        self
    }
}

pub(crate) fn universe(packages: impl IntoIterator<Item = Package>) -> Universe {
    let mut universe = Universe::default();
    for package in packages {
        let shelf = universe.candidates.entry(package.name).or_default();
        shelf.push(package.candidate);
    }
    universe
}

/// Several versions of the same package.
pub(crate) fn versions(
    place: &str,
    name: &str,
    versions: &[&str],
    with: impl Fn(Package) -> Package,
) -> Vec<Package> {
    let versions = versions.iter();
    versions
        .map(|version| with(package(place, name, version)))
        .collect()
}

pub(crate) fn want(name: &str, range: &str) -> RequestedPackage {
    RequestedPackage {
        name: name.to_owned(),
        range: range.parse().unwrap(),
        kind: None,
        repository: None,
    }
}

/// What is chosen, as `name version`, in the order of the answer.
pub(crate) fn names(solution: &Solution) -> Vec<String> {
    let chosen = solution.chosen.iter();
    chosen
        .map(|one| format!("{} {}", one.name, one.version))
        .collect()
}

pub(crate) fn chosen(wanted: &[RequestedPackage], universe: &Universe) -> Vec<String> {
    names(&solve(wanted, universe).unwrap())
}

pub(crate) fn refused(wanted: &[RequestedPackage], universe: &Universe) -> Unsolvable {
    solve(wanted, universe).unwrap_err()
}
