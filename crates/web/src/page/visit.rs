//! A request of an authenticated person.

use std::sync::Arc;

use askama::Template;
use axum::extract::Query;
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::Inventory;
use extension_registry_query::resolve::Answers;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::layout::{Layout, Section};
use crate::link;
use crate::reply::{self, Problem, Reply};
use crate::snapshot::Snapshot;

/// A request, and the objects that it sees.
pub(crate) struct Visit {
    uri: Uri,
    source: String,
    is_signed_in: bool,
    snapshot: Arc<Snapshot>,
}

/// Returns whether a document is requested instead of a page.
pub(super) fn is_json(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair == "o=json")
}

impl Visit {
    pub(crate) fn new(
        uri: Uri,
        source: String,
        is_signed_in: bool,
        snapshot: Arc<Snapshot>,
    ) -> Self {
        Self {
            uri,
            source,
            is_signed_in,
            snapshot,
        }
    }

    /// Returns the objects.
    pub(crate) fn inventory(&self) -> &Inventory {
        &self.snapshot.inventory
    }

    /// Returns the resolutions of all workflows and bindings.
    pub(crate) fn answers(&self) -> &Answers {
        self.snapshot.answers()
    }

    /// Returns the parts of the path.
    pub(crate) fn path(&self) -> Vec<String> {
        link::parts(self.uri.path())
    }

    /// Parses the query.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        match Query::try_from_uri(&self.uri) {
            Ok(Query(query)) => Ok(query),
            Err(error) => {
                let failure = Failure::new(format!("invalid query: {}", error.body_text()));
                Err(Problem::new(StatusCode::BAD_REQUEST, failure))
            }
        }
    }

    /// Creates the frame of a page.
    pub(crate) fn layout(&self, section: Section, title: impl Into<String>) -> Layout {
        Layout {
            notes: self.snapshot.log.notes.clone(),
            json: self.json_link(),
            section: Some(section),
            is_signed_in: self.is_signed_in,
            ..Layout::bare(title, self.source.clone())
        }
    }

    /// Returns whether the document of the page is requested.
    pub(crate) fn is_json(&self) -> bool {
        is_json(&self.uri)
    }

    /// Returns a page, or the document that it shows.
    pub(crate) fn reply(&self, document: &impl Serialize, page: &impl Template) -> Reply {
        if self.is_json() {
            Self::document(document)
        } else {
            Self::page(page)
        }
    }

    /// Returns a document.
    #[expect(clippy::unnecessary_wraps, reason = "it is the result of a page")]
    pub(crate) fn document(document: &impl Serialize) -> Reply {
        Ok(reply::json(StatusCode::OK, document))
    }

    /// Returns a page.
    #[expect(clippy::unnecessary_wraps, reason = "it is the result of a page")]
    pub(crate) fn page(page: &impl Template) -> Reply {
        Ok(reply::html(StatusCode::OK, page))
    }

    fn json_link(&self) -> String {
        let path = self.uri.path();
        match self.uri.query().filter(|query| !query.is_empty()) {
            Some(query) => format!("{path}?{query}&o=json"),
            None => format!("{path}?o=json"),
        }
    }
}
