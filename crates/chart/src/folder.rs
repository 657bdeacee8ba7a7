//! Reads what a template needs to know about its chart, and adds a record to it.

use std::fs;
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_yaml::parse_with_keys_as_written;
use serde_json::Value;

use crate::record::{ChartRecord, KEY, Result};

/// Path of the template in a chart.
pub const TEMPLATE: &str = "templates/extension.yaml";

/// Path of the values in a chart.
pub const VALUES: &str = "values.yaml";

/// A Helm chart in a directory.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    pub(crate) app_version: Option<String>,
    /// Name of the helper that returns the full name of the release.
    pub(crate) full_name: Option<String>,
    /// Name of the helper that returns the labels of all objects.
    pub(crate) labels: Option<String>,
    /// The value `service.port`.
    pub(crate) service_port: Option<u16>,
    pub(crate) values: Value,
    pub(crate) values_text: String,
    pub(crate) template: Option<String>,
}

/// Files of a chart that [`Chart::add`] wrote.
#[derive(Debug, Default)]
pub struct Written {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What the author of the chart should check.
    pub notes: Vec<Note>,
}

impl Chart {
    /// Reads the chart in a directory.
    ///
    /// # Errors
    /// If the directory contains no chart that renders templates, or a file of it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("Chart.yaml");
        let Some(text) = read(&path)? else {
            let failure = Failure::new(format!("{} not found", path.display()));
            return Err(
                failure.hint("pass the directory of a chart; `helm create NAME` creates one")
            );
        };
        let definition = mapping(&path, &text)?;
        let name = definition["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            let failure = Failure::new(format!("{}: `name` is missing", path.display()));
            return Err(failure.hint("add the name of the chart"));
        }
        if definition["type"] == "library" {
            let failure = Failure::new(format!(
                "{}: a library chart has no objects",
                path.display()
            ));
            return Err(failure.hint("pass the chart that installs the tool"));
        }
        let mut helpers = Vec::new();
        let templates = folder.join("templates");
        if templates.is_dir() {
            read_templates(&templates, &mut helpers)?;
        }
        let helper = |part: &str| {
            let helper = format!("{name}.{part}");
            let definition = format!("define \"{helper}\"");
            let is_defined = helpers.iter().any(|text| text.contains(&definition));
            is_defined.then_some(helper)
        };
        let values_path = folder.join(VALUES);
        let values_text = read(&values_path)?.unwrap_or_default();
        let values = mapping(&values_path, &values_text)?;
        let port = values["service"]["port"].as_u64();
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            app_version: definition["appVersion"].as_str().map(str::to_owned),
            full_name: helper("fullname"),
            labels: helper("labels"),
            service_port: port.and_then(|port| u16::try_from(port).ok()),
            values,
            values_text,
            template: read(&folder.join(TEMPLATE))?,
        })
    }

    /// Adds a record to the chart: writes its template, and appends its values. Existing values are not changed.
    ///
    /// # Errors
    /// If the template exists with another text and `overwrite` is not set, if the values cannot be added, or if a file
    /// cannot be written.
    pub fn add(&self, record: &ChartRecord, overwrite: bool) -> Result<Written> {
        let mut written = Written::default();
        let template = self.folder.join(TEMPLATE);
        let existing = self
            .template
            .as_ref()
            .map(|text| text.replace("\r\n", "\n"));
        let is_changed = existing.as_ref() != Some(&record.template);
        if is_changed && existing.is_some() && !overwrite {
            let failure = Failure::new(format!("{} already exists", template.display()));
            return Err(failure.hint(
                "pass --yes to overwrite it, or --dry-run to print the template and the values",
            ));
        }
        let values = self.folder.join(VALUES);
        let text = self.with_values(record, &values)?;
        if is_changed {
            write(&template, &record.template)?;
            written.files.push(template);
        }
        match text {
            Some(text) => {
                write(&values, &text)?;
                written.files.push(values);
            }
            None if is_changed => {
                let note = Note::new(format!("{}: `{KEY}` is unchanged", values.display()));
                written
                    .notes
                    .push(note.hint("compare it with the output of --dry-run"));
            }
            None => {}
        }
        Ok(written)
    }

    /// Returns the text of the values with those of the record; None if the record has some already.
    fn with_values(&self, record: &ChartRecord, path: &Path) -> Result<Option<String>> {
        if self.values.get(KEY).is_some() {
            if self.template.is_some() {
                return Ok(None);
            }
            let failure = Failure::new(format!("{}: `{KEY}` already exists", path.display()));
            return Err(failure.hint(format!(
                "rename or remove it, or pass --dry-run to print the template and use another key than `{KEY}`"
            )));
        }
        let mut text = self.values_text.clone();
        if !text.is_empty() {
            text += if text.ends_with('\n') { "\n" } else { "\n\n" };
        }
        text += &record.values;
        if self.values_text.contains("\r\n") {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        // A flow mapping or an indented file cannot be continued.
        let combined = mapping(path, &text).unwrap_or_default();
        let mut others = combined.clone();
        let added = others.as_object_mut().and_then(|values| values.remove(KEY));
        if added.is_none() || !is_same(&others, &self.values) {
            let failure = Failure::new(format!("cannot append `{KEY}` to {}", path.display()));
            return Err(
                failure.hint("pass --dry-run to print the values, and add them to the file")
            );
        }
        Ok(Some(text))
    }
}

/// Returns whether two mappings have the same values; an empty file is an empty mapping.
fn is_same(left: &Value, right: &Value) -> bool {
    let is_empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    left == right || (is_empty(left) && is_empty(right))
}

/// Reads a file; None if it does not exist.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Failure::new(format!("failed to read {}", path.display())).caused_by(error))
        }
    }
}

/// Writes a file, and creates its directory.
fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(path, text))
        .map_err(|error| {
            Failure::new(format!("failed to write {}", path.display())).caused_by(error)
        })
}

/// Parses a file with one mapping, which may be empty.
fn mapping(path: &Path, text: &str) -> Result<Value> {
    let (mut documents, errors) = parse_with_keys_as_written(text);
    if let Some(error) = errors.into_iter().next() {
        let (line, column) = (error.at.line, error.at.column);
        let place = format!("{}:{line}:{column}", path.display());
        return Err(Failure::new(format!("{place}: {}", error.message)).hint(error.hint));
    }
    let first = documents.drain(..).next().map(|(value, _)| value);
    let value = first.unwrap_or_default();
    if value.is_object() || value.is_null() {
        return Ok(value);
    }
    let failure = Failure::new(format!("invalid {}: not a mapping", path.display()));
    Err(failure.hint("see https://helm.sh/docs/topics/charts"))
}

/// Reads the templates below a folder.
fn read_templates(folder: &Path, texts: &mut Vec<String>) -> Result<()> {
    let failed = |error| {
        Failure::new(format!("failed to read directory {}", folder.display())).caused_by(error)
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            read_templates(&path, texts)?;
        } else if path
            .extension()
            .is_some_and(|end| end == "tpl" || end == "yaml")
        {
            texts.extend(read(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use extension_registry_core::diagnostic::Explain;

    use super::{Chart, Written};
    use crate::record::{ChartRecord, Result};

    /// A chart in a directory of its own.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(values: Option<&str>) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.write("Chart.yaml", "name: minio\r\nappVersion: 4.1.3\r\n");
            if let Some(values) = values {
                folder.write("values.yaml", values);
            }
            folder
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn text(&self, name: &str) -> String {
            fs::read_to_string(self.path().join(name)).unwrap()
        }

        fn chart(&self) -> Chart {
            Chart::read(self.path()).unwrap()
        }

        fn add(&self, template: &str, overwrite: bool) -> Result<Written> {
            let record = ChartRecord {
                template: template.to_owned(),
                values: "extension:\n  enabled: false\n".to_owned(),
                notes: Vec::new(),
            };
            self.chart().add(&record, overwrite)
        }
    }

    #[test]
    fn reads_helpers_and_values() {
        let folder = Folder::new(None);
        let chart = folder.chart();
        assert_eq!((&*chart.name, chart.full_name), ("minio", None));
        assert_eq!(chart.app_version.as_deref(), Some("4.1.3"));

        folder.write(
            "templates/parts/names.tpl",
            "{{- define \"minio.fullname\" -}}x{{- end -}}\r\n{{ define \"other.labels\" }}{{ end }}",
        );
        folder.write("values.yaml", "# none yet\n");
        let chart = folder.chart();
        assert_eq!(chart.full_name.as_deref(), Some("minio.fullname"));
        assert_eq!((chart.labels, chart.service_port), (None, None));
        folder.write("values.yaml", "service: {port: 9000}\r\n");
        assert_eq!(folder.chart().service_port, Some(9000));
    }

    #[test]
    fn errors_name_the_file() {
        let folder = Folder::new(None);
        let error = || Chart::read(folder.path()).unwrap_err().explained();
        fs::remove_file(folder.path().join("Chart.yaml")).unwrap();
        assert!(error().contains("Chart.yaml not found; hint: pass the directory of a chart"));
        for (text, expected) in [
            ("name: [", "Chart.yaml:"),
            ("- a", "Chart.yaml: not a mapping"),
            ("{}", "`name` is missing"),
            ("{name: a, type: library}", "a library chart has no objects"),
        ] {
            folder.write("Chart.yaml", text);
            assert!(error().contains(expected), "{text}: {}", error());
        }
        folder.write("Chart.yaml", "name: a");
        folder.write("values.yaml", "a: 1\na: 2");
        let duplicate = "values.yaml:2:1: duplicate key `a`";
        assert!(error().contains(duplicate), "{}", error());
    }

    #[test]
    fn values_are_appended_in_the_style_of_the_file() {
        let added = "extension:\n  enabled: false\n";
        for (values, expected) in [
            (None, added.to_owned()),
            (Some(""), added.to_owned()),
            (Some("# none\n"), format!("# none\n\n{added}")),
            (Some("a: 1"), format!("a: 1\n\n{added}")),
            (
                Some("a: 1\r\nb: 2\r\n"),
                format!("a: 1\nb: 2\n\n{added}").replace('\n', "\r\n"),
            ),
            (
                Some("# extension\nextensions: 1\n"),
                format!("# extension\nextensions: 1\n\n{added}"),
            ),
        ] {
            let folder = Folder::new(values);
            let written = folder.add("template\n", false).unwrap();
            assert_eq!(written.files.len(), 2);
            assert_eq!(folder.text("values.yaml"), expected);
            assert_eq!(folder.text("templates/extension.yaml"), "template\n");
        }
    }

    #[test]
    fn values_that_cannot_be_appended_are_an_error() {
        for values in [
            "{a: 1}",
            "  a: 1\n",
            "a: 1\n...\n",
            "a: |\n  x\n---\nb: 1\n",
            "null",
        ] {
            let folder = Folder::new(Some(values));
            let error = folder.add("template\n", true).unwrap_err().explained();
            assert!(error.contains("cannot append `extension` to "), "{error}");
            assert!(
                error.contains("hint: pass --dry-run to print the values"),
                "{error}"
            );
            assert_eq!(folder.text("values.yaml"), values);
            assert!(!folder.path().join("templates").exists());
        }
    }

    #[test]
    fn key_of_something_else_is_an_error() {
        let folder = Folder::new(Some("extension: {redis: true}\n"));
        let error = folder.add("template\n", true).unwrap_err().explained();
        assert!(
            error.contains("values.yaml: `extension` already exists"),
            "{error}"
        );
        assert!(error.contains("hint: rename or remove it"), "{error}");
        assert!(!folder.path().join("templates").exists());
    }

    #[test]
    fn existing_template_is_overwritten_only_on_request() {
        let folder = Folder::new(None);
        folder.add("first\n", false).unwrap();
        folder.write("values.yaml", "extension: {enabled: true}\n");
        folder.write("templates/extension.yaml", "first\r\n");
        let same = folder.add("first\n", false).unwrap();
        assert!(same.files.is_empty() && same.notes.is_empty(), "{same:?}");

        let error = folder.add("second\n", false).unwrap_err().explained();
        assert!(
            error.contains("templates/extension.yaml already exists"),
            "{error}"
        );
        assert!(
            error.contains("hint: pass --yes to overwrite it"),
            "{error}"
        );
        assert_eq!(folder.text("templates/extension.yaml"), "first\r\n");

        let written = folder.add("second\n", true).unwrap();
        assert_eq!(folder.text("templates/extension.yaml"), "second\n");
        assert_eq!(folder.text("values.yaml"), "extension: {enabled: true}\n");
        assert!(
            written.notes[0]
                .message
                .contains("`extension` is unchanged")
        );
    }
}
