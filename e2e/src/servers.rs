//! Real servers of packages, each on a free port of this machine, for the tests of drivers.

pub mod crane;
pub mod docker_registry;
pub mod gitea;
mod running;
