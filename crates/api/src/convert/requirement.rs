//! Conversion of requirements.

use extension_registry_core::record::Name;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::{Field, Mapping, Requirement};
use extension_registry_core::version::VersionRange;

use super::check::{Format, KEY, LABEL, NAME, VARIABLE};
use super::field_error::{FieldError, FieldErrors, Path};
use crate::limits;
use crate::requirement::{EnvironmentMapping, RequirementSpec, ServiceRequirement};

/// Converts the requirement in `field`, for example `spec.steps[0].extensions[1]`.
///
/// # Errors
/// Returns all errors of the requirement, each with its field. `InvalidRange` includes the column.
pub fn requirement(field: &str, spec: &RequirementSpec) -> Result<Requirement, Vec<FieldError>> {
    let path = Path::root(field);
    let mut errors = FieldErrors::default();
    if !(LABEL.is_valid)(&spec.name) {
        errors.add(
            &path.field("name"),
            Reason::InvalidRequirement,
            LABEL.message,
            LABEL.hint,
        );
    }
    let converted = selection(&mut errors, &path, &spec.name, &spec.requirement);
    errors.into_result(converted)
}

/// Converts the fields of a requirement with this name.
pub(super) fn selection(
    errors: &mut FieldErrors,
    path: &Path<'_>,
    name: &str,
    spec: &ServiceRequirement,
) -> Requirement {
    let mut text = |field, text: Option<&str>| checked(errors, &path.field(field), &NAME, text);
    let mut selector = |field: Field| text(field.as_str(), spec.selector(field));
    let mut converted = Requirement {
        name: name.into(),
        extension: selector(Field::Extension),
        product: selector(Field::Product),
        version: None,
        zone: selector(Field::Zone),
        service: selector(Field::Service),
        resource: selector(Field::Resource),
        category: selector(Field::Category),
        endpoint: text("endpoint", spec.endpoint.as_deref()),
        credentials: text("credentials", spec.credentials.as_deref()),
        environment: None,
    };
    converted.version = range(errors, &path.field("version"), spec.version.as_deref());
    converted.environment = spec
        .environment
        .as_deref()
        .map(|mappings| environment(errors, &path.field("environment"), mappings));
    if let Err(refusal) = converted.validate() {
        errors.push(path, refusal);
    }
    converted
}

pub(super) fn checked(
    errors: &mut FieldErrors,
    path: &Path<'_>,
    format: &Format,
    text: Option<&str>,
) -> Option<Name> {
    let text = text?;
    if !(format.is_valid)(text) {
        errors.add(
            path,
            Reason::InvalidRequirement,
            format.message,
            format.hint,
        );
    }
    Some(text.into())
}

fn range(errors: &mut FieldErrors, path: &Path<'_>, text: Option<&str>) -> Option<VersionRange> {
    let text = text?;
    if text.chars().count() > limits::RANGE {
        let message = format!("exceeds {} characters", limits::RANGE);
        errors.add(
            path,
            Reason::InvalidRange,
            message,
            "use fewer alternatives",
        );
        return None;
    }
    match text.parse::<VersionRange>() {
        Ok(range) => Some(range),
        Err(error) => {
            let message = format!("column {}: {}", error.column, error.message);
            errors.push(
                path,
                Refusal::new(
                    Reason::InvalidRange,
                    message,
                    error.hint.unwrap_or_default(),
                ),
            );
            None
        }
    }
}

fn environment(
    errors: &mut FieldErrors,
    path: &Path<'_>,
    mappings: &[EnvironmentMapping],
) -> Box<[Mapping]> {
    if mappings.len() > limits::MAPPINGS {
        let message = format!(
            "too many variables: {} (limit {})",
            mappings.len(),
            limits::MAPPINGS
        );
        errors.add(
            path,
            Reason::TooLarge,
            message,
            "map fewer variables and read the files instead",
        );
        return Box::default();
    }
    let mut converted = Vec::with_capacity(mappings.len());
    for (index, mapping) in mappings.iter().enumerate() {
        let path = path.index(index);
        let variable = checked(errors, &path.field("name"), &VARIABLE, Some(&mapping.name));
        let key = checked(
            errors,
            &path.field("configuration"),
            &KEY,
            Some(&mapping.configuration),
        );
        converted.extend(
            variable
                .zip(key)
                .map(|(variable, key)| Mapping { variable, key }),
        );
    }
    converted.into()
}

#[cfg(test)]
mod tests {
    use extension_registry_core::diagnostic::Explain;

    use super::requirement;
    use crate::requirement::{EnvironmentMapping, RequirementSpec, ServiceRequirement};

    fn store() -> RequirementSpec {
        RequirementSpec {
            name: "store".into(),
            requirement: selected(),
        }
    }

    fn selected() -> ServiceRequirement {
        ServiceRequirement {
            resource: Some("s3".into()),
            ..ServiceRequirement::default()
        }
    }

    fn with(requirement: ServiceRequirement) -> RequirementSpec {
        RequirementSpec {
            requirement,
            ..store()
        }
    }

    #[test]
    fn converts_all_fields() {
        let spec = with(ServiceRequirement {
            version: Some(">=0.4.0".into()),
            environment: Some(vec![EnvironmentMapping {
                name: "URL".into(),
                configuration: "url".into(),
            }]),
            ..selected()
        });
        let converted = requirement("spec.steps[0].extensions[0]", &spec).unwrap();
        assert_eq!(converted.resource.as_deref(), Some("s3"));
        assert_eq!(converted.version.unwrap().to_string(), ">=0.4.0");
        assert_eq!(converted.environment.unwrap().len(), 1);
        assert!(requirement("x", &store()).unwrap().environment.is_none());
        let none = with(ServiceRequirement {
            environment: Some(vec![]),
            ..selected()
        });
        assert!(
            requirement("x", &none)
                .unwrap()
                .environment
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn errors_name_their_field() {
        let mapping = |name: &str, key: &str| {
            Some(vec![EnvironmentMapping {
                name: name.into(),
                configuration: key.into(),
            }])
        };
        let table = [
            (
                with(ServiceRequirement {
                    zone: Some("z".into()),
                    ..ServiceRequirement::default()
                }),
                "r: requirement `store` has no selector",
            ),
            (
                RequirementSpec {
                    name: "A b".into(),
                    ..store()
                },
                "r.name: invalid name",
            ),
            (
                with(ServiceRequirement {
                    product: Some(String::new()),
                    ..selected()
                }),
                "r.product: invalid name",
            ),
            (
                with(ServiceRequirement {
                    version: Some("1.2.x.y".into()),
                    ..selected()
                }),
                "r.version: column ",
            ),
            (
                with(ServiceRequirement {
                    version: Some(String::new()),
                    ..selected()
                }),
                "r.version: column ",
            ),
            (
                with(ServiceRequirement {
                    version: Some("1".repeat(2000)),
                    ..selected()
                }),
                "r.version: exceeds 1024",
            ),
            (
                with(ServiceRequirement {
                    environment: mapping("A=B", "x"),
                    ..selected()
                }),
                "r.environment[0].name: invalid variable name",
            ),
            (
                with(ServiceRequirement {
                    environment: mapping("A", "../x"),
                    ..selected()
                }),
                "r.environment[0].configuration: invalid Secret key",
            ),
        ];
        for (spec, expected) in table {
            let errors = requirement("r", &spec).unwrap_err();
            let first = errors.first().map(Explain::explained).unwrap_or_default();
            assert!(first.starts_with(expected), "{first}");
            assert_eq!(errors.len(), 1, "{errors:?}");
        }
    }
}
