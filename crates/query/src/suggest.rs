//! Suggests names for one that is unknown.

use std::collections::BTreeSet;

use extension_registry_core::suggest;

/// Maximum number of names in a message.
const FEW: usize = 5;

/// Returns the question for the closest name; None if none is close enough to be a misspelling.
pub fn did_you_mean<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    suggest::closest(name, names).map(|near| format!("did you mean `{near}`?"))
}

/// Returns a hint with similar names, or with all names if there are only a few.
pub fn similar<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    if let Some(question) = did_you_mean(name, names.iter().copied()) {
        return Some(question);
    }
    let listed = |names: &[&str]| format!("`{}`", names.join("`, `"));
    let lower = name.to_lowercase();
    let holds = |known: &&str| !name.is_empty() && known.to_lowercase().contains(&lower);
    let near: Vec<&str> = names.iter().copied().filter(holds).take(FEW).collect();
    match near.as_slice() {
        [] if names.is_empty() || names.len() > FEW => None,
        [] => {
            let names: Vec<&str> = names.into_iter().collect();
            Some(format!("available: {}", listed(&names)))
        }
        [one] => Some(format!("did you mean `{one}`?")),
        several => Some(format!("did you mean one of {}?", listed(several))),
    }
}
