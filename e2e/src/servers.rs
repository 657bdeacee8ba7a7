//! Real package servers on free ports of this machine, for tests of repository drivers.

pub mod crane;
pub mod docker_registry;
pub mod gitea;
mod running;
