//! The parts of an operator that depend on none of its kinds.
//!
//! [`queue`] orders the work by priority, with turns for namespaces; [`leader`] elects the replica that works;
//! [`error`] describes failed requests without the data that a response may quote; [`own_secret`] holds keys that the
//! operator creates on its first start; [`permission`] asks the API server what a user may do.

pub mod error;
pub mod leader;
pub mod own_secret;
pub mod permission;
pub mod queue;
