//! Exit status of commands.

use std::process::ExitCode;

/// Exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything went well, and no problems were found.
    Success = 0,
    /// Problems were found, or the command failed.
    Failure = 1,
    /// `whatif`: workflows are affected, but none stops resolving.
    Affected = 3,
    /// `whatif`: a workflow stops resolving.
    Error = 4,
    /// `package`: some sources or packages failed; the results of the others are complete.
    Partial = 5,
    /// `package test-oci`: the registry is unreachable.
    Network = 11,
    /// `package test-oci`: the server does not respond like a registry.
    Protocol = 12,
    /// `package test-oci`: the credentials were rejected.
    Credentials = 13,
}

impl ExitStatus {
    /// Returns the status of a command that finds problems or none.
    pub(crate) fn failure_if(is_wrong: bool) -> Self {
        if is_wrong {
            Self::Failure
        } else {
            Self::Success
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        (status as u8).into()
    }
}
