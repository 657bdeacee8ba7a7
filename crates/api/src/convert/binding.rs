//! Conversion of bindings.

use extension_registry_core::projection::FileAlias;
use extension_registry_core::refusal::Reason;
use extension_registry_core::requirement::Requirement;

use super::check::{BINDING_NAME, KEY, SECRET_VARIABLE};
use super::field_error::{FieldError, FieldErrors, Path};
use super::requirement::{checked, selection};
use crate::{ExtensionBindingSpec, limits};

/// A validated binding.
#[derive(Clone, Debug, PartialEq)]
pub struct BindingRequirement {
    /// What it requires; its name is that of the binding.
    pub requirement: Requirement,
    /// Additional names of keys.
    pub files: Box<[FileAlias]>,
    /// Whether it moves to another service that matches better.
    pub follow: bool,
}

/// Converts the spec of the binding `name`.
///
/// # Errors
/// Returns all errors, each with its field. `InvalidRange` includes the column.
pub fn binding(
    name: &str,
    spec: &ExtensionBindingSpec,
) -> Result<BindingRequirement, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    let (metadata, root) = (Path::root("metadata"), Path::root("spec"));
    checked(
        &mut errors,
        &metadata.field("name"),
        &BINDING_NAME,
        Some(name),
    );
    let requirement = selection(&mut errors, &root, name, &spec.requirement);
    let variables = root.field("environment");
    let mappings = spec.requirement.environment.iter().flatten();
    for (index, mapping) in mappings.enumerate().take(limits::MAPPINGS) {
        let path = variables.index(index);
        let name = Some(mapping.name.as_str());
        checked(&mut errors, &path.field("name"), &SECRET_VARIABLE, name);
    }
    let converted = BindingRequirement {
        requirement,
        files: files(&mut errors, &root.field("files"), spec),
        follow: spec.follow,
    };
    errors.into_result(converted)
}

fn files(
    errors: &mut FieldErrors,
    path: &Path<'_>,
    spec: &ExtensionBindingSpec,
) -> Box<[FileAlias]> {
    if spec.files.len() > limits::MAPPINGS {
        let message = format!(
            "too many files: {} (limit {})",
            spec.files.len(),
            limits::MAPPINGS
        );
        let hint = "read the files with their original names instead";
        errors.add(path, Reason::TooLarge, message, hint);
        return Box::default();
    }
    let mut converted = Vec::with_capacity(spec.files.len());
    for (index, file) in spec.files.iter().enumerate() {
        let path = path.index(index);
        let name = checked(errors, &path.field("name"), &KEY, Some(&file.name));
        let source = &path.field("configuration");
        let key = checked(errors, source, &KEY, Some(&file.configuration));
        converted.extend(name.zip(key).map(|(name, key)| FileAlias { name, key }));
    }
    converted.into()
}

#[cfg(test)]
mod tests {
    use extension_registry_core::diagnostic::Explain;
    use serde_json::{Value, json};

    use super::binding;

    fn errors(name: &str, spec: Value) -> Vec<String> {
        let spec = serde_json::from_value(spec).unwrap();
        let errors = binding(name, &spec).err().unwrap_or_default();
        errors.iter().map(Explain::explained).collect()
    }

    #[test]
    fn converts_all_fields() {
        let spec = json!({
            "product": "mlflow", "follow": true,
            "environment": [{"name": "S3_KEY", "configuration": "AWS_ACCESS_KEY_ID"}],
            "files": [{"name": "root-user", "configuration": "AWS_ACCESS_KEY_ID"}],
        });
        let spec = serde_json::from_value(spec).unwrap();
        let converted = binding("storage", &spec).unwrap();
        assert_eq!(&*converted.requirement.name, "storage");
        assert_eq!(converted.requirement.product.as_deref(), Some("mlflow"));
        assert_eq!(converted.requirement.environment.unwrap().len(), 1);
        assert_eq!(&*converted.files[0].name, "root-user");
        assert!(converted.follow);
    }

    #[test]
    fn errors_name_their_field() {
        let product = || json!({"product": "p"});
        let longest = "a".repeat(50);
        assert!(errors(&longest, product()).is_empty());
        let too_long = "a".repeat(51);
        let names = [&too_long, "u-x", "a.b", "A", "", "store-0123456789abcdef"];
        for name in names {
            let errors = errors(name, product());
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].starts_with("metadata.name: invalid binding name"));
        }
        let file = |name: &str, key: &str| json!({"product": "p", "files": [{"name": name, "configuration": key}]});
        let variable = |name: &str| json!({"product": "p", "environment": [{"name": name, "configuration": "uri"}]});
        let table = [
            (json!({}), "spec: requirement `x` has no selector"),
            (
                json!({"product": "p", "version": "1..2"}),
                "spec.version: column ",
            ),
            (file("a/b", "uri"), "spec.files[0].name: invalid Secret key"),
            (
                file("a", "../b"),
                "spec.files[0].configuration: invalid Secret key",
            ),
            (
                variable("A B"),
                "spec.environment[0].name: invalid variable name",
            ),
            (
                variable("1A"),
                "spec.environment[0].name: invalid variable name",
            ),
        ];
        for (spec, expected) in table {
            let errors = errors("x", spec);
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].starts_with(expected), "{errors:?}");
        }
    }
}
