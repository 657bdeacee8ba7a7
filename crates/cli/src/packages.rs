//! State that the `package` verbs share: sources, the cache, the trust policy.

mod bar;
mod diagnostics;
mod explain;
mod keys;
mod session;
mod template;

pub(crate) use bar::Bar;
pub(crate) use diagnostics::{print_diagnostics, unwrap_build};
pub(crate) use keys::{PASSWORD, public_key, secret_key};
pub(crate) use session::{
    OCI, REPOSITORY, Session, check_online, configuration, skipped, unchecked,
};
pub(crate) use template::template;
