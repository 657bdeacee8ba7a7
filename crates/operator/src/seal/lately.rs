//! Who gave which values just now.
//!
//! The API server asks the mutating door again when another webhook changed the record after it. By
//! then the values are gone, and only the names of the sealed Secrets are left: whoever supplied
//! the values a moment ago still knows them. And what was sealed a moment ago is not collected,
//! however old the Secret is: its record may be on the way to be stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_core::record::SourceSecret;
use parking_lot::Mutex;

/// No request takes longer: the API server gives up before.
const LATELY: Duration = Duration::from_mins(1);
/// The most notes: beyond that the older ones are dropped early, and somebody has to apply again.
const MOST: usize = 20_000;

/// Notes of users by the names of sealed Secrets.
#[derive(Default)]
pub(crate) struct Lately(Mutex<HashMap<Arc<str>, Note>>);

struct Note {
    user: String,
    at: Instant,
}

impl Lately {
    /// Notes that a user gave the values of a sealed Secret.
    pub(crate) fn note(&self, name: &str, user: &str) {
        let mut notes = self.0.lock();
        if notes.len() >= MOST / 2 {
            notes.retain(|_, note| note.at.elapsed() < LATELY);
        }
        if notes.len() >= MOST {
            notes.clear();
        }
        let note = Note {
            user: user.to_owned(),
            at: Instant::now(),
        };
        notes.insert(name.into(), note);
    }

    /// Whether a user gave the values behind a reference lately.
    pub(crate) fn is_from(&self, secret: &SourceSecret, user: &str) -> bool {
        let SourceSecret::Sealed(name) = secret else {
            return false;
        };
        let notes = self.0.lock();
        notes
            .get(name)
            .is_some_and(|note| note.user == user && note.at.elapsed() < LATELY)
    }

    /// Whether anybody gave them lately.
    pub(crate) fn is_fresh(&self, name: &str) -> bool {
        let notes = self.0.lock();
        notes
            .get(name)
            .is_some_and(|note| note.at.elapsed() < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::record::SourceSecret;

    use super::Lately;

    #[test]
    fn only_who_gave_the_values_knows_them() {
        let lately = Lately::default();
        lately.note("sealed-x", "ada");
        let sealed = SourceSecret::Sealed("sealed-x".into());
        assert!(lately.is_from(&sealed, "ada"));
        assert!(!lately.is_from(&sealed, "eve"));
        assert!(!lately.is_from(&SourceSecret::Kept("sealed-x".into()), "ada"));
        assert!(!lately.is_from(&SourceSecret::Sealed("sealed-y".into()), "ada"));
        assert!(lately.is_fresh("sealed-x") && !lately.is_fresh("sealed-y"));
    }
}
