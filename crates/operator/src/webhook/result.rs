//! What a handler decides.

use kube::core::DynamicObject;

/// What a handler decides, with warnings for the person who asked: `kubectl` prints them.
#[derive(Default)]
pub(crate) struct Answer {
    /// The decision.
    pub(crate) decision: Decision,
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// The decision.
#[derive(Default)]
pub(crate) enum Decision {
    /// Let it pass as it is.
    #[default]
    Admit,
    /// Let it pass with these changes.
    Change(Box<DynamicObject>),
    /// Refuse it. The text names the object, the field and the way out, and no value.
    Refuse(String),
    /// Nobody can tell now: the API server did not answer a question of ours.
    Retry(String),
}

impl Answer {
    /// Let it pass.
    pub(crate) fn admit() -> Self {
        Self::default()
    }

    /// Let it pass, changed.
    pub(crate) fn change(object: DynamicObject) -> Self {
        Self {
            decision: Decision::Change(Box::new(object)),
            ..Self::default()
        }
    }

    /// Refuse it.
    pub(crate) fn refuse(message: impl Into<String>) -> Self {
        Self {
            decision: Decision::Refuse(message.into()),
            ..Self::default()
        }
    }

    /// Ask again later.
    pub(crate) fn retry(message: impl Into<String>) -> Self {
        Self {
            decision: Decision::Retry(message.into()),
            ..Self::default()
        }
    }

    /// With one more warning.
    pub(crate) fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}
