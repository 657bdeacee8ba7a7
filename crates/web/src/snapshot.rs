//! The objects that a request sees.

use std::sync::OnceLock;

use extension_registry_query::resolve::{Answers, resolve};
use extension_registry_query::{Inventory, ReadLog};

/// Objects read at one time, and what pages need of them more than once.
pub(crate) struct Snapshot {
    /// The objects.
    pub(crate) inventory: Inventory,
    /// What was noticed while they were read.
    pub(crate) log: ReadLog,
    answers: OnceLock<Answers>,
}

impl Snapshot {
    pub(crate) fn new(inventory: Inventory, log: ReadLog) -> Self {
        Self {
            inventory,
            log,
            answers: OnceLock::new(),
        }
    }

    /// Returns the resolutions of all workflows and bindings.
    pub(crate) fn answers(&self) -> &Answers {
        self.answers.get_or_init(|| {
            resolve(&self.inventory, &[]).unwrap_or(Answers {
                answers: Vec::new(),
                problems: Vec::new(),
            })
        })
    }
}
