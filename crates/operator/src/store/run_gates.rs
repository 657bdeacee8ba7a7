//! Run gates: what each namespace should have, and what it has.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_api::{RunGateSpec, SecretUser, limits, size};
use extension_registry_binding::ObjectKey;

/// The run gates of all namespaces.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    wanted: HashMap<Arc<str>, RunGateSpec>,
    written: HashMap<Arc<str>, (u64, RunGateSpec)>,
}

impl Gates {
    /// Lists the user of a Secret; false where the list would become too large.
    pub(crate) fn admit(&mut self, secret: &ObjectKey, user: SecretUser) -> bool {
        let listed = &mut self.of(&secret.namespace).user_secrets;
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

    /// Removes a Secret from the list; true when it was listed.
    pub(crate) fn withdraw(&mut self, secret: &ObjectKey) -> bool {
        let gate = self.wanted.get_mut(&secret.namespace);
        gate.is_some_and(|gate| gate.user_secrets.remove(&*secret.name).is_some())
    }

    /// Holds a Pipeline back; false where the list is full.
    pub(crate) fn hold(&mut self, pipeline: &ObjectKey, reason: &str) -> bool {
        let held = &mut self.of(&pipeline.namespace).held_pipelines;
        let fits = held.len() < limits::HELD_PIPELINES || held.contains_key(&*pipeline.name);
        if fits {
            held.insert(pipeline.name.to_string(), reason.to_owned());
        }
        fits
    }

    /// No longer holds a Pipeline back; true when it was held.
    pub(crate) fn release(&mut self, pipeline: &ObjectKey) -> bool {
        let gate = self.wanted.get_mut(&pipeline.namespace);
        gate.is_some_and(|gate| gate.held_pipelines.remove(&*pipeline.name).is_some())
    }

    /// What a namespace should have, where it does not have it; empty where it should have nothing.
    pub(crate) fn pending(&self, namespace: &str) -> Option<RunGateSpec> {
        let wanted = self.wanted.get(namespace).cloned().unwrap_or_default();
        let written = self.written.get(namespace);
        let same = written.map_or_else(|| wanted.is_empty(), |(_, written)| *written == wanted);
        (!same).then_some(wanted)
    }

    /// Notes what a namespace has, unless a newer version is known.
    pub(crate) fn set_written(&mut self, namespace: &Arc<str>, version: u64, spec: RunGateSpec) {
        let known = self.written.get(namespace);
        if known.is_none_or(|(known, _)| *known < version) {
            self.written.insert(Arc::clone(namespace), (version, spec));
        }
    }

    /// Notes that a namespace has none.
    pub(crate) fn set_absent(&mut self, namespace: &str) {
        self.written.remove(namespace);
    }

    /// Namespaces that have a run gate.
    pub(crate) fn written(&self) -> impl Iterator<Item = &Arc<str>> {
        self.written.keys()
    }

    /// Starts from what the namespaces have, less what `keeps_secret` and `keeps_pipeline` no longer
    /// know. Returns the namespaces.
    pub(crate) fn begin(
        &mut self,
        keeps_secret: impl Fn(&ObjectKey) -> bool,
        keeps_pipeline: impl Fn(&ObjectKey) -> bool,
    ) -> Vec<Arc<str>> {
        let written = self.written.iter();
        self.wanted = written
            .map(|(namespace, (_, spec))| (Arc::clone(namespace), spec.clone()))
            .collect();
        for (namespace, gate) in &mut self.wanted {
            let key = |name: &String| ObjectKey::new(Arc::clone(namespace), name.as_str());
            gate.user_secrets.retain(|name, _| keeps_secret(&key(name)));
            gate.held_pipelines
                .retain(|name, _| keeps_pipeline(&key(name)));
        }
        self.wanted.keys().cloned().collect()
    }

    fn of(&mut self, namespace: &Arc<str>) -> &mut RunGateSpec {
        self.wanted.entry(Arc::clone(namespace)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_api::{RunGateSpec, SecretUser, limits};
    use extension_registry_binding::ObjectKey;

    use super::Gates;

    #[test]
    fn pends_only_what_differs() {
        let mut gates = Gates::default();
        let (pipeline, secret) = (ObjectKey::new("a", "train"), ObjectKey::new("a", "ext-u-x"));
        assert_eq!(gates.pending("a"), None);
        gates.hold(&pipeline, "NotFound");
        gates.admit(&secret, SecretUser::default());
        let wanted = gates.pending("a").unwrap();
        assert_eq!(wanted.held_pipelines["train"], "NotFound");
        gates.set_written(&"a".into(), 2, wanted);
        gates.set_written(&"a".into(), 1, RunGateSpec::default());
        assert_eq!(gates.pending("a"), None);
        assert!(gates.release(&pipeline) && !gates.release(&pipeline));
        assert!(gates.withdraw(&secret) && !gates.withdraw(&secret));
        assert_eq!(gates.pending("a"), Some(RunGateSpec::default()));
        gates.set_absent("a");
        assert_eq!(gates.pending("a"), None);
    }

    #[test]
    fn refuses_what_makes_the_object_too_large() {
        let mut gates = Gates::default();
        let user = SecretUser {
            groups: vec!["g".repeat(256); 128],
            ..SecretUser::default()
        };
        let secret = |number: usize| ObjectKey::new("a", format!("ext-u-{number}").as_str());
        let admitted = (0..100).take_while(|number| gates.admit(&secret(*number), user.clone()));
        let admitted = admitted.count();
        assert!((20..30).contains(&admitted), "{admitted}");
        assert!(gates.admit(&secret(0), SecretUser::default()));
        let listed = gates.pending("a").unwrap().user_secrets;
        assert_eq!(listed.len(), admitted);

        let pipeline = |number: usize| ObjectKey::new("a", format!("p-{number}").as_str());
        for number in 0..limits::HELD_PIPELINES {
            assert!(gates.hold(&pipeline(number), "NotFound"));
        }
        assert!(!gates.hold(&pipeline(limits::HELD_PIPELINES), "NotFound"));
        assert!(gates.hold(&pipeline(0), "NoAccess"));
    }

    #[test]
    fn begins_with_what_is_still_known() {
        let mut written = RunGateSpec::default();
        for name in ["ext-u-old", "ext-u-new"] {
            let user = SecretUser::default();
            written.user_secrets.insert(name.to_owned(), user);
        }
        written
            .held_pipelines
            .insert("gone".to_owned(), "Invalid".to_owned());
        let mut gates = Gates::default();
        gates.set_written(&"a".into(), 1, written);
        assert_eq!(gates.pending("a"), Some(RunGateSpec::default()));
        let namespaces = gates.begin(|key| &*key.name == "ext-u-new", |_| false);
        assert_eq!(namespaces, ["a".into()]);
        let pending = gates.pending("a").unwrap();
        assert!(pending.held_pipelines.is_empty());
        assert!(pending.user_secrets.keys().eq(["ext-u-new"]));
    }
}
