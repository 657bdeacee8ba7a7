//! Writes a record as part of a Helm chart: `templates/extension.yaml`, and its values in `values.yaml`.
//!
//! The template is that of a chart author. What is the same for each release is written as it is; what follows the
//! release is an expression: the name, the version, the addresses of its Services, and the names of its Secrets. What
//! differs from cluster to cluster is a value, for example an external address.
//!
//! No text of a record becomes part of an action: see the module `placeholder`.

mod credentials;
mod folder;
mod placeholder;
mod record;
mod release;
mod text;
mod values;
mod writer;

use extension_registry_api::ExtensionSpec;
use extension_registry_core::diagnostic::Failure;
use serde_json::Value;

pub use folder::{Chart, TEMPLATE, VALUES, Written};
pub use record::{ChartRecord, KEY};

use record::Result;

/// Returns the only record, because a chart has one.
///
/// # Errors
/// If there are several.
pub fn only(objects: &[Value]) -> Result<&Value> {
    let [object] = objects else {
        let failure = Failure::new(format!("cannot write {} records to a chart", objects.len()));
        return Err(failure.hint("pass one record: that of the tool which the chart installs"));
    };
    Ok(object)
}

/// Returns the error for a credential whose value was passed.
#[must_use]
pub fn literal_credential(key: &str) -> Failure {
    let failure = Failure::new(format!("cannot write the value of {key} to a chart"));
    failure.hint(format!(
        "store it in a Secret, and pass --credential {key}=secret:NAME/KEY"
    ))
}

/// Writes a valid record as part of a chart. Its name is that of a release.
///
/// Without a chart, the template uses none of its helpers.
///
/// # Errors
/// If the record contains a credential, or has no name.
pub fn write(object: &Value, chart: Option<&Chart>) -> Result<ChartRecord> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        let failure = Failure::new(format!("{kind}: metadata.name is missing"));
        return Err(failure.hint("set the name that the release has in your cluster"));
    }
    let failed = || Failure::new(format!("failed to write {kind} {name}"));
    let spec: ExtensionSpec = serde_json::from_value(object["spec"].clone())
        .map_err(|error| failed().caused_by(error))?;
    credentials::reject(kind, name, &spec)?;
    writer::write(object, spec, chart).map_err(|error| failed().caused_by(error))
}

#[cfg(test)]
mod tests {
    use extension_registry_core::diagnostic::Explain;
    use serde_json::{Value, json};

    use super::{ChartRecord, write};

    fn record(spec: &Value) -> Value {
        json!({"kind": "ClusterExtension", "metadata": {"name": "store"}, "spec": spec})
    }

    fn written(spec: &Value) -> ChartRecord {
        write(&record(spec), None).unwrap()
    }

    fn lines<'t>(text: &'t str, part: &str) -> Vec<&'t str> {
        let lines = text.lines().filter(|line| line.contains(part));
        lines.map(str::trim).collect()
    }

    #[test]
    fn record_requires_a_name() {
        let mut record = record(&json!({}));
        record["metadata"] = json!({"generateName": "a-"});
        let error = write(&record, None).err().unwrap().explained();
        assert!(error.contains("metadata.name is missing"), "{error}");
    }

    #[test]
    fn each_secret_is_one_value() {
        let entry = |name: &str, secret: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}});
        let set = |name: &str, entries: &[Value]| json!({"name": name, "configuration": entries});
        let one = json!({"services": [{"name": "s", "credentials": [
            set("a", &[entry("A", "store-auth"), entry("B", "store-auth")]),
        ]}]});
        let record = written(&one);
        let reference = r#"name: {{ .Values.extension.secretName | default (printf "%s-auth" .Release.Name) | quote }}"#;
        assert_eq!(lines(&record.template, "secretName"), [reference; 2]);
        assert_eq!(lines(&record.values, "Name:"), ["secretName: \"\""]);

        let several = json!({"services": [{"name": "s", "credentials": [
            set("a", &[entry("A", "store"), entry("B", "store-auth"), entry("C", "shared.keys")]),
            {"name": "b", "secretRef": {"name": "store"}},
        ]}]});
        let record = written(&several);
        assert_eq!(
            lines(&record.values, "Name:"),
            [
                "sharedKeysSecretName: shared.keys",
                "secretName: \"\"",
                "authSecretName: \"\""
            ]
        );
        assert_eq!(lines(&record.template, ".secretName").len(), 2);
        let required = r#"name: {{ required "extension.sharedKeysSecretName is required" .Values.extension.sharedKeysSecretName | quote }}"#;
        assert_eq!(lines(&record.template, "shared"), [required]);
    }

    #[test]
    fn repeated_address_is_one_value() {
        let entries = json!([
            {"name": "A", "value": "http://store:80"},
            {"name": "B", "value": "http://store-api.tools.svc:81/x"},
            {"name": "C", "value": "http://example.org"},
            {"name": "D", "value": "store"},
        ]);
        let services =
            json!([{"name": "s", "endpoints": [{"name": "main", "url": "http://store:80"}]}]);
        let record = written(&json!({"configuration": entries, "services": services}));
        assert_eq!(lines(&record.template, ".Values.extension.url").len(), 2);
        assert_eq!(lines(&record.values, "url"), ["url: \"\""]);
        let other = r#"value: {{ printf "http://%s-api.%s.svc:81/x" .Release.Name .Release.Namespace | quote }}"#;
        assert_eq!(lines(&record.template, "-api"), [other]);
        assert_eq!(
            lines(&record.template, "example.org"),
            ["value: http://example.org"]
        );
    }

    /// The keys are as short as the record permits.
    #[test]
    fn keys_of_values_are_unique() {
        let endpoint = |name: &str| json!({"name": name, "url": "http://example.org"});
        let keys = |services: &Value| {
            let record = written(&json!({ "services": services }));
            let lines = lines(&record.values, ": http://example.org");
            lines
                .iter()
                .map(|line| line.split(':').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let one = json!([{"name": "s", "endpoints": [endpoint("main")]}, {"name": "t"}]);
        assert_eq!(keys(&one), ["url"]);
        let two = json!([{"name": "s", "endpoints": [endpoint("80"), endpoint("in-side")]}]);
        assert_eq!(keys(&two), ["_80Url", "inSideUrl"]);
        let services = json!([
            {"name": "a-b", "endpoints": [endpoint("c"), endpoint("d")]},
            {"name": "a", "endpoints": [endpoint("b-c"), endpoint("B.C")]},
            {"name": "e", "endpoints": [endpoint("f")]},
        ]);
        assert_eq!(
            keys(&services),
            ["aBCUrl", "aBDUrl", "aBCUrl2", "aBCUrl3", "eUrl"]
        );
    }

    #[test]
    fn restricted_access_is_not_widened_by_a_missing_value() {
        let set = json!({"name": "main", "scope": "project", "project": ["dev"], "secretRef": {"name": "store"}});
        let services = json!([{"name": "s", "credentials": [set]}]);
        let record = written(&json!({"access": {"projects": ["dev", "no"]}, "services": services}));
        let access = r#"{{- required "extension.access is required" .Values.extension.access | toYaml | nindent 4 }}"#;
        assert_eq!(lines(&record.template, "extension.access"), [access]);
        assert_eq!(
            lines(&record.values, "access"),
            ["access: {projects: [dev, \"no\"]}"]
        );
        assert!(record.template.contains(
            "project:\n        {{- .Values.extension.projects | default list | toYaml | nindent 8 }}\n"
        ), "{}", record.template);
        assert_eq!(
            lines(&record.values, "projects: [dev]"),
            ["projects: [dev]"]
        );
    }

    #[test]
    fn annotations_and_labels_are_values() {
        let mut object = record(&json!({"product": "minio"}));
        object["metadata"]["annotations"] = json!({
            "example.org/owner": "data",
            "kubectl.kubernetes.io/last-applied-configuration": "canary",
        });
        object["metadata"]["labels"] = json!({"app.kubernetes.io/name": "canary", "team": "1"});
        let record = write(&object, None).unwrap();
        assert!(
            record
                .values
                .contains("annotations: {example.org/owner: data}"),
            "{}",
            record.values
        );
        assert!(
            record.values.contains("labels: {team: \"1\"}"),
            "{}",
            record.values
        );
        assert!(!record.template.contains("canary") && !record.values.contains("canary"));
    }
}
