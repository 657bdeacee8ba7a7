//! Merges layers into one configuration.

mod overlay;
mod repository;

use std::time::Duration;

use super::layer::Layer;
use super::location::{Location, path_of};
use super::model::{
    CACHE_VARIABLE, CacheConfig, Config, ConfigError, Flags, NAMESPACE_VARIABLE, OCI,
    PATHS_VARIABLE, REGISTRY_VARIABLE, RepositoryConfig, Source,
};
use super::origin::{ConfigDiagnostics, Origin, Valued};
use super::part::{Level, Part};
use crate::bundle::Limits;
use crate::environment::Environment;
use crate::repository::Kind;

/// Default lifetime of a listing.
const TTL: Duration = Duration::from_mins(5);

/// Merges layers, lowest precedence first, then the environment and flags.
pub(super) fn merge(
    mut layers: Vec<Layer>,
    environment: &Environment,
    flags: &Flags,
    mut findings: ConfigDiagnostics,
) -> Result<Config, ConfigError> {
    let source = source(&layers, flags);
    let trust = trust(&mut layers, &mut findings);
    let cache = cache(&layers, environment, flags, &mut findings);
    let mut folders = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for layer in layers {
        folders.extend(layer.folders);
        for part in layer.parts {
            overlay::put(&mut parts, part, &mut findings);
        }
    }
    if let Some(part) = oci_overrides(&parts, &source, environment, flags) {
        overlay::put(&mut parts, part, &mut findings);
    }
    let mut repositories: Vec<RepositoryConfig> = parts
        .into_iter()
        .filter_map(|part| repository::of(part, environment, &mut findings))
        .collect();
    let folders = all_folders(folders, environment, flags);
    repositories.extend(folder_repositories(folders, environment, &mut findings));
    for repository in &mut repositories {
        if let Some(timeout) = flags.timeout {
            repository.timeout = Valued::new(timeout, flag("--timeout"));
        }
        if let Some(count) = flags.retry_count {
            repository.retry_count = Valued::new(count, flag("--retry-count"));
        }
    }
    only_one_system(&repositories, &mut findings);
    // The sort is stable: repositories of the same priority stay in file order.
    repositories.sort_by_key(|repository| std::cmp::Reverse(repository.priority.value));
    match cache {
        Some(cache) if findings.errors.is_empty() => Ok(Config {
            source,
            repositories,
            cache,
            trust,
            warnings: findings.warnings,
        }),
        _ => Err(ConfigError::Wrong(findings.errors)),
    }
}

fn flag(name: &str) -> Origin {
    Origin::Flag(name.to_owned())
}

fn variable(environment: &Environment, name: &str) -> Option<Valued<String>> {
    let value = environment.get(name)?.to_string_lossy().into_owned();
    Some(Valued::new(value, Origin::Environment(name.to_owned())))
}

fn source(layers: &[Layer], flags: &Flags) -> Valued<Source> {
    let configured = flags
        .source
        .map(|source| Valued::new(source, flag("--source")));
    let written = layers.iter().rev().find_map(|layer| layer.source.clone());
    configured
        .or(written)
        .unwrap_or_else(|| Valued::default_of(Source::Auto))
}

/// Returns the trust policy of the system file or, if that has none, of the user file; a project file cannot
/// set it.
fn trust(layers: &mut [Layer], findings: &mut ConfigDiagnostics) -> Option<Valued<toml::Table>> {
    let mut taken: Option<Valued<toml::Table>> = None;
    for layer in layers {
        let Some(trust) = layer.trust.take() else {
            continue;
        };
        match (&taken, layer.level) {
            (_, Level::Project) => findings.error(
                &trust.origin,
                "trust",
                "is not allowed in a project file: a project file must not change which keys are trusted",
                "move it to the system file or the user file",
            ),
            (Some(system), _) => {
                let message = format!("is ignored: it is already set at {}", system.origin);
                findings.warning(&trust.origin, "trust", message, "remove it");
            }
            (None, _) => taken = Some(trust),
        }
    }
    taken
}

fn cache(
    layers: &[Layer],
    environment: &Environment,
    flags: &Flags,
    findings: &mut ConfigDiagnostics,
) -> Option<CacheConfig> {
    let mut path = None;
    let mut ttl = Valued::default_of(TTL);
    let mut max_content = Valued::default_of(Limits::default().bytes);
    for layer in layers {
        if let Some(given) = &layer.cache_path {
            if layer.level == Level::Project {
                findings.error(
                    &given.origin,
                    "cache.path",
                    "is not allowed in a project file: a project file must not change where files are written and deleted",
                    format!("set {CACHE_VARIABLE}"),
                );
            } else {
                path = path_of(given, "cache.path", environment, findings);
            }
        }
        if let Some(given) = &layer.cache_ttl {
            ttl = given.clone();
        }
        if let Some(given) = &layer.cache_max_content {
            max_content = given.clone();
        }
    }
    let configured = flags
        .cache_path
        .clone()
        .map(|path| Valued::new(path, flag("--cache-dir")));
    let variable = environment.path(CACHE_VARIABLE).map(|path| {
        let origin = Origin::Environment(CACHE_VARIABLE.to_owned());
        Valued::new(path, origin)
    });
    let usual = || environment.cache_folder().map(Valued::default_of);
    let path = configured.or(variable).or(path).or_else(usual);
    if path.is_none() {
        let hint = format!("set HOME or {CACHE_VARIABLE}");
        findings.error(
            &Origin::Default,
            "cache.path",
            "is not set and has no default",
            hint,
        );
    }
    Some(CacheConfig {
        path: path?,
        ttl,
        max_content,
    })
}

/// Returns the settings of the repository `oci` from environment and flags. Its registry has a default, so that
/// it is enough to select it.
fn oci_overrides(
    parts: &[Part],
    source: &Valued<Source>,
    environment: &Environment,
    flags: &Flags,
) -> Option<Part> {
    let registry = flags.registry.clone();
    let registry = registry
        .map(|value| Valued::new(value, flag("--registry")))
        .or_else(|| variable(environment, REGISTRY_VARIABLE));
    let namespace = flags.namespace.clone();
    let namespace = namespace
        .map(|value| Valued::new(value, flag("--namespace")))
        .or_else(|| variable(environment, NAMESPACE_VARIABLE));
    let is_chosen = source.value == Source::Oci;
    let has_oci = |part: &Part| {
        part.name == OCI
            || part
                .kind
                .as_ref()
                .is_some_and(|kind| kind.value == Kind::Oci)
    };
    let is_there = parts.iter().any(|part| part.name == OCI);
    let defined = match (&registry, &namespace) {
        (Some(given), _) | (None, Some(given)) => given.origin.clone(),
        (None, None) if is_chosen && !parts.iter().any(has_oci) => source.origin.clone(),
        (None, None) if is_there => Origin::Default,
        (None, None) => return None,
    };
    let mut part = Part::new(OCI, defined.clone(), None);
    part.kind = Some(Valued::new(Kind::Oci, defined));
    part.registry = registry;
    part.namespace = namespace;
    part.insecure = flags
        .insecure
        .map(|insecure| Valued::new(insecure, flag("--insecure")));
    Some(part)
}

fn all_folders(
    mut folders: Vec<Valued<String>>,
    environment: &Environment,
    flags: &Flags,
) -> Vec<Valued<String>> {
    if let Some(list) = environment.get(PATHS_VARIABLE) {
        let origin = Origin::Environment(PATHS_VARIABLE.to_owned());
        let more = std::env::split_paths(list)
            .map(|path| path.to_string_lossy().into_owned())
            .filter(|path| !path.is_empty())
            .map(|path| Valued::new(path, origin.clone()));
        folders.extend(more);
    }
    let more = flags.paths.iter().map(|path| {
        let path = path.to_string_lossy().into_owned();
        Valued::new(path, flag("--path"))
    });
    folders.extend(more);
    folders
}

/// Returns a repository for each folder: `local`, `local-2`, …. Duplicate folders are merged.
fn folder_repositories(
    folders: Vec<Valued<String>>,
    environment: &Environment,
    findings: &mut ConfigDiagnostics,
) -> Vec<RepositoryConfig> {
    let mut repositories: Vec<RepositoryConfig> = Vec::new();
    for folder in folders {
        let name = match repositories.len() {
            0 => "local".to_owned(),
            before => format!("local-{}", before + 1),
        };
        let mut part = Part::new(&name, folder.origin.clone(), None);
        part.kind = Some(Valued::new(Kind::Folder, folder.origin.clone()));
        part.url = Some(folder);
        if let Some(repository) = repository::of(part, environment, findings)
            && !is_there(&repositories, &repository.url.value)
        {
            repositories.push(repository);
        }
    }
    repositories
}

fn is_there(repositories: &[RepositoryConfig], place: &Location) -> bool {
    repositories
        .iter()
        .any(|repository| repository.url.value == *place)
}

fn only_one_system(repositories: &[RepositoryConfig], findings: &mut ConfigDiagnostics) {
    let mut systems = repositories
        .iter()
        .filter(|repository| repository.system.value);
    let Some(first) = systems.next() else { return };
    for second in systems {
        let message = format!(
            "defines a second System Repository; the first is `{}`, at {}",
            first.name, first.system.origin
        );
        let field = format!("repository.{}.system", second.name);
        findings.error(&second.system.origin, field, message, "remove one of them");
    }
}
