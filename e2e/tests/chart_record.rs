//! Records in charts, as `kubectl ext register -o helm` writes them and helm renders them, without a cluster.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "chart_record/arguments.rs"]
mod arguments;
#[path = "chart_record/texts.rs"]
mod texts;

use std::fs;
use std::process::Command;

use extension_registry_e2e::helm::helm;
use extension_registry_e2e::operator::built;
use extension_registry_e2e::setup::{repository, with_input};
use serde_json::{Value, json};
use tempfile::TempDir;

use arguments::{EXAMPLE, registrations};
use texts::{PIECES, TEXTS};

const ENABLED: &str = "extension.enabled=true";

/// Runs `kubectl ext`, which must succeed.
fn ext(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(built("kubectl-ext").unwrap());
    let output = with_input(command.args(arguments), input).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A chart named `tool`, so that a release `tool` has the full name `tool`.
struct Chart(TempDir);

impl Chart {
    fn new(with_helpers: bool) -> Self {
        let chart = Self(tempfile::tempdir().unwrap());
        fs::create_dir(chart.file("templates")).unwrap();
        let definition = "apiVersion: v2\nname: tool\nversion: 0.1.0\nappVersion: 1.2.3\n";
        fs::write(chart.file("Chart.yaml"), definition).unwrap();
        fs::write(chart.file("values.yaml"), "service: {port: 9000}\n").unwrap();
        if with_helpers {
            let helpers = r#"
{{- define "tool.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name }}{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- define "tool.labels" -}}
team: data
{{- end -}}
"#;
            fs::write(chart.file("templates/_helpers.tpl"), helpers).unwrap();
        }
        chart
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// Lets `register` add the template and the values.
    fn register(&self, arguments: &[&str], input: &str) {
        let options = ["-o", "helm", "--chart", self.path()];
        ext(&[&["register"], arguments, &options].concat(), input);
    }

    /// Adds the template and the values that `register` prints.
    fn register_from_output(&self, arguments: &[&str], input: &str) {
        let printed = ext(&[&["register"], arguments, &["-o", "helm"]].concat(), input);
        let (template, added) = printed.split_once("---\n# values.yaml\n").unwrap();
        fs::write(self.file("templates/extension.yaml"), template).unwrap();
        let values = fs::read_to_string(self.file("values.yaml")).unwrap();
        fs::write(self.file("values.yaml"), values + added).unwrap();
    }

    fn render(&self, release: &str, options: &[&str]) -> anyhow::Result<String> {
        let arguments = ["template", release, self.path(), "--namespace", "tools"];
        helm(&[&arguments, options].concat())
    }

    /// Returns the record that a release creates, without labels. Lint must accept it and the chart.
    fn record(&self, release: &str, settings: &[&str]) -> Value {
        let mut options = vec!["--set", ENABLED];
        for setting in settings {
            options.extend(["--set", setting]);
        }
        let text = self.render(release, &options).unwrap();
        assert_eq!(ext(&["lint", "--strict", "-f", "-"], &text), "", "{text}");
        helm(&["lint", "--strict", self.path(), "--set", ENABLED]).unwrap();
        let mut record: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let labels = record["metadata"].as_object_mut().unwrap().remove("labels");
        assert!(labels.is_some_and(|labels| labels.is_object()));
        record
    }
}

/// Returns the record that `register` applies without a chart.
fn registered(arguments: &[&str], input: &str) -> Value {
    let options = ["--dry-run", "-o", "json"];
    let list = ext(&[&["register"], arguments, &options].concat(), input);
    let mut list: Value = serde_json::from_str(&list).unwrap();
    list["items"][0].take()
}

#[test]
fn rendered_record_is_the_registered_one() {
    for arguments in registrations() {
        let expected = registered(&arguments, "");
        let chart = Chart::new(true);
        chart.register(&arguments, "");
        assert_eq!(chart.record("tool", &[]), expected, "{arguments:?}");
        let chart = Chart::new(false);
        chart.register_from_output(&arguments, "");
        assert_eq!(chart.record("tool", &[]), expected, "{arguments:?}");
    }
}

/// Text of a record never becomes part of an action, whatever it contains.
#[test]
fn text_of_records_is_printed_literally() {
    let mut texts: Vec<String> = TEXTS.iter().map(|&text| text.to_owned()).collect();
    // A fixed sequence of pieces, so that a failure can be reproduced.
    let mut state: u32 = 1;
    while texts.len() < 240 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += PIECES[(state >> 16) as usize % PIECES.len()];
        }
        texts.push(text);
    }
    for (index, texts) in texts.chunks(48).enumerate() {
        let entries = |level: &str, texts: &[String]| {
            let entries = texts.iter().enumerate();
            entries
                .map(|(index, text)| json!({"name": format!("{level}{index}"), "value": text}))
                .collect::<Vec<_>>()
        };
        let (first, rest) = texts.split_at(16);
        let (second, third) = rest.split_at(16);
        // What an address may contain after its host.
        let tail: String = texts.concat();
        let tail = tail
            .chars()
            .filter(|letter| letter.is_ascii_graphic() && *letter != '%');
        let tail: String = tail.take(200).collect();
        let url = |host: &str| format!("http://{host}/{}", tail.replace('=', ""));
        // Helm's `toYaml | nindent` breaks texts with line breaks.
        let breaks = ['\n', '\r', '\u{85}', '\u{2028}'];
        let is_kept = |text: &&String| !text.is_empty() && !text.contains(breaks);
        let users: Vec<&String> = texts.iter().filter(is_kept).take(20).collect();
        let record = json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
            "metadata": {"name": "tool", "annotations": {"text": users[0]}},
            "spec": {
                "product": "tool", "version": second[0], "description": first[1],
                "access": {"users": users},
                "configuration": entries("A", first),
                "services": [{
                    "name": "on", "description": third[0],
                    "configuration": entries("B", second),
                    "endpoints": [
                        {"name": "80", "url": url("tool.tools.svc:9000"), "configuration": entries("C", third)},
                        {"name": "x", "url": url("example.org")},
                    ],
                    "credentials": [{
                        "name": "main", "scope": "user", "user": users,
                        "secretRef": {"name": "tool-account"},
                    }],
                }],
            },
        });
        let input = record.to_string();
        for with_helpers in [true, false] {
            let chart = Chart::new(with_helpers);
            let mut expected = registered(&["-f", "-"], &input);
            assert_eq!(expected, record);
            if with_helpers {
                chart.register(&["-f", "-"], &input);
            } else {
                chart.register_from_output(&["-f", "-"], &input);
                expected["spec"]["version"] = json!("1.2.3");
            }
            let rendered = chart.record("tool", &[]);
            assert_eq!(rendered["metadata"], expected["metadata"], "chunk {index}");
            assert_eq!(rendered["spec"], expected["spec"], "chunk {index}");
        }
    }
}

#[test]
fn release_changes_names_addresses_and_version() {
    let arguments = [
        "tool",
        "--url",
        "http://tool:9000/api",
        "--version",
        "1.2.3",
        "--credential",
        "KEY=secret:tool-auth/key",
    ];
    let chart = Chart::new(true);
    chart.register(&arguments, "");
    let path = |record: &Value, pointer: &str| record.pointer(pointer).unwrap().clone();
    let record = chart.record("blue", &["service.port=80"]);
    assert_eq!(path(&record, "/metadata/name"), "blue-tool");
    let service = &record["spec"]["services"][0];
    let url = "http://blue-tool.tools.svc:80/api";
    assert_eq!(path(service, "/endpoints/0/url"), url);
    let secret = "/credentials/0/configuration/0/valueFrom/secretKeyRef/name";
    assert_eq!(path(service, secret), "blue-tool-auth");
    // The longest name of a release.
    let name = chart.record(&"a".repeat(53), &[])["metadata"]["name"].clone();
    assert_eq!(name, format!("{}-tool", "a".repeat(53)));
    let name = chart.record("blue", &["extension.name=other"])["metadata"]["name"].clone();
    assert_eq!(name, "other");
    let definition = fs::read_to_string(chart.file("Chart.yaml")).unwrap();
    fs::write(
        chart.file("Chart.yaml"),
        definition.replace("1.2.3", "2.0.0"),
    )
    .unwrap();
    assert_eq!(chart.record("blue", &[])["spec"]["version"], "2.0.0");
    // Labels of the chart, and of the values.
    let options = ["--set", ENABLED, "--set", "extension.labels.a=b"];
    let rendered = chart.render("blue", &options).unwrap();
    let record: Value = serde_saphyr::from_str(&rendered).unwrap();
    assert_eq!(
        record["metadata"]["labels"],
        json!({"a": "b", "team": "data"})
    );
}

#[test]
fn record_is_created_only_if_enabled() {
    let arguments = ["tool", "--url", "http://tool:9000", "--version", "1.2.3"];
    let chart = Chart::new(true);
    chart.register(&arguments, "");
    assert_eq!(chart.render("tool", &[]).unwrap().trim(), "");
    // An upgrade with --reuse-values from a version without the values.
    let values = "extension=null";
    assert_eq!(chart.render("tool", &["--set", values]).unwrap().trim(), "");
    fs::write(chart.file("values.yaml"), "service: {port: 9000}\n").unwrap();
    assert_eq!(chart.render("tool", &[]).unwrap().trim(), "");
    let record = chart.record("tool", &[]);
    let url = "http://tool.tools.svc:9000";
    assert_eq!(record["spec"]["services"][0]["endpoints"][0]["url"], url);
}

/// Values are text of a user, which becomes exactly one field.
#[test]
fn values_are_quoted() {
    let chart = Chart::new(true);
    let credential = "KEY=secret:tool-auth/key";
    chart.register(
        &[
            "tool",
            "--url",
            "http://tool:9000",
            "--credential",
            credential,
        ],
        "",
    );
    let text = "1\" : '2' {{ x }} # 3\n  b: c";
    let values = json!({"extension": {
        "enabled": true, "name": text, "zone": text, "version": text, "url": text, "secretName": text,
        "annotations": {"a": text}, "labels": {"b": "1"}, "access": {"users": [text, "no"]}, "default": true,
    }});
    let file = chart.file("odd.yaml");
    fs::write(&file, values.to_string()).unwrap();
    let rendered = chart
        .render("tool", &["-f", file.to_str().unwrap()])
        .unwrap();
    let record: Value = serde_saphyr::from_str(&rendered).unwrap();
    let service = &record["spec"]["services"][0];
    let set = &service["credentials"][0]["configuration"][0];
    for field in [
        &record["metadata"]["name"],
        &record["metadata"]["annotations"]["a"],
        &record["spec"]["zone"],
        &record["spec"]["version"],
        &record["spec"]["access"]["users"][0],
        &service["endpoints"][0]["url"],
        &set["valueFrom"]["secretKeyRef"]["name"],
    ] {
        assert_eq!(*field, text);
    }
    assert_eq!(
        record["metadata"]["labels"],
        json!({"team": "data", "b": "1"})
    );
    assert_eq!(record["spec"]["access"], json!({"users": [text, "no"]}));
    assert_eq!(record["spec"]["default"], true);
}

#[test]
fn missing_value_is_named() {
    let chart = Chart::new(true);
    let arguments = [
        "tool",
        "--url",
        "https://tool.example.org",
        "--credential",
        "KEY=secret:shared/key",
        "--for-project",
        "a",
    ];
    chart.register(&arguments, "");
    for value in ["extension.url", "extension.secretName"] {
        let empty = format!("{value}=");
        let error = chart.render("tool", &["--set", ENABLED, "--set", &empty]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("{value} is required")), "{error}");
        // Nothing is required of a release that creates no record.
        chart.render("tool", &["--set", &empty]).unwrap();
    }
    let options = ["--set", ENABLED, "--set", "extension.projects=null"];
    let rendered = chart.render("tool", &options).unwrap();
    let record: Value = serde_saphyr::from_str(&rendered).unwrap();
    let set = &record["spec"]["services"][0]["credentials"][0];
    assert_eq!(set["project"], json!([]), "no project has access");
}

/// A chart author who removes the lists of a record must not open it to everyone.
#[test]
fn missing_access_is_an_error() {
    let record = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
        "metadata": {"name": "tool"},
        "spec": {"product": "tool", "access": {"projects": ["a"], "users": ["no"]}},
    });
    let chart = Chart::new(true);
    chart.register(&["-f", "-"], &record.to_string());
    assert_eq!(
        chart.record("tool", &[])["spec"]["access"],
        record["spec"]["access"]
    );
    let missing = ["--set", ENABLED, "--set", "extension.access=null"];
    let error = chart.render("tool", &missing).unwrap_err().to_string();
    assert!(error.contains("extension.access is required"), "{error}");
}

#[test]
fn optional_address_can_be_removed() {
    let record = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
        "metadata": {"name": "tool"},
        "spec": {"product": "tool", "services": [{"name": "api", "endpoints": [
            {"name": "cluster", "url": "http://tool.tools.svc:9000", "type": "internal"},
            {"name": "external", "url": "https://tool.example.org", "type": "external"},
        ]}]},
    });
    let chart = Chart::new(true);
    chart.register(&["-f", "-"], &record.to_string());
    let endpoints = |settings: &[&str]| {
        let record = chart.record("tool", settings);
        let endpoints = record["spec"]["services"][0]["endpoints"]
            .as_array()
            .unwrap();
        let names = endpoints.iter().map(|endpoint| endpoint["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(endpoints(&[]), ["cluster", "external"]);
    let removed = "extension.externalUrl=";
    assert_eq!(endpoints(&[removed]), ["cluster"]);
}

/// The example is what `register` writes, and the value that its own template adds.
#[test]
fn example_chart_is_up_to_date() {
    let example = repository("examples/charts/datasets");
    let read = |name: &str| fs::read_to_string(example.join(name)).unwrap();
    let path = example.to_str().unwrap();
    let printed = ext(&[EXAMPLE, &["--chart", path, "--dry-run"]].concat(), "");
    let (template, values) = printed.split_once("---\n# values.yaml\n").unwrap();
    assert_eq!(
        template,
        format!(
            "# templates/extension.yaml\n{}",
            read("templates/extension.yaml")
        )
    );
    assert!(read("values.yaml").contains(values), "{values}");

    let password = [
        "--set",
        "auth.password=secret",
        "--set",
        "auth.username=a: 'b' #c",
    ];
    let enabled = ["--set", ENABLED];
    for settings in [&password[..], &[&password[..], &enabled].concat()] {
        helm(&[&["lint", "--strict", path], settings].concat()).unwrap();
        let release = ["template", "files", path, "-n", "tools"];
        let rendered = helm(&[&release[..], settings].concat()).unwrap();
        assert_eq!(ext(&["lint", "--strict", "-f", "-"], &rendered), "");
        let is_enabled = settings.contains(&ENABLED);
        assert_eq!(rendered.contains("kind: ClusterExtension"), is_enabled);
        assert_eq!(
            rendered.contains("namespace: extension-registry-records"),
            is_enabled
        );
    }
    let error = helm(&["template", "files", path]).unwrap_err().to_string();
    assert!(
        error.contains("auth.password or auth.existingSecret is required"),
        "{error}"
    );
}
