//! Reads and writes `maven-metadata.xml`, the list of versions of an artifact.
//!
//! Its fields `latest` and `release` are written for Maven and never read: the last deployment sets them, so
//! they do not name the highest version.

use crate::xml::{self, Writer};

/// Name of the file, beside the folders of the versions.
pub const FILE: &str = "maven-metadata.xml";

/// Returns the listed versions, verbatim.
///
/// # Errors
/// Returns a reason if the file is not valid.
pub fn read(bytes: &[u8]) -> Result<Vec<String>, String> {
    let root = xml::read(bytes, "metadata")?;
    let versioning = root.child("versioning");
    let list = versioning.map_or(&[][..], |versioning| versioning.list("versions"));
    Ok(list
        .iter()
        .filter(|element| element.name() == "version")
        .map(|element| element.text().to_owned())
        .collect())
}

/// Returns the semantic versions, except Maven snapshots, whose content changes.
pub fn semantic<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<semver::Version> {
    texts
        .filter(|text| !text.ends_with("-SNAPSHOT"))
        .filter_map(|text| semver::Version::parse(text).ok())
        .collect()
}

/// Formats the file for these versions.
pub fn write(group: &str, name: &str, versions: &[String], now: jiff::Timestamp) -> Vec<u8> {
    let mut sorted: Vec<&String> = versions.iter().collect();
    // Other texts come first, in alphabetical order.
    sorted.sort_by_cached_key(|text| (semver::Version::parse(text).ok(), (*text).clone()));
    sorted.dedup();
    let semantic = semantic(sorted.iter().map(|text| text.as_str()));
    let latest = semantic.iter().max().map(ToString::to_string);
    let releases = semantic.iter().filter(|version| version.pre.is_empty());
    let release = releases.max().map(ToString::to_string);
    let mut writer = Writer::start();
    writer.root("metadata", "", |writer| {
        writer.leaf("groupId", group);
        writer.leaf("artifactId", name);
        writer.within("versioning", |writer| {
            writer.leaf_of("latest", latest.as_deref());
            writer.leaf_of("release", release.as_deref());
            writer.within("versions", |writer| {
                for version in sorted {
                    writer.leaf("version", version);
                }
            });
            let updated = now.strftime("%Y%m%d%H%M%S").to_string();
            writer.leaf("lastUpdated", &updated);
        });
    });
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::{read, semantic, write};

    #[test]
    fn writes_sorted_versions() {
        let versions = ["1.10.0", "1.9.0", "old", "2.0.0-rc.1"].map(str::to_owned);
        let bytes = write("g", "a", &versions, jiff::Timestamp::UNIX_EPOCH);
        let read = read(&bytes).unwrap();
        assert_eq!(read, ["old", "1.9.0", "1.10.0", "2.0.0-rc.1"]);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("<latest>2.0.0-rc.1</latest>"), "{text}");
        assert!(text.contains("<release>1.10.0</release>"), "{text}");
        assert!(
            text.contains("<lastUpdated>19700101000000</lastUpdated>"),
            "{text}"
        );
    }

    #[test]
    fn ignores_snapshots_and_invalid_versions() {
        let texts = ["1.0", "1.0.0-SNAPSHOT", "1.0.0", "v1.0.0"];
        assert_eq!(semantic(texts.into_iter()), [semver::Version::new(1, 0, 0)]);
    }
}
