//! The operator: it keeps a copy of records, workflows, projections and pipelines ([`store`]), learns
//! of changes ([`watch`]), works out what they touch ([`impact`]) and brings each touched object to
//! where it should be ([`workflow`], [`projection`], [`record`]) in the order of urgency ([`queue`]).
//!
//! Each controller is a row of steps: dereference, validate, build, apply, `update_status`. Only the
//! first and the last two hold a client.

pub mod args;
mod condition;
mod context;
mod digest;
mod engine;
mod error;
mod events;
mod http;
mod impact;
pub mod issue;
mod leader;
mod live;
mod metrics;
mod own_secret;
mod permission;
mod pipeline_run;
mod projection;
mod queue;
mod record;
mod resync;
pub mod run;
mod run_gate;
mod seal;
mod serving;
mod source;
mod store;
mod task;
mod watch;
mod webhook;
mod worker;
mod workflow;
