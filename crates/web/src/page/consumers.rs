//! The lists of workflows and bindings.

use std::collections::BTreeMap;

use askama::Template;
use extension_registry_query::consumer::{ConsumerName, ObjectName};
use extension_registry_query::resolve::{Answer, Answers};
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::outcome::{Link, Shown, shown};
use super::paging::Paging;
use super::visit::Visit;
use crate::link;
use crate::reply::Reply;

/// Parts of the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    q: String,
    page: Option<usize>,
}

/// A workflow or binding.
struct Row {
    namespace: String,
    object: Link,
    requirements: usize,
    refused: usize,
    /// The only result, or the first refusal.
    result: Option<Shown>,
}

#[derive(Template)]
#[template(path = "consumers.html")]
struct Page<'p> {
    layout: Layout,
    path: &'static str,
    kind: &'static str,
    query: &'p Query,
    rows: Vec<Row>,
    paging: Paging,
}

pub(crate) fn workflows(visit: &Visit) -> Reply {
    page(visit, Section::Workflows)
}

pub(crate) fn bindings(visit: &Visit) -> Reply {
    page(visit, Section::Bindings)
}

fn page(visit: &Visit, section: Section) -> Reply {
    let query: Query = visit.query()?;
    let is_bindings = section == Section::Bindings;
    let (path, title, kind) = if is_bindings {
        ("/bindings", "Bindings", "Binding")
    } else {
        ("/workflows", "Workflows", "Workflow")
    };
    let text = query.q.trim().to_lowercase();
    let has_text = |namespace: &str, name: &str| {
        namespace.to_lowercase().contains(&text) || name.to_lowercase().contains(&text)
    };
    let all = visit.answers();
    let is_listed = |answer: &&Answer| {
        matches!(answer.consumer, ConsumerName::Binding { .. }) == is_bindings
            && has_text(&answer.namespace, answer.consumer.object().name())
    };
    let answers: Vec<&Answer> = all.answers.iter().filter(is_listed).collect();
    if visit.is_json() {
        let problems = all.problems.iter().filter(|problem| {
            matches!(problem.object, ObjectName::Binding { .. }) == is_bindings
                && has_text(&problem.namespace, problem.object.name())
        });
        let document = Answers {
            answers: answers.into_iter().cloned().collect(),
            problems: problems.cloned().collect(),
        };
        return Visit::document(&document);
    }
    let mut objects: BTreeMap<(String, String), Vec<&Answer>> = BTreeMap::new();
    let inventory = visit.inventory();
    if !is_bindings {
        // Workflows without requirements have no answers.
        for entry in &inventory.workflows {
            if has_text(&entry.key.namespace, &entry.key.name) {
                let key = (entry.key.namespace.to_string(), entry.key.name.to_string());
                objects.entry(key).or_default();
            }
        }
    }
    for answer in answers {
        let key = (
            answer.namespace.clone(),
            answer.consumer.object().name().to_owned(),
        );
        objects.entry(key).or_default().push(answer);
    }
    let paging = Paging::new(objects.len(), query.page, path, &[("q", &query.q)]);
    let rows = paging.rows(objects.into_iter().collect());
    let part = if is_bindings { "bindings" } else { "workflows" };
    let page = Page {
        layout: visit.layout(section, title),
        path,
        kind,
        query: &query,
        rows: rows.into_iter().map(|one| row(part, one)).collect(),
        paging,
    };
    Visit::page(&page)
}

fn row(part: &str, ((namespace, name), answers): ((String, String), Vec<&Answer>)) -> Row {
    let refused = answers.iter().filter(|answer| !answer.is_bound());
    let first = refused.clone().next();
    let only = answers.first().filter(|_| answers.len() == 1);
    Row {
        object: Link {
            path: link::path(&[part, &namespace, &name]),
            text: name,
        },
        requirements: answers.len(),
        refused: refused.count(),
        result: first
            .or(only)
            .map(|answer| shown(&namespace, &answer.outcome)),
        namespace,
    }
}
