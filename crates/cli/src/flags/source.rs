//! Flags that select records and workflows.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use extension_registry_api::convert::{LABEL_HINT, is_label};
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::{self as query, Settings};

use super::cluster::{Cluster, Identity};

/// Flag for files of records and workflows.
pub(crate) const FILES: &str = "-f";

/// Parses the name of a namespace.
pub(crate) fn namespace(text: &str) -> Result<String, &'static str> {
    is_label(text).then(|| text.to_owned()).ok_or(LABEL_HINT)
}

/// Source of records and workflows.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Source {
    /// File or directory of records and workflows, or `-` for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "PATH", global = false)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    #[command(flatten)]
    pub(crate) view: View,
}

impl Source {
    /// Returns the settings of the inventory.
    pub(crate) fn settings(&self) -> Settings {
        self.view.settings(&self.cluster.identity)
    }
}

/// Files, given as arguments or with `-f`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Paths {
    /// Files and directories; same as `-f`
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// File or directory of records and workflows, or `-` for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    named: Vec<PathBuf>,
}

impl Paths {
    /// Returns all files.
    ///
    /// # Errors
    /// If no file is given.
    pub(crate) fn all(&self, verb: &str) -> anyhow::Result<Vec<PathBuf>> {
        let files: Vec<PathBuf> = self.named.iter().chain(&self.paths).cloned().collect();
        if files.is_empty() {
            let hint =
                format!("run `kubectl ext {verb} DIRECTORY`, or pass `-f -` for standard input");
            bail!(Failure::new("no files given").hint(hint));
        }
        Ok(files)
    }
}

/// Source of records and workflows for commands that never contact the cluster.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Files {
    #[command(flatten)]
    paths: Paths,
    /// File or directory with existing records and Secrets of the cluster; may be repeated
    #[arg(long, value_name = "PATH")]
    base: Vec<PathBuf>,
    /// Namespace for objects in files that set no namespace
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    perspective: Perspective,
}

impl Files {
    /// Returns the files to check.
    ///
    /// # Errors
    /// If no file is given.
    pub(crate) fn paths(&self, verb: &str) -> anyhow::Result<Vec<PathBuf>> {
        self.paths.all(verb)
    }

    /// Returns the files with existing objects.
    pub(crate) fn base(&self) -> &[PathBuf] {
        &self.base
    }

    /// Returns the settings of the inventory.
    pub(crate) fn settings(&self) -> Settings {
        self.perspective
            .settings(self.namespace.clone(), &self.identity)
    }
}

/// Selection of namespaces.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct View {
    /// Namespace to use; also applies to objects in files that set no namespace
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: Option<String>,
    /// Use all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) perspective: Perspective,
}

impl View {
    /// Returns the settings of the inventory.
    pub(crate) fn settings(&self, identity: &Identity) -> Settings {
        Settings {
            all_namespaces: self.all_namespaces,
            ..self.perspective.settings(self.namespace.clone(), identity)
        }
    }
}

/// Operator settings that affect resolution.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Perspective {
    /// Zone in which steps run, as configured for the operator
    #[arg(long, value_name = "ZONE", env = "EXTENSION_REGISTRY_ZONE")]
    pub(crate) zone: Option<String>,
    /// Namespace of the Secrets that cluster-scoped records refer to
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "EXTENSION_REGISTRY_RECORDS_NAMESPACE",
        default_value = "extension-registry-records"
    )]
    pub(crate) records_namespace: String,
    /// How the operator handles literal credentials in records
    #[arg(long, value_enum, default_value_t)]
    pub(crate) inline_credentials: InlineCredentials,
}

impl Perspective {
    /// Returns the settings for the inventory of a namespace.
    pub(crate) fn settings(&self, namespace: Option<String>, identity: &Identity) -> Settings {
        Settings {
            namespace,
            all_namespaces: false,
            zone: self.zone.clone(),
            records_namespace: self.records_namespace.clone(),
            inline_credentials: match self.inline_credentials {
                InlineCredentials::Seal => query::InlineCredentials::Seal,
                InlineCredentials::Allow => query::InlineCredentials::Allow,
            },
            user: identity.user.clone(),
            groups: identity.groups.clone(),
        }
    }
}

/// Operator setting for literal credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InlineCredentials {
    /// Encrypt them
    #[default]
    Seal,
    /// Keep them
    Allow,
}
