//! Evaluation of the CEL rules of the schemas.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, OnceLock};

use cel::objects::{Key, Map};
use cel::{Context, Program};
use extension_registry_api::shape::{self, Schema};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use serde_json::{Value, json};

use crate::environment::environment;
use crate::violation::{Part, Violation};

/// Adds the violations of an object.
pub(crate) fn check(kind: &str, object: &Value, violations: &mut Vec<Violation>) {
    if let Some(node) = NODES.get(kind) {
        node.check(object, "", violations);
    }
}

/// Rules of each kind.
static NODES: LazyLock<HashMap<&'static str, Node>> = LazyLock::new(|| {
    let kinds = shape::kinds().filter_map(|kind| Some((kind, Node::of(shape::schema(kind)?)?)));
    kinds.collect()
});

/// The rules of a schema and of the schemas below it.
struct Node {
    rules: Vec<CompiledRule>,
    fields: BTreeMap<&'static str, Node>,
    /// Rules of the items of a list, or of the values of a map.
    items: Option<Box<Node>>,
}

impl Node {
    /// Returns none for schemas without rules.
    fn of(schema: Schema) -> Option<Self> {
        let rules = schema.x_kubernetes_validations.iter().flatten();
        let fields = schema.properties.iter().flatten();
        let items = match (&schema.items, &schema.additional_properties) {
            (Some(JSONSchemaPropsOrArray::Schema(items)), _)
            | (_, Some(JSONSchemaPropsOrBool::Schema(items))) => Self::of(items),
            _ => None,
        };
        let node = Self {
            rules: rules.map(CompiledRule::new).collect(),
            fields: fields
                // The API server ignores the status of an object that is created.
                .filter(|(name, _)| *name != "status")
                .filter_map(|(name, schema)| Some((name.as_str(), Self::of(schema)?)))
                .collect(),
            items: items.map(Box::new),
        };
        let is_empty = node.rules.is_empty() && node.fields.is_empty() && node.items.is_none();
        (!is_empty).then_some(node)
    }

    fn check(&self, value: &Value, field: &str, violations: &mut Vec<Violation>) {
        if value.is_null() {
            return;
        }
        if !self.rules.is_empty() {
            let this = if field.is_empty() {
                to_cel(&with_name(value))
            } else {
                to_cel(value)
            };
            let broken = self.rules.iter().filter_map(|rule| rule.broken(&this));
            violations.extend(broken.map(|broken| broken.violation(field)));
        }
        for (name, node) in &self.fields {
            if let Some(value) = value.get(name) {
                let path = if field.is_empty() {
                    (*name).to_owned()
                } else {
                    format!("{field}.{name}")
                };
                node.check(value, &path, violations);
            }
        }
        match (&self.items, value) {
            (Some(node), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    node.check(item, &format!("{field}[{index}]"), violations);
                }
            }
            (Some(node), Value::Object(fields)) => {
                for (name, value) in fields {
                    node.check(value, &format!("{field}.{name}"), violations);
                }
            }
            _ => {}
        }
    }
}

/// Returns an object as its rules see it: of the metadata, only the name. An invalid name is reported elsewhere.
fn with_name(object: &Value) -> Value {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut object = object.clone();
    if let Value::Object(fields) = &mut object {
        fields.insert("metadata".to_owned(), json!({ "name": name }));
    }
    object
}

/// A rule, compiled when it is first evaluated.
struct CompiledRule {
    rule: &'static ValidationRule,
    program: OnceLock<Result<RuleProgram, String>>,
    message: OnceLock<Result<Program, String>>,
}

/// The expression of a rule.
struct RuleProgram {
    program: Program,
    /// Whether the rule is about a change, so that it does not concern an object that is created.
    is_transition: bool,
}

/// A rule that an object does not satisfy.
enum Broken {
    /// With the message of the rule.
    Violated(String),
    /// Evaluation failed, which the API server treats as a violation.
    Failed(String),
}

impl CompiledRule {
    fn new(rule: &'static ValidationRule) -> Self {
        Self {
            rule,
            program: OnceLock::new(),
            message: OnceLock::new(),
        }
    }

    fn program(&self) -> Result<&RuleProgram, &String> {
        let compiled = self.program.get_or_init(|| {
            compile(&self.rule.rule).map(|program| RuleProgram {
                is_transition: program.references().has_variable("oldSelf"),
                program,
            })
        });
        compiled.as_ref()
    }

    fn broken(&self, this: &cel::Value) -> Option<Broken> {
        let program = match self.program() {
            Ok(program) => program,
            Err(error) => return Some(Broken::Failed(error.clone())),
        };
        if program.is_transition {
            return None;
        }
        match execute(&program.program, this) {
            Ok(cel::Value::Bool(true)) => None,
            Ok(_) => Some(Broken::Violated(self.message(this))),
            Err(error) => Some(Broken::Failed(error)),
        }
    }

    /// Returns the message: of the expression if there is one, else the fixed one.
    fn message(&self, this: &cel::Value) -> String {
        let expression = self.rule.message_expression.as_ref();
        let evaluated = expression.and_then(|expression| {
            let program = self.message.get_or_init(|| compile(expression));
            match execute(program.as_ref().ok()?, this) {
                Ok(cel::Value::String(message)) => Some((*message).clone()),
                _ => None,
            }
        });
        let fixed = || self.rule.message.clone();
        let message = evaluated.filter(|text| !text.trim().is_empty());
        message
            .or_else(fixed)
            .unwrap_or_else(|| format!("failed rule: {}", self.rule.rule))
    }
}

impl Broken {
    fn violation(self, field: &str) -> Violation {
        let message = match self {
            Self::Violated(message) => message,
            Self::Failed(error) => format!("failed to evaluate a validation rule: {error}"),
        };
        Violation::new(Part::Rule, "validation-rule", field, message, "")
    }
}

fn compile(source: &str) -> Result<Program, String> {
    environment()?
        .compile(source)
        .map_err(|error| error.to_string())
}

fn execute(program: &Program, this: &cel::Value) -> Result<cel::Value, String> {
    let mut context = Context::with_env(environment()?);
    context.add_variable_from_value("self", this.clone());
    program
        .execute(&context)
        .map_err(|error| without_values(&error))
}

/// Returns the kind of an error. Its text may contain values.
fn without_values(error: &cel::ExecutionError) -> String {
    let text = format!("{error:?}");
    let kind = text.split(['(', ' ', '{']).next().unwrap_or_default();
    kind.to_owned()
}

/// Converts a value. To a rule, a field that is null is absent.
fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => cel::Value::Int(number),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (Key::from(name.clone()), to_cel(value)));
            cel::Value::Map(Map {
                map: Arc::new(fields.collect()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NODES, Node};
    use crate::environment::tests::SUPPORTED;

    /// Operators of the syntax, which have no name that a rule calls.
    fn is_supported(function: &str) -> bool {
        SUPPORTED.iter().any(|(name, _)| *name == function)
    }

    fn collect<'n>(node: &'n Node, rules: &mut Vec<&'n super::CompiledRule>) {
        rules.extend(&node.rules);
        let items = node.items.as_deref().into_iter();
        for node in node.fields.values().chain(items) {
            collect(node, rules);
        }
    }

    #[test]
    fn rules_compile_and_call_only_supported_functions() {
        let mut rules = Vec::new();
        for node in NODES.values() {
            collect(node, &mut rules);
        }
        assert!(rules.len() > 30, "{}", rules.len());
        for rule in rules {
            let source = &rule.rule.rule;
            let message = rule.rule.message_expression.as_ref();
            let message = message.map(|expression| super::compile(expression).unwrap());
            let programs = [Some(&rule.program().unwrap().program), message.as_ref()];
            for program in programs.into_iter().flatten() {
                for function in program.references().functions() {
                    assert!(is_supported(function), "`{function}` in `{source}`");
                }
                for variable in program.references().variables() {
                    assert!(
                        !matches!(variable, "optionalOldSelf" | "params"),
                        "{source}"
                    );
                }
            }
        }
    }
}
