//! Converts records, in the plain and in the released form.
//!
//! In the released form, names are in `id`, `configuration` is a mapping, endpoints have no name, and the lists of
//! consumers are `projects` and `users`.

use extension_registry_core::sensitive::Sensitive;
use extension_registry_yaml::{Content, Diagnostics, MappingReader, Node, Position, items};

use super::common::{ConvertOptions, NewSecret, object};
use super::names::{NameGenerator, plain, renamed};

/// Placeholder of FuseML for hidden values.
const HIDDEN: &str = "<hidden>";
const STATUS: &str = "ignored: set by the FuseML server";

/// Credentials in existing Secrets: service, set, entries.
pub(super) type ExistingCredentials = Vec<(String, String, Vec<Node>)>;

pub(super) fn convert(
    mapping: MappingReader,
    options: &ConvertOptions<'_>,
    log: &mut Diagnostics,
) -> Option<(Node, Vec<NewSecret>)> {
    build(mapping, options, Vec::new(), log)
}

/// Converts a record, and adds credentials in existing Secrets.
pub(super) fn build(
    mut mapping: MappingReader,
    options: &ConvertOptions<'_>,
    existing: ExistingCredentials,
    log: &mut Diagnostics,
) -> Option<(Node, Vec<NewSecret>)> {
    let at = mapping.at;
    let kind = match options.project {
        Some(_) => "Extension",
        None => "ClusterExtension",
    };
    kind.clone_into(&mut log.about);
    let product = mapping.text("product");
    let (name, field) = match mapping.either(log, ["name", "id"]) {
        Some((name, field)) => (Some(name), field),
        // The FuseML server derives the identifier from the product too.
        None => (product.clone(), "id".to_owned()),
    };
    let Some(name) = name else {
        log.error("missing-field", at, "name")
            .message("`name` or `id` is required", "add one of them");
        return None;
    };
    let id = name.as_written().unwrap_or_default().to_owned();
    let name = renamed(log, &field, name)?;
    let record = name.as_written().unwrap_or_default().to_owned();
    log.about = match options.project {
        Some(project) => format!("{kind} {project}/{record}"),
        None => format!("{kind} {record}"),
    };

    let mut context = Context {
        id,
        record,
        secrets: Vec::new(),
        names: NameGenerator::default(),
        existing,
    };
    let version = mapping.text("version");
    let description = mapping.text("description");
    let zone = mapping.text("zone");
    let services = services(&mut mapping, &mut context, log);
    let configuration = configuration(&mut mapping, log);
    for field in ["created", "status"] {
        mapping.unsupported(log, field, STATUS, "");
    }
    mapping.finish(log);
    for (service, credentials, entries) in context.existing {
        let at = entries.first().map_or(at, |entry| entry.at);
        let message = format!("service `{service}` with credentials `{credentials}` not found");
        log.error("unknown-reference", at, "servicecredentials")
            .message(message, "add them under `services`, with a scope");
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
    Some((
        object(at, kind, name, options.project, spec),
        context.secrets,
    ))
}

/// State shared by the parts of a record.
struct Context {
    /// Identifier of the record in FuseML.
    id: String,
    record: String,
    secrets: Vec<NewSecret>,
    names: NameGenerator,
    existing: ExistingCredentials,
}

fn services(
    mapping: &mut MappingReader,
    context: &mut Context,
    log: &mut Diagnostics,
) -> Option<Node> {
    let (at, services) = mapping.mappings(log, "services")?;
    let mut names = NameGenerator::default();
    let services = services
        .into_iter()
        .map(|mapping| service(mapping, context, &mut names, log))
        .collect();
    Some(Node::items(at, services))
}

fn service(
    mut mapping: MappingReader,
    context: &mut Context,
    names: &mut NameGenerator,
    log: &mut Diagnostics,
) -> Node {
    let at = mapping.at;
    // One example of the FuseML domain model has `service` for `resource`.
    let resource = mapping.either(log, ["resource", "service"]);
    if let Some((node, field)) = &resource
        && field.ends_with("service")
    {
        log.warning("renamed", node.at, field)
            .message("interpreted as `resource`", "");
    }
    let resource = resource.map(|(node, _)| node.into_text());
    let category = mapping.text("category");
    let name = mapping.either_text(log, ["name", "id"]);
    let name = name.unwrap_or_else(|| {
        let default = [&resource, &category]
            .into_iter()
            .flatten()
            .find_map(Node::as_written);
        Node::text(at, names.name(default.unwrap_or("service")))
    });
    names.reserve(name.as_written());
    let service = name.as_written().unwrap_or_default().to_owned();
    mapping.check_parent(log, "extension_id", &context.id);
    mapping.unsupported(log, "status", STATUS, "");
    let description = mapping.text("description");
    let configuration = configuration(&mut mapping, log);
    let endpoints = endpoints(&mut mapping, (&context.id, &service), log);
    let needs = mapping.either_text(log, ["auth_required", "authrequired"]);
    let credentials = credentials(&mut mapping, &service, context, log);
    if let Some(needs) = needs {
        let has_some = credentials.as_ref().is_some_and(|node| !node.is_empty());
        let required = needs.as_written().unwrap_or_default().to_ascii_lowercase();
        let field = mapping.path("auth_required");
        match (&*required, has_some) {
            ("true", true) | ("false", false) => {}
            ("true", false) => log.unsupported(
                needs.at,
                &field,
                "ignored: the service has no credentials",
                "add credentials",
            ),
            ("false", true) => log.unsupported(
                needs.at,
                &field,
                "ignored: the credentials of a service are always used",
                "add a second service without credentials",
            ),
            _ => log
                .error("wrong-type", needs.at, &field)
                .message("must be `true` or `false`", ""),
        }
    }
    mapping.finish(log);
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

fn endpoints(
    mapping: &mut MappingReader,
    (id, service): (&str, &str),
    log: &mut Diagnostics,
) -> Option<Node> {
    let (at, endpoints) = mapping.mappings(log, "endpoints")?;
    let mut names = NameGenerator::default();
    let endpoints = endpoints
        .into_iter()
        .map(|mut mapping| {
            let at = mapping.at;
            let kind = mapping.text("type");
            let name = mapping.text("name").unwrap_or_else(|| {
                let kind = kind.as_ref().and_then(Node::as_written);
                Node::text(at, names.name(kind.unwrap_or("external")))
            });
            names.reserve(name.as_written());
            let url = mapping.text("url");
            let configuration = configuration(&mut mapping, log);
            end(mapping, (id, service), log);
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
    mapping: &mut MappingReader,
    service: &str,
    context: &mut Context,
    log: &mut Diagnostics,
) -> Option<Node> {
    let (at, sets) = mapping.mappings(log, "credentials")?;
    let mut names = NameGenerator::default();
    let sets = sets
        .into_iter()
        .map(|mut mapping| {
            let at = mapping.at;
            let scope = mapping.text("scope");
            let name = mapping.either_text(log, ["name", "id"]).unwrap_or_else(|| {
                let scope = scope.as_ref().and_then(Node::as_written);
                Node::text(at, names.name(scope.unwrap_or("main")))
            });
            names.reserve(name.as_written());
            let set = name.as_written().unwrap_or_default().to_owned();
            let (project, user) = consumers(&mut mapping, scope.as_ref(), log);
            let default = mapping.take("default");
            let configuration = entries(&mut mapping, service, &set, context, log);
            end(mapping, (&context.id, service), log);
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

/// Reads the fields that FuseML adds to each part of a service.
fn end(mut mapping: MappingReader, (id, service): (&str, &str), log: &mut Diagnostics) {
    mapping.check_parent(log, "extension_id", id);
    mapping.check_parent(log, "service_id", service);
    mapping.unsupported(log, "status", STATUS, "");
    mapping.finish(log);
}

/// Reads the consumers of credentials. FuseML writes both lists for every scope, but uses only those of the scope;
/// for scope user, an empty list of projects means all projects.
fn consumers(
    mapping: &mut MappingReader,
    scope: Option<&Node>,
    log: &mut Diagnostics,
) -> (Option<Node>, Option<Node>) {
    let at = mapping.at;
    let mut list = |names: [&'static str; 2]| {
        let (node, field) = mapping.either(log, names)?;
        let list_at = node.at;
        let names = items(log, &field, node)?;
        let is_empty = names.is_empty();
        let names = names.into_iter().map(Node::into_text).collect();
        Some((Node::items(list_at, names), field, is_empty))
    };
    let projects = list(["project", "projects"]);
    let users = list(["user", "users"]);
    let mut unread = |list: Option<(Node, String, bool)>, scope: &str| {
        if let Some((node, field, false)) = list {
            let why = format!("ignored for scope {scope}");
            log.unsupported(node.at, &field, &why, "choose the intended scope");
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

/// Reads plain configuration: a list in the plain form, a mapping in the released form.
fn configuration(mapping: &mut MappingReader, log: &mut Diagnostics) -> Option<Node> {
    let node = mapping.take("configuration")?;
    let path = mapping.path("configuration");
    let at = node.at;
    let entries = pairs(node, &path, log)?
        .into_iter()
        .map(|(at, name, value)| Node::fields(at, [("name", name), ("value", value)]))
        .collect();
    Some(Node::items(at, entries))
}

/// Position, name and value of each entry.
type Pairs = Vec<(Position, Option<Node>, Option<Node>)>;

fn pairs(node: Node, path: &str, log: &mut Diagnostics) -> Option<Pairs> {
    if let Content::Fields(fields) = node.content {
        let pairs = fields.into_iter().map(|(name, value)| {
            let at = value.at;
            // FuseML supports empty values.
            let value = if value.is_null() {
                let message = format!("`{name}` has no value and is converted to an empty string");
                log.warning("empty-value", at, &format!("{path}.{name}"))
                    .message(message, "write `\"\"` if this is intended");
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
        let mut mapping = MappingReader::new(log, format!("{path}[{index}]"), item)?;
        let pair = (mapping.at, mapping.text("name"), mapping.text("value"));
        mapping.finish(log);
        Some(pair)
    });
    Some(pairs.collect())
}

/// Reads the entries of credentials. Moves their values to a Secret, which the record references.
fn entries(
    mapping: &mut MappingReader,
    service: &str,
    set: &str,
    context: &mut Context,
    log: &mut Diagnostics,
) -> Option<Node> {
    let node = mapping.take("configuration");
    let mut at = mapping.at;
    let mut entries = Vec::new();
    if let Some(node) = node {
        at = node.at;
        let path = mapping.path("configuration");
        // With `-` as the separator, `a-b` with `c` and `a` with `b-c` would have the same name.
        let name = format!("{}.{}.{}", context.record, plain(service), plain(set));
        let mut secret = NewSecret {
            name: context.names.name(&name),
            data: Vec::new(),
        };
        for (at, name, value) in pairs(node, &path, log)? {
            let key = name.as_ref().and_then(Node::as_written).unwrap_or_default();
            let reference = value.map(|value| {
                match value.as_written() {
                    Some(HIDDEN) => log.warning("hidden-value", value.at, &path).message(
                        format!("the value of `{key}` is hidden by FuseML"),
                        format!("add it to Secret {} under the key `{key}`", secret.name),
                    ),
                    Some(text) => secret.data.push((key.to_owned(), Sensitive::new(text))),
                    None => log.error("wrong-type", value.at, &path).message(
                        format!("`{key}` must be a string, not {}", value.kind()),
                        "",
                    ),
                }
                reference(at, &secret.name, key)
            });
            entries.push(Node::fields(at, [("name", name), ("valueFrom", reference)]));
        }
        context.secrets.push(secret);
    }
    let existing = context
        .existing
        .iter()
        .position(|(of, name, _)| of == service && name == set);
    if let Some(index) = existing {
        entries.extend(context.existing.swap_remove(index).2);
    }
    (!entries.is_empty()).then(|| Node::items(at, entries))
}

/// Builds a reference to a key of a Secret.
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
