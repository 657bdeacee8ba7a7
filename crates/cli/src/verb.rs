//! The commands, one module each.

pub(crate) mod bind;
pub(crate) mod complete;
pub(crate) mod completion;
pub(crate) mod convert;
pub(crate) mod describe;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod package;
pub(crate) mod rebind;
pub(crate) mod register;
pub(crate) mod render;
pub(crate) mod resolve;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod ui;
pub(crate) mod unregister;
pub(crate) mod update;
pub(crate) mod version;
pub(crate) mod whatif;
