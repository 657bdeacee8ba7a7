//! The first chapter: what `kubectl ext` shows from files, before a cluster exists.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use extension_registry_e2e::setup::repository;

use crate::print::Printer;

const RECORDS: &str = "examples/records";
const WORKFLOW: &str = "examples/workflows/explicit.yaml";
const AMBIGUOUS: &str = "examples/ambiguous/workflow.yaml";

/// A value of a record of the examples, which must not be printed.
const VALUE: &str = "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf";

/// Runs the chapter.
pub(crate) fn play(printer: &mut Printer) -> Result<()> {
    printer.chapter("Without a cluster: records and workflows from files");
    let ext = Ext::find()?;

    printer
        .sentence("Platform operators register each tool once, as a record. Which tools offer S3?");
    let list = ext.show(printer, &["list", "-f", RECORDS, "--resource", "s3"], 0)?;
    contains(&list, "mlflow-store")?;

    printer.sentence("A workflow step declares what it requires. `resolve` shows what it gets:");
    let resolved = ext.show(printer, &["resolve", "-f", RECORDS, "-f", WORKFLOW], 0)?;
    contains(&resolved, "default-s3-account")?;

    printer.sentence(
        "Where several records match, nothing is guessed. `explain` lists the candidates:",
    );
    let arguments = [
        "explain",
        "train-ambiguous",
        "-n",
        "alpha",
        "-f",
        RECORDS,
        "-f",
        AMBIGUOUS,
    ];
    let explained = ext.show(printer, &arguments, 1)?;
    for record in [
        "aws-object-storage",
        "minio-s3-storage",
        "mlflow-model-store-0001",
    ] {
        contains(&explained, record)?;
    }

    printer.sentence(
        "`render` prints what the operator writes: a Pipeline, and Secrets with redacted values.",
    );
    let rendered = ext.run(&["render", WORKFLOW, "--base", RECORDS], 0)?;
    ensure!(!rendered.contains(VALUE), "a value is not redacted");
    let (pipeline, secret) = first_secret(&rendered).context("no Secret is rendered")?;
    printer.ran(
        &format!("kubectl ext render {WORKFLOW} --base {RECORDS}"),
        &format!("… {pipeline} lines: the Pipeline …\n{secret}…"),
    );

    printer.sentence(
        "`whatif` previews a change. Which workflows stop resolving if a record is deleted?",
    );
    let arguments = [
        "whatif",
        "--delete",
        "mlflow-global",
        "--base",
        RECORDS,
        "--base",
        "examples/workflows",
    ];
    let preview = ext.show(printer, &arguments, 4)?;
    contains(&preview, "train-minimal")?;
    printer.checked("exit code 4: in CI, this stops the change before it is merged");
    Ok(())
}

fn contains(output: &str, expected: &str) -> Result<()> {
    ensure!(
        output.contains(expected),
        "`{expected}` is not in the output"
    );
    Ok(())
}

/// Returns the number of lines before the first Secret, and its document.
fn first_secret(rendered: &str) -> Option<(usize, String)> {
    let documents: Vec<&str> = rendered.split_inclusive("---\n").collect();
    let position = documents
        .iter()
        .position(|document| document.contains("\nkind: Secret\n"))?;
    let before = documents[..position].concat();
    let secret = documents[position].trim_end_matches("---\n");
    Some((before.lines().count(), secret.to_owned()))
}

/// The program `kubectl-ext`, built in the same folder as the demo.
struct Ext(PathBuf);

impl Ext {
    fn find() -> Result<Self> {
        let program = env::current_exe()?.with_file_name("kubectl-ext");
        ensure!(
            program.is_file(),
            "{} not found; run `make demo`",
            program.display()
        );
        Ok(Self(program))
    }

    /// Runs a command and prints it with its output.
    fn show(&self, printer: &Printer, arguments: &[&str], code: i32) -> Result<String> {
        let output = self.run(arguments, code)?;
        printer.ran(&format!("kubectl ext {}", arguments.join(" ")), &output);
        Ok(output)
    }

    /// Runs a command in the repository, and checks its exit code.
    fn run(&self, arguments: &[&str], code: i32) -> Result<String> {
        let output = Command::new(&self.0)
            .args(arguments)
            .current_dir(repository(""))
            .env("KUBECONFIG", "/nowhere/kubeconfig")
            .output()
            .with_context(|| format!("failed to run {}", self.0.display()))?;
        ensure!(
            output.status.code() == Some(code),
            "kubectl ext {} ended with {}: {}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).context("the output is not UTF-8")
    }
}
