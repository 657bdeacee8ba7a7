//! Records, in the plain and in the released form.
//!
//! Of the released form: things are named by `id`, `configuration` is a mapping, endpoints have no
//! name, lists of people are `projects` and `users`.

use extension_registry_core::sensitive::Sensitive;
use extension_registry_yaml::{Complaints, Content, Given, Node, Position, items};

use super::names::{Fresh, plain, renamed};
use super::{NewSecret, Wish, object};

/// What FuseML shows in place of a value.
const HIDDEN: &str = "<hidden>";
const STATUS: &str = "was written by the server of FuseML";

/// Entries of credentials whose values are in Secrets that exist: service, set, entries.
pub(super) type Kept = Vec<(String, String, Vec<Node>)>;

pub(super) fn convert(
    given: Given,
    wish: &Wish<'_>,
    log: &mut Complaints,
) -> Option<(Node, Vec<NewSecret>)> {
    build(given, wish, Vec::new(), log)
}

/// A record, with entries from elsewhere.
pub(super) fn build(
    mut given: Given,
    wish: &Wish<'_>,
    kept: Kept,
    log: &mut Complaints,
) -> Option<(Node, Vec<NewSecret>)> {
    let at = given.at;
    let kind = match wish.project {
        Some(_) => "Extension",
        None => "ClusterExtension",
    };
    kind.clone_into(&mut log.about);
    let product = given.text("product");
    let (name, field) = match given.either(log, ["name", "id"]) {
        Some((name, field)) => (Some(name), field),
        // The server of FuseML makes an identifier of the product too.
        None => (product.clone(), "id".to_owned()),
    };
    let Some(name) = name else {
        log.error("missing-field", at, "name")
            .says("is missing, and so is `id`", "give the record a name");
        return None;
    };
    let id = name.as_written().unwrap_or_default().to_owned();
    let name = renamed(log, &field, name)?;
    let record = name.as_written().unwrap_or_default().to_owned();
    log.about = match wish.project {
        Some(project) => format!("{kind} {project}/{record}"),
        None => format!("{kind} {record}"),
    };

    let mut context = Context {
        id,
        record,
        secrets: Vec::new(),
        names: Fresh::default(),
        kept,
    };
    let version = given.text("version");
    let description = given.text("description");
    let zone = given.text("zone");
    let services = services(&mut given, &mut context, log);
    let configuration = configuration(&mut given, log);
    for field in ["created", "status"] {
        given.no_place(log, field, STATUS, "");
    }
    given.end(log);
    for (service, credentials, entries) in context.kept {
        let at = entries.first().map_or(at, |entry| entry.at);
        let message = format!("no service `{service}` with credentials `{credentials}`");
        log.error("unknown-reference", at, "servicecredentials")
            .says(
                message,
                "add them under `services`, with a scope that says who may have them",
            );
    }
    let spec = Node::fields(
        at,
        [
            ("product", product),
            ("version", version),
            ("description", description),
            ("zone", zone),
            ("services", services),
            ("configuration", configuration),
        ],
    );
    Some((object(at, kind, name, wish.project, spec), context.secrets))
}

/// What the parts of a record share.
struct Context {
    /// What FuseML calls the record.
    id: String,
    record: String,
    secrets: Vec<NewSecret>,
    names: Fresh,
    kept: Kept,
}

fn services(given: &mut Given, context: &mut Context, log: &mut Complaints) -> Option<Node> {
    let (at, services) = given.mappings(log, "services")?;
    let mut names = Fresh::default();
    let services = services
        .into_iter()
        .map(|given| service(given, context, &mut names, log))
        .collect();
    Some(Node::items(at, services))
}

fn service(
    mut given: Given,
    context: &mut Context,
    names: &mut Fresh,
    log: &mut Complaints,
) -> Node {
    let at = given.at;
    // Example 4 of the seed writes `service` for `resource`.
    let resource = given.either(log, ["resource", "service"]);
    if let Some((node, field)) = &resource
        && field.ends_with("service")
    {
        log.warning("renamed", node.at, field)
            .says("is taken for the `resource`", "");
    }
    let resource = resource.map(|(node, _)| node.into_text());
    let category = given.text("category");
    let name = given.either_text(log, ["name", "id"]);
    let name = name.unwrap_or_else(|| {
        let wanted = [&resource, &category]
            .into_iter()
            .flatten()
            .find_map(Node::as_written);
        Node::text(at, names.name(wanted.unwrap_or("service")))
    });
    names.note(name.as_written());
    let service = name.as_written().unwrap_or_default().to_owned();
    given.says_where(log, "extension_id", &context.id);
    given.no_place(log, "status", STATUS, "");
    let description = given.text("description");
    let configuration = configuration(&mut given, log);
    let endpoints = endpoints(&mut given, (&context.id, &service), log);
    let needs = given.either_text(log, ["auth_required", "authrequired"]);
    let credentials = credentials(&mut given, &service, context, log);
    if let Some(needs) = needs {
        let has_some = credentials.as_ref().is_some_and(|node| !node.is_empty());
        let wanted = needs.as_written().unwrap_or_default().to_ascii_lowercase();
        let field = given.path("auth_required");
        match (&*wanted, has_some) {
            ("true", true) | ("false", false) => {}
            ("true", false) => log.no_place(
                needs.at,
                &field,
                "the service has no credentials, and one without any needs none here",
                "add credentials",
            ),
            ("false", true) => log.no_place(
                needs.at,
                &field,
                "a service that has credentials is used with them here",
                "make a second service without credentials for those who need none",
            ),
            _ => log
                .error("wrong-type", needs.at, &field)
                .says("is neither `true` nor `false`", ""),
        }
    }
    given.end(log);
    Node::fields(
        at,
        [
            ("name", Some(name)),
            ("resource", resource),
            ("category", category),
            ("description", description),
            ("configuration", configuration),
            ("endpoints", endpoints),
            ("credentials", credentials),
        ],
    )
}

fn endpoints(given: &mut Given, (id, service): (&str, &str), log: &mut Complaints) -> Option<Node> {
    let (at, endpoints) = given.mappings(log, "endpoints")?;
    let mut names = Fresh::default();
    let endpoints = endpoints
        .into_iter()
        .map(|mut given| {
            let at = given.at;
            let kind = given.text("type");
            let name = given.text("name").unwrap_or_else(|| {
                let kind = kind.as_ref().and_then(Node::as_written);
                Node::text(at, names.name(kind.unwrap_or("external")))
            });
            names.note(name.as_written());
            let url = given.text("url");
            let configuration = configuration(&mut given, log);
            end(given, (id, service), log);
            Node::fields(
                at,
                [
                    ("name", Some(name)),
                    ("url", url),
                    ("type", kind),
                    ("configuration", configuration),
                ],
            )
        })
        .collect();
    Some(Node::items(at, endpoints))
}

fn credentials(
    given: &mut Given,
    service: &str,
    context: &mut Context,
    log: &mut Complaints,
) -> Option<Node> {
    let (at, sets) = given.mappings(log, "credentials")?;
    let mut names = Fresh::default();
    let sets = sets
        .into_iter()
        .map(|mut given| {
            let at = given.at;
            let scope = given.text("scope");
            let name = given.either_text(log, ["name", "id"]).unwrap_or_else(|| {
                let scope = scope.as_ref().and_then(Node::as_written);
                Node::text(at, names.name(scope.unwrap_or("main")))
            });
            names.note(name.as_written());
            let set = name.as_written().unwrap_or_default().to_owned();
            let (project, user) = people(&mut given, scope.as_ref(), log);
            let default = given.take("default");
            let configuration = entries(&mut given, service, &set, context, log);
            end(given, (&context.id, service), log);
            Node::fields(
                at,
                [
                    ("name", Some(name)),
                    ("scope", scope),
                    ("project", project),
                    ("user", user),
                    ("default", default),
                    ("configuration", configuration),
                ],
            )
        })
        .collect();
    Some(Node::items(at, sets))
}

/// Takes what FuseML writes into each part of a service beside what it says.
fn end(mut given: Given, (id, service): (&str, &str), log: &mut Complaints) {
    given.says_where(log, "extension_id", id);
    given.says_where(log, "service_id", service);
    given.no_place(log, "status", STATUS, "");
    given.end(log);
}

/// Who may have credentials. FuseML writes both lists beside every scope, and reads only those that
/// the scope is about; of scope user, an empty list of projects stands for all of them.
fn people(
    given: &mut Given,
    scope: Option<&Node>,
    log: &mut Complaints,
) -> (Option<Node>, Option<Node>) {
    let at = given.at;
    let mut list = |names: [&'static str; 2]| {
        let (node, field) = given.either(log, names)?;
        let list_at = node.at;
        let people = items(log, &field, node)?;
        let is_empty = people.is_empty();
        let people = people.into_iter().map(Node::into_text).collect();
        Some((Node::items(list_at, people), field, is_empty))
    };
    let projects = list(["project", "projects"]);
    let users = list(["user", "users"]);
    let mut unread = |list: Option<(Node, String, bool)>, scope: &str| {
        if let Some((node, field, false)) = list {
            let why = format!("says nothing beside scope {scope}");
            log.no_place(node.at, &field, &why, "choose the scope that you meant");
        }
        None
    };
    let needed = |list: Option<(Node, String, bool)>| {
        Some(list.map_or_else(|| Node::items(at, Vec::new()), |(node, ..)| node))
    };
    match scope.and_then(Node::as_written) {
        Some("project") => (needed(projects), unread(users, "project")),
        Some("user") => {
            let projects = projects.filter(|(.., is_empty)| !is_empty);
            (projects.map(|(node, ..)| node), needed(users))
        }
        _ => (unread(projects, "global"), unread(users, "global")),
    }
}

/// Entries that are no secret: a list in the plain form, a mapping in the released one.
fn configuration(given: &mut Given, log: &mut Complaints) -> Option<Node> {
    let node = given.take("configuration")?;
    let path = given.path("configuration");
    let at = node.at;
    let entries = pairs(node, &path, log)?
        .into_iter()
        .map(|(at, name, value)| Node::fields(at, [("name", name), ("value", value)]))
        .collect();
    Some(Node::items(at, entries))
}

/// Name and value of each entry.
type Pairs = Vec<(Position, Option<Node>, Option<Node>)>;

fn pairs(node: Node, path: &str, log: &mut Complaints) -> Option<Pairs> {
    if let Content::Fields(fields) = node.content {
        let pairs = fields.into_iter().map(|(name, value)| {
            let at = value.at;
            // In FuseML an empty value is a value.
            let value = if value.is_null() {
                let message = format!("`{name}` has no value, and is an empty text here");
                log.warning("empty-value", at, &format!("{path}.{name}"))
                    .says(message, "write `\"\"` where that is meant");
                Node::text(at, "")
            } else {
                value.into_text()
            };
            (at, Some(Node::text(at, name)), Some(value))
        });
        return Some(pairs.collect());
    }
    let items = items(log, path, node)?;
    let pairs = items.into_iter().enumerate().filter_map(|(index, item)| {
        let mut given = Given::of(log, format!("{path}[{index}]"), item)?;
        let pair = (given.at, given.text("name"), given.text("value"));
        given.end(log);
        Some(pair)
    });
    Some(pairs.collect())
}

/// Entries of credentials. Their values go into a Secret, and the record refers to that.
fn entries(
    given: &mut Given,
    service: &str,
    set: &str,
    context: &mut Context,
    log: &mut Complaints,
) -> Option<Node> {
    let node = given.take("configuration");
    let mut at = given.at;
    let mut entries = Vec::new();
    if let Some(node) = node {
        at = node.at;
        let path = given.path("configuration");
        // With `-` in between, `a-b` with `c` and `a` with `b-c` would be one Secret.
        let name = format!("{}.{}.{}", context.record, plain(service), plain(set));
        let mut secret = NewSecret {
            name: context.names.name(&name),
            data: Vec::new(),
        };
        for (at, name, value) in pairs(node, &path, log)? {
            let key = name.as_ref().and_then(Node::as_written).unwrap_or_default();
            let reference = value.map(|value| {
                match value.as_written() {
                    Some(HIDDEN) => log.warning("hidden-value", value.at, &path).says(
                        format!("the value of `{key}` is not in the file: FuseML hides it"),
                        format!("put it under the key `{key}` of Secret {}", secret.name),
                    ),
                    Some(text) => secret.data.push((key.to_owned(), Sensitive::new(text))),
                    None => log.error("wrong-type", value.at, &path).says(
                        format!("`{key}` is {} where text belongs", value.kind()),
                        "",
                    ),
                }
                reference(at, &secret.name, key)
            });
            entries.push(Node::fields(at, [("name", name), ("valueFrom", reference)]));
        }
        context.secrets.push(secret);
    }
    let kept = context
        .kept
        .iter()
        .position(|(of, name, _)| of == service && name == set);
    if let Some(index) = kept {
        entries.extend(context.kept.swap_remove(index).2);
    }
    (!entries.is_empty()).then(|| Node::items(at, entries))
}

/// A reference to a key of a Secret.
pub(super) fn reference(at: Position, secret: &str, key: &str) -> Node {
    let reference = Node::fields(
        at,
        [
            ("name", Some(Node::text(at, secret))),
            ("key", Some(Node::text(at, key))),
        ],
    );
    Node::fields(at, [("secretKeyRef", Some(reference))])
}
