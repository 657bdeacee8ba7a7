//! Structural validation of objects against their schemas, with better messages than the schema gives.
//! [`crate::convert`] checks everything else that the schema requires.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use extension_registry_core::diagnostic::Diagnostic;
use extension_registry_core::suggest;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

/// A violation of the schema. It never contains the value of a field.
pub struct SchemaViolation {
    /// Path of the field, for example `spec.services[0].name`.
    pub field: String,
    cause: Cause,
}

/// Cause of a violation. Its message is formatted on demand, because an object may have many violations.
enum Cause {
    UnknownField { name: String, schema: Schema },
    MissingField,
    WrongType { expected: &'static str, found: Kind },
    UnknownValue { schema: Schema },
}

/// Schemas are static.
pub type Schema = &'static JSONSchemaProps;

/// Type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Mapping,
}

impl From<SchemaViolation> for Diagnostic {
    fn from(violation: SchemaViolation) -> Self {
        let (rule, message, hint) = (violation.rule(), violation.message(), violation.hint());
        Self::error(rule, violation.field, message, hint)
    }
}

impl SchemaViolation {
    /// Returns the rule: `unknown-field`, `missing-field`, `wrong-type` or `unknown-value`.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self.cause {
            Cause::UnknownField { .. } => "unknown-field",
            Cause::MissingField => "missing-field",
            Cause::WrongType { .. } => "wrong-type",
            Cause::UnknownValue { .. } => "unknown-value",
        }
    }

    /// Returns whether the value is an unquoted string that YAML parses as another type: `version: 1.19`
    /// is a number, and `value: no` is a boolean.
    #[must_use]
    pub fn is_unquoted(&self) -> bool {
        matches!(
            self.cause,
            Cause::WrongType {
                expected: "string",
                found: Kind::Boolean | Kind::Number
            }
        )
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.cause {
            Cause::UnknownField { .. } => "unknown field".to_owned(),
            Cause::MissingField => "missing required field".to_owned(),
            Cause::WrongType { expected, found } => {
                format!("expected {}, found {}", type_text(expected), found.text())
            }
            Cause::UnknownValue { schema } => {
                let allowed: Vec<&str> = allowed(schema).collect();
                format!(
                    "unsupported value; expected one of `{}`",
                    allowed.join("`, `")
                )
            }
        }
    }

    /// Returns the hint; may be empty.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.cause {
            Cause::UnknownField { name, schema } => {
                let known = || schema.properties.iter().flatten().map(|(name, _)| &**name);
                suggest::closest(name, known()).map_or_else(
                    || {
                        format!(
                            "known fields: `{}`",
                            known().collect::<Vec<_>>().join("`, `")
                        )
                    },
                    |near| format!("did you mean `{near}`?"),
                )
            }
            Cause::MissingField => "add it".to_owned(),
            Cause::WrongType { .. } if self.is_unquoted() => "quote the value".to_owned(),
            Cause::WrongType {
                found: Kind::Null, ..
            } => "set a value, or remove the field".to_owned(),
            Cause::WrongType { .. } | Cause::UnknownValue { .. } => String::new(),
        }
    }
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Mapping,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

fn type_text(expected: &str) -> &'static str {
    match expected {
        "string" => "a string",
        "boolean" => "a boolean",
        "integer" | "number" => "a number",
        "array" => "a list",
        INTEGER_OR_STRING => "an integer or a string",
        _ => "a mapping",
    }
}

/// Type of quantities, whose schema has no `type`.
const INTEGER_OR_STRING: &str = "integer or string";

/// Fields that objects of every kind have.
const COMMON_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

static SCHEMAS: LazyLock<HashMap<String, JSONSchemaProps>> = LazyLock::new(|| {
    crate::crd::all()
        .into_iter()
        .filter_map(|mut definition| {
            let version = definition.spec.versions.first_mut()?;
            let schema = version.schema.take()?.open_api_v3_schema?;
            Some((definition.spec.names.kind, schema))
        })
        .collect()
});

/// Returns the kinds with a schema, in unspecified order.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    SCHEMAS.keys().map(String::as_str)
}

/// Returns the schema of a kind of this group.
#[must_use]
pub fn schema(kind: &str) -> Option<Schema> {
    SCHEMAS.get(kind)
}

/// Validates the value of a field against its schema.
#[must_use]
pub fn check_field(schema: Schema, value: &Value, field: &str) -> Vec<SchemaViolation> {
    let mut violations = Vec::new();
    let _ = check_value(schema, value, field, &mut |violation| {
        violations.push(violation);
        ControlFlow::Continue(())
    });
    violations
}

/// Validates an object against the schema of its kind. Returns nothing for kinds in other API groups.
#[must_use]
pub fn check(kind: &str, object: &Value) -> Vec<SchemaViolation> {
    let mut violations = Vec::new();
    let _ = visit(kind, object, &mut |violation| {
        violations.push(violation);
        ControlFlow::Continue(())
    });
    violations
}

/// Calls `report` for each violation of an object, until `report` returns `Break`.
pub(crate) fn visit(
    kind: &str,
    object: &Value,
    report: &mut dyn FnMut(SchemaViolation) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match (SCHEMAS.get(kind), object) {
        (Some(schema), Value::Object(fields)) => check_fields(schema, fields, "", report),
        _ => ControlFlow::Continue(()),
    }
}

type Report<'s> = &'s mut dyn FnMut(SchemaViolation) -> ControlFlow<()>;

fn check_value(schema: Schema, value: &Value, field: &str, report: Report<'_>) -> ControlFlow<()> {
    let violation = |cause| SchemaViolation {
        field: field.to_owned(),
        cause,
    };
    if value.is_null() && schema.nullable == Some(true) {
        let has_values = schema.enum_.iter().flatten().next().is_some();
        let may_be_null = schema.enum_.iter().flatten().any(|value| value.0.is_null());
        if has_values && !may_be_null {
            return report(violation(Cause::UnknownValue { schema }));
        }
        return ControlFlow::Continue(());
    }
    if let Some(expected) = schema.type_.as_deref()
        && !is_of_type(expected, value)
    {
        let found = Kind::of(value);
        return report(violation(Cause::WrongType { expected, found }));
    }
    if schema.x_kubernetes_int_or_string == Some(true)
        && !is_of_type("integer", value)
        && !value.is_string()
    {
        let (expected, found) = (INTEGER_OR_STRING, Kind::of(value));
        return report(violation(Cause::WrongType { expected, found }));
    }
    match value {
        Value::String(text) => {
            let is_free = allowed(schema).next().is_none();
            if !is_free && !allowed(schema).any(|allowed| allowed == text) {
                report(violation(Cause::UnknownValue { schema }))?;
            }
        }
        Value::Object(fields) => check_fields(schema, fields, field, report)?,
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    check_value(schema, item, &format!("{field}[{index}]"), report)?;
                }
            }
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

fn check_fields(
    schema: Schema,
    fields: &Map<String, Value>,
    parent: &str,
    report: Report<'_>,
) -> ControlFlow<()> {
    let path = |name: &str| {
        if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        }
    };
    for name in schema.required.iter().flatten() {
        if !fields.contains_key(name) {
            report(SchemaViolation {
                field: path(name),
                cause: Cause::MissingField,
            })?;
        }
    }
    let Some(known) = &schema.properties else {
        if let Some(JSONSchemaPropsOrBool::Schema(schema)) = &schema.additional_properties {
            for (name, value) in fields {
                check_value(schema, value, &path(name), report)?;
            }
        }
        return ControlFlow::Continue(());
    };
    let is_open = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => check_value(schema, value, &path(name), report)?,
            None if is_open => {}
            None if parent.is_empty() && COMMON_FIELDS.contains(&name.as_str()) => {}
            None => report(SchemaViolation {
                field: path(name),
                cause: Cause::UnknownField {
                    name: name.clone(),
                    schema,
                },
            })?,
        }
    }
    ControlFlow::Continue(())
}

fn allowed(schema: Schema) -> impl Iterator<Item = &'static str> {
    let values = schema.enum_.iter().flatten();
    values.filter_map(|value| value.0.as_str())
}

fn is_of_type(expected: &str, value: &Value) -> bool {
    match expected {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}
