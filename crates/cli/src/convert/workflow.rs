//! Workflows, in the plain and in the released form.
//!
//! FuseML runs the command `run` in every step, whatever the image runs by itself.

mod expressions;

use extension_registry_yaml::{Complaints, Given, Node, Position};

use super::names::{plain, renamed};
use super::{Wish, object};
use expressions::{Names, Texts};

const COMMAND: &str = "run";

pub(super) fn convert(mut given: Given, wish: &Wish<'_>, log: &mut Complaints) -> Option<Node> {
    let at = given.at;
    "Workflow".clone_into(&mut log.about);
    let Some(name) = given.take("name") else {
        log.error("missing-field", at, "name")
            .says("is missing", "give the workflow a name");
        return None;
    };
    let name = renamed(log, "name", name)?;
    log.about = format!(
        "Workflow {}/{}",
        wish.namespace.unwrap_or("default"),
        name.as_written().unwrap_or_default()
    );
    for field in ["created", "status"] {
        given.no_place(log, field, "was written by the server of FuseML", "");
    }
    let description = given.text("description");
    let (inputs_at, mut inputs) = inputs(&mut given, log);
    let outputs = outputs(&mut given, log);
    let mut texts = Texts::default();
    let steps = steps(&mut given, &mut texts, log);
    given.end(log);
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
    Some(object(at, "Workflow", name, wish.namespace, spec))
}

fn inputs(given: &mut Given, log: &mut Complaints) -> (Option<Position>, Vec<Node>) {
    let Some((at, inputs)) = given.mappings(log, "inputs") else {
        return (None, Vec::new());
    };
    let inputs = inputs.into_iter().map(|mut given| {
        let at = given.at;
        let name = given.text("name");
        let description = given.text("description");
        let kind = given.text("type");
        given.no_place(
            log,
            "labels",
            "inputs have no labels here",
            "say it in the `description`",
        );
        let is_codeset = kind.as_ref().and_then(Node::as_written) == Some("codeset");
        if is_codeset {
            given.no_place(
                log,
                "default",
                "a codeset has no default here",
                "the run names the repository",
            );
        }
        let default = given.text("default").filter(|_| !is_codeset);
        given.end(log);
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

/// An input for what expressions of FuseML read off a codeset: its name, its project.
fn added(name: &str, at: Position, log: &mut Complaints) -> Node {
    log.warning("added-input", at, "inputs").says(
        format!(
            "input `{name}` was added: a codeset is an address here, without a name or a project"
        ),
        "the run gives it, or give it a `default`",
    );
    Node::fields(
        at,
        [
            ("name", Some(Node::text(at, name))),
            ("type", Some(Node::text(at, "string"))),
        ],
    )
}

fn outputs(given: &mut Given, log: &mut Complaints) -> Option<Node> {
    let (at, outputs) = given.mappings(log, "outputs")?;
    let outputs = outputs.into_iter().map(|mut given| {
        let at = given.at;
        let fields = ["name", "description", "type"].map(|name| (name, given.text(name)));
        given.end(log);
        Node::fields(at, fields)
    });
    Some(Node::items(at, outputs.collect()))
}

fn steps(given: &mut Given, texts: &mut Texts, log: &mut Complaints) -> Option<Node> {
    let (at, mut steps) = given.mappings(log, "steps")?;
    // Later steps speak of earlier ones by name.
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
        .map(|(given, name)| step(given, name, texts, log))
        .collect();
    Some(Node::items(at, steps))
}

fn step(mut given: Given, name: Option<Node>, texts: &mut Texts, log: &mut Complaints) -> Node {
    let at = given.at;
    texts.requirements = Names::default();
    let mut extensions = Vec::new();
    let mut extensions_at = None;
    if let Some((at, requirements)) = given.mappings(log, "extensions") {
        extensions_at = Some(at);
        let requirements = requirements.into_iter();
        extensions.extend(requirements.map(|given| requirement(given, texts, log)));
    }
    let image = given.text("image").map(|image| texts.convert(image));
    let inputs = given.mappings(log, "inputs").map(|(at, inputs)| {
        let inputs = inputs
            .into_iter()
            .filter_map(|given| input(given, texts, &mut extensions, log))
            .collect();
        Node::items(at, inputs)
    });
    let inputs = inputs.filter(|node| !node.is_empty());
    let outputs = given.mappings(log, "outputs").map(|(at, outputs)| {
        let outputs = outputs.into_iter().map(|mut given| {
            let at = given.at;
            given.no_place(
                log,
                "image",
                "steps build images by themselves here",
                "let the step write the name of the image as its output",
            );
            let fields = ["name", "description"].map(|name| (name, given.text(name)));
            given.end(log);
            Node::fields(at, fields)
        });
        Node::items(at, outputs.collect())
    });
    let env = given.mappings(log, "env").map(|(at, variables)| {
        let variables = variables.into_iter().map(|mut given| {
            let at = given.at;
            let name = given.text("name");
            let value = given.text("value").map(|value| texts.convert(value));
            given.end(log);
            Node::fields(at, [("name", name), ("value", value)])
        });
        Node::items(at, variables.collect())
    });
    given.end(log);
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
            ("extensions", extensions),
        ],
    )
}

/// An input of a step. In the minimal form one may be an extension, which is a requirement here.
fn input(
    mut given: Given,
    texts: &mut Texts,
    extensions: &mut Vec<Node>,
    log: &mut Complaints,
) -> Option<Node> {
    let at = given.at;
    if let Some(extension) = given.take("extension") {
        let path = given.path("extension");
        let mut named = Given::of(log, path, extension)?;
        let name = named.take("name")?;
        let name = renamed(log, &named.path("name"), name)?;
        named.end(log);
        given.end(log);
        let requirement = [("name", Some(name.clone())), ("extension", Some(name))];
        extensions.push(Node::fields(at, requirement));
        return None;
    }
    let codeset = given.take("codeset").and_then(|codeset| {
        let mut given = Given::of(log, given.path("codeset"), codeset)?;
        let at = given.at;
        let name = given.text("name").map(|name| texts.convert(name));
        let path = given.text("path");
        given.end(log);
        Some(Node::fields(at, [("name", name), ("path", path)]))
    });
    if codeset.is_some() {
        given.no_place(
            log,
            "name",
            "a codeset of a step has no name of its own here",
            "it is at its `path`",
        );
    }
    let name = given.text("name").filter(|_| codeset.is_none());
    let value = given.text("value").map(|value| texts.convert(value));
    given.end(log);
    Some(Node::fields(
        at,
        [("name", name), ("value", value), ("codeset", codeset)],
    ))
}

fn requirement(mut given: Given, texts: &mut Texts, log: &mut Complaints) -> Node {
    let at = given.at;
    let name = given.take("name").and_then(|name| {
        let new = renamed(log, &given.path("name"), name.clone())?;
        texts.requirements.note(&name, &new);
        Some(new)
    });
    // Records are renamed in the same way.
    let extension = given.either_text(log, ["extension", "extension_id"]);
    let extension = extension.map(|node| match node.as_written() {
        Some(name) => Node::text(node.at, plain(name)),
        None => node,
    });
    let product = given.text("product");
    let version = given.text("version");
    let zone = given.text("zone");
    let service = given.either_text(log, ["service", "service_id"]);
    let resource = given.either_text(log, ["resource", "service_resource"]);
    let category = given.either_text(log, ["category", "service_category"]);
    let endpoint = given.text("endpoint");
    let credentials = given.text("credentials");
    let environment = given.mappings(log, "environment").map(|(at, mappings)| {
        let mappings = mappings.into_iter().map(|mut given| {
            let at = given.at;
            let fields = ["name", "configuration"].map(|name| (name, given.text(name)));
            given.end(log);
            Node::fields(at, fields)
        });
        Node::items(at, mappings.collect())
    });
    given.no_place(
        log,
        "status",
        "was written by the server of FuseML",
        "kubectl ext resolve says what a requirement resolves to",
    );
    given.end(log);
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
