//! What was typed.

mod time;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use extension_registry_api::convert::{LABEL_HINT, is_label};

use crate::verb::{
    complete, completion, convert, describe, doctor, explain, lint, list, package, register,
    render, resolve, run, status, unregister, update, version, whatif,
};

/// Extensions: which tools are registered, what a workflow gets of them, and why.
///
/// Without `-f`, records and workflows are read from the cluster. With `-f`, they are read from files, and no cluster is
/// asked, but by `resolve` and `explain` for records, where the files have none.
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
    /// List services that are registered
    List(list::List),
    /// Show a record: services, endpoints, credentials by name, consumers
    Describe(describe::Describe),
    /// Register a tool: in one line, from a template, a Service or a file
    Register(register::Register),
    /// Change what a record says: its version, an address, a credential
    Update(update::Update),
    /// Delete a record, after saying who uses it
    Unregister(unregister::Unregister),
    /// Resolve the requirements of workflows
    Resolve(resolve::Resolve),
    /// Say of every candidate which test it passed or failed
    Explain(explain::Explain),
    /// Say which workflows a change would touch, before it is made
    Whatif(whatif::Whatif),
    /// Render pipelines and Secrets from files, as the operator would
    Render(render::Render),
    /// Find what is wrong in files of records and workflows
    ///
    /// Objects of others are left alone. Where no object is at all, that is an error: the path may be wrong. Where none is
    /// ours, that is said. What a workflow asks for may be in the cluster alone: `--base` says what it has, and
    /// `--base <(kubectl kustomize FOLDER)` does for a folder of kustomize. Without it, and without a `ClusterExtension`
    /// among the files, a requirement that finds nothing is a warning.
    Lint(lint::Lint),
    /// Make records and workflows of FuseML's own files
    Convert(convert::Convert),
    /// Start a workflow, and follow it
    Run(run::Run),
    /// Say how workflows are in the cluster
    Status(status::Status),
    /// Look whether the cluster has what the registry needs, and what you may do
    Doctor(doctor::Doctor),
    /// Find, verify, pull and publish packages of record templates
    #[command(visible_alias = "pkg")]
    Package(package::Package),
    /// Print a script that completes commands in a shell
    Completion(completion::Completion),
    /// Answer kubectl's question for completions
    #[command(name = "__complete", hide = true)]
    Complete(complete::Complete),
    /// Print the version
    Version(version::Version),
}

/// The flag that names files.
pub(crate) const FILES: &str = "-f";

/// The verb, as it was typed: it is the first word, because no flag stands before it.
pub(crate) fn verb_typed() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

/// A namespace, as the API server takes one.
pub(crate) fn namespace(text: &str) -> Result<String, &'static str> {
    is_label(text).then(|| text.to_owned()).ok_or(LABEL_HINT)
}

/// Where records and workflows come from.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Source {
    /// A file or folder of records and workflows, or `-` for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "PATH", global = false)]
    pub(crate) files: Vec<PathBuf>,
    /// The flag that names files, for hints; empty where there is none.
    #[arg(skip = FILES)]
    pub(crate) flag: &'static str,
    /// What there is already, from files.
    #[arg(skip)]
    pub(crate) base: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    #[command(flatten)]
    pub(crate) view: View,
}

/// Files, with `-f` or without.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Paths {
    /// Files and folders; the same as `-f`
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A file or folder of records and workflows, or `-` for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    named: Vec<PathBuf>,
}

impl Paths {
    /// All of them.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn all(&self, verb: &str) -> anyhow::Result<Vec<PathBuf>> {
        let files: Vec<PathBuf> = self.named.iter().chain(&self.paths).cloned().collect();
        anyhow::ensure!(
            !files.is_empty(),
            "no files; hint: kubectl ext {verb} FOLDER, or -f - for standard input"
        );
        Ok(files)
    }
}

/// Files alone: no cluster is asked.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Files {
    #[command(flatten)]
    paths: Paths,
    /// What the cluster has already, from files: records to be asked for, and Secrets; may be repeated
    #[arg(long, value_name = "PATH")]
    base: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    perspective: Perspective,
}

impl Files {
    /// Where they come from.
    ///
    /// # Errors
    /// When there are none.
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

/// What is looked at, and how.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct View {
    /// The namespace to look at; of files, that of objects which name none
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: Option<String>,
    /// Look at all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) perspective: Perspective,
}

impl View {
    /// The namespace of objects which name none.
    pub(crate) fn own_namespace(&self) -> String {
        let named = self.namespace.clone();
        named.unwrap_or_else(|| "default".to_owned())
    }
}

/// Somebody else.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Identity {
    /// Act as this user; workflows without an author resolve for this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// A group of that user; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    pub(crate) groups: Vec<String>,
}

/// Settings of the operator, which resolution depends on.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Perspective {
    /// Zone in which steps run; the operator has a setting of that name
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
    /// What the operator does with credentials that are written into a record
    #[arg(long, value_enum, default_value_t)]
    pub(crate) inline_credentials: InlineCredentials,
}

/// A setting of the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InlineCredentials {
    /// They are encrypted
    #[default]
    Seal,
    /// They stay
    Allow,
}

/// Which cluster.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Cluster {
    /// The kubeconfig file
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// How long to wait for an answer: `30s`, `1m30s`, or a number of seconds; `0` waits without end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time::time)]
    pub(crate) request_timeout: Duration,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// The form of what is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// For people, with all columns
    Wide,
    /// For programs
    Json,
    /// For programs
    Yaml,
    /// Names only
    Name,
}
