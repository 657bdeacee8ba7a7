//! The serving side of the webhook: its certificate, its socket, and the proof that the API server
//! reaches it.
//!
//! The certificate comes as files that another program writes and renews ([`certificate`]); the operator has no
//! permission on webhook configurations. A replica is ready once a dry run through the API server came back from the
//! webhook ([`probe`]).

mod certificate;
pub(crate) mod probe;
mod server;

pub(crate) use server::Serving;
