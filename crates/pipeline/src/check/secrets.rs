//! Checks the Secrets that variables of steps reference: literal names, and none that the operator renders.

use extension_registry_api::convert::is_subdomain;
use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::projection::RENDERED_PREFIX;

use crate::problem::Problem;
use crate::spec::step_field;

pub(super) fn check(spec: &WorkflowSpec, problems: &mut Vec<Problem>) {
    for (index, step) in spec.steps.iter().enumerate() {
        for (position, variable) in step.env.iter().enumerate() {
            let source = variable.value_from.as_ref();
            let Some(secret) = source.and_then(|source| source.secret_key_ref.as_ref()) else {
                continue;
            };
            let (message, hint) = if !is_subdomain(&secret.name) {
                (
                    "invalid Secret name",
                    "use a literal name: lowercase letters, digits, `-` or `.`, and no expression",
                )
            } else if secret.name.starts_with(RENDERED_PREFIX) {
                (
                    "Secrets named `ext-…` are managed by the operator",
                    "use a requirement under `steps[].extensions`",
                )
            } else {
                continue;
            };
            problems.push(Problem::invalid(
                format!(
                    "{}.env[{position}].valueFrom.secretKeyRef.name",
                    step_field(index)
                ),
                Some(&step.name),
                message,
                hint,
            ));
        }
    }
}
