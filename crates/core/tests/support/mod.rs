//! Shared by the tests of resolution and projection: builders that read as sentences, the seed's
//! records, a second, naive resolver, and random small worlds.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panic"
)]
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod builders;
pub(crate) mod naive;
pub(crate) mod seed;
pub(crate) mod sources;
pub(crate) mod world;

pub(crate) use builders::*;
pub(crate) use sources::{SEALED, Sources};
