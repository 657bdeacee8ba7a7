//! The command line, and the verb that each command runs.

use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::ExitStatus;
use crate::output::Terminal;
use crate::verb::{
    bind, complete, completion, convert, describe, doctor, explain, lint, list, package, rebind,
    register, render, resolve, run, status, ui, unregister, update, version, whatif,
};

/// Inspect registered extensions and how workflows and bindings resolve against them
///
/// Without `-f`, records, workflows and bindings are read from the cluster. With `-f`, they are read from files, and the cluster
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
    /// Bind a workload to a service: create a binding, and request it in the Pod template
    Bind(bind::Bind),
    /// Select the service of a binding again
    Rebind(rebind::Rebind),
    /// Resolve the requirements of workflows and bindings
    Resolve(resolve::Resolve),
    /// Explain why each candidate matched or was rejected
    Explain(explain::Explain),
    /// Preview which workflows and bindings a change would affect
    Whatif(whatif::Whatif),
    /// Render pipelines and Secrets from files, as the operator would
    Render(render::Render),
    /// Validate files of records, workflows, bindings and the Pod templates that request them
    ///
    /// Other kinds are ignored. Fails if no objects are found, because the path may be wrong; prints a note if none belong
    /// to this registry. Requirements may match records that exist only in the cluster: pass these with `--base`, for a
    /// kustomization with `--base <(kubectl kustomize DIRECTORY)`. Without `--base`, and without a `ClusterExtension` in the
    /// files, a requirement that matches nothing is a warning.
    Lint(lint::Lint),
    /// Convert FuseML files to records and workflows
    Convert(convert::Convert),
    /// Start a workflow, and optionally follow the run
    Run(run::Run),
    /// Show the status of workflows and bindings
    Status(status::Status),
    /// Show the registry in a browser
    ///
    /// The pages are served to this machine only, until Ctrl-C, or until no page was opened for 30 minutes. Without `-f`, they
    /// show what you may read of the cluster.
    Ui(ui::Ui),
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

/// Runs the verb of a command.
pub(crate) fn run(
    args: &Args,
    terminal: Terminal,
    out: &mut Vec<u8>,
) -> anyhow::Result<ExitStatus> {
    match &args.verb {
        Verb::List(verb) => list::run(verb, out),
        Verb::Describe(verb) => describe::run(verb, out),
        Verb::Register(verb) => register::run(verb, out),
        Verb::Update(verb) => update::run(verb, out),
        Verb::Unregister(verb) => unregister::run(verb, out),
        Verb::Bind(verb) => bind::run(verb, out),
        Verb::Rebind(verb) => rebind::run(verb, out),
        Verb::Resolve(verb) => resolve::run(verb, terminal, out),
        Verb::Explain(verb) => explain::run(verb, terminal, out),
        Verb::Whatif(verb) => whatif::run(verb, terminal, out),
        Verb::Render(verb) => render::run(verb, out),
        Verb::Lint(verb) => lint::run(verb, terminal, out),
        Verb::Convert(verb) => convert::run(verb, out),
        Verb::Run(verb) => run::run(verb, out),
        Verb::Status(verb) => status::run(verb, out),
        Verb::Ui(verb) => ui::run(verb),
        Verb::Doctor(verb) => doctor::run(verb, terminal, out),
        Verb::Package(verb) => package::run(verb, out),
        Verb::Completion(verb) => Ok(completion::run(verb, &mut Args::command(), out)),
        Verb::Complete(verb) => Ok(complete::run(verb, Args::command(), out)?),
        Verb::Version(verb) => version::run(verb, out),
    }
}
