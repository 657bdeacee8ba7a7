//! Finds packages in an index.

use super::{Index, Package};

impl Index {
    /// Packages in which each word of a text is found, the best first: by name, then by keyword, then by
    /// description. Packages that are equally good are sorted by name, so the same search has the same answer.
    /// No word finds all.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<&Package> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<(u32, &Package)> = self
            .packages
            .iter()
            .filter_map(|package| Some((rank(package, &words)?, package)))
            .collect();
        found.sort_by(|(left, first), (right, second)| {
            let best = right.cmp(left);
            best.then_with(|| first.name.cmp(&second.name))
                .then_with(|| first.kind.name().cmp(second.kind.name()))
        });
        found.into_iter().map(|(_, package)| package).collect()
    }
}

/// How well a package fits; None where a word is not found.
fn rank(package: &Package, words: &[String]) -> Option<u32> {
    let name = package.name.to_lowercase();
    let keywords: Vec<String> = package
        .keywords
        .iter()
        .map(|keyword| keyword.to_lowercase())
        .collect();
    let description = package.description.to_lowercase();
    words.iter().try_fold(0, |sum, word| {
        let rank = if name == *word {
            100
        } else if name.starts_with(word) {
            50
        } else if keywords.contains(word) {
            40
        } else if name.contains(word) {
            30
        } else if keywords.iter().any(|keyword| keyword.contains(word)) {
            20
        } else if description.contains(word) {
            10
        } else {
            return None;
        };
        Some(sum + rank)
    })
}
