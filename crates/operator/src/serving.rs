//! Webhook server: listener, serving certificate and readiness probe.
//!
//! The certificate is read from files that another program writes and renews ([`certificate`]); the operator has no
//! permissions on webhook configurations. A replica is ready once a dry run through the API server has reached the
//! webhook ([`probe`]).

mod certificate;
pub(crate) mod probe;
mod server;

pub(crate) use server::WebhookServer;
