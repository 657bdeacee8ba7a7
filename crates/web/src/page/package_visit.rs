//! A request of an authenticated person, and the repositories of packages that it sees.

use askama::Template;
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_packages::catalog::FindError;
use extension_registry_packages::workspace::Workspace;
use http::StatusCode;

use super::frame::Frame;
use super::layout::{Layout, Section};
use crate::packages::Packages;
use crate::reply::{Problem, Reply};

/// A request, and the repositories that it sees.
pub(crate) struct PackageVisit {
    pub(crate) frame: Frame,
    packages: Packages,
}

/// How to configure a repository.
#[derive(Template)]
#[template(path = "no_packages.html")]
struct NoPackages {
    layout: Layout,
    is_hidden: bool,
}

impl PackageVisit {
    pub(crate) fn new(frame: Frame, packages: Packages) -> Self {
        Self { frame, packages }
    }

    /// Returns the opened configuration.
    pub(crate) fn workspace(&self) -> Result<&Workspace, Problem> {
        match &self.packages {
            Packages::Open(workspace) => Ok(workspace),
            Packages::Hidden => {
                let failure = Failure::new("packages are not shown here")
                    .hint("run `kubectl ext ui` on a machine with repositories of packages");
                Err(Problem::new(StatusCode::NOT_FOUND, failure))
            }
            Packages::Unusable(note) => {
                let failure = Failure::from(note.clone());
                Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, failure))
            }
        }
    }

    /// Returns the page that is shown in place of a list if no repository is configured.
    pub(crate) fn without_repositories(&self, section: Section, title: &str) -> Option<Reply> {
        let is_hidden = match &self.packages {
            Packages::Hidden => true,
            Packages::Open(workspace) if workspace.catalog.sources().is_empty() => false,
            Packages::Open(_) | Packages::Unusable(_) => return None,
        };
        if self.frame.is_json() {
            return None;
        }
        Some(Frame::page(&NoPackages {
            layout: self.frame.layout(section, title, &[]),
            is_hidden,
        }))
    }
}

/// Converts an error of finding a package. One that does not exist is distinguished from one that cannot be read.
pub(super) fn not_found(error: &FindError) -> Problem {
    let status = match error {
        FindError::NoPackage { failures, .. } | FindError::NoVersion { failures, .. }
            if failures.is_empty() =>
        {
            StatusCode::NOT_FOUND
        }
        FindError::OtherType { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_GATEWAY,
    };
    problem(status, error)
}

/// Converts an error with its hints.
pub(super) fn problem(status: StatusCode, error: &impl Explain) -> Problem {
    let failure = Failure::new(error.to_string());
    let failure = error.hints().into_iter().fold(failure, Failure::hint);
    Problem::new(status, failure)
}
