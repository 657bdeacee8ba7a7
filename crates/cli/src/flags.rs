//! Flags that several commands share. They parse text, and know neither verbs nor output.

mod cluster;
mod format;
mod packages;
mod source;
mod time;

pub(crate) use cluster::{ApplyOptions, Cluster, Identity};
pub(crate) use extension_registry_output::{Format, ObjectFormat};
pub(crate) use format::ReportFormat;
pub(crate) use packages::{Chosen, PlatformArgs, Sources, named, range};
pub(crate) use source::{FILES, Files, Paths, Perspective, Source, View, namespace};
