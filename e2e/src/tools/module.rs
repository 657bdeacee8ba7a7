//! Programs and their Go modules. The `go.mod` files in `tools/` pin the versions.

use sha2::{Digest, Sha256};

/// A program of a cluster, or a client or server for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Etcd,
    Apiserver,
    ControllerManager,
    Scheduler,
    Kubectl,
    Kubelet,
    Proxy,
    Containerd,
    Shim,
    Ctr,
    Helm,
    Gitea,
    Crane,
    OciConformance,
}

impl Tool {
    pub(crate) const CONTROL_PLANE: [Self; 5] = [
        Self::Etcd,
        Self::Apiserver,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Kubectl,
    ];
    pub(crate) const NODE: [Self; 5] = [
        Self::Kubelet,
        Self::Proxy,
        Self::Containerd,
        Self::Shim,
        Self::Ctr,
    ];

    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Apiserver => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubectl => "kubectl",
            Self::Kubelet => "kubelet",
            Self::Proxy => "kube-proxy",
            Self::Containerd => "containerd",
            Self::Shim => "containerd-shim-runc-v2",
            Self::Ctr => "ctr",
            Self::Helm => "helm",
            Self::Gitea => "gitea",
            Self::Crane => "crane",
            Self::OciConformance => "oci-conformance",
        }
    }

    pub(crate) fn module(self) -> &'static Module {
        match self {
            Self::Etcd => &ETCD,
            Self::Containerd | Self::Shim | Self::Ctr => &CONTAINERD,
            Self::Helm => &HELM,
            Self::Gitea => &GITEA,
            Self::Crane => &CRANE,
            Self::OciConformance => &OCI_CONFORMANCE,
            _ => &KUBERNETES,
        }
    }

    /// Returns the Go package to build.
    pub(crate) fn package(self) -> String {
        let module = self.module();
        match self {
            Self::Etcd | Self::Gitea | Self::OciConformance => module.path.to_owned(),
            _ => format!("{}/cmd/{}", module.path, self.program()),
        }
    }

    /// Returns the arguments that print the version.
    pub(crate) fn version_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kubectl => &["version", "--client"],
            Self::Shim => &["-v"],
            Self::Helm => &["version", "--short"],
            Self::Crane => &["version"],
            _ => &["--version"],
        }
    }
}

/// A Go module in `tools/` that pins one upstream module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) go_mod: &'static str,
    pub(crate) go_sum: &'static str,
    /// Build tags.
    pub(crate) tags: &'static str,
    /// Whether the build requires cgo and a C compiler.
    pub(crate) cgo: bool,
    /// Folders of the module that the program reads at run time. They are copied to `files` next to it.
    pub(crate) files: &'static [&'static str],
}

/// Defaults of most modules: pure Go, in one file.
const PLAIN: Module = Module {
    name: "",
    path: "",
    go_mod: "",
    go_sum: "",
    tags: "",
    cgo: false,
    files: &[],
};
static KUBERNETES: Module = Module {
    name: "kubernetes",
    path: "k8s.io/kubernetes",
    go_mod: include_str!("../../tools/kubernetes/go.mod"),
    go_sum: include_str!("../../tools/kubernetes/go.sum"),
    ..PLAIN
};
static ETCD: Module = Module {
    name: "etcd",
    path: "go.etcd.io/etcd/server/v3",
    go_mod: include_str!("../../tools/etcd/go.mod"),
    go_sum: include_str!("../../tools/etcd/go.sum"),
    ..PLAIN
};
static CONTAINERD: Module = Module {
    name: "containerd",
    path: "github.com/containerd/containerd/v2",
    go_mod: include_str!("../../tools/containerd/go.mod"),
    go_sum: include_str!("../../tools/containerd/go.sum"),
    ..PLAIN
};
static HELM: Module = Module {
    name: "helm",
    path: "helm.sh/helm/v4",
    go_mod: include_str!("../../tools/helm/go.mod"),
    go_sum: include_str!("../../tools/helm/go.sum"),
    ..PLAIN
};
static GITEA: Module = Module {
    name: "gitea",
    path: "code.gitea.io/gitea",
    go_mod: include_str!("../../tools/gitea/go.mod"),
    go_sum: include_str!("../../tools/gitea/go.sum"),
    tags: "sqlite sqlite_unlock_notify",
    cgo: true,
    files: &["templates", "options", "public"],
};
static CRANE: Module = Module {
    name: "crane",
    path: "github.com/google/go-containerregistry",
    go_mod: include_str!("../../tools/crane/go.mod"),
    go_sum: include_str!("../../tools/crane/go.sum"),
    ..PLAIN
};
static OCI_CONFORMANCE: Module = Module {
    name: "oci-conformance",
    path: "github.com/opencontainers/distribution-spec/conformance",
    go_mod: include_str!("../../tools/oci-conformance/go.mod"),
    go_sum: include_str!("../../tools/oci-conformance/go.sum"),
    ..PLAIN
};

impl Module {
    /// Returns the version that `go.mod` requires, without the `v`.
    pub(crate) fn version(&self) -> &'static str {
        self.go_mod
            .lines()
            .map(|line| line.trim().trim_start_matches("require "))
            .find_map(|line| line.strip_prefix(self.path)?.strip_prefix(" v"))
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap_or_default()
    }

    /// Returns the major and minor version with a trailing dot, such as `1.36.`.
    pub(crate) fn minor_version(&self) -> String {
        self.version()
            .split('.')
            .take(2)
            .fold(String::new(), |text, part| text + part + ".")
    }

    /// Returns the name of the cache subfolder. It depends on the content of `go.mod`.
    pub(crate) fn cache_name(&self) -> String {
        let hash = Sha256::digest(self.go_mod);
        let hash = hash
            .iter()
            .take(6)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("{}-{}-{hash}", self.name, self.version())
    }

    /// Returns the linker flags. They set the versions that Kubernetes programs report.
    pub(crate) fn linker_flags(&self) -> String {
        let strip = "-s -w".to_owned();
        if self.path != KUBERNETES.path {
            return strip;
        }
        let version = self.version();
        let mut parts = version.split('.');
        let mut part = || parts.next().unwrap_or_default();
        let variables = [
            format!("gitMajor={}", part()),
            format!("gitMinor={}", part()),
            format!("gitVersion=v{version}"),
        ];
        variables.iter().fold(strip, |flags, variable| {
            flags + " -X k8s.io/component-base/version." + variable
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_comes_from_go_mod() {
        for module in [
            &KUBERNETES,
            &ETCD,
            &CONTAINERD,
            &HELM,
            &GITEA,
            &CRANE,
            &OCI_CONFORMANCE,
        ] {
            assert_eq!(module.version().split('.').count(), 3, "{}", module.name);
        }
        assert!(
            KUBERNETES
                .version()
                .starts_with(&KUBERNETES.minor_version())
        );
    }

    #[test]
    fn every_kubernetes_program_gets_a_version() {
        let version = KUBERNETES.version();
        assert!(
            KUBERNETES
                .linker_flags()
                .contains(&format!("gitVersion=v{version}"))
        );
        assert_eq!(ETCD.linker_flags(), "-s -w");
    }
}
