//! Reads an inventory from files or from a cluster.

use extension_registry_core::diagnostic::Failure;
use extension_registry_yaml::Marks;
use kube::Client;

use super::files::{self, Input};
use super::log::ReadLog;
use super::model::Inventory;
use super::settings::{Scope, Settings};
use crate::Result;
use crate::cluster;
use crate::finding::Finding;

impl Inventory {
    /// Reads all objects of files.
    ///
    /// # Errors
    /// If a file cannot be read, or no file contains an object.
    pub fn from_files(input: &Input<'_>, settings: Settings, log: &mut ReadLog) -> Result<Self> {
        let mut inventory = Self::empty(settings);
        for text in files::read(input, &mut inventory.findings, log)? {
            inventory.add_text(&text.file, &text.text);
        }
        inventory.check_not_empty(input)?;
        inventory.finish();
        Ok(inventory)
    }

    /// Reads objects from a cluster. Secrets are never read.
    ///
    /// # Errors
    /// If the cluster is unreachable, or the user may not list the objects.
    pub async fn from_cluster(
        client: &Client,
        default_namespace: &str,
        settings: Settings,
        scope: Scope,
        log: &mut ReadLog,
    ) -> Result<Self> {
        let mut inventory = Self::empty(settings);
        let namespace = inventory.settings.namespace.as_deref();
        let namespace = namespace.unwrap_or(default_namespace).to_owned();
        let listed = cluster::list(client, &namespace, &inventory.settings, scope, log);
        let objects = listed.await?;
        inventory.namespace = namespace;
        inventory.is_stored = true;
        for object in objects {
            inventory.add(&"".into(), object, Marks::default());
        }
        inventory.is_stored = false;
        inventory.finish();
        Ok(inventory)
    }

    /// Reads the objects of a change from files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read_change(&self, input: &Input<'_>, log: &mut ReadLog) -> Result<Self> {
        let mut change = self.empty_like();
        for text in files::read(input, &mut change.findings, log)? {
            change.add_text(&text.file, &text.text);
        }
        change.finish();
        Ok(change)
    }

    /// Fails if no objects were read, because the path may be wrong.
    pub(super) fn check_not_empty(&self, input: &Input<'_>) -> Result<()> {
        if self.documents > 0 || self.findings.iter().any(Finding::is_error) {
            return Ok(());
        }
        let failure = Failure::new(format!("no objects found in {}", files::names(input.paths)));
        Err(failure.hint("check the path; empty files and comments contain no objects"))
    }
}
