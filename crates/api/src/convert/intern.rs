//! Interning of names: records with the same product share one allocation.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_core::record::Name;

/// Source of names.
pub trait Intern {
    /// Returns the name for a string.
    fn name(&mut self, text: &str) -> Name;
}

/// An [`Intern`] that allocates each name separately.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unshared;

impl Intern for Unshared {
    fn name(&mut self, text: &str) -> Name {
        text.into()
    }
}

/// Interned names; equal strings share one allocation.
#[derive(Clone, Debug, Default)]
pub struct Names(HashSet<Name>);

impl Names {
    /// Drops names that are no longer in use. Call it periodically, or a long-lived set keeps every
    /// name ever seen.
    pub fn remove_unused(&mut self) {
        self.0.retain(|name| Arc::strong_count(name) > 1);
    }

    /// Returns the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Intern for Names {
    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.0.get(text) {
            return name.clone();
        }
        let name = Name::from(text);
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Intern, Names};

    #[test]
    fn shares_equal_names_and_removes_unused_ones() {
        let mut names = Names::default();
        let first = names.name("mlflow");
        let second = names.name("mlflow");
        assert!(Arc::ptr_eq(&first, &second));
        drop((names.name("minio"), first));
        names.remove_unused();
        assert_eq!(names.len(), 1);
        drop(second);
        names.remove_unused();
        assert!(names.is_empty());
    }
}
