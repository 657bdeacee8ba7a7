//! Sets of candidates of one name, as bit sets of their numbers.

use std::fmt;

use pubgrub::VersionSet;
use smallvec::SmallVec;

/// Bits in a word.
const WIDTH: usize = 64;

/// The solver creates millions of sets: up to 128 candidates are stored inline.
type Words = SmallVec<[u64; 2]>;

/// An exact set of numbers.
///
/// Trailing words equal to the fill of `rest` are removed, so that equal sets compare equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Set {
    words: Words,
    /// Whether the numbers after the last word belong to the set.
    rest: bool,
}

impl Set {
    fn of(mut words: Words, rest: bool) -> Self {
        let fill = fill(rest);
        while words.last() == Some(&fill) {
            words.pop();
        }
        Self { words, rest }
    }

    /// Pairs up the words of both sets, plus one word of the rest.
    fn zip_words(&self, other: &Self) -> impl Iterator<Item = (u64, u64)> {
        let length = self.words.len().max(other.words.len());
        (0..=length).map(|index| (self.word(index), other.word(index)))
    }

    fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(fill(self.rest))
    }

    /// Whether the set is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && !self.rest
    }

    /// Iterates over its numbers below `count`, in order.
    pub(super) fn below(&self, count: usize) -> impl Iterator<Item = u32> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        (0..count).filter(|number| self.contains(number))
    }

    /// Counts its numbers below `count`.
    pub(super) fn count(&self, count: usize) -> usize {
        (0..count.div_ceil(WIDTH))
            .map(|index| {
                let over = ((index + 1) * WIDTH).saturating_sub(count);
                let mask = u64::MAX >> over;
                (self.word(index) & mask).count_ones() as usize
            })
            .sum()
    }
}

fn fill(rest: bool) -> u64 {
    if rest { u64::MAX } else { 0 }
}

fn place(number: u32) -> (usize, u64) {
    let number = number as usize;
    (number / WIDTH, 1 << (number % WIDTH))
}

impl FromIterator<u32> for Set {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut words = Words::new();
        for number in numbers {
            let (index, bit) = place(number);
            if words.len() <= index {
                words.resize(index + 1, 0);
            }
            words[index] |= bit;
        }
        Self::of(words, false)
    }
}

impl VersionSet for Set {
    type V = u32;

    fn empty() -> Self {
        Self::of(Words::new(), false)
    }

    fn singleton(number: u32) -> Self {
        std::iter::once(number).collect()
    }

    fn complement(&self) -> Self {
        Self {
            words: self.words.iter().map(|word| !word).collect(),
            rest: !self.rest,
        }
    }

    fn intersection(&self, other: &Self) -> Self {
        let length = self.words.len().max(other.words.len());
        let words = (0..length).map(|index| self.word(index) & other.word(index));
        Self::of(words.collect(), self.rest && other.rest)
    }

    fn contains(&self, number: &u32) -> bool {
        let (index, bit) = place(*number);
        self.word(index) & bit != 0
    }

    fn union(&self, other: &Self) -> Self {
        let length = self.words.len().max(other.words.len());
        let words = (0..length).map(|index| self.word(index) | other.word(index));
        Self::of(words.collect(), self.rest || other.rest)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.zip_words(other).all(|(left, right)| left & right == 0)
    }

    fn subset_of(&self, other: &Self) -> bool {
        self.zip_words(other)
            .all(|(left, right)| left & !right == 0)
    }
}

impl fmt::Display for Set {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.below(self.words.len() * WIDTH);
        formatter.debug_set().entries(shown).finish()?;
        formatter.write_str(if self.rest { " and more" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = Set> {
        (
            proptest::collection::btree_set(0_u32..200, 0..30),
            any::<bool>(),
        )
            .prop_map(|(numbers, inverted)| {
                let set: Set = numbers.into_iter().collect();
                if inverted { set.complement() } else { set }
            })
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(left in set(), right in set()) {
            let (both, either) = (left.intersection(&right), left.union(&right));
            for number in 0..260 {
                let (is_left, is_right) = (left.contains(&number), right.contains(&number));
                prop_assert_eq!(both.contains(&number), is_left && is_right);
                prop_assert_eq!(either.contains(&number), is_left || is_right);
                prop_assert_eq!(left.complement().contains(&number), !is_left);
            }
            prop_assert_eq!(left.is_disjoint(&right), both.is_empty());
            prop_assert_eq!(left.subset_of(&right), both == left);
            prop_assert!(both.subset_of(&left) && left.subset_of(&either));
            prop_assert_eq!(left.complement().complement(), left.clone());
            prop_assert_eq!(left.union(&left.complement()), Set::full());
            prop_assert!(left.intersection(&left.complement()).is_empty());
            for count in [0, 1, 63, 64, 65, 150, 300] {
                prop_assert_eq!(left.count(count), left.below(count).count());
            }
        }
    }
}
