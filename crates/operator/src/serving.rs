//! The serving side of the webhook: its certificate, its socket, and the proof that the API server
//! reaches it.
//!
//! The operator makes its own authorities ([`authority`]) and keeps them in one Secret that all
//! replicas follow ([`keeper`]). The certificate on the socket lives in memory only. The bundle of
//! authorities is written into the webhook configurations ([`inject`]). A replica is ready once a dry
//! run through the API server came back with its mark ([`probe`]).

mod authority;
mod certificate;
mod inject;
mod keeper;
pub(crate) mod probe;
mod server;
mod source;

pub(crate) use server::Serving;
