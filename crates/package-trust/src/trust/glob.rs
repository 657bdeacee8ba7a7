//! Patterns of names with `*` and `?`.

use wildmatch::WildMatch;

/// A pattern: `*` matches any text, `?` one character, everything else itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Creates a pattern. Every text is valid.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Returns the text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pattern matches the whole name, in time proportional to the product of both lengths at most.
    ///
    /// ```
    /// use extension_registry_package_trust::trust::Glob;
    ///
    /// assert!(Glob::new("mlflow-*").matches("mlflow-server"));
    /// assert!(!Glob::new("mlflow-*").matches("my-mlflow-server"));
    /// ```
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        WildMatch::new(&self.0).matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("mlflow", "mlflow", true),
            ("mlflow", "mlflow2", false),
            ("mlflow", "my-mlflow", false),
            ("ml?low", "mlflow", true),
            ("ml?low", "mllow", false),
            ("*-server", "mlflow-server", true),
            ("*a*b", "aXbXaXb", true),
            ("*a*b", "aXbXaX", false),
            ("a*", "b", false),
            ("MLflow", "mlflow", false),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn matches_many_stars_in_polynomial_time() {
        let pattern = Glob::new("a*".repeat(200) + "b");
        assert!(!pattern.matches(&"a".repeat(2000)));
    }
}
