//! Names of what requires a service: a step of a workflow, or a binding.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use schemars::JsonSchema;
use serde::Serialize;

/// What requires a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum ConsumerName {
    /// A step of a workflow.
    Step {
        workflow: String,
        step: String,
        requirement: String,
    },
    /// An `ExtensionBinding`.
    Binding { binding: String },
}

impl ConsumerName {
    /// Returns the object, as in a message: `dev/train, step fit` or `binding dev/storage`.
    #[must_use]
    pub fn text(&self, namespace: &str) -> String {
        match self {
            Self::Step { workflow, step, .. } => format!("{namespace}/{workflow}, step `{step}`"),
            Self::Binding { binding } => format!("binding {namespace}/{binding}"),
        }
    }

    /// Returns the object and the requirement, as in a message.
    #[must_use]
    pub fn requirement_text(&self, namespace: &str) -> String {
        let text = self.text(namespace);
        match self {
            Self::Step { requirement, .. } => format!("{text}, requirement `{requirement}`"),
            Self::Binding { .. } => text,
        }
    }

    /// Returns the object without the requirement.
    #[must_use]
    pub fn object(&self) -> ObjectName {
        match self {
            Self::Step { workflow, .. } => ObjectName::Workflow {
                workflow: workflow.clone(),
            },
            Self::Binding { binding } => ObjectName::Binding {
                binding: binding.clone(),
            },
        }
    }
}

/// An object that requires services.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum ObjectName {
    /// A `Workflow`.
    Workflow { workflow: String },
    /// An `ExtensionBinding`.
    Binding { binding: String },
}

impl ObjectName {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Workflow { workflow: name } | Self::Binding { binding: name } => name,
        }
    }

    /// Returns the object, as in a message: `dev/train` or `binding dev/storage`.
    #[must_use]
    pub fn text(&self, namespace: &str) -> String {
        match self {
            Self::Workflow { workflow } => format!("{namespace}/{workflow}"),
            Self::Binding { binding } => format!("binding {namespace}/{binding}"),
        }
    }
}
