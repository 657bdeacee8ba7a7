//! The result of a requirement, for templates.

use extension_registry_query::consumer::ConsumerName;
use extension_registry_query::resolve::{Answer, Outcome};

use crate::link;

/// A link with its text.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A requirement of a workflow or binding, and its result.
pub(crate) struct Row {
    pub(crate) namespace: String,
    /// Workflow or binding.
    pub(crate) consumer: Link,
    /// Step and requirement of a workflow; empty for a binding.
    pub(crate) requirement: String,
    pub(crate) result: Shown,
}

/// Result of a requirement.
pub(crate) enum Shown {
    /// A service was selected.
    Bound {
        record: Link,
        service: String,
        endpoint: String,
        credentials: String,
    },
    /// No service was selected.
    Refused {
        reason: String,
        message: String,
        hint: String,
    },
}

/// Returns the kind of a consumer, and the link to it.
pub(crate) fn consumer(namespace: &str, consumer: &ConsumerName) -> (&'static str, Link) {
    let object = consumer.object();
    let (kind, part) = match consumer {
        ConsumerName::Step { .. } => ("Workflow", "workflows"),
        ConsumerName::Binding { .. } => ("ExtensionBinding", "bindings"),
    };
    let link = Link {
        path: link::path(&[part, namespace, object.name()]),
        text: object.name().to_owned(),
    };
    (kind, link)
}

/// Returns the step and the requirement of a consumer.
pub(crate) fn requirement(consumer: &ConsumerName) -> String {
    match consumer {
        ConsumerName::Step {
            step, requirement, ..
        } => format!("{step}/{requirement}"),
        ConsumerName::Binding { .. } => String::new(),
    }
}

/// Prepares an answer.
pub(crate) fn row(answer: &Answer) -> Row {
    let (_, consumer) = consumer(&answer.namespace, &answer.consumer);
    Row {
        namespace: answer.namespace.clone(),
        consumer,
        requirement: requirement(&answer.consumer),
        result: shown(&answer.namespace, &answer.outcome),
    }
}

/// Prepares a result. `namespace` is that of the consumer, which is also that of a record of its project.
pub(crate) fn shown(namespace: &str, outcome: &Outcome) -> Shown {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    match outcome {
        Outcome::Bound {
            kind,
            record,
            service,
            endpoint,
            credentials,
            ..
        } => Shown::Bound {
            record: record_link(kind, namespace, record),
            service: service.clone(),
            endpoint: or_none(endpoint),
            credentials: or_none(credentials),
        },
        Outcome::Refused {
            reason,
            message,
            hint,
        } => Shown::Refused {
            reason: reason.clone(),
            message: message.clone(),
            hint: hint.clone(),
        },
    }
}

/// Returns the link to a record that a consumer in a namespace sees.
pub(crate) fn record_link(kind: &str, namespace: &str, name: &str) -> Link {
    let namespace = (kind == "Extension").then_some(namespace);
    Link {
        path: link::record(kind, namespace, name),
        text: name.to_owned(),
    }
}
