//! Requirements of a step.

use extension_registry_core::record::Name;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::{Mapping, Requirement};
use extension_registry_core::version::VersionRange;

use super::check::{KEY, LABEL, NAME, Shape, VARIABLE};
use super::problem::{FieldProblem, Path, Problems};
use crate::limits;
use crate::workflow::{EnvironmentMapping, RequirementSpec};

/// Reads the requirement that stands in `field`, for example `spec.steps[0].extensions[1]`.
///
/// # Errors
/// Everything that is wrong with it, each with its field. An `InvalidRange` says the column too.
pub fn requirement(field: &str, spec: &RequirementSpec) -> Result<Requirement, Vec<FieldProblem>> {
    let path = Path::root(field);
    let mut problems = Problems::default();
    if !(LABEL.fits)(&spec.name) {
        problems.add(
            &path.field("name"),
            Reason::InvalidRequirement,
            LABEL.what,
            LABEL.hint,
        );
    }
    let mut selector =
        |field, text: Option<&str>| checked(&mut problems, &path.field(field), &NAME, text);
    let mut read = Requirement {
        name: spec.name.as_str().into(),
        extension: selector("extension", spec.extension.as_deref()),
        product: selector("product", spec.product.as_deref()),
        version: None,
        zone: selector("zone", spec.zone.as_deref()),
        service: selector("service", spec.service.as_deref()),
        resource: selector("resource", spec.resource.as_deref()),
        category: selector("category", spec.category.as_deref()),
        endpoint: selector("endpoint", spec.endpoint.as_deref()),
        credentials: selector("credentials", spec.credentials.as_deref()),
        environment: None,
    };
    read.version = range(
        &mut problems,
        &path.field("version"),
        spec.version.as_deref(),
    );
    read.environment = spec
        .environment
        .as_deref()
        .map(|mappings| environment(&mut problems, &path.field("environment"), mappings));
    if let Err(refusal) = read.validate() {
        problems.refuse(&path, refusal);
    }
    problems.none_or(read)
}

fn checked(
    problems: &mut Problems,
    path: &Path<'_>,
    shape: &Shape,
    text: Option<&str>,
) -> Option<Name> {
    let text = text?;
    if !(shape.fits)(text) {
        problems.add(path, Reason::InvalidRequirement, shape.what, shape.hint);
    }
    Some(text.into())
}

fn range(problems: &mut Problems, path: &Path<'_>, text: Option<&str>) -> Option<VersionRange> {
    let text = text?;
    if text.chars().count() > limits::RANGE {
        let message = format!("longer than {} characters", limits::RANGE);
        problems.add(
            path,
            Reason::InvalidRange,
            message,
            "write fewer alternatives",
        );
        return None;
    }
    match text.parse::<VersionRange>() {
        Ok(range) => Some(range),
        Err(error) => {
            let message = format!("column {}: {}", error.column, error.message);
            problems.refuse(
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
    problems: &mut Problems,
    path: &Path<'_>,
    mappings: &[EnvironmentMapping],
) -> Box<[Mapping]> {
    if mappings.len() > limits::MAPPINGS {
        let message = format!(
            "{} variables, of {} allowed",
            mappings.len(),
            limits::MAPPINGS
        );
        problems.add(
            path,
            Reason::TooLarge,
            message,
            "map fewer variables and read the files",
        );
        return Box::default();
    }
    let mut read = Vec::with_capacity(mappings.len());
    for (index, mapping) in mappings.iter().enumerate() {
        let path = path.index(index);
        let variable = checked(
            problems,
            &path.field("name"),
            &VARIABLE,
            Some(&mapping.name),
        );
        let key = checked(
            problems,
            &path.field("configuration"),
            &KEY,
            Some(&mapping.configuration),
        );
        read.extend(
            variable
                .zip(key)
                .map(|(variable, key)| Mapping { variable, key }),
        );
    }
    read.into()
}

#[cfg(test)]
mod tests {
    use super::requirement;
    use crate::workflow::{EnvironmentMapping, RequirementSpec};

    fn store() -> RequirementSpec {
        RequirementSpec {
            name: "store".into(),
            resource: Some("s3".into()),
            ..RequirementSpec::default()
        }
    }

    #[test]
    fn a_requirement_is_read_whole() {
        let spec = RequirementSpec {
            version: Some(">=0.4.0".into()),
            environment: Some(vec![EnvironmentMapping {
                name: "URL".into(),
                configuration: "url".into(),
            }]),
            ..store()
        };
        let read = requirement("spec.steps[0].extensions[0]", &spec).unwrap();
        assert_eq!(read.resource.as_deref(), Some("s3"));
        assert_eq!(read.version.unwrap().to_string(), ">=0.4.0");
        assert_eq!(read.environment.unwrap().len(), 1);
        assert!(requirement("x", &store()).unwrap().environment.is_none());
        let none = RequirementSpec {
            environment: Some(vec![]),
            ..store()
        };
        assert!(
            requirement("x", &none)
                .unwrap()
                .environment
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn problems_name_their_field() {
        let mapping = |name: &str, key: &str| {
            Some(vec![EnvironmentMapping {
                name: name.into(),
                configuration: key.into(),
            }])
        };
        let table = [
            (
                RequirementSpec {
                    name: "a".into(),
                    zone: Some("z".into()),
                    ..RequirementSpec::default()
                },
                "r: requirement `a` selects nothing",
            ),
            (
                RequirementSpec {
                    name: "A b".into(),
                    ..store()
                },
                "r.name: not a valid name",
            ),
            (
                RequirementSpec {
                    product: Some(String::new()),
                    ..store()
                },
                "r.product: not a valid name",
            ),
            (
                RequirementSpec {
                    version: Some("1.2.x.y".into()),
                    ..store()
                },
                "r.version: column ",
            ),
            (
                RequirementSpec {
                    version: Some(String::new()),
                    ..store()
                },
                "r.version: column ",
            ),
            (
                RequirementSpec {
                    version: Some("1".repeat(2000)),
                    ..store()
                },
                "r.version: longer than 1024",
            ),
            (
                RequirementSpec {
                    environment: mapping("A=B", "x"),
                    ..store()
                },
                "r.environment[0].name: not a valid name of a variable",
            ),
            (
                RequirementSpec {
                    environment: mapping("A", "../x"),
                    ..store()
                },
                "r.environment[0].configuration: not a valid key",
            ),
        ];
        for (spec, expected) in table {
            let problems = requirement("r", &spec).unwrap_err();
            let first = problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(first.starts_with(expected), "{first}");
            assert_eq!(problems.len(), 1, "{problems:?}");
        }
    }
}
