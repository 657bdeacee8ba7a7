//! Test records, workflows and the resolution of their requirements.

use std::collections::BTreeMap;

use extension_registry_api::requirement::RequirementSpec;
use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::projection::{Layout, SourceKeys};
use extension_registry_core::record::{Name, Record, RecordKey, SourceSecret};
use extension_registry_core::requirement::{Mapping, Requirement};
use extension_registry_core::resolve::{Index, resolve};
use extension_registry_pipeline::{
    Input, Output, PatchError, Problem, ServiceBinding, Tekton, build,
};
use serde_json::Value;

pub(crate) use crate::records::{record, seed_records};

/// A value that must not appear in any pipeline.
pub(crate) const VALUE: &str = "never-in-a-pipeline";

pub(crate) fn workflow(yaml: &str) -> WorkflowSpec {
    serde_saphyr::from_str(yaml).expect("a workflow")
}

struct NoSources;

impl SourceKeys for NoSources {
    fn keys(&self, _: &SourceSecret) -> Option<Vec<Name>> {
        None
    }
}

fn requirement(spec: &RequirementSpec) -> Requirement {
    let name = |text: &Option<String>| text.as_deref().map(Name::from);
    let selected = &spec.requirement;
    Requirement {
        name: spec.name.as_str().into(),
        extension: name(&selected.extension),
        product: name(&selected.product),
        version: selected
            .version
            .as_ref()
            .map(|range| range.parse().expect("a range")),
        zone: name(&selected.zone),
        service: name(&selected.service),
        resource: name(&selected.resource),
        category: name(&selected.category),
        endpoint: name(&selected.endpoint),
        credentials: name(&selected.credentials),
        environment: selected.environment.as_ref().map(|mappings| {
            mappings
                .iter()
                .map(|mapping| Mapping {
                    variable: mapping.name.as_str().into(),
                    key: mapping.configuration.as_str().into(),
                })
                .collect()
        }),
    }
}

/// A requirement with its Secret and keys.
pub(crate) struct Resolved {
    requirement: Requirement,
    secret: String,
    layout: Layout,
    record: RecordKey,
}

impl Resolved {
    pub(crate) fn binding(&self) -> ServiceBinding<'_> {
        ServiceBinding {
            requirement: &self.requirement,
            secret: &self.secret,
            layout: &self.layout,
            record: &self.record,
        }
    }
}

/// Resolves a requirement; `None` if it is refused.
pub(crate) fn resolved(records: &[Record], spec: &RequirementSpec) -> Option<Resolved> {
    let mut index = Index::new();
    for record in records {
        index.insert(record.clone());
    }
    let requirement = requirement(spec);
    let choice = resolve(&index, &requirement, &Consumer::in_project("workloads")).ok()?;
    let secret = format!("ext-{}-{}", choice.record.key.name, choice.service().name);
    let layout = Layout::new(&choice, &NoSources).expect("no sources");
    Some(Resolved {
        requirement,
        secret,
        layout,
        record: choice.record.key.clone(),
    })
}

pub(crate) fn build_with(records: &[Record], spec: &WorkflowSpec) -> Result<Output, Vec<Problem>> {
    let resolved: BTreeMap<String, Vec<Resolved>> = spec
        .steps
        .iter()
        .map(|step| {
            let found = step
                .extensions
                .iter()
                .filter_map(|requirement| resolved(records, requirement))
                .collect();
            (step.name.clone(), found)
        })
        .collect();
    let bindings = resolved
        .iter()
        .map(|(step, resolved)| {
            (
                step.clone(),
                resolved.iter().map(Resolved::binding).collect(),
            )
        })
        .collect();
    build(&Input {
        name: "train",
        namespace: "workloads",
        spec,
        bindings: &bindings,
        engine: &Tekton,
    })
}

/// Builds the pipeline of a workflow with the test records.
pub(crate) fn built(yaml: &str) -> Output {
    let output = build_with(&seed_records(), &workflow(yaml))
        .unwrap_or_else(|problems| panic!("{}", format_problems(&problems)));
    assert!(
        !output.pipeline.to_string().contains(VALUE),
        "a value in the pipeline"
    );
    output
}

/// Returns the problems of a workflow with the test records, one per line.
pub(crate) fn refused(yaml: &str) -> String {
    format_problems(&build_with(&seed_records(), &workflow(yaml)).expect_err("no problem"))
}

pub(crate) fn format_problems(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.refusal.reason, problem.explained()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the task of a step.
pub(crate) fn task<'p>(pipeline: &'p Value, name: &str) -> &'p Value {
    tasks(pipeline)
        .iter()
        .find(|task| task["name"] == name)
        .unwrap_or_else(|| panic!("no task {name}"))
}

pub(crate) fn tasks(pipeline: &Value) -> &[Value] {
    pipeline["spec"]["tasks"].as_array().expect("tasks")
}

/// Returns the container of a step.
pub(crate) fn container<'p>(pipeline: &'p Value, name: &str) -> &'p Value {
    &task(pipeline, name)["taskSpec"]["steps"][0]
}

/// Returns a variable of a container.
pub(crate) fn variable<'c>(container: &'c Value, name: &str) -> &'c Value {
    let env = container["env"].as_array().expect("env");
    env.iter()
        .find(|variable| variable["name"] == name)
        .unwrap_or(&Value::Null)
}

/// Returns the names of the variables of a container.
pub(crate) fn variables(container: &Value) -> Vec<&str> {
    let env = container["env"].as_array().expect("env");
    env.iter()
        .filter_map(|variable| variable["name"].as_str())
        .collect()
}

pub(crate) fn format_errors(errors: &[PatchError]) -> String {
    errors
        .iter()
        .map(|error| {
            format!(
                "{:?} {}: {}",
                error.location,
                error.refusal.reason,
                error.refusal.explained()
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Compares a text with a snapshot.
pub(crate) fn same(name: &str, text: &str) {
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, text);
    });
}
