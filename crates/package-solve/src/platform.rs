//! Platform requirements of packages.

use std::collections::BTreeMap;

use extension_registry_core::version::{RecordVersion, VersionRange};

use extension_registry_package_format::manifest::Requirement;

/// Components of the platform and their versions: `kubernetes` in version `1.36.3`; None if the version is
/// unknown.
pub type Platform = BTreeMap<String, Option<String>>;

/// Describes what an unmet requirement needs and what was found; None if it is met.
#[must_use]
pub fn unmet(platform: &Platform, requirement: &Requirement) -> Option<String> {
    let range = &requirement.range;
    let wanted = format_requirement(requirement);
    match platform.get(&requirement.name) {
        None => Some(format!("{wanted}, which is not available")),
        Some(Some(version)) if meets(version, range) => None,
        Some(Some(version)) => {
            let version = RecordVersion::new(version);
            let reading = range
                .misread(&version)
                .map(|note| format!(", {}", note.message));
            let reading = reading.unwrap_or_default();
            Some(format!("{wanted}, but found {}{reading}", version.text()))
        }
        Some(None) if range.matches(None) => None,
        Some(None) => Some(format!("{wanted}, but its version is unknown")),
    }
}

/// Formats a requirement for display.
#[must_use]
pub fn format_requirement(requirement: &Requirement) -> String {
    let Requirement { name, range } = requirement;
    if range.is_any() {
        name.clone()
    } else {
        format!("{name} `{range}`")
    }
}

/// Returns whether a platform version is in a range. A vendor suffix, as in `1.33.1-gke.100`, does not make it
/// a pre-release.
fn meets(version: &str, range: &VersionRange) -> bool {
    let matches = |text: &str| range.matches(Some(&RecordVersion::new(text)));
    let release = version.split(['-', '+']).next().unwrap_or(version);
    matches(version) || matches(release)
}
