//! Wrapper for values that must not be printed.

use std::fmt;
use std::sync::Arc;

/// Text of a configuration entry. It may be a password, so no formatter prints it.
///
/// It has no `Display` and no `Serialize`; `Debug` prints a placeholder. The only access to the text
/// is [`Sensitive::reveal`], which is easy to search for.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Sensitive(Arc<str>);

impl Sensitive {
    /// Wraps a text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text: only for the data of a Secret, for digests of it, for the request or program that needs a
    /// credential, and for output that [`crate::lookalike`] has redacted.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Sensitive;

    #[test]
    fn debug_output_is_redacted() {
        let value = Sensitive::from("hunter2");
        assert_eq!(format!("{value:?}"), "[redacted]");
        assert_eq!(format!("{:?}", Some(vec![value])), "Some([[redacted]])");
    }
}
