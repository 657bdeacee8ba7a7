//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler, on the machine itself.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::kubeconfig;
use crate::network::Network;
use crate::pki::{Authority, Identity};
use crate::ports;
use crate::process::{Launcher, Process};
use crate::tools::{Tool, Tools};

/// Files and addresses shared by the programs of a cluster.
pub(crate) struct ControlPlane {
    folder: PathBuf,
    authority: Authority,
    tokens: Identity,
    network: Option<Network>,
    etcd_ports: [u16; 2],
    /// Address of the apiserver.
    pub(crate) server: String,
    /// Kubeconfig of an administrator.
    pub(crate) kubeconfig: PathBuf,
}

impl ControlPlane {
    /// Creates the keys and picks the ports. With a network, the apiserver listens on an address that the node can reach.
    pub(crate) fn prepare(folder: &Path, network: Option<Network>) -> Result<Self> {
        let keys = folder.join("keys");
        fs::create_dir_all(&keys).context("failed to create the folder for keys")?;
        let authority = Authority::create(&keys)?;
        let tokens = authority.key_pair("service-account")?;
        let address = network.map_or(Ipv4Addr::LOCALHOST, Network::host);
        let etcd_ports = ports::free(IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let [port] = ports::free(IpAddr::V4(address))?;
        let plane = Self {
            folder: folder.to_owned(),
            authority,
            tokens,
            network,
            etcd_ports,
            server: format!("https://{address}:{port}"),
            kubeconfig: folder.join("kubeconfig"),
        };
        let admin = plane
            .authority
            .issue("admin", "admin", Some("system:masters"), &[])?;
        kubeconfig::write(
            &plane.kubeconfig,
            &plane.server,
            &plane.authority.identity(),
            &admin,
        )?;
        Ok(plane)
    }

    /// Returns the address of the client port of etcd (plain HTTP, only on this machine).
    pub(crate) fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd_ports[0])
    }

    /// Returns the CA for client certificates.
    pub(crate) fn authority(&self) -> Identity {
        self.authority.identity()
    }

    /// Writes a kubeconfig for a program of the cluster.
    pub(crate) fn kubeconfig_for(
        &self,
        file: &str,
        user: &str,
        group: Option<&str>,
    ) -> Result<PathBuf> {
        let identity = self.authority.issue(file, user, group, &[])?;
        let path = self.folder.join("keys").join(format!("{file}.kubeconfig"));
        kubeconfig::write(&path, &self.server, &self.authority.identity(), &identity)?;
        Ok(path)
    }

    /// Starts etcd, for speed without durability.
    pub(crate) fn start_etcd(&self, tools: &Tools, launcher: &Launcher) -> Result<Process> {
        let client = self.etcd_url();
        let peer = format!("http://127.0.0.1:{}", self.etcd_ports[1]);
        let mut command = Command::new(tools.path(Tool::Etcd)?);
        command.args([
            "--name=etcd".to_owned(),
            format!("--data-dir={}", self.folder.join("etcd").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=etcd={peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ]);
        launcher.launch("etcd", &command)
    }

    /// Starts the apiserver.
    pub(crate) fn start_apiserver(
        &self,
        tools: &Tools,
        launcher: &Launcher,
        extra: &[String],
    ) -> Result<Process> {
        let (address, port) = self
            .server
            .trim_start_matches("https://")
            .rsplit_once(':')
            .context("the apiserver has no port")?;
        let (services, first_service) = self.network.map_or_else(
            || ("10.96.0.0/24".to_owned(), Ipv4Addr::new(10, 96, 0, 1)),
            |network| (network.services(), network.first_service()),
        );
        let mut names: Vec<String> = [
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ]
        .map(str::to_owned)
        .into();
        names.extend([
            address.to_owned(),
            "127.0.0.1".to_owned(),
            first_service.to_string(),
        ]);
        let serving = self
            .authority
            .issue("apiserver", "kube-apiserver", None, &names)?;
        let kubelet_client = self.authority.issue(
            "kubelet-client",
            "kube-apiserver",
            Some("system:masters"),
            &[],
        )?;
        // Without a node nothing in the cluster could use the Service `kubernetes`.
        let reconciler = if self.network.is_some() {
            "lease"
        } else {
            "none"
        };

        let mut command = Command::new(tools.path(Tool::Apiserver)?);
        command.args([
            format!("--etcd-servers={}", self.etcd_url()),
            format!("--bind-address={address}"),
            format!("--advertise-address={address}"),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", serving.certificate.display()),
            format!("--tls-private-key-file={}", serving.key.display()),
            format!(
                "--client-ca-file={}",
                self.authority().certificate.display()
            ),
            format!(
                "--kubelet-client-certificate={}",
                kubelet_client.certificate.display()
            ),
            format!("--kubelet-client-key={}", kubelet_client.key.display()),
            format!(
                "--service-account-key-file={}",
                self.tokens.certificate.display()
            ),
            format!(
                "--service-account-signing-key-file={}",
                self.tokens.key.display()
            ),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-cluster-ip-range={services}"),
            format!("--endpoint-reconciler-type={reconciler}"),
            format!("--cert-dir={}", self.folder.join("keys").display()),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            "--allow-privileged".to_owned(),
            "--profiling=false".to_owned(),
        ]);
        launcher.launch("kube-apiserver", command.args(extra))
    }

    /// Starts the controllers. Requires a ready apiserver.
    pub(crate) fn start_controller_manager(
        &self,
        tools: &Tools,
        launcher: &Launcher,
    ) -> Result<Process> {
        let user = "system:kube-controller-manager";
        let kubeconfig = self.kubeconfig_for("controller-manager", user, None)?;
        let authority = self.authority();
        let mut command = Command::new(tools.path(Tool::ControllerManager)?);
        command.args([
            format!("--kubeconfig={}", kubeconfig.display()),
            format!(
                "--service-account-private-key-file={}",
                self.tokens.key.display()
            ),
            format!("--root-ca-file={}", authority.certificate.display()),
            format!(
                "--cluster-signing-cert-file={}",
                authority.certificate.display()
            ),
            format!("--cluster-signing-key-file={}", authority.key.display()),
            "--use-service-account-credentials".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--profiling=false".to_owned(),
            // The default intervals limit the load of large clusters; here they only slow tests down.
            "--kube-api-qps=400".to_owned(),
            "--kube-api-burst=800".to_owned(),
        ]);
        launcher.launch("kube-controller-manager", &command)
    }

    /// Starts the scheduler. Requires a ready apiserver.
    pub(crate) fn start_scheduler(&self, tools: &Tools, launcher: &Launcher) -> Result<Process> {
        let kubeconfig = self.kubeconfig_for("scheduler", "system:kube-scheduler", None)?;
        let mut command = Command::new(tools.path(Tool::Scheduler)?);
        command.args([
            format!("--kubeconfig={}", kubeconfig.display()),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--profiling=false".to_owned(),
            "--kube-api-qps=400".to_owned(),
            "--kube-api-burst=800".to_owned(),
        ]);
        launcher.launch("kube-scheduler", &command)
    }
}
