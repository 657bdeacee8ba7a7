//! Matches packages against search words. The semantics are the same for all discovery methods except
//! server-side search.

use std::cmp::Reverse;

use super::{Discovery, PackageSummary};

impl PackageSummary {
    /// Returns whether every word of a text occurs in the name, a keyword or the description, ignoring case.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.rank(text).is_some()
    }

    /// Ranks a match: by name, then by keyword, then by description. None if a word does not occur.
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
    /// Keeps the packages that match a text, the best first.
    pub fn narrow(&mut self, text: &str) {
        self.packages.retain(|listed| listed.mentions(text));
        self.sort(text);
    }

    /// Sorts the best match first and equal ones by name, so that results are deterministic. Results of a
    /// server-side search that do not match locally come last.
    pub(super) fn sort(&mut self, text: &str) {
        // The sort is stable, so sources keep their order.
        self.packages.sort_by_cached_key(|listed| {
            let rank = listed.rank(text).unwrap_or_default();
            (Reverse(rank), listed.name.clone())
        });
    }
}
