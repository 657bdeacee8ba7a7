//! A workflow or a binding: its requirements, and the verdict for each candidate.

use askama::Template;
use extension_registry_query::explain::{Explanations, explain_binding, explain_workflow};
use extension_registry_render::ObjectKey;
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::outcome::Shown;
use super::verdict::{Verdicts, verdicts};
use super::visit::Visit;
use crate::link;
use crate::reply::{Problem, Reply};

/// Parts of the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    /// Whether to list all candidates.
    all: bool,
}

#[derive(Template)]
#[template(path = "consumer.html")]
struct Page {
    layout: Layout,
    kind: &'static str,
    namespace: String,
    name: String,
    requirements: Vec<Verdicts>,
}

pub(crate) fn workflow(visit: &Visit) -> Reply {
    let (key, all) = key(visit)?;
    let explained = explain_workflow(visit.inventory(), &key, all);
    page(visit, Section::Workflows, &key, explained)
}

pub(crate) fn binding(visit: &Visit) -> Reply {
    let (key, all) = key(visit)?;
    let explained = explain_binding(visit.inventory(), &key, all);
    page(visit, Section::Bindings, &key, explained)
}

fn key(visit: &Visit) -> Result<(ObjectKey, bool), Problem> {
    let query: Query = visit.query()?;
    match visit.path().as_slice() {
        [_, namespace, name] => Ok((ObjectKey::new(namespace.as_str(), name.as_str()), query.all)),
        _ => Err(Problem::not_found("page")),
    }
}

fn page(
    visit: &Visit,
    section: Section,
    key: &ObjectKey,
    explained: Option<Explanations>,
) -> Reply {
    let (kind, part) = match section {
        Section::Bindings => ("ExtensionBinding", "bindings"),
        _ => ("Workflow", "workflows"),
    };
    let Some(explained) = explained else {
        return Err(Problem::not_found(&format!("{kind} {key}")));
    };
    let path = link::path(&[part, &key.namespace, &key.name]);
    let all = link::query(&path, &[("all", "true")]);
    let requirements = explained.requirements.iter().enumerate();
    let page = Page {
        layout: visit.layout(section, &*key.name),
        kind,
        requirements: requirements
            .map(|(number, one)| verdicts(one, format!("candidates-{number}"), all.clone()))
            .collect(),
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
    };
    visit.reply(&explained, &page)
}
