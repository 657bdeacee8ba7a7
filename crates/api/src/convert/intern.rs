//! Sharing of names: a thousand records of one product hold its name once.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_core::record::Name;

/// Makes names.
pub trait Intern {
    /// The name with this text.
    fn name(&mut self, text: &str) -> Name;
}

/// Makes a new name each time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unshared;

impl Intern for Unshared {
    fn name(&mut self, text: &str) -> Name {
        text.into()
    }
}

/// Names seen so far; equal texts share one allocation.
#[derive(Clone, Debug, Default)]
pub struct Names(HashSet<Name>);

impl Names {
    /// Drops the names that nothing else holds any more. Call it now and then, or a long-lived set
    /// grows with every name ever seen.
    pub fn forget_unused(&mut self) {
        self.0.retain(|name| Arc::strong_count(name) > 1);
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
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
    fn equal_texts_share_one_name_until_nobody_holds_it() {
        let mut names = Names::default();
        let first = names.name("mlflow");
        let second = names.name("mlflow");
        assert!(Arc::ptr_eq(&first, &second));
        drop((names.name("minio"), first));
        names.forget_unused();
        assert_eq!(names.len(), 1);
        drop(second);
        names.forget_unused();
        assert!(names.is_empty());
    }
}
