//! Desired and existing run gates.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_api::status::HoldReason;
use extension_registry_api::{RunGateSpec, SecretUser, limits, size};
use extension_registry_core::refusal::Reason;
use extension_registry_render::ObjectKey;

/// The run gates of all namespaces.
#[derive(Debug, Default)]
pub(crate) struct RunGateStore {
    desired: HashMap<Arc<str>, RunGateSpec>,
    existing: HashMap<Arc<str>, (u64, RunGateSpec)>,
}

impl RunGateStore {
    /// Adds the user of a Secret; `false` if the object would become too large.
    pub(crate) fn add_secret(&mut self, secret: &ObjectKey, user: SecretUser) -> bool {
        let listed = &mut self.entry(&secret.namespace).user_secrets;
        if listed.get(&*secret.name) == Some(&user) {
            return true;
        }
        let before = listed.insert(secret.name.to_string(), user);
        let bytes = size::written(listed).unwrap_or(usize::MAX);
        let fits = listed.len() <= limits::USER_SECRETS && bytes <= limits::USER_SECRETS_BYTES;
        if !fits {
            match before {
                Some(before) => listed.insert(secret.name.to_string(), before),
                None => listed.remove(&*secret.name),
            };
        }
        fits
    }

    /// Removes a Secret; `true` if it was listed.
    pub(crate) fn remove_secret(&mut self, secret: &ObjectKey) -> bool {
        let gate = self.desired.get_mut(&secret.namespace);
        gate.is_some_and(|gate| gate.user_secrets.remove(&*secret.name).is_some())
    }

    /// Puts a Pipeline on hold; `false` if the list is full.
    pub(crate) fn hold(&mut self, pipeline: &ObjectKey, reason: HoldReason) -> bool {
        let held = &mut self.entry(&pipeline.namespace).held_pipelines;
        let fits = held.len() < limits::HELD_PIPELINES || held.contains_key(&*pipeline.name);
        if fits {
            held.insert(pipeline.name.to_string(), reason.as_str().to_owned());
        }
        fits
    }

    /// Releases a Pipeline; `true` if it was on hold.
    pub(crate) fn release(&mut self, pipeline: &ObjectKey) -> bool {
        let gate = self.desired.get_mut(&pipeline.namespace);
        gate.is_some_and(|gate| gate.held_pipelines.remove(&*pipeline.name).is_some())
    }

    /// Puts a binding on hold; `false` if the list is full.
    pub(crate) fn hold_binding(&mut self, binding: &ObjectKey, reason: Reason) -> bool {
        let held = &mut self.entry(&binding.namespace).held_bindings;
        let fits = held.len() < limits::HELD_BINDINGS || held.contains_key(&*binding.name);
        if fits {
            held.insert(binding.name.to_string(), reason.as_str().to_owned());
        }
        fits
    }

    /// Releases a binding; `true` if it was on hold.
    pub(crate) fn release_binding(&mut self, binding: &ObjectKey) -> bool {
        let gate = self.desired.get_mut(&binding.namespace);
        gate.is_some_and(|gate| gate.held_bindings.remove(&*binding.name).is_some())
    }

    /// Returns the desired spec if it differs from the existing one; empty if the object must be deleted.
    pub(crate) fn pending(&self, namespace: &str) -> Option<RunGateSpec> {
        let desired = self.desired.get(namespace).cloned().unwrap_or_default();
        let existing = self.existing.get(namespace);
        let same =
            existing.map_or_else(|| desired.is_empty(), |(_, existing)| *existing == desired);
        (!same).then_some(desired)
    }

    /// Records the existing spec of a namespace, unless a newer version is known.
    pub(crate) fn set_existing(&mut self, namespace: &Arc<str>, version: u64, spec: RunGateSpec) {
        let known = self.existing.get(namespace);
        if known.is_none_or(|(known, _)| *known < version) {
            self.existing.insert(Arc::clone(namespace), (version, spec));
        }
    }

    /// Records that a namespace has no run gate.
    pub(crate) fn set_absent(&mut self, namespace: &str) {
        self.existing.remove(namespace);
    }

    /// Returns the namespaces that have a run gate.
    pub(crate) fn existing(&self) -> impl Iterator<Item = &Arc<str>> {
        self.existing.keys()
    }

    /// Initializes the desired specs from the existing ones, without entries that `keeps_secret`, `keeps_pipeline` or
    /// `keeps_binding` rejects. Returns the namespaces.
    pub(crate) fn initialize(
        &mut self,
        keeps_secret: impl Fn(&ObjectKey) -> bool,
        keeps_pipeline: impl Fn(&ObjectKey) -> bool,
        keeps_binding: impl Fn(&ObjectKey) -> bool,
    ) -> Vec<Arc<str>> {
        let existing = self.existing.iter();
        self.desired = existing
            .map(|(namespace, (_, spec))| (Arc::clone(namespace), spec.clone()))
            .collect();
        for (namespace, gate) in &mut self.desired {
            let key = |name: &String| ObjectKey::new(Arc::clone(namespace), name.as_str());
            gate.user_secrets.retain(|name, _| keeps_secret(&key(name)));
            gate.held_pipelines
                .retain(|name, _| keeps_pipeline(&key(name)));
            gate.held_bindings
                .retain(|name, _| keeps_binding(&key(name)));
        }
        self.desired.keys().cloned().collect()
    }

    fn entry(&mut self, namespace: &Arc<str>) -> &mut RunGateSpec {
        self.desired.entry(Arc::clone(namespace)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_api::{RunGateSpec, SecretUser, limits};
    use extension_registry_core::refusal::Reason;
    use extension_registry_render::ObjectKey;

    use super::RunGateStore;

    #[test]
    fn pending_returns_only_differing_spec() {
        let mut gates = RunGateStore::default();
        let (pipeline, secret) = (ObjectKey::new("a", "train"), ObjectKey::new("a", "ext-u-x"));
        assert_eq!(gates.pending("a"), None);
        gates.hold(&pipeline, Reason::NotFound.into());
        gates.add_secret(&secret, SecretUser::default());
        let desired = gates.pending("a").unwrap();
        assert_eq!(desired.held_pipelines["train"], "NotFound");
        gates.set_existing(&"a".into(), 2, desired);
        gates.set_existing(&"a".into(), 1, RunGateSpec::default());
        assert_eq!(gates.pending("a"), None);
        assert!(gates.release(&pipeline) && !gates.release(&pipeline));
        assert!(gates.remove_secret(&secret) && !gates.remove_secret(&secret));
        let binding = ObjectKey::new("a", "storage");
        assert!(gates.hold_binding(&binding, Reason::NotFound));
        assert_eq!(
            gates.pending("a").unwrap().held_bindings["storage"],
            "NotFound"
        );
        assert!(gates.release_binding(&binding) && !gates.release_binding(&binding));
        assert_eq!(gates.pending("a"), Some(RunGateSpec::default()));
        gates.set_absent("a");
        assert_eq!(gates.pending("a"), None);
    }

    #[test]
    fn rejects_entries_beyond_size_limits() {
        let mut gates = RunGateStore::default();
        let user = SecretUser {
            groups: vec!["g".repeat(256); 128],
            ..SecretUser::default()
        };
        let secret = |number: usize| ObjectKey::new("a", format!("ext-u-{number}").as_str());
        let admitted =
            (0..100).take_while(|number| gates.add_secret(&secret(*number), user.clone()));
        let admitted = admitted.count();
        assert!((20..30).contains(&admitted), "{admitted}");
        assert!(gates.add_secret(&secret(0), SecretUser::default()));
        let listed = gates.pending("a").unwrap().user_secrets;
        assert_eq!(listed.len(), admitted);

        let pipeline = |number: usize| ObjectKey::new("a", format!("p-{number}").as_str());
        for number in 0..limits::HELD_PIPELINES {
            assert!(gates.hold(&pipeline(number), Reason::NotFound.into()));
        }
        assert!(!gates.hold(&pipeline(limits::HELD_PIPELINES), Reason::NotFound.into()));
        assert!(gates.hold(&pipeline(0), Reason::NoAccess.into()));
    }

    #[test]
    fn initialize_keeps_only_existing_objects() {
        let mut existing = RunGateSpec::default();
        for name in ["ext-u-old", "ext-u-new"] {
            let user = SecretUser::default();
            existing.user_secrets.insert(name.to_owned(), user);
        }
        existing
            .held_pipelines
            .insert("gone".to_owned(), "Invalid".to_owned());
        for name in ["old", "new"] {
            let reason = "NotFound".to_owned();
            existing.held_bindings.insert(name.to_owned(), reason);
        }
        let mut gates = RunGateStore::default();
        gates.set_existing(&"a".into(), 1, existing);
        assert_eq!(gates.pending("a"), Some(RunGateSpec::default()));
        let is_new = |key: &ObjectKey| key.name.ends_with("new");
        let namespaces = gates.initialize(is_new, |_| false, is_new);
        assert_eq!(namespaces, ["a".into()]);
        let pending = gates.pending("a").unwrap();
        assert!(pending.held_pipelines.is_empty());
        assert!(pending.user_secrets.keys().eq(["ext-u-new"]));
        assert!(pending.held_bindings.keys().eq(["new"]));
    }
}
