//! Bindings of the inventory, and the services that they select.

use std::sync::Arc;

use extension_registry_api::convert::{self, BindingRequirement, FieldError};
use extension_registry_api::{ExtensionBinding, REBIND_ANNOTATION};
use extension_registry_core::resolve::{Choice, CurrentChoice, Index};
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{self, Prepared, Selection, current, describe, select};
use serde_json::Value;

use super::load::Fit;
use super::model::{BindingEntry, Inventory};
use super::origin::Origin;

impl BindingEntry {
    /// Returns whether the binding moves to another service that matches better: it follows the registry, or a user
    /// requested it.
    fn moves(&self) -> bool {
        let annotations = self.binding.metadata.annotations.as_ref();
        let requested = annotations.and_then(|all| all.get(REBIND_ANNOTATION));
        let status = self.binding.status.as_ref();
        let handled = status.and_then(|status| status.last_rebind.as_ref());
        self.binding.spec.follow || (requested.is_some() && requested != handled)
    }
}

impl Inventory {
    pub(super) fn add_binding(
        &mut self,
        origin: Origin,
        namespace: String,
        name: &str,
        mut value: Value,
    ) {
        if self.fits("ExtensionBinding", &origin, &value) == Fit::Unreadable {
            return;
        }
        value["metadata"]["namespace"] = namespace.clone().into();
        let Ok(binding) = serde_json::from_value::<ExtensionBinding>(value) else {
            let finding = origin.error("wrong-type", "spec");
            self.findings
                .push(finding.message("does not match the schema of kind ExtensionBinding", ""));
            return;
        };
        let status = binding.status.as_ref();
        let choice = status.and_then(|status| status.choice.as_ref());
        let current = choice.map(|choice| current(&namespace, choice));
        self.bindings.push(BindingEntry {
            origin,
            key: ObjectKey::new(namespace, name),
            binding: Arc::new(binding),
            current,
        });
    }

    /// Returns the binding with this name.
    #[must_use]
    pub fn binding(&self, key: &ObjectKey) -> Option<&BindingEntry> {
        self.bindings.iter().find(|entry| entry.key == *key)
    }

    /// Selects the service of a binding.
    ///
    /// # Errors
    /// If the binding is invalid, or its requirement is refused.
    pub fn selected(
        &self,
        entry: &BindingEntry,
    ) -> Result<(BindingRequirement, Selection), Vec<FieldError>> {
        self.selected_with(&self.index, entry.current.as_ref(), entry)
    }

    /// Selects the service of a binding, which has the service `current`, with other records.
    pub(crate) fn selected_with(
        &self,
        index: &Index,
        current: Option<&CurrentChoice>,
        entry: &BindingEntry,
    ) -> Result<(BindingRequirement, Selection), Vec<FieldError>> {
        let requirement = convert::binding(&entry.key.name, &entry.binding.spec)?;
        let consumer = self.consumer(&entry.key, None);
        let selection =
            select(index, &requirement, &consumer, current, entry.moves()).map_err(|refusal| {
                vec![FieldError {
                    field: "spec".to_owned(),
                    refusal,
                }]
            })?;
        Ok((requirement, selection))
    }

    /// Lets each binding keep the service that it selects now.
    pub fn keep_choices(&mut self) {
        let kept: Vec<Option<CurrentChoice>> =
            self.bindings.iter().map(|entry| self.kept(entry)).collect();
        for (entry, kept) in self.bindings.iter_mut().zip(kept) {
            entry.current = kept;
        }
    }

    /// Returns the service that a binding selects now, as one to keep.
    pub(crate) fn kept(&self, entry: &BindingEntry) -> Option<CurrentChoice> {
        let (_, Selection { choice, .. }) = self.selected(entry).ok()?;
        let choice = describe(&choice, "");
        Some(current(&entry.key.namespace, &choice))
    }

    /// Renders the Secrets of a binding.
    ///
    /// # Errors
    /// If the service has no key that the binding names, or a source is missing.
    pub fn prepared(
        &self,
        entry: &BindingEntry,
        requirement: &BindingRequirement,
        choice: &Choice,
    ) -> Result<Prepared, Vec<FieldError>> {
        let values = self.secrets.values(choice, self.records_namespace());
        binding::prepare(&entry.key, requirement, choice, "", &values)
    }

    /// Returns the Secrets of a choice that are used with all keys, but whose keys are unknown here.
    #[must_use]
    pub fn whole_secrets_of(&self, choice: &Choice) -> Vec<ObjectKey> {
        let credentials = choice.credentials();
        if credentials.is_none_or(|credentials| credentials.secret.is_none()) {
            return Vec::new();
        }
        self.secrets.unknown(choice, self.records_namespace())
    }
}
