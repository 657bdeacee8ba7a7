//! The command `ui`, which shows the registry in a browser.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_packages::workspace::{Clock, Workspace};
use extension_registry_query::Note;
use extension_registry_query::cluster::connect;
use extension_registry_web::access::{Access, Local};
use extension_registry_web::{ClusterSource, FileSource, Packages, Site, Source};
use tokio::net::TcpListener;

use crate::client::runtime;
use crate::exit::ExitStatus;
use crate::flags::{self, FILES};
use crate::output;
use crate::packages::configuration;
use crate::report::human::{note, print_warnings};

/// Time without a request after which the server stops.
const IDLE: Duration = Duration::from_mins(30);

#[derive(Debug, Args)]
pub(crate) struct Ui {
    #[command(flatten)]
    source: flags::Source,
    /// Print the URL instead of opening it
    #[arg(long)]
    no_open: bool,
    /// Port to listen on; by default, a free one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,
}

pub(crate) fn run(verb: &Ui) -> Result<ExitStatus> {
    let runtime = runtime()?;
    runtime.block_on(serve(verb))?;
    Ok(ExitStatus::Success)
}

async fn serve(verb: &Ui) -> Result<()> {
    let source = source(&verb.source).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, verb.port))
        .await
        .with_context(|| format!("failed to listen on port {}", verb.port))?;
    let authority = listener.local_addr()?.to_string();
    let access = Local::new(authority)?;
    let url = access.url();
    let site = Site::new(source, Access::Local(access)).with_packages(packages()?);
    output::print_status(&format!("serving on {url}"))?;
    output::print_status("press Ctrl-C to stop")?;
    if !verb.no_open && !open(&url) {
        let note = Note::new("cannot open a browser");
        output::note(&note.hint("open the URL, which works once"))?;
    }
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    site.serve(listener, Some(IDLE), interrupted)
        .await
        .context("the server failed")
}

/// Returns where objects are read from.
async fn source(source: &flags::Source) -> Result<Source> {
    let settings = source.settings();
    if !source.files.is_empty() {
        return Ok(Source::Files(FileSource::new(
            source.files.clone(),
            settings,
        )));
    }
    let connection = source.cluster.connection(Some(FILES));
    let (client, namespace) = connect(&connection).await?;
    let name = connection
        .context
        .unwrap_or_else(|| "current context".to_owned());
    let cluster = ClusterSource::new(name, namespace, settings, move |_| {
        let client = client.clone();
        Box::pin(async move { Ok(client) })
    });
    Ok(Source::Cluster(cluster))
}

/// Opens the repositories of packages that the `package` verbs use. Without them, the other pages still work.
fn packages() -> Result<Packages> {
    match workspace() {
        Ok((workspace, warnings)) => {
            print_warnings(&warnings)?;
            Ok(Packages::Open(Arc::new(workspace)))
        }
        Err(error) => {
            let note = note(&error);
            print_warnings(&[note.clone().under("packages are not shown")])?;
            Ok(Packages::Unusable(note))
        }
    }
}

fn workspace() -> Result<(Workspace, Vec<Note>)> {
    let (environment, config) = configuration(&flags::Sources::default())?;
    Ok(Workspace::open(config, &environment, Clock::system())?)
}

/// Opens a URL with the browser of the user. Other users of the machine see the arguments of a process, and with them the
/// key. It works once, so a user whose key was taken gets no page, and notices.
fn open(url: &str) -> bool {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let command = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    command.is_ok()
}
