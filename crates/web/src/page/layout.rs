//! The frame of all pages.

use extension_registry_query::Note;

/// A part of the site, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Records,
    Workflows,
    Bindings,
    Try,
    Locations,
    Zones,
    Packages,
    Repositories,
}

impl Section {
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Records,
        Self::Workflows,
        Self::Bindings,
        Self::Try,
        Self::Locations,
        Self::Zones,
        Self::Packages,
        Self::Repositories,
    ];

    fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/", "Overview"),
            Self::Records => ("/records", "Records"),
            Self::Workflows => ("/workflows", "Workflows"),
            Self::Bindings => ("/bindings", "Bindings"),
            Self::Try => ("/try", "Try a requirement"),
            Self::Locations => ("/where", "Secrets"),
            Self::Zones => ("/map", "Zones"),
            Self::Packages => ("/packages", "Packages"),
            Self::Repositories => ("/repositories", "Repositories"),
        }
    }
}

/// What the frame of a page shows.
pub(crate) struct Layout {
    /// Title of the page.
    pub(crate) title: String,
    /// Description of the source of the objects.
    pub(crate) source: String,
    /// What was noticed while the objects were read.
    pub(crate) notes: Vec<Note>,
    /// Address of the document of the page; empty if there is none.
    pub(crate) json: String,
    /// Part of the site.
    pub(crate) section: Option<Section>,
    /// Whether the user can sign out.
    pub(crate) is_signed_in: bool,
}

/// A link of the navigation.
pub(crate) struct Item {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_current: bool,
}

impl Layout {
    /// Creates the frame of a page outside all sections.
    pub(crate) fn bare(title: impl Into<String>, source: String) -> Self {
        Self {
            title: title.into(),
            source,
            notes: Vec::new(),
            json: String::new(),
            section: None,
            is_signed_in: false,
        }
    }

    /// Returns the links of the navigation.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> + use<> {
        let current = self.section;
        Section::ALL.into_iter().map(move |section| {
            let (path, name) = section.link();
            Item {
                path,
                name,
                is_current: current == Some(section),
            }
        })
    }
}
