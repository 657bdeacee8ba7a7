//! Publishes and deletes versions on an HTTP server, in Maven's order: the version list comes last.

use extension_registry_core::diagnostic::Note;
use reqwest::Method;

use super::Remote;
use super::read::endings;
use super::server::{Need, When};
use crate::found;
use crate::{Deleted, DocumentFormat, Error, Release, Result, Upload};
use extension_registry_package_layout as layout;
use extension_registry_package_layout::{Files, ending, is_word, pom, xml};
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::{Body, Call, Sent, watched};

impl Remote {
    pub(super) async fn publish_version(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        let Upload {
            name,
            version,
            manifest,
            ..
        } = upload;
        if !is_word(name) {
            return Err(found::unusable(self.id(), name));
        }
        let (folder, files) = (self.version(name, version), Files::of(name, version));
        let actual = found::sums_of(self.id(), upload.content.clone()).await?;
        found::check_upload(self.id(), upload, &actual)?;
        // A list that cannot be read could not be updated later.
        self.list(name).await?;
        let content = files.content(ending(&manifest.packaging));
        let exists = || Error::Exists {
            repository: self.id().to_owned(),
            name: name.clone(),
            version: version.clone(),
        };
        if force {
            self.make_room(&folder, &files, upload).await?;
        } else {
            for file in [files.configuration(), files.pom(), content.clone()] {
                if self
                    .server
                    .head(&folder, &file, Need::Expected)
                    .await?
                    .is_some()
                {
                    return Err(exists());
                }
            }
        }
        if !self
            .put_content(&folder, &content, upload, force, progress)
            .await?
        {
            return Err(exists());
        }
        self.server.write_sums(&folder, &content, &actual).await?;
        let mut small = vec![
            (files.configuration(), upload.configuration.clone()),
            (files.pom(), pom::write(&self.group, manifest)),
        ];
        if let Some(document) = &upload.document {
            small.insert(0, (files.document(document.format), document.bytes.clone()));
        }
        for (file, bytes) in small {
            self.server
                .write(&folder, &file, &bytes, When::Always)
                .await?;
        }
        self.set_listed(name, version, true).await?;
        let release = self.read_release(name, version).await?;
        // Another publisher was faster, and the server accepted both.
        if release.content.digest != Some(upload.digest) {
            return Err(exists());
        }
        Ok(release)
    }

    /// Uploads the content. Returns false if it already exists.
    async fn put_content(
        &self,
        folder: &str,
        file: &str,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<bool> {
        let sent = Sent::default();
        let body = Body::File {
            path: upload.content.clone(),
            size: upload.size,
        };
        let call = Call::new(Method::PUT, self.server.address(folder, file))
            .header("content-type", "application/octet-stream")
            .body(body)
            .counting(Sent::clone(&sent));
        progress.begin(0, Some(upload.size));
        let when = if force { When::Always } else { When::Absent };
        watched(self.server.put(file, call, when), &sent, progress).await
    }

    /// Removes files that the new version does not have; signatures first, since they are for the old content.
    /// If the server does not allow deletion, this fails before anything is changed.
    async fn make_room(&self, folder: &str, files: &Files, upload: &Upload) -> Result<()> {
        let mut others = self.signature_files(folder, &files.statement()).await?;
        let document = upload.document.as_ref().map(|document| document.format);
        for format in [DocumentFormat::Markdown, DocumentFormat::AsciiDoc] {
            if document != Some(format) {
                others.push(files.document(format));
            }
        }
        for other in layout::CONTENTS {
            if other != ending(&upload.manifest.packaging) {
                others.push(files.content(other));
            }
        }
        for file in others {
            if self
                .server
                .head(folder, &file, Need::Expected)
                .await?
                .is_some()
            {
                self.server.remove(folder, &file).await?;
            }
        }
        Ok(())
    }

    /// Returns the statement and the signatures of a version, the last first, so that remaining ones are still
    /// found.
    async fn signature_files(&self, folder: &str, statement: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for number in 1..=layout::SIGNATURES {
            let name = layout::signature(statement, number);
            if self
                .server
                .head(folder, &name, Need::Expected)
                .await?
                .is_none()
            {
                break;
            }
            names.push(name);
        }
        names.reverse();
        names.push(statement.to_owned());
        Ok(names)
    }

    pub(super) async fn delete_version(
        &self,
        name: &str,
        version: &semver::Version,
    ) -> Result<Deleted> {
        let absent = || found::absent(self.id(), name, version);
        if !is_word(name) {
            return Err(absent());
        }
        let (folder, files) = (self.version(name, version), Files::of(name, version));
        let text = self
            .server
            .bytes(&folder, &files.pom(), xml::LONGEST, Need::Expected)
            .await?;
        // A corrupt configuration does not prevent deletion.
        let foreign = text.and_then(|text| pom::read(&text, name, version).ok());
        let signatures = self.signature_files(&folder, &files.statement()).await?;
        // Delete the metadata first: from then on the version is not found.
        let mut all = vec![files.pom(), files.configuration()];
        all.extend(
            endings(foreign.as_ref())
                .iter()
                .map(|ending| files.content(ending)),
        );
        all.push(files.document(DocumentFormat::Markdown));
        all.push(files.document(DocumentFormat::AsciiDoc));
        all.extend(signatures);
        let mut deleted = Deleted::default();
        for file in all {
            match self.server.remove(&folder, &file).await {
                Ok(true) => deleted.gone.push(file),
                Ok(false) => {}
                Err(error) if deleted.gone.is_empty() => return Err(error),
                Err(error) => deleted.left.push(Note::of(&error).under(file)),
            }
        }
        if deleted.gone.is_empty() {
            return Err(absent());
        }
        if let Err(error) = self.set_listed(name, version, false).await {
            let entry = format!("the entry for version {version} in the version list of {name}");
            deleted.left.push(Note::of(&error).under(entry));
        }
        Ok(deleted)
    }
}
