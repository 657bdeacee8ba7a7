//! Converts workflows, in the plain and in the released form.
//!
//! FuseML runs the command `run` in every step, regardless of the entrypoint of the image.

mod expressions;

use extension_registry_yaml::{Content, Diagnostics, MappingReader, Node, Position};

use super::common::{ConvertOptions, object};
use super::names::{plain, renamed};
use expressions::{Names, Texts};

const COMMAND: &str = "run";

pub(super) fn convert(
    mut mapping: MappingReader,
    options: &ConvertOptions<'_>,
    log: &mut Diagnostics,
) -> Option<Node> {
    let at = mapping.at;
    "Workflow".clone_into(&mut log.about);
    let Some(name) = mapping.take("name") else {
        log.error("missing-field", at, "name")
            .message("is missing", "give the workflow a name");
        return None;
    };
    let name = renamed(log, "name", name)?;
    log.about = format!(
        "Workflow {}/{}",
        options.namespace.unwrap_or("default"),
        name.as_written().unwrap_or_default()
    );
    for field in ["created", "status"] {
        mapping.unsupported(log, field, "ignored: set by the FuseML server", "");
    }
    let description = mapping.text("description");
    let (inputs_at, mut inputs) = inputs(&mut mapping, log);
    let outputs = outputs(&mut mapping, log);
    let mut texts = Texts::default();
    let steps = steps(&mut mapping, &mut texts, log);
    mapping.finish(log);
    for (name, at) in texts.into_added() {
        inputs.push(added(&name, at, log));
    }
    let inputs = (!inputs.is_empty()).then(|| Node::items(inputs_at.unwrap_or(at), inputs));
    let spec = Node::fields(
        at,
        [
            ("description", description),
            ("inputs", inputs),
            ("outputs", outputs),
            ("steps", steps),
        ],
    );
    Some(object(at, "Workflow", name, options.namespace, spec))
}

fn inputs(mapping: &mut MappingReader, log: &mut Diagnostics) -> (Option<Position>, Vec<Node>) {
    let Some((at, inputs)) = mapping.mappings(log, "inputs") else {
        return (None, Vec::new());
    };
    let inputs = inputs.into_iter().map(|mut mapping| {
        let at = mapping.at;
        let name = mapping.text("name");
        let description = mapping.text("description");
        let kind = mapping.text("type");
        mapping.unsupported(
            log,
            "labels",
            "not supported: inputs have no labels",
            "use `description` instead",
        );
        let is_codeset = kind.as_ref().and_then(Node::as_written) == Some("codeset");
        if is_codeset {
            mapping.unsupported(
                log,
                "default",
                "not supported: codesets have no default",
                "pass the repository when you start the run",
            );
        }
        let default = mapping.text("default").filter(|_| !is_codeset);
        mapping.finish(log);
        Node::fields(
            at,
            [
                ("name", name),
                ("description", description),
                ("type", kind),
                ("default", default),
            ],
        )
    });
    (Some(at), inputs.collect())
}

/// Adds an input for the name or project of a codeset, which FuseML expressions can use.
fn added(name: &str, at: Position, log: &mut Diagnostics) -> Node {
    log.warning("added-input", at, "inputs").message(
        format!("added input `{name}`: codesets have no name or project"),
        "pass it when you start the run, or set a `default`",
    );
    Node::fields(
        at,
        [
            ("name", Some(Node::text(at, name))),
            ("type", Some(Node::text(at, "string"))),
        ],
    )
}

fn outputs(mapping: &mut MappingReader, log: &mut Diagnostics) -> Option<Node> {
    let (at, outputs) = mapping.mappings(log, "outputs")?;
    let outputs = outputs.into_iter().map(|mut mapping| {
        let at = mapping.at;
        let fields = ["name", "description", "type"].map(|name| (name, mapping.text(name)));
        mapping.finish(log);
        Node::fields(at, fields)
    });
    Some(Node::items(at, outputs.collect()))
}

fn steps(mapping: &mut MappingReader, texts: &mut Texts, log: &mut Diagnostics) -> Option<Node> {
    let (at, mut steps) = mapping.mappings(log, "steps")?;
    // Later steps refer to earlier ones by name.
    let names: Vec<Option<Node>> = steps
        .iter_mut()
        .map(|step| {
            let name = step.take("name")?;
            let new = renamed(log, &step.path("name"), name.clone())?;
            texts.steps.note(&name, &new);
            Some(new)
        })
        .collect();
    let steps = steps
        .into_iter()
        .zip(names)
        .map(|(mapping, name)| step(mapping, name, texts, log))
        .collect();
    Some(Node::items(at, steps))
}

fn step(
    mut mapping: MappingReader,
    name: Option<Node>,
    texts: &mut Texts,
    log: &mut Diagnostics,
) -> Node {
    let at = mapping.at;
    texts.requirements = Names::default();
    let mut extensions = Vec::new();
    let mut extensions_at = None;
    if let Some((at, requirements)) = mapping.mappings(log, "extensions") {
        extensions_at = Some(at);
        let requirements = requirements.into_iter();
        extensions.extend(requirements.map(|mapping| requirement(mapping, texts, log)));
    }
    let image = mapping.text("image").map(|image| texts.convert(image));
    let inputs = mapping.mappings(log, "inputs").map(|(at, inputs)| {
        let inputs = inputs
            .into_iter()
            .filter_map(|mapping| input(mapping, texts, &mut extensions, log))
            .collect();
        Node::items(at, inputs)
    });
    let inputs = inputs.filter(|node| !node.is_empty());
    let outputs = mapping.mappings(log, "outputs").map(|(at, outputs)| {
        let outputs = outputs.into_iter().map(|mut mapping| {
            let at = mapping.at;
            mapping.unsupported(
                log,
                "image",
                "not supported: steps build their own images",
                "write the name of the image to an output of the step",
            );
            let fields = ["name", "description"].map(|name| (name, mapping.text(name)));
            mapping.finish(log);
            Node::fields(at, fields)
        });
        Node::items(at, outputs.collect())
    });
    let env = mapping.mappings(log, "env").map(|(at, variables)| {
        let variables = variables.into_iter().map(|mut mapping| {
            let at = mapping.at;
            let name = mapping.text("name");
            let value = mapping.text("value").map(|value| texts.convert(value));
            mapping.finish(log);
            Node::fields(at, [("name", name), ("value", value)])
        });
        Node::items(at, variables.collect())
    });
    let resources = resources(&mut mapping, log);
    mapping.finish(log);
    let extensions =
        (!extensions.is_empty()).then(|| Node::items(extensions_at.unwrap_or(at), extensions));
    let command = Node::items(at, vec![Node::text(at, COMMAND)]);
    Node::fields(
        at,
        [
            ("name", name),
            ("image", image),
            ("command", Some(command)),
            ("inputs", inputs),
            ("outputs", outputs),
            ("env", env),
            ("resources", resources),
            ("extensions", extensions),
        ],
    )
}

/// Converts the compute resources of a step: FuseML has the same fields as a container, with texts for quantities.
fn resources(step: &mut MappingReader, log: &mut Diagnostics) -> Option<Node> {
    let node = step.take("resources")?;
    let at = node.at;
    let mut mapping = MappingReader::new(log, step.path("resources"), node)?;
    let fields = ["limits", "requests"].map(|name| (name, quantities(&mut mapping, name, log)));
    mapping.finish(log);
    Some(Node::fields(at, fields))
}

fn quantities(
    mapping: &mut MappingReader,
    name: &'static str,
    log: &mut Diagnostics,
) -> Option<Node> {
    let node = mapping.take(name)?;
    let Content::Fields(fields) = node.content else {
        let message = format!("must be a mapping, not {}", node.kind());
        log.error("wrong-type", node.at, &mapping.path(name))
            .message(
                message,
                "write one quantity per resource, such as `cpu: \"1\"`",
            );
        return None;
    };
    let fields = fields
        .into_iter()
        .filter(|(_, quantity)| !quantity.is_null())
        .map(|(resource, quantity)| (resource, quantity.into_text()));
    Some(Node {
        at: node.at,
        content: Content::Fields(fields.collect()),
    })
}

/// Converts an input of a step. In the minimal form it may be an extension, which becomes a requirement.
fn input(
    mut mapping: MappingReader,
    texts: &mut Texts,
    extensions: &mut Vec<Node>,
    log: &mut Diagnostics,
) -> Option<Node> {
    let at = mapping.at;
    if let Some(extension) = mapping.take("extension") {
        let path = mapping.path("extension");
        let mut named = MappingReader::new(log, path, extension)?;
        let name = named.take("name")?;
        let name = renamed(log, &named.path("name"), name)?;
        named.finish(log);
        mapping.finish(log);
        let requirement = [("name", Some(name.clone())), ("extension", Some(name))];
        extensions.push(Node::fields(at, requirement));
        return None;
    }
    let codeset = mapping.take("codeset").and_then(|codeset| {
        let mut mapping = MappingReader::new(log, mapping.path("codeset"), codeset)?;
        let at = mapping.at;
        let name = mapping.text("name").map(|name| texts.convert(name));
        let path = mapping.text("path");
        mapping.finish(log);
        Some(Node::fields(at, [("name", name), ("path", path)]))
    });
    if codeset.is_some() {
        mapping.unsupported(
            log,
            "name",
            "not supported: codesets of steps have no name",
            "use `path` instead",
        );
    }
    let name = mapping.text("name").filter(|_| codeset.is_none());
    let value = mapping.text("value").map(|value| texts.convert(value));
    mapping.finish(log);
    Some(Node::fields(
        at,
        [("name", name), ("value", value), ("codeset", codeset)],
    ))
}

fn requirement(mut mapping: MappingReader, texts: &mut Texts, log: &mut Diagnostics) -> Node {
    let at = mapping.at;
    let name = mapping.take("name").and_then(|name| {
        let new = renamed(log, &mapping.path("name"), name.clone())?;
        texts.requirements.note(&name, &new);
        Some(new)
    });
    // Records are renamed by the same rule.
    let extension = mapping.either_text(log, ["extension", "extension_id"]);
    let extension = extension.map(|node| match node.as_written() {
        Some(name) => Node::text(node.at, plain(name)),
        None => node,
    });
    let product = mapping.text("product");
    let version = mapping.text("version");
    let zone = mapping.text("zone");
    let service = mapping.either_text(log, ["service", "service_id"]);
    let resource = mapping.either_text(log, ["resource", "service_resource"]);
    let category = mapping.either_text(log, ["category", "service_category"]);
    let endpoint = mapping.text("endpoint");
    let credentials = mapping.text("credentials");
    let environment = mapping.mappings(log, "environment").map(|(at, mappings)| {
        let mappings = mappings.into_iter().map(|mut mapping| {
            let at = mapping.at;
            let fields = ["name", "configuration"].map(|name| (name, mapping.text(name)));
            mapping.finish(log);
            Node::fields(at, fields)
        });
        Node::items(at, mappings.collect())
    });
    for field in ["status", "extensionAccess"] {
        mapping.unsupported(
            log,
            field,
            "ignored: set by the FuseML server",
            "run `kubectl ext resolve` to see what the requirement resolves to",
        );
    }
    mapping.finish(log);
    Node::fields(
        at,
        [
            ("name", name),
            ("extension", extension),
            ("product", product),
            ("version", version),
            ("zone", zone),
            ("service", service),
            ("resource", resource),
            ("category", category),
            ("endpoint", endpoint),
            ("credentials", credentials),
            ("environment", environment),
        ],
    )
}
