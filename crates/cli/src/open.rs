//! Opens inventories with the flags of a command, and prints what is noticed meanwhile.

use std::path::PathBuf;

use anyhow::{Context, Result};
use extension_registry_query::cluster::connect;
use extension_registry_query::{BASE, Drafts, Input, Inventory, ReadLog, Scope, Settings};

use crate::client::request;
use crate::flags::{Cluster, FILES, Files, Source};
use crate::output;
use crate::report::human::print_findings;

/// Runs a read, and prints its log, before its error if it fails.
pub(crate) fn logged<T>(read: impl FnOnce(&mut ReadLog) -> Result<T>) -> Result<T> {
    let mut log = ReadLog::default();
    let result = read(&mut log);
    log.notes.iter().try_for_each(output::note)?;
    print_findings(&log.findings)?;
    result
}

/// Returns the files of `-f`. `command` is what a user types to pass them, for hints.
pub(crate) fn input<'p>(paths: &'p [PathBuf], command: &'p str) -> Input<'p> {
    Input {
        paths,
        flag: FILES,
        command: Some(command),
    }
}

/// Returns the files of `--base`. Standard input is reserved for those of `-f`.
fn base_input(paths: &[PathBuf]) -> Input<'_> {
    Input {
        paths,
        flag: BASE,
        command: None,
    }
}

/// Reads objects from files, or else from the cluster.
pub(crate) fn inventory(source: &Source, command: &str, scope: Scope) -> Result<Inventory> {
    let settings = source.settings();
    if source.files.is_empty() {
        return cluster(&source.cluster, Some(FILES), settings, scope);
    }
    let input = input(&source.files, command);
    logged(|log| Ok(Inventory::from_files(&input, settings, log)?))
}

/// Reads objects from files, and existing objects from those of `--base`.
pub(crate) fn files(files: &Files, command: &str) -> Result<Inventory> {
    let paths = files.paths(command)?;
    logged(|log| {
        let mut inventory = Inventory::from_files(&input(&paths, command), files.settings(), log)?;
        if !files.base().is_empty() {
            inventory.add_existing(&base_input(files.base()), log)?;
        }
        Ok(inventory)
    })
}

/// Reads objects from the files of `--base`, or else from the cluster.
pub(crate) fn base(paths: &[PathBuf], from: &Cluster, settings: Settings) -> Result<Inventory> {
    if paths.is_empty() {
        return cluster(from, Some(BASE), settings, Scope::ALL_NAMESPACES);
    }
    logged(|log| Ok(Inventory::from_files(&base_input(paths), settings, log)?))
}

/// Reads objects from files, and the records from the cluster if the files contain only workflows. Without files,
/// all objects are read from the cluster.
pub(crate) fn drafts(source: &Source, command: &str) -> Result<Inventory> {
    let settings = source.settings();
    if source.files.is_empty() {
        return cluster(&source.cluster, Some(FILES), settings, Scope::NAMESPACE);
    }
    logged(|log| {
        let input = input(&source.files, command);
        let drafts = Drafts::read(&input, settings.clone(), log)?;
        if !drafts.need_records() {
            return Ok(drafts.alone());
        }
        let records = from_cluster(
            &source.cluster,
            Some(FILES),
            settings,
            Scope::ALL_RECORDS,
            log,
        );
        if records.is_err() {
            // One of them may explain why no record was read.
            log.findings.extend_from_slice(drafts.findings());
        }
        let records = records
            .context("the files contain no records, and reading records from the cluster failed")?;
        Ok(drafts.with(records))
    })
}

/// Reads objects from the cluster. `files_flag` is the flag for files, which can replace it.
pub(crate) fn cluster(
    cluster: &Cluster,
    files_flag: Option<&'static str>,
    settings: Settings,
    scope: Scope,
) -> Result<Inventory> {
    logged(|log| from_cluster(cluster, files_flag, settings, scope, log))
}

fn from_cluster(
    cluster: &Cluster,
    files_flag: Option<&'static str>,
    settings: Settings,
    scope: Scope,
    log: &mut ReadLog,
) -> Result<Inventory> {
    request("querying the cluster", cluster, async {
        let (client, namespace) = connect(&cluster.connection(files_flag)).await?;
        Ok(Inventory::from_cluster(&client, &namespace, settings, scope, log).await?)
    })
}
