//! The chart in a cluster, and an operator beside it that runs with the chart's own account.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::chart::{RELEASE, WITHOUT_WEBHOOK};
use crate::cluster::Cluster;
use crate::operator::Operator;
use crate::ports;
use crate::setup::NAMESPACE;

/// What an operator needs that runs beside the cluster, again and again.
#[derive(Clone, Debug)]
pub struct Installed {
    kubeconfig: PathBuf,
    webhook: Option<SocketAddr>,
    log_level: Option<String>,
}

impl Installed {
    /// Installs the chart for an operator that serves no webhook.
    ///
    /// # Errors
    /// When helm or the API server refuses.
    pub fn without_webhook(cluster: &Cluster) -> Result<Self> {
        cluster.install_chart(WITHOUT_WEBHOOK)?;
        Ok(Self {
            kubeconfig: cluster.kubeconfig_of(NAMESPACE, RELEASE)?,
            webhook: None,
            log_level: None,
        })
    }

    /// Installs the chart for an operator that serves the webhook on this machine, where the API
    /// server of a cluster of ours runs too.
    ///
    /// # Errors
    /// When helm or the API server refuses.
    pub fn with_webhook(cluster: &Cluster, values: &[(&str, &str)]) -> Result<Self> {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let [port] = ports::free(address)?;
        let address = SocketAddr::new(address, port);
        let url = format!("https://{address}");
        let mut all = vec![("webhook.url", url.as_str())];
        all.extend(values);
        cluster.install_chart(&all)?;
        Ok(Self {
            kubeconfig: cluster.kubeconfig_of(NAMESPACE, RELEASE)?,
            webhook: Some(address),
            log_level: None,
        })
    }

    /// Starts the operator and waits until it is ready: with a webhook, until the API server reaches it.
    ///
    /// # Errors
    /// As [`Operator::start`].
    pub fn start(&self, log: &Path, arguments: &[&str]) -> Result<Operator> {
        let address = self.webhook.map(|address| address.to_string());
        let mut all = Vec::new();
        if let Some(address) = &address {
            all.extend(["--webhook-listen", address]);
        }
        all.extend(arguments);
        Operator::launch(&self.kubeconfig, log, &all, self.log_level.as_deref())
    }

    /// With another level of the operator's log.
    #[must_use]
    pub fn with_log_level(self, level: &str) -> Self {
        Self {
            log_level: Some(level.to_owned()),
            ..self
        }
    }

    /// The same installation, for a second operator: the webhook is the first one's.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            webhook: None,
            ..self.clone()
        }
    }

    /// Whether there is a webhook.
    #[must_use]
    pub fn has_webhook(&self) -> bool {
        self.webhook.is_some()
    }

    /// Where the webhook listens, if there is one.
    #[must_use]
    pub fn webhook(&self) -> Option<SocketAddr> {
        self.webhook
    }

    /// Kubeconfig of the operator's account.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}
