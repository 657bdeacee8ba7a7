//! Settings that decide what is read and how workflows resolve.

/// Settings of an inventory.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Namespace to read; of files, the one of objects without one. The default is that of the kubeconfig, or
    /// `default` for files.
    pub namespace: Option<String>,
    /// Whether all namespaces of a cluster were requested explicitly.
    pub all_namespaces: bool,
    /// Zone in which steps run.
    pub zone: Option<String>,
    /// Namespace of the Secrets that cluster-scoped records refer to.
    pub records_namespace: String,
    /// How the operator handles literal credentials in records.
    pub inline_credentials: InlineCredentials,
    /// User for whom workflows without an author resolve.
    pub user: Option<String>,
    /// Groups of this user.
    pub groups: Vec<String>,
}

impl Settings {
    /// Returns the namespace of objects in files without one.
    pub(super) fn own_namespace(&self) -> String {
        let named = self.namespace.clone();
        named.unwrap_or_else(|| "default".to_owned())
    }
}

/// Operator setting for literal credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineCredentials {
    /// Encrypt them.
    #[default]
    Seal,
    /// Keep them.
    Allow,
}

/// Kinds of objects to read from a cluster. Files are read completely.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Records.
    pub records: bool,
    /// Workflows and bindings.
    pub consumers: bool,
    /// Whether to read all namespaces that the caller can list.
    pub all_namespaces: bool,
}

impl Scope {
    /// Records, workflows and bindings of the selected namespace.
    pub const NAMESPACE: Self = Self {
        records: true,
        consumers: true,
        all_namespaces: false,
    };
    /// Records, workflows and bindings of all namespaces.
    pub const ALL_NAMESPACES: Self = Self {
        all_namespaces: true,
        ..Self::NAMESPACE
    };
    /// Only records.
    pub const RECORDS: Self = Self {
        consumers: false,
        ..Self::NAMESPACE
    };
    /// Only workflows and bindings.
    pub const CONSUMERS: Self = Self {
        records: false,
        ..Self::NAMESPACE
    };
    /// Records of all namespaces.
    pub const ALL_RECORDS: Self = Self {
        consumers: false,
        ..Self::ALL_NAMESPACES
    };
}
