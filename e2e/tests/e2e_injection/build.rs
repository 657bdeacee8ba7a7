//! Records, bindings and workloads of the test.

use serde_json::{Value, json};

use crate::support::{binding, record};

pub(crate) const PROJECT: &str = "injection";
pub(crate) const RESTRICTED: &str = "injection-restricted";
pub(crate) const GIT: &str = "injection-git";

/// Prints what the process gets from the bindings. Avoids `$(…)`, which Kubernetes would expand.
const PRINT: &str = r#"
echo "root ${SERVICE_BINDING_ROOT:-unset}"
echo "variables ${S3_KEY:-unset} ${TRACKER_TOKEN:-unset} ${SHARED:-unset} ${CONFIG:-unset}"
cd "${SERVICE_BINDING_ROOT:-/unbound}" 2>/dev/null
echo "files `cat storage/uri storage/S3_KEY tracker/type 2>/dev/null`"
"#;

/// Prints the directory of the bindings as an archive, which contains links as such.
const ARCHIVE: &str = r#"
echo "ARCHIVE `tar -c -C "$SERVICE_BINDING_ROOT" . | base64 | tr -d '\n'`"
"#;

/// Of variables with the same name, that of the last binding takes effect.
pub(crate) const BOUND: &str = "root /bindings\nvariables key token tracker /bindings/storage/uri\nfiles https://s3.example.orgkeypostgresql\n";
pub(crate) const UNBOUND: &str =
    "root unset\nvariables unset unset unset $(SERVICE_BINDING_ROOT)/storage/uri\nfiles \n";
const CERTIFICATE: &str = "first\n  second\r\n\n\täöü 漢字\n";

/// Returns the records of the bindings, with types that client libraries know.
pub(crate) fn records() -> [Value; 2] {
    let storage = json!({"S3_KEY": "key", "SHARED": "storage", "ca.crt": CERTIFICATE});
    let tracker = json!({
        "TRACKER_TOKEN": "token", "SHARED": "tracker",
        "database": "runs", "username": "tracker", "password": " p@ss'\"$(HOME)\n",
    });
    [
        ("storage", "s3", "https://s3.example.org", storage),
        (
            "tracker",
            "postgresql",
            "postgresql://db.example.org:5433/runs",
            tracker,
        ),
    ]
    .map(|(name, resource, url, values)| {
        let entries = values.as_object().into_iter().flatten();
        let configuration: Vec<_> = entries
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let credentials = json!([{"name": "main", "configuration": configuration}]);
        let mut record = record(&format!("injected-{name}"), &credentials);
        let service = &mut record["spec"]["services"][0];
        service["resource"] = json!(resource);
        service["endpoints"] = json!([{"name": "main", "type": "external", "url": url}]);
        record
    })
}

pub(crate) fn bindings(namespace: &str) -> [Value; 2] {
    ["storage", "tracker"].map(|name| {
        let spec = json!({"product": format!("injected-{name}")});
        binding(namespace, name, &spec)
    })
}

pub(crate) fn object(namespace: &str, api_version: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"namespace": namespace, "name": name},
    })
}

/// Builds Pods of one image.
pub(crate) struct Builder {
    pub(crate) image: &'static str,
}

impl Builder {
    pub(crate) fn container(&self, name: &str) -> Value {
        json!({
            "name": name, "image": self.image, "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", PRINT],
            "env": [{"name": "CONFIG", "value": "$(SERVICE_BINDING_ROOT)/storage/uri"}],
        })
    }

    /// Returns a Pod template with the label `app`, whose containers print and exit.
    fn template(&self, name: &str, containers: &[&str]) -> Value {
        let containers: Vec<_> = containers.iter().map(|name| self.container(name)).collect();
        json!({
            "metadata": {
                "labels": {"app": name},
                "annotations": {"registry.fuseml.io/bind": " storage , tracker"},
            },
            "spec": {
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "containers": containers,
            },
        })
    }

    /// Returns a Pod template whose container prints and continues to run.
    fn service(&self, name: &str) -> Value {
        let mut template = self.template(name, &["main"]);
        template["spec"]["restartPolicy"] = json!("Always");
        template["spec"]["containers"][0]["command"][2] =
            json!(format!("{PRINT}\nexec sleep 100000"));
        template
    }

    pub(crate) fn pod(&self, name: &str, containers: &[&str]) -> Value {
        let template = self.template(name, containers);
        let mut pod = object(PROJECT, "v1", "Pod", name);
        pod["spec"] = template["spec"].clone();
        for field in ["labels", "annotations"] {
            pod["metadata"][field] = template["metadata"][field].clone();
        }
        pod
    }

    /// Returns a Pod that prints the directory of its bindings.
    pub(crate) fn archive(&self, name: &str) -> Value {
        let mut pod = self.pod(name, &["main"]);
        pod["spec"]["containers"][0]["command"][2] = json!(ARCHIVE);
        pod
    }

    /// Returns a Pod that the Pod Security level `restricted` allows.
    pub(crate) fn restricted(&self) -> Value {
        let mut pod = self.pod("restricted", &["main"]);
        pod["metadata"]["namespace"] = json!(RESTRICTED);
        pod["spec"]["containers"][0]["securityContext"] = json!({
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true, "runAsUser": 65_534, "seccompProfile": {"type": "RuntimeDefault"},
        });
        pod
    }

    pub(crate) fn deployment(&self, namespace: &str, name: &str) -> Value {
        self.controller(namespace, "Deployment", name)
    }

    fn controller(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let mut workload = object(namespace, "apps/v1", kind, name);
        workload["spec"] = json!({
            "selector": {"matchLabels": {"app": name}}, "template": self.service(name),
        });
        workload
    }

    /// Returns one workload of each kind that creates Pods, named like its kind.
    pub(crate) fn workloads(&self) -> Vec<Value> {
        let mut workloads: Vec<Value> = ["Deployment", "StatefulSet", "DaemonSet"]
            .iter()
            .map(|kind| self.controller(PROJECT, kind, &kind.to_lowercase()))
            .collect();
        workloads[1]["spec"]["serviceName"] = json!("statefulset");
        let mut job = object(PROJECT, "batch/v1", "Job", "job");
        job["spec"]["template"] = self.template("job", &["main"]);
        let mut cron_job = object(PROJECT, "batch/v1", "CronJob", "cronjob");
        cron_job["spec"] = json!({
            "schedule": "* * * * *", "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": self.template("cronjob", &["main"])}},
        });
        workloads.extend([job, cron_job]);
        workloads
    }
}
