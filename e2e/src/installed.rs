//! The installed chart, and an operator outside of the cluster that uses the `ServiceAccount` of the chart.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use serde_json::json;

use crate::chart::{RELEASE, WITHOUT_WEBHOOK};
use crate::cluster::Cluster;
use crate::operator::Operator;
use crate::pki::Authority;
use crate::ports;
use crate::setup::NAMESPACE;

/// An installation for operators that run outside of the cluster.
#[derive(Clone, Debug)]
pub struct Installed {
    kubeconfig: PathBuf,
    webhook: Option<SocketAddr>,
    certificate: Option<PathBuf>,
    log_level: Option<String>,
}

impl Installed {
    /// Installs the chart for an operator that serves no webhook.
    ///
    /// # Errors
    /// If helm or the API server fails.
    pub fn without_webhook(cluster: &Cluster) -> Result<Self> {
        cluster.install_chart(WITHOUT_WEBHOOK)?;
        Ok(Self {
            kubeconfig: cluster.kubeconfig_of(NAMESPACE, RELEASE)?,
            webhook: None,
            certificate: None,
            log_level: None,
        })
    }

    /// Installs the chart for an operator that serves the webhook on this machine, where the API server of a local
    /// cluster runs too.
    ///
    /// # Errors
    /// If helm or the API server fails.
    pub fn with_webhook(cluster: &Cluster, values: &[(&str, &str)]) -> Result<Self> {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let [port] = ports::free(address)?;
        let address = SocketAddr::new(address, port);
        let url = format!("https://{address}");
        let folder = cluster
            .folder()
            .context("the API server of an existing cluster cannot reach this machine")?
            .join("webhook-certificate");
        let bundle = certificate(&folder, address.ip())?;
        let mut all = vec![
            ("webhook.url", url.as_str()),
            ("webhook.caBundle", &bundle),
            ("webhook.certificateSecret", "outside"),
        ];
        all.extend(values);
        cluster.install_chart(&all)?;
        Ok(Self {
            kubeconfig: cluster.kubeconfig_of(NAMESPACE, RELEASE)?,
            webhook: Some(address),
            certificate: Some(folder),
            log_level: None,
        })
    }

    /// Starts the operator and waits until it is ready: with a webhook, until the API server reaches it.
    ///
    /// # Errors
    /// As [`Operator::start`].
    pub fn start(&self, log: &Path, arguments: &[&str]) -> Result<Operator> {
        let address = self.webhook.map(|address| address.to_string());
        let folder = self.certificate.as_ref().map(|path| path.to_string_lossy());
        let mut all = Vec::new();
        if let Some(folder) = &folder {
            all.extend(["--webhook-certificate", folder]);
        }
        if let Some(address) = &address {
            all.extend(["--webhook-listen", address]);
        }
        all.extend(arguments);
        Operator::launch(&self.kubeconfig, log, &all, self.log_level.as_deref())
    }

    /// Sets the log level of the operator.
    #[must_use]
    pub fn with_log_level(self, level: &str) -> Self {
        Self {
            log_level: Some(level.to_owned()),
            ..self
        }
    }

    /// Returns the installation for a second operator, without a webhook.
    #[must_use]
    pub fn for_second_operator(&self) -> Self {
        Self {
            webhook: None,
            ..self.clone()
        }
    }

    /// Returns whether the webhook is enabled.
    #[must_use]
    pub fn has_webhook(&self) -> bool {
        self.webhook.is_some()
    }

    /// Returns the address of the webhook, if enabled.
    #[must_use]
    pub fn webhook(&self) -> Option<SocketAddr> {
        self.webhook
    }

    /// Returns the folder of the webhook certificate, if enabled.
    #[must_use]
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// Returns the kubeconfig of the operator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

/// Writes `tls.crt` and `tls.key` from a new CA to a folder, and returns the value of `caBundle`.
fn certificate(folder: &Path, host: IpAddr) -> Result<String> {
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let authority = Authority::create(folder)?;
    authority.issue("tls", "webhook", None, &[host.to_string()])?;
    let bundle = json!(ByteString(authority.pem().into_bytes()));
    Ok(bundle.as_str().unwrap_or_default().to_owned())
}
