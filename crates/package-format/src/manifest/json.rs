//! The manifest as JSON, which repositories store beside the content so that it can be read separately.

use serde_json::{Map, Value, json};

use super::{
    Dependency, Docs, From, Kind, Manifest, Metadata, Packaging, Parameter, Provided, Requirement,
    TemplateFile,
};

/// Version of the JSON format.
pub(super) const API_VERSION: &str = "packages.fuseml.io/v1";

impl Manifest {
    /// Serializes the manifest deterministically.
    ///
    /// Fields are sorted, empty fields are omitted, and [`read`](super::read) is the inverse.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut extension = Map::new();
        let head = &mut extension;
        put(head, "author", text(self.author.as_ref()));
        put(head, "category", text(self.category.as_ref()));
        put(head, "deprecated", text(self.deprecated.as_ref()));
        put(head, "description", json!(self.description));
        put(head, "keywords", json!(self.keywords));
        put(head, "name", json!(self.name));
        put(head, "packaging", json!(self.packaging.name()));
        put(head, "product", text(self.product.as_ref()));
        put(head, "replaces", text(self.replaces.as_ref()));
        put(head, "type", json!(self.kind.name()));
        put(head, "version", json!(self.version.to_string()));
        let mut whole = Map::new();
        put(&mut whole, "apiVersion", json!(API_VERSION));
        put(&mut whole, "changes", json!(self.changes));
        put(
            &mut whole,
            "dependencies",
            list(&self.dependencies, dependency),
        );
        put(&mut whole, "docs", docs(&self.docs));
        put(&mut whole, "extension", Value::Object(extension));
        put(&mut whole, "metadata", metadata(&self.metadata));
        let parameters = self.parameters.iter();
        let parameters: Map<String, Value> = parameters
            .map(|(name, parameter)| (name.clone(), self::parameter(parameter)))
            .collect();
        put(&mut whole, "parameters", Value::Object(parameters));
        put(&mut whole, "provides", list(&self.provides, provided));
        put(&mut whole, "requires", list(&self.requires, requirement));
        put(&mut whole, "templates", list(&self.templates, template));
        // A map with string keys always serializes.
        serde_json::to_vec(&Value::Object(whole)).unwrap_or_default()
    }
}

impl Kind {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Record => "record",
            Self::Provider => "provider",
            Self::Taskserv => "taskserv",
            Self::Cluster => "cluster",
            Self::Unsupported(name) => name,
        }
    }
}

impl Packaging {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bundle => "bundle",
            Self::Template => "template",
            Self::Unsupported(name) => name,
        }
    }
}

/// Adds a field unless it is empty.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let is_empty = match &value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) => false,
    };
    if !is_empty {
        object.insert(name.to_owned(), value);
    }
}

fn text(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| json!(text))
}

fn list<T>(items: &[T], write: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(write).collect())
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        put(&mut object, name, value);
    }
    Value::Object(object)
}

fn dependency(dependency: &Dependency) -> Value {
    let from = match dependency.from {
        From::Same => Value::Null,
        From::System => json!("system"),
    };
    object([
        ("name", json!(dependency.name)),
        ("optional", json!(dependency.optional)),
        ("repository", from),
        (
            "type",
            text(
                dependency
                    .kind
                    .as_ref()
                    .map(|kind| kind.name().to_owned())
                    .as_ref(),
            ),
        ),
        ("version", json!(dependency.range.to_string())),
    ])
}

fn requirement(requirement: &Requirement) -> Value {
    object([
        ("name", json!(requirement.name)),
        ("version", json!(requirement.range.to_string())),
    ])
}

fn provided(provided: &Provided) -> Value {
    object([
        ("category", text(provided.category.as_ref())),
        ("product", text(provided.product.as_ref())),
        ("resource", text(provided.resource.as_ref())),
    ])
}

fn parameter(parameter: &Parameter) -> Value {
    object([
        ("default", text(parameter.default.as_ref())),
        ("description", json!(parameter.description)),
        ("example", text(parameter.example.as_ref())),
        ("optional", json!(parameter.optional)),
        ("secret", json!(parameter.secret)),
    ])
}

fn template(template: &TemplateFile) -> Value {
    object([
        ("file", json!(template.file)),
        ("name", json!(template.name)),
    ])
}

fn docs(docs: &Docs) -> Value {
    object([
        ("details", text(docs.details.as_ref())),
        ("format", text(docs.format.as_ref())),
        ("readme", text(docs.readme.as_ref())),
    ])
}

fn metadata(metadata: &Metadata) -> Value {
    object([
        ("homepage", text(metadata.homepage.as_ref())),
        ("license", text(metadata.license.as_ref())),
        ("maintainers", json!(metadata.maintainers)),
        ("repository", text(metadata.repository.as_ref())),
    ])
}
