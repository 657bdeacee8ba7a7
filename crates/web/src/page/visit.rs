//! A request of an authenticated person, and the objects that it sees.

use std::sync::Arc;

use askama::Template;
use extension_registry_query::Inventory;
use extension_registry_query::resolve::Answers;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::Frame;
use super::layout::{Layout, Section};
use crate::reply::{Problem, Reply};
use crate::snapshot::Snapshot;

/// A request, and the objects that it sees.
pub(crate) struct Visit {
    frame: Frame,
    snapshot: Arc<Snapshot>,
}

impl Visit {
    pub(crate) fn new(frame: Frame, snapshot: Arc<Snapshot>) -> Self {
        Self { frame, snapshot }
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
        self.frame.path()
    }

    /// Parses the query.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.frame.query()
    }

    /// Creates the layout of a page.
    pub(crate) fn layout(&self, section: Section, title: impl Into<String>) -> Layout {
        self.frame.layout(section, title, &self.snapshot.log.notes)
    }

    /// Returns whether the document of the page is requested.
    pub(crate) fn is_json(&self) -> bool {
        self.frame.is_json()
    }

    /// Returns a page, or the document that it shows.
    pub(crate) fn reply(&self, document: &impl Serialize, page: &impl Template) -> Reply {
        self.frame.reply(document, page)
    }

    /// Returns a document.
    pub(crate) fn document(document: &impl Serialize) -> Reply {
        Frame::document(document)
    }

    /// Returns a page.
    pub(crate) fn page(page: &impl Template) -> Reply {
        Frame::page(page)
    }
}
