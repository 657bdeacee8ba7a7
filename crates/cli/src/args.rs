//! Definition of the command line.

mod time;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use extension_registry_api::convert::{LABEL_HINT, is_label};

use crate::verb::{
    complete, completion, convert, describe, doctor, explain, lint, list, package, register,
    render, resolve, run, status, unregister, update, version, whatif,
};

/// Inspect registered extensions and how workflows resolve against them
///
/// Without `-f`, records and workflows are read from the cluster. With `-f`, they are read from files, and the cluster
/// is not contacted, except by `resolve` and `explain`, which read records from it if the files contain none.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-ext",
    bin_name = "kubectl ext",
    version,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List registered services
    List(list::List),
    /// Show a record with its services, endpoints, credential keys and consumers
    Describe(describe::Describe),
    /// Register a tool from flags, a template, a Service or a file
    Register(register::Register),
    /// Change the version, an address or a credential of a record
    Update(update::Update),
    /// Delete a record, and list its consumers
    Unregister(unregister::Unregister),
    /// Resolve the requirements of workflows
    Resolve(resolve::Resolve),
    /// Explain why each candidate matched or was rejected
    Explain(explain::Explain),
    /// Preview which workflows a change would affect
    Whatif(whatif::Whatif),
    /// Render pipelines and Secrets from files, as the operator would
    Render(render::Render),
    /// Validate record and workflow files
    ///
    /// Other kinds are ignored. Fails if no objects are found, because the path may be wrong; prints a note if none belong
    /// to this registry. Requirements may match records that exist only in the cluster: pass these with `--base`, for a
    /// kustomization with `--base <(kubectl kustomize FOLDER)`. Without `--base`, and without a `ClusterExtension` in the
    /// files, a requirement that matches nothing is a warning.
    Lint(lint::Lint),
    /// Convert FuseML files to records and workflows
    Convert(convert::Convert),
    /// Start a workflow, and optionally follow the run
    Run(run::Run),
    /// Show workflow status
    Status(status::Status),
    /// Check cluster prerequisites and your permissions
    Doctor(doctor::Doctor),
    /// Find, verify, pull and publish packages of record templates
    #[command(visible_alias = "pkg")]
    Package(package::Package),
    /// Print a shell completion script
    Completion(completion::Completion),
    /// Complete a command line for kubectl
    #[command(name = "__complete", hide = true)]
    Complete(complete::Complete),
    /// Print the version
    Version(version::Version),
}

/// Flag for files of records and workflows.
pub(crate) const FILES: &str = "-f";

/// Returns the command as typed: the first argument, because no global flags exist.
pub(crate) fn verb_typed() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

/// Parses the name of a namespace.
pub(crate) fn namespace(text: &str) -> Result<String, &'static str> {
    is_label(text).then(|| text.to_owned()).ok_or(LABEL_HINT)
}

/// Source of records and workflows.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Source {
    /// File or folder of records and workflows, or `-` for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "PATH", global = false)]
    pub(crate) files: Vec<PathBuf>,
    /// Flag for files, for hints; empty if the command has none.
    #[arg(skip = FILES)]
    pub(crate) flag: &'static str,
    /// Existing objects, from files.
    #[arg(skip)]
    pub(crate) base: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    #[command(flatten)]
    pub(crate) view: View,
}

/// Files, as arguments or with `-f`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Paths {
    /// Files and folders; same as `-f`
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// File or folder of records and workflows, or `-` for standard input; may be repeated
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
        anyhow::ensure!(
            !files.is_empty(),
            "no files given; hint: run `kubectl ext {verb} FOLDER`, or pass `-f -` for standard input"
        );
        Ok(files)
    }
}

/// Source of commands that never contact the cluster.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Files {
    #[command(flatten)]
    paths: Paths,
    /// File or folder with existing records and Secrets of the cluster; may be repeated
    #[arg(long, value_name = "PATH")]
    base: Vec<PathBuf>,
    /// Namespace for objects in files that specify none
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    perspective: Perspective,
}

impl Files {
    /// Returns the source.
    ///
    /// # Errors
    /// If no file is given.
    pub(crate) fn source(&self, verb: &str) -> anyhow::Result<Source> {
        Ok(Source {
            files: self.paths.all(verb)?,
            flag: FILES,
            base: self.base.clone(),
            cluster: Cluster {
                identity: self.identity.clone(),
                ..Cluster::default()
            },
            view: View {
                namespace: self.namespace.clone(),
                all_namespaces: false,
                perspective: self.perspective.clone(),
            },
        })
    }
}

/// Selection of namespaces.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct View {
    /// Namespace to use; default for objects in files without one
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: Option<String>,
    /// Use all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) perspective: Perspective,
}

impl View {
    /// Returns the namespace of objects without one.
    pub(crate) fn own_namespace(&self) -> String {
        let named = self.namespace.clone();
        named.unwrap_or_else(|| "default".to_owned())
    }
}

/// Impersonation.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Identity {
    /// User to impersonate; workflows without an author resolve for this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    pub(crate) groups: Vec<String>,
}

/// Operator settings that affect resolution.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Perspective {
    /// Zone in which steps run; same as the operator setting
    #[arg(long, value_name = "ZONE", env = "EXTENSION_REGISTRY_ZONE")]
    pub(crate) zone: Option<String>,
    /// Namespace of the source Secrets of cluster records
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

/// Operator setting for literal credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InlineCredentials {
    /// Encrypt them
    #[default]
    Seal,
    /// Keep them
    Allow,
}

/// Connection to a cluster.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Cluster {
    /// Path to the kubeconfig file
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Kubeconfig context to use
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Timeout for each request: `30s`, `1m30s`, or a number of seconds; `0` disables it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time::time)]
    pub(crate) request_timeout: Duration,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// Output format for structured data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Table
    #[default]
    Table,
    /// Table with all columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
}
