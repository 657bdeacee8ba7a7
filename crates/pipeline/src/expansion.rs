//! Texts in which Kubernetes expands variables.
//!
//! The kubelet expands `value` of a variable and arguments once, from left to right:
//! `$(NAME)` becomes the value of the variable if it is defined, otherwise it is unchanged. `$$` becomes
//! `$`; any other `$` is unchanged, and so is an unclosed `$(`. Expanded values are not expanded again
//! (Kubernetes API reference, `Container.args` and `EnvVar.value`).
//!
//! So the value of a generated reference cannot break the text, but the literal text before it can: a
//! preceding `$` would make it the escape `$$(NAME)`, and an unclosed `$(` would swallow it. Escaping
//! these characters as `$$` gives the container exactly the literal text.

/// A text under construction: literal text and references to variables.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    settled: String,
    pending: String,
}

impl Expansion {
    /// Adds literal text of the user.
    pub(crate) fn text(&mut self, text: &str) {
        self.pending.push_str(text);
    }

    /// Adds text that a later step replaces. That step escapes the text before it.
    pub(crate) fn opaque(&mut self, text: &str) {
        self.settled.push_str(&self.pending);
        self.settled.push_str(text);
        self.pending.clear();
    }

    /// Adds a reference to a variable. The text before it cannot change its meaning.
    pub(crate) fn reference(&mut self, variable: &str) {
        self.settle();
        self.settled.push_str("$(");
        self.settled.push_str(variable);
        self.settled.push(')');
    }

    /// Returns the whole text.
    pub(crate) fn finish(mut self) -> String {
        self.settled.push_str(&self.pending);
        self.settled
    }

    /// Escapes each `$` of the pending text that would affect the following text.
    fn settle(&mut self) {
        let text = std::mem::take(&mut self.pending);
        let last_close = text.rfind(')');
        let mut rest = text.as_str();
        let mut offset = 0;
        while let Some(dollar) = rest.find('$') {
            let (before, from) = rest.split_at(dollar);
            self.settled.push_str(before);
            let start = offset + dollar;
            let is_closed = last_close.is_some_and(|close| close > start);
            let length = match from.as_bytes().get(1) {
                None => {
                    self.settled.push('$');
                    1
                }
                Some(b'$') => 2,
                Some(b'(') if is_closed => from.find(')').map_or(2, |close| close + 1),
                Some(b'(') => {
                    self.settled.push('$');
                    2
                }
                Some(_) => 1,
            };
            let (done, left) = from.split_at(length);
            self.settled.push_str(done);
            rest = left;
            offset = start + length;
        }
        self.settled.push_str(rest);
    }
}

/// Expands a text like the kubelet: the reference implementation for tests.
#[cfg(test)]
pub(crate) fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        let from = &rest[dollar..];
        let length = match from.as_bytes().get(1) {
            Some(b'$') => {
                expanded.push('$');
                2
            }
            Some(b'(') => {
                let end = from.find(')').map_or(2, |close| close + 1);
                let whole = &from[..end];
                let name = whole
                    .strip_prefix("$(")
                    .and_then(|name| name.strip_suffix(')'));
                expanded.push_str(&name.and_then(&variable).unwrap_or_else(|| whole.to_owned()));
                end
            }
            _ => {
                expanded.push('$');
                1
            }
        };
        rest = &from[length..];
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surround(before: &str, after: &str) -> String {
        let mut expansion = Expansion::default();
        expansion.text(before);
        expansion.reference("H");
        expansion.text(after);
        expansion.finish()
    }

    fn seen(text: &str) -> String {
        expand(text, |name| match name {
            "H" => Some("$(OTHER)$$".to_owned()),
            "USER" => Some("user".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn literal_text_before_reference_is_preserved() {
        for (before, after, written, expected) in [
            ("", "", "$(H)", "$(OTHER)$$"),
            ("a ", " b", "a $(H) b", "a $(OTHER)$$ b"),
            ("$", "", "$$$(H)", "$$(OTHER)$$"),
            ("$$", "", "$$$(H)", "$$(OTHER)$$"),
            ("$$$", "", "$$$$$(H)", "$$$(OTHER)$$"),
            ("$(curl ", ")", "$$(curl $(H))", "$(curl $(OTHER)$$)"),
            ("$(a $(b ", "", "$$(a $$(b $(H)", "$(a $(b $(OTHER)$$"),
            ("$(USER) ", "", "$(USER) $(H)", "user $(OTHER)$$"),
            ("$(a $(b) ", "", "$(a $(b) $(H)", "$(a $(b) $(OTHER)$$"),
            ("$x$", "$(USER)", "$x$$$(H)$(USER)", "$x$$(OTHER)$$user"),
            ("é$", "", "é$$$(H)", "é$$(OTHER)$$"),
        ] {
            let text = surround(before, after);
            assert_eq!(text, written, "{before:?}");
            assert_eq!(seen(&text), expected, "{before:?}");
        }
    }

    #[test]
    fn escapes_many_open_references_in_linear_time() {
        let text = surround(&"$(".repeat(500_000), "");
        assert_eq!(text.len(), 1_500_004);
    }
}
