//! The repositories of packages, those that failed included.

use askama::Template;
use extension_registry_packages::answer::repositories::{Row, list};

use super::layout::{Layout, Section};
use super::package_visit::PackageVisit;
use crate::link;
use crate::reply::Reply;

#[derive(Template)]
#[template(path = "repositories.html")]
struct Page<'p> {
    layout: Layout,
    rows: Vec<(String, &'p Row)>,
}

pub(crate) async fn page(visit: PackageVisit) -> Reply {
    let (section, title) = (Section::Repositories, "Repositories");
    if let Some(reply) = visit.without_repositories(section, title) {
        return reply;
    }
    let catalog = &visit.workspace()?.catalog;
    let listed = list(catalog, false).await;
    let rows = listed.repositories.iter().map(|row| {
        let packages = link::query("/packages", &[("repository", &row.name)]);
        (packages, row)
    });
    let page = Page {
        layout: visit.frame.layout(section, title, &catalog.warnings()),
        rows: rows.collect(),
    };
    visit.frame.reply(&listed, &page)
}
