//! Who may ask, and as whom the cluster is read.

mod decision;
pub(crate) mod forwarded;
mod local;

use http::{HeaderMap, Method, Uri};

pub use decision::Caller;
pub(crate) use decision::Decision;
pub use local::Local;

/// Who may use the site.
pub enum Access {
    /// The user of this machine who started the program.
    Local(Local),
    /// Everyone with a bearer token of the cluster.
    Forwarded,
}

impl Access {
    pub(crate) fn decide(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Decision {
        match self {
            Self::Local(local) => local.decide(method, uri, headers),
            Self::Forwarded => forwarded::decide(method, uri, headers),
        }
    }
}
