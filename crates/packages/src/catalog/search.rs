//! Finds packages by words. All ways of asking a source mean the same by them, but for sources that search themselves.

use std::cmp::Reverse;

use super::{Discovery, Listed};

impl Listed {
    /// Whether each word of a text is found in its name, a keyword or its description, whatever the case of letters.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.rank(text).is_some()
    }

    /// How well it fits: by name, then by keyword, then by description. None where a word is not found.
    fn rank(&self, text: &str) -> Option<u32> {
        let name = self.name.to_lowercase();
        let keywords = self.keywords.iter().map(|keyword| keyword.to_lowercase());
        let keywords: Vec<String> = keywords.collect();
        let description = self.description.to_lowercase();
        text.split_whitespace().try_fold(0, |sum, word| {
            let word = word.to_lowercase();
            let rank = if name == word {
                100
            } else if name.starts_with(&word) {
                50
            } else if keywords.contains(&word) {
                40
            } else if name.contains(&word) {
                30
            } else if keywords.iter().any(|keyword| keyword.contains(&word)) {
                20
            } else if description.contains(&word) {
                10
            } else {
                return None;
            };
            Some(sum + rank)
        })
    }
}

impl Discovery {
    /// Leaves what mentions a text, the best first.
    pub fn narrow(&mut self, text: &str) {
        self.packages.retain(|listed| listed.mentions(text));
        self.sort(text);
    }

    /// The best first; those that are equally good by name, so the same search has the same answer. What a source found
    /// by itself, for reasons of its own, comes last.
    pub(super) fn sort(&mut self, text: &str) {
        // Stable: sources stay in their order.
        self.packages.sort_by_cached_key(|listed| {
            let rank = listed.rank(text).unwrap_or_default();
            (Reverse(rank), listed.name.clone())
        });
    }
}
