//! Settings of the reconcilers.

use std::sync::Arc;
use std::time::Duration;

use extension_registry_api::Workflow;
use extension_registry_render::person::Person;

use crate::args::InlineCredentials;

/// Settings of the reconcilers.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Namespace of the operator.
    pub namespace: Arc<str>,
    /// Namespace of the Secrets that cluster-scoped records refer to.
    pub records_namespace: Arc<str>,
    /// User name of the operator's service account; empty if unknown.
    pub account: Arc<str>,
    /// Whether to ignore author annotations, because no policies verify them.
    pub ignore_authors: bool,
    /// How credential values written into a record are handled.
    pub inline_credentials: InlineCredentials,
    /// Namespaces to manage; empty means all.
    pub namespaces: Box<[Arc<str>]>,
    /// Zone in which steps run; `None` if unknown.
    pub zone: Option<Arc<str>>,
    /// How long an unused Secret is kept.
    pub unused_grace: Duration,
}

impl Settings {
    /// Returns the user on whose behalf a workflow resolves.
    pub(crate) fn author(&self, workflow: &Workflow) -> Option<Person> {
        let author = Person::author(&workflow.metadata);
        author.filter(|_| !self.ignore_authors)
    }
}
