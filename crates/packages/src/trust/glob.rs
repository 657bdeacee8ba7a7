//! Patterns of names: `*` and `?`.

/// A pattern: `*` is any text, `?` one character, all else itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern. Every text is one.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole name is of this form. It takes time that grows with the product of both lengths, and
    /// no more, whatever the pattern.
    ///
    /// ```
    /// use extension_registry_packages::trust::Glob;
    ///
    /// assert!(Glob::new("mlflow-*").matches("mlflow-server"));
    /// assert!(!Glob::new("mlflow-*").matches("my-mlflow-server"));
    /// ```
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut here) = (0, 0);
        // Where the last star is, and what it stands for ends.
        let mut star: Option<(usize, usize)> = None;
        while here < name.len() {
            match (pattern.get(at), star) {
                (Some('*'), _) => {
                    star = Some((at, here));
                    at += 1;
                }
                (Some(character), _) if *character == '?' || *character == name[here] => {
                    at += 1;
                    here += 1;
                }
                (_, Some((place, end))) => {
                    star = Some((place, end + 1));
                    at = place + 1;
                    here = end + 1;
                }
                _ => return false,
            }
        }
        pattern[at..].iter().all(|character| *character == '*')
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
    fn many_stars_do_not_take_for_ever() {
        let pattern = Glob::new("a*".repeat(200) + "b");
        assert!(!pattern.matches(&"a".repeat(2000)));
    }
}
