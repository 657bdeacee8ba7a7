//! What a page needs of a request, whatever it shows.

use askama::Template;
use axum::extract::Query;
use extension_registry_core::diagnostic::{Failure, Note};
use http::{StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::layout::{Layout, Section};
use crate::link;
use crate::reply::{self, Problem, Reply};

/// Maximum number of notes in a page.
const NOTES: usize = 20;

/// A request, and what is shown around each page.
pub(crate) struct Frame {
    uri: Uri,
    source: String,
    is_signed_in: bool,
}

/// Returns whether a document is requested instead of a page.
pub(super) fn is_json(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair == "o=json")
}

impl Frame {
    pub(crate) fn new(uri: Uri, source: String, is_signed_in: bool) -> Self {
        Self {
            uri,
            source,
            is_signed_in,
        }
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

    /// Creates the layout of a page, with what was noticed while its content was read.
    pub(crate) fn layout(
        &self,
        section: Section,
        title: impl Into<String>,
        notes: &[Note],
    ) -> Layout {
        let mut shown = notes.to_vec();
        if notes.len() > NOTES {
            shown.truncate(NOTES);
            shown.push(Note::new(format!("{} more notes", notes.len() - NOTES)));
        }
        Layout {
            notes: shown,
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
