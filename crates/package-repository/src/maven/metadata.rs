//! Reads and writes the version list of a package, `maven-metadata.xml`, on an HTTP server.

use super::Remote;
use super::server::{Need, Sums, Tagged, When};
use crate::found;
use crate::{Error, Result};
use extension_registry_package_layout::metadata::{self, FILE};
use extension_registry_package_layout::{is_word, xml};

/// How often to retry writing a list that other publishers replace concurrently.
const TRIES: usize = 20;

impl Remote {
    /// Lists the versions of a package. The `latest` and `release` fields are never used.
    pub(super) async fn listed(&self, name: &str) -> Result<Vec<semver::Version>> {
        if !is_word(name) {
            return Ok(Vec::new());
        }
        let folder = self.package(name);
        let read = self
            .server
            .checked(&folder, FILE, xml::LONGEST, Sums::Required);
        // The file name is the same for all packages, so the error must name the package.
        let read = read.await.map_err(|error| of(error, name))?;
        let Some(bytes) = read else {
            return Ok(Vec::new());
        };
        let texts = self.parsed(name, &bytes)?;
        Ok(metadata::semantic(texts.iter().map(String::as_str)))
    }

    /// Returns the current list, for the next write, and its `ETag`.
    pub(super) async fn list(&self, name: &str) -> Result<(Vec<String>, Option<Tagged>)> {
        let folder = self.package(name);
        let tagged = self
            .server
            .tagged(&folder, FILE, xml::LONGEST, Need::Expected)
            .await?;
        let texts = match &tagged {
            Some(tagged) => self.parsed(name, &tagged.bytes)?,
            None => Vec::new(),
        };
        Ok((texts, tagged))
    }

    fn parsed(&self, name: &str, bytes: &[u8]) -> Result<Vec<String>> {
        let what = format!("{FILE} of {name}");
        metadata::read(bytes).map_err(|why| found::broken(self.id(), &what, why))
    }

    /// Adds a version to the list or removes it. If the server supports `ETags`, concurrent changes are
    /// preserved; without `ETags`, a later check detects most lost updates.
    pub(super) async fn set_listed(
        &self,
        name: &str,
        version: &semver::Version,
        listed: bool,
    ) -> Result<()> {
        let (folder, text) = (self.package(name), version.to_string());
        let mut refused = None;
        for _ in 0..TRIES {
            let (mut versions, before) = self.list(name).await?;
            let is_so = versions.contains(&text) == listed;
            // The checksum may belong to a concurrently written list.
            if is_so && self.listed(name).await.is_ok() {
                return Ok(());
            }
            versions.retain(|one| *one != text);
            if listed {
                versions.push(text.clone());
            }
            if versions.is_empty() {
                self.server.remove(&folder, FILE).await?;
                continue;
            }
            let tag = before.as_ref().and_then(|before| before.tag.clone());
            let when = match (&before, &tag) {
                (None, _) => When::Absent,
                // Rejected although unchanged: this server cannot compare ETags.
                (Some(_), Some(tag)) if refused.as_ref() != Some(tag) => When::Same(tag),
                _ => When::Always,
            };
            let bytes = metadata::write(&self.group, name, &versions, jiff::Timestamp::now());
            let written = self.server.write(&folder, FILE, &bytes, when).await?;
            refused = if written { None } else { tag };
        }
        let what = format!("update the entry for version {version} in the version list of {name}");
        let why = format!("{FILE} is being changed by other publishers");
        Err(self.server.unavailable(&what, why, "try again"))
    }
}

/// Adds the package to the error of a corrupt file.
fn of(error: Error, name: &str) -> Error {
    match error {
        Error::Broken {
            repository,
            what,
            why,
            hint,
        } => Error::Broken {
            repository,
            what: format!("{what} of {name}"),
            why,
            hint,
        },
        other => other,
    }
}
