//! The operator. It caches records, workflows, projections and pipelines (`store`), watches them for
//! changes (`watch`), finds the objects that a change affects (`impact`) and reconciles each of them
//! (`workflow`, `binding`, `projection`, `record`) in priority order (`queue`).
//!
//! A reconciler is a sequence of steps: dereference, validate, build, apply, `update_status`. Only the
//! first and the last two use a client.

pub mod args;
mod binding;
mod context;
mod digest;
mod engine;
mod events;
mod http;
mod impact;
pub mod issue;
mod metrics;
mod pipeline_run;
mod projection;
mod projection_object;
mod record;
pub mod run;
mod run_gate;
mod sealing_keys;
mod secret;
mod serving;
mod settings;
mod source;
mod status;
mod store;
mod task;
mod usage;
mod watch;
pub mod web;
mod webhook;
mod worker;
mod workflow;
