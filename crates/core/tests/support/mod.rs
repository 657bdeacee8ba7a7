//! Support for tests of resolution and projection: builders, example records, a naive resolver, and
//! random records.

#![allow(clippy::expect_used, clippy::panic, reason = "test helpers panic")]
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod builders;
pub(crate) mod naive;
pub(crate) mod seed;
pub(crate) mod sources;
pub(crate) mod world;

pub(crate) use builders::*;
pub(crate) use sources::{SEALED, Sources};
