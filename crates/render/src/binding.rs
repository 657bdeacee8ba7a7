//! Desired state of a binding: the service that it selects, and its Secrets.

use std::collections::BTreeMap;
use std::fmt::Write;

use extension_registry_api::ExtensionProjection;
use extension_registry_api::binding::{BindingChoice, BindingEnvironment, BindingSecret};
use extension_registry_api::convert::{BindingRequirement, FieldError};
use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::projection::environment::environment;
use extension_registry_core::projection::{
    Identity, Layout, binding_environment_secret, binding_secret, files,
};
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::{Choice, CurrentChoice, Index, keep, resolve};
use k8s_openapi::api::core::v1::Secret;

use crate::ObjectKey;
use crate::projection::{check_size, missing_sources, projection, secret};
use crate::source::ValueView;

/// Field of errors of the binding as a whole.
const SPEC: &str = "spec";

/// The service that a binding selects.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The service to use.
    pub choice: Choice,
    /// The service to keep if `choice` is another one and cannot be rendered.
    pub fallback: Option<Choice>,
    /// What the requirement would select now, without a service to keep.
    pub fresh: Result<Choice, Refusal>,
}

impl Selection {
    /// Returns the service that the binding would select instead of `used`, if it is another one.
    #[must_use]
    pub fn better(&self, used: &Choice) -> Option<&Choice> {
        let fresh = self.fresh.as_ref().ok();
        fresh.filter(|fresh| !fresh.is_same(used))
    }

    /// Describes the service that the binding would select instead of `used`, if it is another one.
    #[must_use]
    pub fn superseded(&self, used: &Choice) -> Option<String> {
        let better = self.better(used)?;
        let mut text = format!(
            "the requirement now selects service `{}` of {}",
            better.service().name,
            better.record.key
        );
        let endpoint = better.endpoint().map(|endpoint| &endpoint.name);
        let credentials = better.credentials().map(|set| &set.name);
        for (part, name) in [("endpoint", endpoint), ("credentials", credentials)] {
            if let Some(name) = name {
                let _ = write!(text, ", {part} `{name}`");
            }
        }
        Some(text)
    }
}

/// Selects the service of a binding. The current one is kept while it exists, matches and grants access, unless the
/// binding `moves`: it follows the registry, or a user asked it to.
///
/// # Errors
/// The refusal of the requirement, if there is no service to keep.
pub fn select(
    index: &Index,
    binding: &BindingRequirement,
    consumer: &Consumer,
    current: Option<&CurrentChoice>,
    moves: bool,
) -> Result<Selection, Refusal> {
    let requirement = &binding.requirement;
    let fresh = resolve(index, requirement, consumer);
    let kept = current.and_then(|current| keep(index, requirement, consumer, current));
    let (choice, fallback) = match (kept, &fresh) {
        (None, Ok(fresh)) => (fresh.clone(), None),
        (Some(kept), Ok(fresh)) if moves && !fresh.is_same(&kept) => (fresh.clone(), Some(kept)),
        (Some(kept), _) => (kept, None),
        (None, Err(refusal)) => return Err(without_user(refusal)),
    };
    Ok(Selection {
        choice,
        fallback,
        fresh,
    })
}

/// Adds that a binding has no user. The text is the same whether or not a user has access, so it reveals nothing.
fn without_user(refusal: &Refusal) -> Refusal {
    let mut refusal = refusal.clone();
    match refusal.reason {
        Reason::NoAccess => {
            refusal.message.push_str(
                "; a binding has no user, so credentials of scope `user` are not available to it",
            );
            "use credentials of scope `project` or `global`, or a step of a Workflow, which has an author"
                .clone_into(&mut refusal.hint);
        }
        // Not after a suggestion, which explains the refusal.
        Reason::NotFound if !refusal.hint.ends_with('?') => {
            let note = "; records that are limited to users are not available to a binding";
            refusal.hint.push_str(note);
        }
        _ => {}
    }
    refusal
}

/// Desired state of a binding.
pub struct Prepared {
    /// Identity of the projection.
    pub identity: Identity,
    /// The projection, owned by its record.
    pub projection: ExtensionProjection,
    /// Secret with the files; the caller sets the owner of both once the projection has a UID.
    pub files: Secret,
    /// Secret with the environment variables.
    pub environment: Secret,
    /// Description for the status.
    pub described: Described,
}

/// The parts of the status that describe the selected service.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The Secret with the files.
    pub binding: BindingSecret,
    /// The Secret with the variables.
    pub environment: BindingEnvironment,
    /// The service.
    pub choice: BindingChoice,
    /// Warnings.
    pub notes: Vec<String>,
}

/// Returns the key of the projection of a binding, which is also that of the Secret with the files.
#[must_use]
pub fn projection_key(binding: &ObjectKey) -> ObjectKey {
    ObjectKey::new(binding.namespace.clone(), binding_secret(&binding.name))
}

/// Returns the key of the Secret with the environment variables of a binding.
#[must_use]
pub fn environment_key(binding: &ObjectKey) -> ObjectKey {
    let name = binding_environment_secret(&binding.name);
    ObjectKey::new(binding.namespace.clone(), name)
}

/// Renders a choice for a binding. The UID of the record is for the owner reference and the status.
///
/// # Errors
/// If a source is missing, entries of `environment` or `files` are invalid, or a Secret would be too large.
pub fn prepare(
    key: &ObjectKey,
    binding: &BindingRequirement,
    choice: &Choice,
    record_uid: &str,
    values: &ValueView,
) -> Result<Prepared, Vec<FieldError>> {
    let requirement = &binding.requirement;
    let missing = |missing: Vec<_>| vec![of_spec(missing_sources(&missing, &values.keys))];
    let layout = Layout::new(choice, &values.keys).map_err(missing)?;
    let variables = environment(requirement, &layout);
    let aliases = files(&requirement.name, &layout, &binding.files);
    let (variables, aliases) = match (variables, aliases) {
        (Ok(variables), Ok(aliases)) => (variables, aliases),
        (variables, aliases) => {
            let refused = [
                ("spec.environment", variables.err()),
                ("spec.files", aliases.err()),
            ];
            let errors = refused.into_iter().flat_map(|(field, refusals)| {
                let refusals = refusals.into_iter().flatten();
                refusals.map(move |refusal| FieldError {
                    field: field.to_owned(),
                    refusal,
                })
            });
            return Err(errors.collect());
        }
    };
    let mut data = layout.render(choice, values).map_err(missing)?;
    let value = |name: &str| data.get(name).cloned().unwrap_or_default();
    let variable_data: BTreeMap<String, Vec<u8>> = variables
        .variables
        .iter()
        .map(|variable| (variable.name.to_string(), value(&variable.key)))
        .collect();
    let alias_data: Vec<(String, Vec<u8>)> = aliases
        .iter()
        .map(|alias| (alias.name.to_string(), value(&alias.key)))
        .collect();
    data.extend(alias_data);
    for data in [&data, &variable_data] {
        check_size(choice, data).map_err(|refusal| vec![of_spec(refusal)])?;
    }
    let identity = choice.identity(None);
    let (files_key, environment_key) = (projection_key(key), environment_key(key));
    let mut projection = projection(&files_key, &identity, record_uid);
    projection.spec.binding = Some(key.name.to_string());
    Ok(Prepared {
        described: Described {
            binding: BindingSecret {
                name: files_key.name.to_string(),
            },
            environment: BindingEnvironment {
                name: environment_key.name.to_string(),
                variables: variable_data.keys().cloned().collect(),
                left_out: variables.skipped.iter().map(ToString::to_string).collect(),
            },
            choice: describe(choice, record_uid),
            notes: foreign_endpoint(choice).into_iter().collect(),
        },
        projection,
        files: secret(&files_key, &identity, data),
        environment: secret(&environment_key, &identity, variable_data),
        identity,
    })
}

fn of_spec(refusal: Refusal) -> FieldError {
    FieldError {
        field: SPEC.to_owned(),
        refusal,
    }
}

/// Combines the errors of a binding into one refusal, with the reason of the first.
#[must_use]
pub fn refusal(errors: &[FieldError]) -> Refusal {
    if let [error] = errors
        && error.field == SPEC
    {
        return error.refusal.clone();
    }
    let lines: Vec<String> = errors.iter().map(Explain::explained).collect();
    let reason = errors
        .first()
        .map_or(Reason::Invalid, |error| error.refusal.reason);
    Refusal::new(reason, lines.join("\n"), "")
}

fn foreign_endpoint(choice: &Choice) -> Option<String> {
    let zone = choice.record.zone.as_deref().unwrap_or_default();
    choice
        .foreign_endpoint
        .then(|| format!("the selected endpoint is internal to zone `{zone}`"))
}

/// Describes a choice for the status.
#[must_use]
pub fn describe(choice: &Choice, record_uid: &str) -> BindingChoice {
    let record = &choice.record;
    BindingChoice {
        kind: record.key.kind().as_str().to_owned(),
        record: record.key.name.to_string(),
        record_uid: record_uid.to_owned(),
        record_generation: record.generation,
        service: choice.service().name.to_string(),
        endpoint: choice.endpoint().map(|endpoint| endpoint.name.to_string()),
        credentials: choice.credentials().map(|set| set.name.to_string()),
        version: record.version_text().map(str::to_owned),
    }
}

/// Returns the choice in the status of a binding in this namespace.
#[must_use]
pub fn current(namespace: &str, choice: &BindingChoice) -> CurrentChoice {
    CurrentChoice {
        record: RecordKey::of_kind(&choice.kind, namespace, &choice.record),
        service: choice.service.as_str().into(),
        endpoint: choice.endpoint.as_deref().map(Into::into),
        credentials: choice.credentials.as_deref().map(Into::into),
    }
}
