//! CEL validation rules of the schemas.
//!
//! Reading a field of an object in CEL takes the API server about 15 µs, because it copies the schema of
//! all fields of that object each time; an item of a list of strings takes a hundredth of that. So a
//! rule reads each field once, and a rule about a string is attached to that string.

use extension_registry_core::projection::{Address, RENDERED_PREFIX};
use kube::core::{Message, Reason, Rule};
use schemars::Schema;
use serde_json::{Value, json};

use crate::limits;

macro_rules! scheme {
    () => {
        "[A-Za-z][-+.A-Za-z0-9]*://"
    };
}

macro_rules! octet {
    () => {
        "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}

/// Matches an address with a user name or a password.
const USER: &str = concat!("^(", scheme!(), ")?[^/?#]*@");

/// Matches a connection string with several hosts, or of JDBC.
const CONNECTION_STRING: &str = concat!("^(jdbc:|(", scheme!(), ")?[^/?#]*,)");

/// Matches an address with a scheme, or without a path.
const SCHEME_OR_BARE: &str = concat!("^(", scheme!(), "|[^/?#]*$)");

/// Matches an address whose host is an IPv4 address or a name whose last label is not a number, or
/// resembles an IPv6 address.
const ADDRESS: &str = concat!(
    "^(",
    scheme!(),
    ")?((",
    octet!(),
    r"\.){3}",
    octet!(),
    r"|(\w([-\w]*\w)?\.)*([0-9]*[A-Za-z_]([-\w]*\w)?|[0-9]+-[-\w]*\w)\.?",
    r"|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\])",
    "(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?",
    "([/?#]([!-$&-~]|%[0-9A-Fa-f]{2})*)?$",
);

/// Matches an address whose host is too long, has a label that is too long, or ends in a hexadecimal number.
const ODD_HOST: &str = concat!(
    "^(",
    scheme!(),
    r")?([^/?#:]{254}|([^/?#:]*\.)?([^/?#:.]{64}|0[xX][0-9A-Fa-f]*\.?([:/?#]|$)))",
);

/// Matches an address whose host is an IPv6 address.
const BRACKET: &str = concat!("^(", scheme!(), r")?\[");

/// Matches the fields of a Pod that a variable may contain.
const FIELD_PATH: &str = concat!(
    r"^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[-./_A-Za-z0-9]+'\]",
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$",
);

/// Matches the resources of a container that a variable may contain.
const RESOURCE_FIELD: &str =
    r"^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGTPE]i)$";

/// Matches the units in which a variable contains a resource: a unit alone.
const DIVISOR: &str = "^(0|1[mkMGTPE]?|1[KMGTPE]i)$";

/// Returns a rule that requires the strings in a list to be unique. `texts` is a CEL expression for the
/// list.
pub(crate) fn distinct(texts: &str, message: &str) -> Rule {
    // The enclosing list binds the strings to a name, so that they are evaluated once.
    Rule::new(format!(
        "[{texts}].all(texts, texts.all(index, text, texts.indexOf(text) == index))"
    ))
    .message(message)
}

/// Returns a rule that requires the names in a list to map to unique variables. `names` is a CEL
/// expression for the list.
pub(crate) fn distinct_variables(names: &str, message: &str) -> Rule {
    let variables = format!("{names}.map(name, name.upperAscii().replace('-', '_'))");
    distinct(&variables, message)
}

/// Returns a rule that rejects reserved entry names.
pub(crate) fn free_key() -> Rule {
    Rule::new("!(self in ['type', 'extension.yaml'])")
        .message("`type` and `extension.yaml` are reserved for the operator: choose another name")
}

/// Returns a rule that requires an address to be valid and to contain no `user:password@`. Its error
/// does not repeat the address.
pub(crate) fn address() -> Rule {
    let hint = Address::CONNECTION_STRING_HINT;
    Rule::new(format!(
        "self.matches(r'{SCHEME_OR_BARE}') && self.matches(r'{ADDRESS}') && !self.matches(r'{ODD_HOST}') \
         && (!self.matches(r'{BRACKET}') || isIP(self.find(r'\\[[^\\]]*').substring(1)))"
    ))
    .message(Message::Expression(format!(
        "self.matches(r'{USER}') ? '`url` must not contain a user name or password: move them to `credentials`, and keep only the address here' \
        : self.matches(r'{CONNECTION_STRING}') ? 'invalid `url`: it has several hosts, or is a JDBC URL: {hint}' \
        : 'invalid `url`: use a URL with a host, e.g. `https://minio.example.org:9000`, or `host` or `host:port`'"
    )))
    .reason(Reason::FieldValueForbidden)
}

/// Returns a rule that requires credentials to have exactly the lists that their scope uses.
pub(crate) fn scope_lists() -> Rule {
    const PROJECT: &str = "self.scope == 'project'";
    const GLOBAL: &str = "!has(self.scope) || self.scope == 'global'";
    Rule::new(format!(
        "{GLOBAL} ? !has(self.project) && !has(self.user) : ({PROJECT} ? has(self.project) && !has(self.user) : has(self.user))"
    ))
    .message(Message::Expression(format!(
        "{GLOBAL} ? 'scope `global` does not use `project` or `user`: remove them, or set `scope: project` or `scope: user`' \
        : ({PROJECT} ? (has(self.user) ? 'scope `project` does not use `user`: remove it, or set `scope: user`' \
        : 'scope `project` requires `project`: list the projects with access, or set `project: []` for none') \
        : 'scope `user` requires `user`: list the users with access, or set `user: []` for none')"
    )))
}

/// Returns a rule that limits the length of the name of a binding. `ext-NAME` must be a DNS label, because it is the
/// name of a volume, and NAME must leave room for the suffixes of engines.
pub(crate) fn binding_name_length() -> Rule {
    let length = limits::BINDING_NAME;
    Rule::new(format!("self.metadata.name.size() <= {length}")).message(Message::Message(format!(
        "binding names must not exceed {length} characters: choose a shorter name"
    )))
}

/// Returns a rule that requires the name of a binding to be a DNS label.
pub(crate) fn binding_name_characters() -> Rule {
    Rule::new("self.metadata.name.matches('^[^.]*$')")
        .message("binding names must not contain dots, because they are part of volume names: use `-` instead")
}

/// Returns a rule that rejects names whose Secrets could collide with those of workflows.
pub(crate) fn binding_name_reserved() -> Rule {
    Rule::new(format!("!self.metadata.name.matches('{}')", limits::RESERVED_BINDING_PATTERN)).message(
        "binding names must not begin with `u-`, or end with `-` and 16 hexadecimal digits: workflows use these names for their Secrets; choose another name",
    )
}

/// Returns a rule that requires the mapped variables of a binding to be valid keys of a Secret, because `envFrom` reads
/// them from one.
pub(crate) fn binding_variables() -> Rule {
    Rule::new(format!(
        "!has(self.environment) || self.environment.all(variable, variable.name.matches('{}'))",
        limits::SECRET_VARIABLE_PATTERN
    ))
    .message("invalid variable name in `environment`: use letters, digits, `_`, `-` or `.`; begin with a letter or `_`")
}

/// Returns a rule that limits the total size of a record.
pub(crate) fn record_size() -> Rule {
    let (endpoints, credentials, members, entries) = (
        limits::RECORD_ENDPOINTS,
        limits::CREDENTIALS,
        limits::RECORD_MEMBERS,
        limits::ENTRIES,
    );
    let sets = list("s", "credentials");
    Rule::new(format!(
        "!has(self.services) || (self.services.map(s, {}).sum() <= {endpoints} && self.services.map(s, {}).sum() <= {credentials} \
         && self.services.map(s, {sets}.map(c, {} + {}).sum()).sum() <= {members} \
         && {} + self.services.map(s, {} + {}.map(e, {}).sum() + {sets}.map(c, {}).sum()).sum() <= {entries})",
        count("s", "endpoints"),
        count("s", "credentials"),
        count("c", "project"),
        count("c", "user"),
        count("self", "configuration"),
        count("s", "configuration"),
        list("s", "endpoints"),
        count("e", "configuration"),
        count("c", "configuration"),
    ))
    .message(Message::Message(format!(
        "a record is limited to a total of {endpoints} endpoints, {credentials} sets of credentials, {members} projects and users in these sets, and {entries} configuration entries: split the record"
    )))
}

/// Returns a rule that limits the total size of a workflow.
pub(crate) fn workflow_size() -> Rule {
    let (requirements, entries, arguments) = (
        limits::WORKFLOW_REQUIREMENTS,
        limits::WORKFLOW_ENTRIES,
        limits::WORKFLOW_ARGUMENTS,
    );
    Rule::new(format!(
        "self.steps.map(s, {}).sum() <= {requirements} && self.steps.map(s, {} + {}).sum() <= {arguments} \
         && self.steps.map(s, {} + {} + {} + {}.map(r, {}).sum()).sum() <= {entries}",
        count("s", "extensions"),
        count("s", "command"),
        count("s", "args"),
        count("s", "inputs"),
        count("s", "outputs"),
        count("s", "env"),
        list("s", "extensions"),
        count("r", "environment"),
    ))
    .message(Message::Message(format!(
        "a workflow is limited to a total of {requirements} requirements, {arguments} `command` and `args` entries, and {entries} inputs, outputs and variables: split the workflow"
    )))
}

/// Returns a rule that requires `runAfter` to reference steps of the workflow.
pub(crate) fn known_steps() -> Rule {
    Rule::new(format!(
        "[self.steps.map(s, s.name)].all(names, self.steps.all(s, {}.all(name, name in names)))",
        list("s", "runAfter")
    ))
    .message("unknown step in `runAfter`: use the `name` of another step of this workflow")
}

/// Returns a CEL expression for an optional list, for which the cost estimator knows the maximum length.
fn list(object: &str, field: &str) -> String {
    format!("(has({object}.{field}) ? {object}.{field} : [])")
}

/// Returns a CEL expression for the length of an optional list. It reads the field once, but the cost
/// estimator does not know the maximum length of the list.
fn count(object: &str, field: &str) -> String {
    format!("{object}.?{field}.orValue([]).size()")
}

/// Restricts the source of a variable to what a Pod accepts, and its Secret to those that the operator does not
/// render. Neither the API server nor the engine validates the variables of a workflow otherwise.
pub(crate) fn variable_source(source: &mut Schema) {
    const SOURCES: [&str; 4] = [
        "configMapKeyRef",
        "fieldRef",
        "resourceFieldRef",
        "secretKeyRef",
    ];
    let Some(source) = source.as_object_mut() else {
        return;
    };
    let count: Vec<String> = SOURCES.map(|name| format!("has(self.{name})")).into();
    let rule = Rule::new(format!(
        "[{}].filter(source, source).size() == 1",
        count.join(", ")
    ))
    .message("`valueFrom` requires exactly one source: set `configMapKeyRef`, `fieldRef`, `resourceFieldRef` or `secretKeyRef`");
    source.insert("x-kubernetes-validations".to_owned(), json!([rule]));
    let Some(fields) = source.get_mut("properties") else {
        return;
    };
    let mut restrict = |pointer: &str, restrictions: Value| {
        let field = fields.pointer_mut(pointer).and_then(Value::as_object_mut);
        if let (Some(field), Value::Object(restrictions)) = (field, restrictions) {
            field.extend(restrictions);
        }
    };
    for kind in ["configMapKeyRef", "secretKeyRef"] {
        let name = json!({ "maxLength": limits::KEY, "pattern": limits::SUBDOMAIN_PATTERN });
        restrict(&format!("/{kind}/properties/name"), name);
        let key = json!({ "maxLength": limits::KEY, "pattern": limits::KEY_PATTERN });
        restrict(&format!("/{kind}/properties/key"), key);
    }
    let rule = Rule::new(format!("!self.startsWith('{RENDERED_PREFIX}')")).message(
        "Secrets named `ext-…` are managed by the operator: use a requirement under `steps[].extensions`",
    );
    restrict(
        "/secretKeyRef/properties/name",
        json!({ "x-kubernetes-validations": [rule] }),
    );
    restrict(
        "/fieldRef/properties/fieldPath",
        json!({ "maxLength": limits::PATH, "pattern": FIELD_PATH }),
    );
    restrict("/fieldRef/properties/apiVersion", json!({ "enum": ["v1"] }));
    restrict(
        "/resourceFieldRef/properties/resource",
        json!({ "maxLength": limits::KEY, "pattern": RESOURCE_FIELD }),
    );
    restrict(
        "/resourceFieldRef/properties/divisor",
        json!({ "pattern": DIVISOR, "minimum": 0, "maximum": 1 }),
    );
}

/// Limits the number of compute resources of a step, and requires valid quantities.
pub(crate) fn few_resources(resources: &mut Schema) {
    let fields = resources
        .as_object_mut()
        .and_then(|resources| resources.get_mut("properties"))
        .and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        if name == "claims" {
            field["maxItems"] = json!(limits::RESOURCES);
            continue;
        }
        field["maxProperties"] = json!(limits::RESOURCES);
        field["additionalProperties"]["pattern"] = json!(limits::QUANTITY_PATTERN);
        field["additionalProperties"]["minimum"] = json!(0);
    }
}
