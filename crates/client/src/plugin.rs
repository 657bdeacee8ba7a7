//! Exec plugins: programs that return credentials. Their environment, arguments and output are never printed.

use std::env;
use std::fs;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::diagnostic::Failure;
use http::Uri;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kubeconfig::{Cluster, Plugin};
use crate::pem;
use extension_registry_core::sensitive::Sensitive;

/// Supported versions of the API.
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// The cluster, as a plugin gets it.
#[derive(Clone, Debug)]
pub(crate) struct ClusterInfo(Value);

impl ClusterInfo {
    pub(crate) fn of(cluster: &Cluster, url: &Uri) -> Result<Self, Failure> {
        let mut info = Map::new();
        info.insert(
            "server".to_owned(),
            json!(url.to_string().trim_end_matches('/')),
        );
        if !cluster.server_name.is_empty() {
            info.insert("tls-server-name".to_owned(), json!(cluster.server_name));
        }
        if cluster.skip_verification {
            info.insert("insecure-skip-tls-verify".to_owned(), json!(true));
        }
        let authority = pem::load(&cluster.authority)?;
        if !authority.is_empty() {
            let authority = STANDARD.encode(authority);
            info.insert("certificate-authority-data".to_owned(), json!(authority));
        }
        if !cluster.proxy.is_empty() {
            info.insert("proxy-url".to_owned(), json!(cluster.proxy));
        }
        if let Some(config) = &cluster.plugin_config {
            info.insert("config".to_owned(), config.clone());
        }
        Ok(Self(Value::Object(info)))
    }
}

/// A validated plugin.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    plugin: Plugin,
    cluster: Option<ClusterInfo>,
}

/// What a plugin returned.
pub(crate) struct Issued {
    pub(crate) token: Option<Sensitive>,
    /// Client certificate and key, both in PEM form.
    pub(crate) certificate: Option<(String, Sensitive)>,
    pub(crate) expiry: Option<Timestamp>,
}

impl Runner {
    pub(crate) fn new(plugin: Plugin, cluster: Option<ClusterInfo>) -> Result<Self, Failure> {
        let field = &plugin.field;
        if plugin.command.is_empty() {
            return Err(Failure::new(format!("`{field}.command` is not set")));
        }
        if !VERSIONS.contains(&&*plugin.api_version) {
            let message = match &*plugin.api_version {
                "" => format!("`{field}.apiVersion` is not set"),
                version => format!("unsupported `{field}.apiVersion` `{version}`"),
            };
            return Err(Failure::new(message).hint(format!(
                "set it to `{}` or `{}`, whichever the plugin supports",
                VERSIONS[0], VERSIONS[1]
            )));
        }
        let is_v1 = plugin.api_version == VERSIONS[0];
        let mode = &*plugin.interactive_mode;
        if !matches!(mode, "Never" | "IfAvailable" | "Always") && (is_v1 || !mode.is_empty()) {
            let message = match mode {
                "" => format!("`{field}.interactiveMode` is not set"),
                mode => format!("invalid `{field}.interactiveMode` `{mode}`"),
            };
            return Err(Failure::new(message).hint("set it to `IfAvailable`, `Never` or `Always`"));
        }
        if plugin.environment.iter().any(|(name, _)| name.is_empty()) {
            return Err(Failure::new(format!(
                "an entry of `{field}.env` has no name"
            )));
        }
        let texts = plugin
            .arguments
            .iter()
            .chain(plugin.environment.iter().map(|(_, value)| value));
        let is_invalid = |text: &str| text.contains('\0');
        if texts.map(Sensitive::reveal).any(is_invalid)
            || plugin
                .environment
                .iter()
                .any(|(name, _)| is_invalid(name) || name.contains('='))
            || is_invalid(&plugin.command)
        {
            return Err(Failure::new(format!(
                "`{field}` contains a null character, or a `=` in the name of a variable"
            )));
        }
        Ok(Self { plugin, cluster })
    }

    /// Returns the name of the plugin, for errors.
    pub(crate) fn name(&self) -> String {
        format!("exec plugin `{}`", self.plugin.command)
    }

    /// Runs the plugin.
    pub(crate) async fn run(&self) -> Result<Issued, Failure> {
        let own = self.clone();
        tokio::task::spawn_blocking(move || own.run_blocking())
            .await
            .map_err(|error| {
                Failure::new(format!("failed to run {}", self.name())).caused_by(error)
            })?
    }

    fn run_blocking(&self) -> Result<Issued, Failure> {
        let name = self.name();
        let program = find(&self.plugin.command).ok_or_else(|| self.missing())?;
        let is_interactive = match &*self.plugin.interactive_mode {
            "Never" => false,
            _ => std::io::stdin().is_terminal(),
        };
        if self.plugin.interactive_mode == "Always" && !is_interactive {
            return Err(
                Failure::new(format!("{name} requires a terminal, and stdin is not one"))
                    .hint("run the command in a terminal, and pass files by their paths"),
            );
        }
        let mut spec = json!({"interactive": is_interactive});
        if let Some(ClusterInfo(info)) = &self.cluster {
            spec["cluster"] = info.clone();
        }
        let info =
            json!({"kind": "ExecCredential", "apiVersion": self.plugin.api_version, "spec": spec});
        let mut command = Command::new(program);
        command.args(self.plugin.arguments.iter().map(Sensitive::reveal));
        for (name, value) in &self.plugin.environment {
            command.env(name, value.reveal());
        }
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(if is_interactive {
            Stdio::inherit()
        } else {
            Stdio::null()
        });
        // Prompts and messages of the plugin are for the user.
        command.stderr(Stdio::inherit());
        let output = command.output().map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing(),
            _ => Failure::new(format!("failed to run {name}: {error}")),
        })?;
        if !output.status.success() {
            return Err(Failure::new(format!("{name} failed: {}", output.status))
                .hint(format!(
                    "run `kubectl get --raw /version` to see whether the plugin works, and check `{}` in the kubeconfig",
                    self.plugin.field
                )));
        }
        self.parse(&output.stdout)
    }

    fn missing(&self) -> Failure {
        let failure = if self.plugin.command.contains('/') {
            Failure::new(format!(
                "{} does not exist or is not executable",
                self.name()
            ))
        } else {
            Failure::new(format!("{} not found in PATH", self.name()))
        };
        match self.plugin.install_hint.trim() {
            "" => failure.hint(format!(
                "install it, or correct `{}.command`",
                self.plugin.field
            )),
            hint => failure.hint(hint),
        }
    }

    /// Parses the output. Errors do not quote it.
    fn parse(&self, output: &[u8]) -> Result<Issued, Failure> {
        let name = self.name();
        let object =
            read(output).ok_or_else(|| Failure::new(format!("{name} returned invalid JSON")))?;
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let version = text(object.get("apiVersion")).unwrap_or_default();
        if text(object.get("kind")).as_deref() != Some("ExecCredential") {
            return Err(Failure::new(format!("{name} returned no ExecCredential")));
        }
        if version != self.plugin.api_version {
            return Err(Failure::new(format!(
                "{name} returned another apiVersion than `{}`",
                self.plugin.api_version
            ))
            .hint(format!(
                "set `{}.apiVersion` to the version that the plugin supports",
                self.plugin.field
            )));
        }
        let status = object.get("status").filter(|status| status.is_object());
        let Some(status) = status else {
            return Err(Failure::new(format!("{name} returned no status")));
        };
        let token = text(status.get("token")).map(Sensitive::new);
        let certificate = text(status.get("clientCertificateData"));
        let key = text(status.get("clientKeyData")).map(Sensitive::new);
        let certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(Failure::new(format!(
                    "{name} returned a client certificate without its key, or a key without its certificate"
                )));
            }
        };
        if token.is_none() && certificate.is_none() {
            return Err(Failure::new(format!(
                "{name} returned neither a token nor a client certificate"
            ))
            .hint("log in with the tool that the plugin belongs to"));
        }
        let expiry = text(status.get("expirationTimestamp")).map(|time| {
            time.parse().map_err(|_| {
                Failure::new(format!("{name} returned an invalid expirationTimestamp"))
            })
        });
        Ok(Issued {
            token,
            certificate,
            expiry: expiry.transpose()?,
        })
    }
}

/// Parses JSON or YAML.
fn read(output: &[u8]) -> Option<Value> {
    if let Ok(object) = serde_json::from_slice(output) {
        return Some(object);
    }
    let (documents, errors) = extension_registry_yaml::parse(std::str::from_utf8(output).ok()?);
    if errors.is_empty() {
        documents.into_iter().next().map(|(object, _)| object)
    } else {
        None
    }
}

/// Finds a program in PATH; a command with a slash is a path.
fn find(command: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| is_program(path));
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(command))
        .find(|path| is_program(path))
}
