//! Whether an object has the shape that its definition demands: the part of a schema that says more
//! with the place of a field. What else the schema asks for, [`crate::convert`] asks for too.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use extension_registry_core::suggest;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

/// Something that the schema does not allow. It holds no value.
pub struct Misfit {
    /// The field: `spec.services[0].name`.
    pub field: String,
    wrong: Wrong,
}

/// What is wrong. Texts are made of it only when somebody asks: an object may have many misfits.
enum Wrong {
    UnknownField { name: String, schema: Schema },
    MissingField,
    OtherType { wanted: &'static str, found: Kind },
    UnknownValue { schema: Schema },
}

/// Schemas live as long as the program.
type Schema = &'static JSONSchemaProps;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Mapping,
}

impl Misfit {
    /// `unknown-field`, `missing-field`, `wrong-type` or `unknown-value`.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self.wrong {
            Wrong::UnknownField { .. } => "unknown-field",
            Wrong::MissingField => "missing-field",
            Wrong::OtherType { .. } => "wrong-type",
            Wrong::UnknownValue { .. } => "unknown-value",
        }
    }

    /// Whether it is text that YAML reads as something else: `version: 1.19` is a number, `value: no`
    /// a boolean.
    #[must_use]
    pub fn is_unquoted(&self) -> bool {
        matches!(
            self.wrong,
            Wrong::OtherType {
                wanted: "string",
                found: Kind::Boolean | Kind::Number
            }
        )
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.wrong {
            Wrong::UnknownField { .. } => "is no field of this kind".to_owned(),
            Wrong::MissingField => "is missing".to_owned(),
            Wrong::OtherType { wanted, found } => {
                format!("is {} where {} belongs", found.text(), type_text(wanted))
            }
            Wrong::UnknownValue { schema } => {
                let allowed: Vec<&str> = allowed(schema).collect();
                format!("is none of `{}`", allowed.join("`, `"))
            }
        }
    }

    /// The way out; may be empty.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.wrong {
            Wrong::UnknownField { name, schema } => {
                let known = || schema.properties.iter().flatten().map(|(name, _)| &**name);
                suggest::closest(name, known()).map_or_else(
                    || format!("known are `{}`", known().collect::<Vec<_>>().join("`, `")),
                    |near| format!("did you mean `{near}`?"),
                )
            }
            Wrong::MissingField => "add it".to_owned(),
            Wrong::OtherType { .. } if self.is_unquoted() => "quote it".to_owned(),
            Wrong::OtherType {
                found: Kind::Null, ..
            } => "give it a value, or remove it".to_owned(),
            Wrong::OtherType { .. } | Wrong::UnknownValue { .. } => String::new(),
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
            Self::Null => "nothing",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

fn type_text(wanted: &str) -> &'static str {
    match wanted {
        "string" => "text",
        "boolean" => "a boolean",
        "integer" | "number" => "a number",
        "array" => "a list",
        _ => "a mapping",
    }
}

/// What every object has, whatever its kind.
const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

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

/// The kinds that have a shape, in no order.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    SCHEMAS.keys().map(String::as_str)
}

/// Everything that is wrong with the shape of an object. Empty for a kind that is not ours.
#[must_use]
pub fn check(kind: &str, object: &Value) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    let _ = visit(kind, object, &mut |misfit| {
        misfits.push(misfit);
        ControlFlow::Continue(())
    });
    misfits
}

/// Shows each misfit of an object, until it is told to stop.
pub(crate) fn visit(
    kind: &str,
    object: &Value,
    show: &mut dyn FnMut(Misfit) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match (SCHEMAS.get(kind), object) {
        (Some(schema), Value::Object(fields)) => fields_of(schema, fields, "", show),
        _ => ControlFlow::Continue(()),
    }
}

type Show<'s> = &'s mut dyn FnMut(Misfit) -> ControlFlow<()>;

fn walk(schema: Schema, value: &Value, field: &str, show: Show<'_>) -> ControlFlow<()> {
    if value.is_null() && schema.nullable == Some(true) {
        return ControlFlow::Continue(());
    }
    let misfit = |wrong| Misfit {
        field: field.to_owned(),
        wrong,
    };
    if let Some(wanted) = schema.type_.as_deref()
        && !is_of_type(wanted, value)
    {
        let found = Kind::of(value);
        return show(misfit(Wrong::OtherType { wanted, found }));
    }
    match value {
        Value::String(text) => {
            let is_free = allowed(schema).next().is_none();
            if !is_free && !allowed(schema).any(|allowed| allowed == text) {
                show(misfit(Wrong::UnknownValue { schema }))?;
            }
        }
        Value::Object(fields) => fields_of(schema, fields, field, show)?,
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    walk(schema, item, &format!("{field}[{index}]"), show)?;
                }
            }
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

fn fields_of(
    schema: Schema,
    fields: &Map<String, Value>,
    parent: &str,
    show: Show<'_>,
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
            show(Misfit {
                field: path(name),
                wrong: Wrong::MissingField,
            })?;
        }
    }
    let Some(known) = &schema.properties else {
        if let Some(JSONSchemaPropsOrBool::Schema(schema)) = &schema.additional_properties {
            for (name, value) in fields {
                walk(schema, value, &path(name), show)?;
            }
        }
        return ControlFlow::Continue(());
    };
    let is_open = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => walk(schema, value, &path(name), show)?,
            None if is_open => {}
            None if parent.is_empty() && OF_EVERY_OBJECT.contains(&name.as_str()) => {}
            None => show(Misfit {
                field: path(name),
                wrong: Wrong::UnknownField {
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

fn is_of_type(wanted: &str, value: &Value) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}
