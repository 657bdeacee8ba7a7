//! A version of a package: what it is, whether it is trusted, how to use it, and its document.

use askama::Template;
use extension_registry_core::diagnostic::{Explanation, Failure, Note};
use extension_registry_core::version::VersionRange;
use extension_registry_packages::answer::docs;
use extension_registry_packages::answer::info::{Described, Needed, Provided, describe, judge};
use extension_registry_packages::answer::type_for_people;
use extension_registry_packages::catalog::ResolvedVersion;
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::repository::DocumentFormat;
use extension_registry_packages::trust::other_document;
use http::StatusCode;

use super::commands::{Commands, commands};
use super::frame::Frame;
use super::layout::{Layout, Section};
use super::outcome::Link;
use super::package_visit::{PackageVisit, not_found, problem};
use crate::document::{Body, Document, document};
use crate::link;
use crate::reply::{Problem, Reply};

/// A package that is needed.
struct Dependency<'p> {
    search: String,
    needed: &'p Needed,
}

#[derive(Template)]
#[template(path = "package_version.html")]
struct Page<'p> {
    layout: Layout,
    package: &'p Described,
    kind: String,
    versions: String,
    repository: String,
    homepage: Option<Link>,
    dependencies: Vec<Dependency<'p>>,
    provides: Vec<String>,
    reasons: Vec<&'p Note>,
    commands: Commands,
    document: Option<Document>,
}

pub(crate) async fn page(visit: PackageVisit) -> Reply {
    let path = visit.frame.path();
    let [_, kind, name, version] = path.as_slice() else {
        return Err(Problem::not_found("page"));
    };
    let workspace = visit.workspace()?;
    let version = semver::Version::parse(version);
    let Ok(range) = version.map(|version| version.to_string().parse::<VersionRange>()) else {
        return Err(Problem::not_found(&format!("{kind} {name}")));
    };
    let range = range.map_err(|error| {
        let failure = Failure::new("invalid version").caused_by(error);
        Problem::new(StatusCode::NOT_FOUND, failure)
    })?;
    let wanted = Kind::of(kind);
    let found = workspace.catalog.find(name, &range, Some(&wanted));
    let resolved = found.await.map_err(|error| not_found(&error))?;
    let verdict = judge(workspace, &resolved).await;
    if visit.frame.is_json() {
        let verdict = verdict.map_err(|error| problem(StatusCode::BAD_GATEWAY, &error))?;
        return Frame::document(&describe(workspace, &resolved, verdict.as_ref()));
    }
    let mut notes = resolved.warnings.clone();
    let verdict = verdict.unwrap_or_else(|error| {
        notes.push(Note::of(&error));
        None
    });
    let package = describe(workspace, &resolved, verdict.as_ref());
    let document = read(&resolved, &mut notes).await;
    notes.extend(workspace.catalog.warnings());
    let dependencies = package.dependencies.iter().map(|needed| Dependency {
        search: link::query("/packages", &[("q", &needed.name)]),
        needed,
    });
    let page = Page {
        layout: visit.frame.layout(
            Section::Packages,
            format!("{} {}", package.name, package.version),
            &notes,
        ),
        kind: type_for_people(&package.kind),
        versions: link::path(&["packages", &package.kind, &package.name]),
        repository: link::query("/packages", &[("repository", &package.source)]),
        homepage: package.homepage.as_deref().map(homepage),
        dependencies: dependencies.collect(),
        provides: package.provides.iter().map(provided).collect(),
        reasons: package
            .reasons
            .iter()
            .map(|Explanation(note)| note)
            .collect(),
        commands: commands(&package),
        document,
        package: &package,
    };
    Frame::page(&page)
}

/// Reads the document. Without it, the page still shows the rest.
async fn read(resolved: &ResolvedVersion<'_>, notes: &mut Vec<Note>) -> Option<Document> {
    let release = &resolved.spec.release;
    let blob = release.document.as_ref()?;
    let bytes = match resolved.source.document(release).await {
        Ok(bytes) => bytes?,
        Err(error) => {
            notes.push(Note::of(&error));
            return None;
        }
    };
    let content = release.content.digest;
    let other = content.and_then(|content| other_document(&bytes, content));
    notes.extend(other.as_ref().map(Note::of));
    let format = DocumentFormat::of(blob.file.as_deref(), &bytes);
    let (name, version) = (release.name.clone(), release.version.clone());
    let prepared = tokio::task::spawn_blocking(move || {
        document(&docs::document(&name, &version, &bytes).text, format)
    });
    prepared.await.ok()
}

/// Returns a link to a web page; without a path if it is none.
fn homepage(text: &str) -> Link {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    Link {
        path: if is_web {
            text.to_owned()
        } else {
            String::new()
        },
        text: text.to_owned(),
    }
}

fn provided(one: &Provided) -> String {
    let parts = [&one.product, &one.resource, &one.category];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join("/")
}
