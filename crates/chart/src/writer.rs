//! Replaces the fields of a record that differ from release to release, and collects their values.

mod services;

use extension_registry_api::extension::AccessSpec;
use extension_registry_api::{ExtensionSpec, GROUP, VERSION};
use extension_registry_core::diagnostic::Note;
use extension_registry_yaml::{EmitError, to_yaml};
use serde_json::{Map, Value, json};

use crate::folder::Chart;
use crate::placeholder::Placeholders;
use crate::record::{ChartRecord, KEY};
use crate::release::Release;
use crate::text::quoted;
use crate::values::Values;

/// The template up to the spec. The parentheses accept releases without the values, as with `--reuse-values`.
const HEAD: &str = "{{- /* Record of the release in the Extension Registry, written by `kubectl ext register -o helm` */}}
{{- if (.Values.extension).enabled }}
apiVersion: API_VERSION
kind: KIND
metadata:
  name: {{ .Values.extension.name | default RELEASE | quote }}
NAMESPACE  labels:
    LABELS
    {{- with .Values.extension.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.extension.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
";

/// Namespace of a record in a project.
const NAMESPACE: &str = "  namespace: {{ .Release.Namespace | quote }}\n";

/// Labels of the record in a chart without a helper for them.
const LABELS: &str = r#"app.kubernetes.io/name: {{ .Chart.Name | quote }}
    app.kubernetes.io/instance: {{ .Release.Name | quote }}
    app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
    helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}"#;

/// Prefixes of labels that the chart sets.
const CHART_LABELS: [&str; 2] = ["app.kubernetes.io/", "helm.sh/"];

/// Annotation of `kubectl` with a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

struct Writer<'r> {
    release: Release<'r>,
    chart: Option<&'r Chart>,
    is_project: bool,
    placeholders: Placeholders,
    values: Values,
    /// Addresses of endpoints, and the expressions that replace them.
    addresses: Vec<(String, String)>,
    /// Secrets, and the expressions that replace their names.
    secrets: Vec<(String, String)>,
    notes: Vec<Note>,
}

/// Writes a record.
pub(crate) fn write(
    object: &Value,
    mut spec: ExtensionSpec,
    chart: Option<&Chart>,
) -> Result<ChartRecord, EmitError> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut writer = Writer {
        release: Release::new(name, chart),
        chart,
        is_project: kind == "Extension",
        placeholders: Placeholders::new(object),
        values: Values::default(),
        addresses: Vec::new(),
        secrets: Vec::new(),
        notes: Vec::new(),
    };
    let comment = "Whether to create the record; requires the CRDs of the Extension Registry";
    writer.values.add("enabled", comment, &json!(false));
    let head = writer.head(kind);
    writer.metadata(&object["metadata"]);
    writer.spec(&mut spec);
    let mut value = json!(spec);
    writer.placeholders.protect(&mut value);
    // The type has the order of fields.
    let spec: ExtensionSpec = serde_json::from_value(value)?;
    let spec = writer.placeholders.replace(&to_yaml(&spec)?);
    Ok(ChartRecord {
        template: format!("{head}{spec}{{{{- end }}}}\n"),
        values: writer.values.yaml(),
        notes: writer.notes,
    })
}

/// Returns the expression that reads a value.
fn read(key: &str) -> String {
    format!(".Values.{KEY}.{key}")
}

/// Returns the expression that reads a value that must not be empty.
fn required(key: &str) -> String {
    let message = quoted(&format!("{KEY}.{key} is required"));
    format!("required {message} {}", read(key))
}

impl Writer<'_> {
    /// Returns the template up to the spec.
    fn head(&self, kind: &str) -> String {
        let helper = self.chart.and_then(|chart| chart.labels.as_ref());
        let labels =
            helper.map(|helper| format!("{{{{- include {} . | nindent 4 }}}}", quoted(helper)));
        HEAD.replace("API_VERSION", &format!("{GROUP}/{VERSION}"))
            .replace("KIND", kind)
            .replace("NAMESPACE", if self.is_project { NAMESPACE } else { "" })
            .replace("LABELS", labels.as_deref().unwrap_or(LABELS))
            .replace("RELEASE", &self.release.record().argument())
    }

    /// Adds the values of the metadata.
    fn metadata(&mut self, metadata: &Value) {
        let scope = if self.is_project {
            "namespace"
        } else {
            "cluster"
        };
        let release = &self.release.record().shown;
        let comment = format!("Name of the record, unique in the {scope}; default: {release}");
        self.values.add("name", comment, &json!(""));
        let entries = |field: &str, is_kept: &dyn Fn(&str) -> bool| -> Value {
            let entries = metadata[field].as_object().into_iter().flatten();
            let entries = entries.filter(|(name, _)| is_kept(name));
            let entries = entries.map(|(name, text)| (name.clone(), text.clone()));
            Value::Object(entries.collect::<Map<_, _>>())
        };
        let labels = entries("labels", &|name| {
            !CHART_LABELS.iter().any(|prefix| name.starts_with(prefix))
        });
        self.values.add(
            "labels",
            "Labels of the record, in addition to those of the chart",
            &labels,
        );
        let annotations = entries("annotations", &|name| name != LAST_APPLIED);
        self.values
            .add("annotations", "Annotations of the record", &annotations);
    }

    /// Replaces fields of the spec. The pattern names every field: a new one does not compile until it is decided here
    /// whether it differs from release to release.
    fn spec(&mut self, spec: &mut ExtensionSpec) {
        let ExtensionSpec {
            product: _,
            version,
            description: _,
            zone,
            default,
            shadowable: _,
            access,
            services,
            configuration,
        } = spec;
        self.version(version);
        self.values.add(
            "zone",
            "Zone in which the release runs",
            &json!(zone.as_deref().unwrap_or_default()),
        );
        self.values.add(
            "default",
            "Whether to prefer this record when several match a requirement",
            &json!(default.unwrap_or_default()),
        );
        let access = self.access(access.take());
        *default = None;
        *zone = Some(self.placeholders.lines(format!(
            "{{{{- with {zone} }}}}\nzone: {{{{ . | quote }}}}\n{{{{- end }}}}\n{{{{- if {default} }}}}\ndefault: true\n{{{{- end }}}}\n{access}",
            zone = read("zone"),
            default = read("default"),
        )));
        self.endpoints(services);
        self.configuration(configuration);
        for service in services.iter_mut() {
            self.configuration(&mut service.configuration);
            for endpoint in &mut service.endpoints {
                self.configuration(&mut endpoint.configuration);
            }
        }
        self.credentials(services);
    }

    /// Replaces the version by that of the chart.
    fn version(&mut self, version: &mut Option<String>) {
        let plain = |text: &str| text.trim_start_matches('v').to_owned();
        let of_chart = self.chart.and_then(|chart| chart.app_version.as_deref());
        let differs = match (&version, self.chart) {
            (Some(version), Some(_)) => of_chart.map(plain) != Some(plain(version)),
            _ => false,
        };
        let mut value = "";
        if differs && let Some(version) = version {
            let note = match of_chart {
                Some(other) => {
                    format!(
                        "version `{version}` differs from the appVersion `{other}` of the chart"
                    )
                }
                None => format!(
                    "the chart has no appVersion, so version `{version}` does not follow it"
                ),
            };
            let hint = format!("set appVersion in Chart.yaml, and remove the value {KEY}.version");
            self.notes.push(Note::new(note).hint(hint));
            value = version;
        }
        let comment = "Version of the product; default: the appVersion of the chart";
        self.values.add("version", comment, &json!(value));
        *version = Some(self.placeholders.lines(format!(
            "{{{{- with {} | default .Chart.AppVersion }}}}\nversion: {{{{ . | quote }}}}\n{{{{- end }}}}",
            read("version")
        )));
    }

    /// Returns the lines with the access lists. If the record has any, a missing value must not grant access to everyone.
    fn access(&mut self, access: Option<AccessSpec>) -> String {
        let comment = "Projects, users and groups that can use the record";
        if let Some(access) = access {
            self.values.add("access", comment, &json!(access));
            return format!(
                "access:\n  {{{{- {} | toYaml | nindent NESTED }}}}",
                required("access")
            );
        }
        self.values.add(
            "access",
            format!("{comment}; default: everyone"),
            &json!({}),
        );
        format!(
            "{{{{- with {} }}}}\naccess:\n  {{{{- toYaml . | nindent NESTED }}}}\n{{{{- end }}}}",
            read("access")
        )
    }
}
