//! The custom resources of `registry.fuseml.io` and their conversion to the domain types.

pub mod workflow;
