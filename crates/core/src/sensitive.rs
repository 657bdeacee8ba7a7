//! A value that must not be shown.

use std::fmt;
use std::sync::Arc;

/// Text of a configuration entry: it may be a password, so no formatter prints it.
///
/// There is no `Display` and no `Serialize`; `Debug` prints a placeholder. The one way to the text
/// is [`Sensitive::reveal`], which is easy to search for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sensitive(Arc<str>);

impl Sensitive {
    /// Wraps a text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself: only for the data of a Secret, for digests of it, and for what is shown of it once
    /// [`crate::lookalike`] took the credentials out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text is empty.
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
    fn debug_output_hides_the_text() {
        let value = Sensitive::from("hunter2");
        assert_eq!(format!("{value:?}"), "[redacted]");
        assert_eq!(format!("{:?}", Some(vec![value])), "Some([[redacted]])");
    }
}
