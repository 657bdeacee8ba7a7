//! The operator: it keeps a copy of records, workflows, projections and pipelines ([`store`]), learns
//! of changes ([`watch`]), works out what they touch ([`impact`]) and brings each touched object to
//! where it should be ([`workflow`], [`projection`], [`record`]) in the order of urgency ([`queue`]).
//!
//! Each controller is a row of steps: dereference, validate, build, apply, `update_status`. Only the
//! first and the last two hold a client.

pub mod args;
pub mod condition;
pub mod context;
pub mod digest;
pub mod engine;
pub mod error;
pub mod events;
pub mod http;
pub mod impact;
pub mod metrics;
pub mod projection;
pub mod queue;
pub mod record;
pub mod resync;
pub mod run;
pub mod source;
pub mod store;
pub mod task;
pub mod watch;
pub mod worker;
pub mod workflow;
