//! The question which repositories are configured, and what they are capable of.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::diagnostic::Explanation;
use futures::future::{join, join_all};
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Catalog, Source};
use crate::repository::{self, Capabilities, Error};

/// Outcome of a failed query.
pub const FAILED: &str = "failed";

/// A source of packages.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub name: String,
    pub kind: &'static str,
    pub place: String,
    pub priority: i64,
    /// Whether it is the System Repository
    pub system: bool,
    /// Capabilities: `list`, `search`, `publish`, `delete`, `resume`, `referrers`
    pub can: Vec<&'static str>,
    /// Advertised protocol extensions, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<Extension>>,
    /// Failed queries of extensions, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<Vec<FailedQuery>>,
    /// Why the query failed
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub failure: Option<Explanation>,
}

/// An extension of the OCI protocol that a registry advertises.
#[derive(JsonSchema, Serialize)]
pub struct Extension {
    pub name: String,
    pub description: String,
    pub url: String,
    pub endpoints: Vec<String>,
    /// Repository that advertises it; absent for the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// A failed query of the extensions of a registry or repository. It does not mean that there are none.
#[derive(JsonSchema, Serialize)]
pub struct FailedQuery {
    /// The repository; omitted if this applies to the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// `not allowed` or `failed`
    pub outcome: &'static str,
    #[schemars(with = "String")]
    pub why: Explanation,
}

#[derive(JsonSchema, Serialize)]
pub struct Listed {
    pub repositories: Vec<Row>,
}

/// Queries all sources for their capabilities and, with `extensions`, for the protocol extensions that they advertise.
pub async fn list(catalog: &Catalog, extensions: bool) -> Listed {
    let queries = catalog.sources().iter().map(|source| async move {
        let extensions = async {
            if extensions {
                Some(source.repository.extensions().await)
            } else {
                None
            }
        };
        let (able, extensions) = join(source.probe(), extensions).await;
        Row::of(source, able, extensions)
    });
    Listed {
        repositories: join_all(queries).await,
    }
}

/// Lists all sources without a query.
#[must_use]
pub fn configured(catalog: &Catalog) -> Listed {
    let sources = catalog.sources().iter();
    let rows = sources.map(|source| Row::of(source, Ok(Capabilities::default()), None));
    Listed {
        repositories: rows.collect(),
    }
}

impl Row {
    fn of(
        source: &Source,
        able: repository::Result<Capabilities>,
        extensions: Option<repository::Extensions>,
    ) -> Self {
        let (able, failure) = match able {
            Ok(able) => (able, None),
            Err(error) => (Capabilities::default(), Some(Explanation::of(&error))),
        };
        let (found, silent) = match extensions {
            Some(all) => (Some(all.found), Some(all.failures)),
            None => (None, None),
        };
        Self {
            name: source.id().to_owned(),
            kind: source.repository.kind().name(),
            place: source.repository.place(),
            priority: source.priority,
            system: source.is_system,
            can: can(&able),
            extensions: found.map(|found| found.into_iter().map(Extension::of).collect()),
            silent: silent.map(|silent| silent.into_iter().map(FailedQuery::of).collect()),
            failure,
        }
    }

    /// Returns whether all queries succeeded.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failure.is_none() && self.silent.as_ref().is_none_or(Vec::is_empty)
    }
}

impl Extension {
    fn of(one: repository::Extension) -> Self {
        Self {
            name: one.name,
            description: one.description,
            url: one.url,
            endpoints: one.endpoints,
            repository: one.repository,
        }
    }
}

impl FailedQuery {
    fn of((repository, error): (Option<String>, Error)) -> Self {
        Self {
            repository,
            outcome: match error {
                Error::Denied { .. } => "not allowed",
                _ => FAILED,
            },
            why: Explanation::of(&error),
        }
    }
}

fn can(able: &Capabilities) -> Vec<&'static str> {
    [
        (able.list, "list"),
        (able.search, "search"),
        (able.publish, "publish"),
        (able.delete, "delete"),
        (able.resume, "resume"),
        (able.referrers, "referrers"),
    ]
    .into_iter()
    .filter_map(|(can, what)| can.then_some(what))
    .collect()
}
