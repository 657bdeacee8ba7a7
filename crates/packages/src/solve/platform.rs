//! What is there where packages are used, and what they require of it (R3).

use std::collections::BTreeMap;

use extension_registry_core::version::{RecordVersion, VersionRange};

use crate::manifest::Requirement;

/// What is there: `kubernetes` in version `1.36.3`; None where nobody knows in which.
pub type Platform = BTreeMap<String, Option<String>>;

/// What is missing for a requirement: what it asks for, and what there is.
#[must_use]
pub fn unmet(platform: &Platform, requirement: &Requirement) -> Option<String> {
    let range = &requirement.range;
    let asked = asked(requirement);
    match platform.get(&requirement.name) {
        None => Some(format!("{asked}, which is not here")),
        Some(Some(version)) if meets(version, range) => None,
        Some(Some(version)) => Some(format!("{asked}, here is {version}")),
        Some(None) if range.matches(None) => None,
        Some(None) => Some(format!(
            "{asked}, which is here in a version that nobody knows"
        )),
    }
}

/// A requirement, for people.
#[must_use]
pub fn asked(requirement: &Requirement) -> String {
    let Requirement { name, range } = requirement;
    if range.is_any() {
        name.clone()
    } else {
        format!("{name} `{range}`")
    }
}

/// Whether a platform is in a range. What vendors write after a version, as in `1.33.1-gke.100`, makes no
/// version that comes before its release.
fn meets(version: &str, range: &VersionRange) -> bool {
    let matches = |text: &str| range.matches(Some(&RecordVersion::new(text)));
    let release = version.split(['-', '+']).next().unwrap_or(version);
    matches(version) || matches(release)
}
