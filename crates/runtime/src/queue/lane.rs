//! Fair queue of the keys of one priority.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A namespace, or `None` for cluster-scoped objects.
pub type Tenant = Option<Arc<str>>;

/// A key that belongs to a tenant.
pub trait Tenanted {
    /// Returns the tenant of the key.
    fn tenant(&self) -> Tenant;
}

/// Round-robin queue of tenants. A namespace with thousands of queued objects delays each key of another
/// namespace by one key only. Keys of one tenant keep their order.
#[derive(Debug)]
pub(super) struct Lane<K> {
    /// Tenants with keys, in the order of their turns.
    turns: VecDeque<Tenant>,
    keys: HashMap<Tenant, VecDeque<K>>,
}

impl<K> Default for Lane<K> {
    fn default() -> Self {
        Self {
            turns: VecDeque::new(),
            keys: HashMap::new(),
        }
    }
}

impl<K: Tenanted> Lane<K> {
    pub(super) fn push_back(&mut self, key: K) {
        let tenant = key.tenant();
        if let Some(keys) = self.keys.get_mut(&tenant) {
            keys.push_back(key);
        } else {
            self.turns.push_back(tenant.clone());
            self.keys.insert(tenant, VecDeque::from([key]));
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<K> {
        let tenant = self.turns.pop_front()?;
        let keys = self.keys.get_mut(&tenant)?;
        let key = keys.pop_front();
        if keys.is_empty() {
            self.keys.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        key
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Lane, Tenant, Tenanted};

    impl Tenanted for (&'static str, u32) {
        fn tenant(&self) -> Tenant {
            Some(self.0.into())
        }
    }

    #[test]
    fn tenants_alternate_and_keep_order_of_keys() {
        let mut lane = Lane::default();
        for number in 0..3 {
            lane.push_back(("busy", number));
        }
        lane.push_back(("other", 0));
        lane.push_back(("other", 1));
        assert_eq!(lane.len(), 5);
        let order: Vec<_> = std::iter::from_fn(|| lane.pop_front()).collect();
        assert_eq!(
            order,
            [
                ("busy", 0),
                ("other", 0),
                ("busy", 1),
                ("other", 1),
                ("busy", 2)
            ]
        );
        assert!(lane.is_empty() && lane.keys.is_empty());
    }
}
