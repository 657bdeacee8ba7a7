//! Rules that the schemas hand to the API server, in CEL.
//!
//! To read a field of an object costs the API server about 15 µs in CEL, because it copies the schema
//! of all fields of that object each time; an item of a list of texts costs a hundredth of that. So a
//! rule reads each field once, and a rule about a text is attached to the text.

use extension_registry_core::projection::RENDERED_PREFIX;
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

/// An address with a user or a password.
const USER: &str = concat!("^(", scheme!(), ")?[^/?#]*@");

/// An address with a scheme, or without a path.
const SCHEME_OR_BARE: &str = concat!("^(", scheme!(), "|[^/?#]*$)");

/// An address: the host is an IPv4 address, a name whose last label is no number, or looks like an
/// IPv6 address.
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

/// An address whose host is too long, has a label that is too long, or ends in a hexadecimal number.
const ODD_HOST: &str = concat!(
    "^(",
    scheme!(),
    r")?([^/?#:]{254}|([^/?#:]*\.)?([^/?#:.]{64}|0[xX][0-9A-Fa-f]*\.?([:/?#]|$)))",
);

/// An address whose host is an IPv6 address.
const BRACKET: &str = concat!("^(", scheme!(), r")?\[");

/// Returns a rule that the texts of a list are distinct, where `texts` is CEL that makes that list.
pub(crate) fn distinct(texts: &str, message: &str) -> Rule {
    // The list around it gives the texts a name, so that they are made once.
    Rule::new(format!(
        "[{texts}].all(texts, texts.all(index, text, texts.indexOf(text) == index))"
    ))
    .message(message)
}

/// Returns a rule that the names of a list become distinct variables, where `names` is CEL for that
/// list.
pub(crate) fn distinct_variables(names: &str, message: &str) -> Rule {
    let variables = format!("{names}.map(name, name.upperAscii().replace('-', '_'))");
    distinct(&variables, message)
}

/// Returns a rule that the name of an entry is none of those that the operator writes.
pub(crate) fn free_key() -> Rule {
    Rule::new("!(self in ['type', 'extension.yaml'])")
        .message("`type` and `extension.yaml` are written by the operator: choose another name")
}

/// Returns a rule that an address is well-formed and holds no `user:password@`. Its error does not
/// repeat the address.
pub(crate) fn address() -> Rule {
    Rule::new(format!(
        "self.matches(r'{SCHEME_OR_BARE}') && self.matches(r'{ADDRESS}') && !self.matches(r'{ODD_HOST}') \
         && (!self.matches(r'{BRACKET}') || isIP(self.find(r'\\[[^\\]]*').substring(1)))"
    ))
    .message(Message::Expression(format!(
        "self.matches(r'{USER}') ? '`url` holds a user or a password: put them under `credentials`, and keep only the address here' \
         : '`url` is not a valid address: write a URL with a host, like `https://minio.example.org:9000`, or `host` or `host:port`'"
    )))
    .reason(Reason::FieldValueForbidden)
}

/// Returns a rule for the lists that the scope of credentials uses.
pub(crate) fn scope_lists() -> Rule {
    const PROJECT: &str = "self.scope == 'project'";
    const GLOBAL: &str = "!has(self.scope) || self.scope == 'global'";
    Rule::new(format!(
        "{GLOBAL} ? !has(self.project) && !has(self.user) : ({PROJECT} ? has(self.project) && !has(self.user) : has(self.user))"
    ))
    .message(Message::Expression(format!(
        "{GLOBAL} ? 'scope global admits everyone, so `project` and `user` say nothing: remove them, or set `scope: project` or `scope: user`' \
         : ({PROJECT} ? (has(self.user) ? 'scope project does not use `user`: remove it, or set `scope: user`' \
         : 'scope project needs `project`: list the projects that may have these credentials, or write `project: []` for none') \
         : 'scope user needs `user`: list the users who may have these credentials, or write `user: []` for none')"
    )))
}

/// Returns a rule for the size of a whole record.
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
        "a record has at most {endpoints} endpoints, {credentials} sets of credentials, {members} members of their lists and {entries} configuration entries in all: split it in two"
    )))
}

/// Returns a rule for the size of a whole workflow.
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
        "the steps of a workflow have at most {requirements} requirements, {entries} inputs, outputs and variables, and {arguments} words of commands and arguments in all: split it in two"
    )))
}

/// Returns a rule that `runAfter` names steps of the workflow.
pub(crate) fn known_steps() -> Rule {
    Rule::new(format!(
        "[self.steps.map(s, s.name)].all(names, self.steps.all(s, {}.all(name, name in names)))",
        list("s", "runAfter")
    ))
    .message("`runAfter` names a step that this workflow does not have: write the `name` of another step")
}

/// CEL for a list that may be absent. Its estimated cost is that of the list.
fn list(object: &str, field: &str) -> String {
    format!("(has({object}.{field}) ? {object}.{field} : [])")
}

/// CEL for the length of a list that may be absent. It reads the field once, but no estimate knows
/// how long the list is.
fn count(object: &str, field: &str) -> String {
    format!("{object}.?{field}.orValue([]).size()")
}

/// Lets the value of a variable come from any Secret but one that the operator rendered.
pub(crate) fn foreign_secret(source: &mut Schema) {
    let Some(name) = source
        .as_object_mut()
        .and_then(|source| source.get_mut("properties"))
        .and_then(|fields| fields.pointer_mut("/secretKeyRef/properties/name"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    name.insert("maxLength".to_owned(), json!(limits::KEY));
    name.insert("pattern".to_owned(), json!(limits::SUBDOMAIN_PATTERN));
    let rule = Rule::new(format!("!self.startsWith('{RENDERED_PREFIX}')")).message(
        "the operator renders the Secrets named `ext-…` for requirements: use a requirement under steps[].extensions",
    );
    name.insert("x-kubernetes-validations".to_owned(), json!([rule]));
}

/// Limits the compute resources of a step.
pub(crate) fn few_resources(resources: &mut Schema) {
    let fields = resources
        .as_object_mut()
        .and_then(|resources| resources.get_mut("properties"))
        .and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        let limit = if name == "claims" {
            "maxItems"
        } else {
            "maxProperties"
        };
        field[limit] = json!(limits::RESOURCES);
    }
}
