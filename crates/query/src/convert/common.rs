//! What the conversions of all documents share.

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::sensitive::Sensitive;
use extension_registry_yaml::{Node, Position};

use crate::finding::Finding;

/// Options of the conversion.
pub struct ConvertOptions<'w> {
    /// Namespace of the workflows, if any.
    pub namespace: Option<&'w str>,
    /// Project of the records; None for cluster-scoped records.
    pub project: Option<&'w str>,
}

/// Result of a conversion.
#[derive(Default)]
pub struct Converted {
    /// Objects with their positions.
    pub objects: Vec<Node>,
    /// Credentials that were moved out of the objects.
    pub secrets: Vec<NewSecret>,
    /// Problems, and fields that cannot be converted.
    pub findings: Vec<Finding>,
}

/// A Secret that records reference and that does not exist yet.
pub struct NewSecret {
    /// Name of the Secret.
    pub name: String,
    /// Keys and values.
    pub data: Vec<(String, Sensitive)>,
}

impl Converted {
    pub(super) fn add(&mut self, converted: Option<(Node, Vec<NewSecret>)>) {
        if let Some((object, secrets)) = converted {
            self.objects.push(object);
            self.secrets.extend(secrets);
        }
    }
}

/// Builds an object of the registry.
pub(super) fn object(
    at: Position,
    kind: &str,
    name: Node,
    namespace: Option<&str>,
    spec: Node,
) -> Node {
    let metadata = Node::fields(
        at,
        [
            ("name", Some(name)),
            ("namespace", namespace.map(|text| Node::text(at, text))),
        ],
    );
    Node::fields(
        at,
        [
            (
                "apiVersion",
                Some(Node::text(at, format!("{GROUP}/{VERSION}"))),
            ),
            ("kind", Some(Node::text(at, kind))),
            ("metadata", Some(metadata)),
            ("spec", Some(spec)),
        ],
    )
}
