//! Limits and patterns, used by the schemas and again by [`crate::convert`].
//!
//! Every list and every text on the way to a CEL rule has a limit: without one the API server
//! refuses the rule as too expensive.

/// Services of a record.
pub const SERVICES: usize = 32;
/// Endpoints of a service.
pub const ENDPOINTS: usize = 8;
/// Entries of one `configuration`.
pub const CONFIGURATION: usize = 64;
/// Bytes of one value.
pub const VALUE: usize = 64 * 1024;
/// Characters of a sealed value: enough for the longest value.
pub const SEALED: usize = 88 * 1024;
/// Bytes of a whole record, written as JSON.
pub const RECORD: usize = 256 * 1024;
/// Configuration entries of a whole record.
pub const ENTRIES: usize = 256;
/// Endpoints of a whole record.
pub const RECORD_ENDPOINTS: usize = 128;
/// Sets of credentials of a whole record.
pub const CREDENTIALS: usize = 64;
/// Members of one list that admits.
pub const MEMBERS: usize = 128;
/// Members of all lists of the credentials of a record.
pub const RECORD_MEMBERS: usize = 1_024;

/// Secrets of single users in one namespace.
pub const USER_SECRETS: usize = 2_000;
/// Pipelines that one namespace holds back.
pub const HELD_PIPELINES: usize = 5_000;
/// Bytes of the user Secrets of a run gate, written as JSON: an object of etcd holds 1.5 MiB.
pub const USER_SECRETS_BYTES: usize = 768 * 1024;

/// Characters of a name.
pub const NAME: usize = 63;
/// Characters of the name of a user or a group.
pub const PERSON: usize = 256;
/// Characters of the name of a Secret, of a key in it, or of a variable.
pub const KEY: usize = 253;
/// Characters of an endpoint's address.
pub const URL: usize = 512;
/// Characters of a record's version.
pub const VERSION: usize = 256;
/// Characters of a range of versions.
pub const RANGE: usize = 1_024;
/// Characters of a description.
pub const DESCRIPTION: usize = 4_096;

/// Steps of a workflow, and steps that one of them waits for.
pub const STEPS: usize = 32;
/// Inputs of a workflow or a step.
pub const INPUTS: usize = 32;
/// Outputs of a workflow or a step.
pub const OUTPUTS: usize = 32;
/// Variables of a step.
pub const VARIABLES: usize = 128;
/// Words of the command of a step, and arguments of it.
pub const ARGUMENTS: usize = 128;
/// Words of the commands and arguments of all steps.
pub const WORKFLOW_ARGUMENTS: usize = 512;
/// Requirements of a step.
pub const REQUIREMENTS: usize = 16;
/// Requirements of a whole workflow.
pub const WORKFLOW_REQUIREMENTS: usize = 64;
/// Mapped variables of a requirement.
pub const MAPPINGS: usize = 64;
/// Inputs, outputs, variables and mapped variables of all steps.
pub const WORKFLOW_ENTRIES: usize = 256;
/// Compute resources of a step, of each kind: limits, requests and claims.
pub const RESOURCES: usize = 8;
/// Characters of an image.
pub const IMAGE: usize = 1_024;
/// Characters of a path.
pub const PATH: usize = 1_024;

/// Names in records, and the selectors that ask for them.
pub const NAME_PATTERN: &str = "^[A-Za-z0-9]([-._+A-Za-z0-9]{0,61}[A-Za-z0-9])?$";
/// As [`NAME_PATTERN`], or empty.
pub const ZONE_PATTERN: &str = "^([A-Za-z0-9]([-._+A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$";
/// Keys of a Secret, except those that begin with two dots.
pub const KEY_PATTERN: &str = "^([-_a-zA-Z0-9]|[.][-_a-zA-Z0-9])[-._a-zA-Z0-9]*$";
/// DNS labels: namespaces, steps, requirements.
pub const LABEL_PATTERN: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// DNS subdomains: Secrets.
pub const SUBDOMAIN_PATTERN: &str =
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// Inputs: they become parameters of the Pipeline and variables of the step.
pub const INPUT_PATTERN: &str = "^[A-Za-z_][-_A-Za-z0-9]*$";
/// Outputs: they become results of the Pipeline.
pub const OUTPUT_PATTERN: &str = "^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$";
/// Variables that the API server takes: printable ASCII without `=`.
pub const VARIABLE_PATTERN: &str = "^[ -<>-~]+$";
