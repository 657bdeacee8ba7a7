//! A form for a requirement, and the verdict for each candidate.

use askama::Template;
use extension_registry_api::requirement::ServiceRequirement;
use extension_registry_query::explain::{Explanations, explain_requirement};
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::outcome::Shown;
use super::verdict::{Verdicts, verdicts};
use super::visit::Visit;
use crate::link;
use crate::reply::Reply;

/// Name of the requirement.
const NAME: &str = "requirement";

/// Parts of the query. An empty value is not a selector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    project: String,
    extension: String,
    product: String,
    version: String,
    resource: String,
    category: String,
    zone: String,
    service: String,
    all: bool,
}

impl Query {
    fn selectors(&self) -> [(&'static str, &'static str, &str); 7] {
        [
            ("product", "Product", &self.product),
            ("version", "Version", &self.version),
            ("resource", "Resource", &self.resource),
            ("category", "Category", &self.category),
            ("zone", "Zone", &self.zone),
            ("service", "Service", &self.service),
            ("extension", "Record", &self.extension),
        ]
    }

    fn is_empty(&self) -> bool {
        self.selectors()
            .iter()
            .all(|(_, _, value)| value.is_empty())
    }

    fn requirement(&self) -> ServiceRequirement {
        let filled = |text: &str| (!text.is_empty()).then(|| text.trim().to_owned());
        ServiceRequirement {
            extension: filled(&self.extension),
            product: filled(&self.product),
            version: filled(&self.version),
            resource: filled(&self.resource),
            category: filled(&self.category),
            zone: filled(&self.zone),
            service: filled(&self.service),
            ..ServiceRequirement::default()
        }
    }
}

#[derive(Template)]
#[template(path = "try.html")]
struct Page<'p> {
    layout: Layout,
    query: &'p Query,
    verdicts: Option<Verdicts>,
    /// The requirement as part of a binding.
    yaml: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let mut query: Query = visit.query()?;
    if query.project.is_empty() {
        "default".clone_into(&mut query.project);
    }
    let mut explanations = Explanations {
        requirements: Vec::new(),
    };
    if !query.is_empty() {
        let explanation = explain_requirement(
            visit.inventory(),
            &query.project,
            NAME,
            query.requirement(),
            query.all,
        );
        explanations.requirements.push(explanation);
    }
    let mut pairs = vec![("project", query.project.as_str()), ("all", "true")];
    pairs.extend(query.selectors().map(|(name, _, value)| (name, value)));
    let all = link::query("/try", &pairs);
    let explanation = explanations.requirements.first();
    let page = Page {
        layout: visit.layout(Section::Try, "Try a requirement"),
        verdicts: explanation.map(|one| verdicts(one, "candidates".to_owned(), all)),
        yaml: extension_registry_yaml::to_yaml(&query.requirement()).unwrap_or_default(),
        query: &query,
    };
    visit.reply(&explanations, &page)
}
