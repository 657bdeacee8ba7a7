//! Limits and patterns, used by the schemas and by [`crate::convert`].
//!
//! Every list and every string that a CEL rule reads has a limit: without one, the API server
//! rejects the rule as too expensive.

/// Maximum number of services in a record.
pub const SERVICES: usize = 32;
/// Maximum number of endpoints per service.
pub const ENDPOINTS: usize = 8;
/// Maximum number of entries in a `configuration`.
pub const CONFIGURATION: usize = 64;
/// Maximum size of a value in bytes.
pub const VALUE: usize = 64 * 1024;
/// Maximum length of a sealed value in characters: sufficient for the largest value.
pub const SEALED: usize = 88 * 1024;
/// Maximum size of a record as JSON in bytes.
pub const RECORD: usize = 256 * 1024;
/// Maximum number of configuration entries in a record.
pub const ENTRIES: usize = 256;
/// Maximum number of endpoints in a record.
pub const RECORD_ENDPOINTS: usize = 128;
/// Maximum number of sets of credentials in a record.
pub const CREDENTIALS: usize = 64;
/// Maximum number of members in an access list.
pub const MEMBERS: usize = 128;
/// Maximum number of projects and users in all sets of credentials of a record.
pub const RECORD_MEMBERS: usize = 1_024;

/// Maximum number of user Secrets in a namespace.
pub const USER_SECRETS: usize = 2_000;
/// Maximum number of Pipelines on hold in a namespace.
pub const HELD_PIPELINES: usize = 5_000;
/// Maximum number of bindings on hold in a namespace.
pub const HELD_BINDINGS: usize = 5_000;
/// Maximum size in bytes of the user Secrets in a RunGate, as JSON: etcd limits an object to 1.5 MiB.
pub const USER_SECRETS_BYTES: usize = 768 * 1024;

/// Maximum length of a name in characters.
pub const NAME: usize = 63;
/// Maximum length of the name of a binding in characters.
pub const BINDING_NAME: usize = 50;
/// Maximum number of bindings that a Pod requests in its annotation.
pub const BINDINGS_OF_POD: usize = 32;
/// Maximum length of a user or group name in characters.
pub const PERSON: usize = 256;
/// Maximum length of a Secret name, a Secret key or a variable name in characters.
pub const KEY: usize = 253;
/// Maximum length of an address in characters.
pub const URL: usize = 512;
/// Maximum length of a version in characters.
pub const VERSION: usize = 256;
/// Maximum length of a version range in characters.
pub const RANGE: usize = 1_024;
/// Maximum length of a description in characters.
pub const DESCRIPTION: usize = 4_096;

/// Maximum number of steps in a workflow, and of steps in `runAfter`.
pub const STEPS: usize = 32;
/// Maximum number of inputs of a workflow or a step.
pub const INPUTS: usize = 32;
/// Maximum number of outputs of a workflow or a step.
pub const OUTPUTS: usize = 32;
/// Maximum number of variables of a step.
pub const VARIABLES: usize = 128;
/// Maximum number of `command` entries and of `args` entries of a step.
pub const ARGUMENTS: usize = 128;
/// Maximum number of `command` and `args` entries across all steps.
pub const WORKFLOW_ARGUMENTS: usize = 512;
/// Maximum number of requirements of a step.
pub const REQUIREMENTS: usize = 16;
/// Maximum number of requirements in a workflow.
pub const WORKFLOW_REQUIREMENTS: usize = 64;
/// Maximum number of mapped variables of a requirement.
pub const MAPPINGS: usize = 64;
/// Maximum number of inputs, outputs, variables and mapped variables across all steps.
pub const WORKFLOW_ENTRIES: usize = 256;
/// Maximum number of limits, of requests and of claims of a step.
pub const RESOURCES: usize = 8;
/// Maximum length of an image reference in characters.
pub const IMAGE: usize = 1_024;
/// Maximum length of a path in characters.
pub const PATH: usize = 1_024;

/// Names in records, and selectors for them.
pub const NAME_PATTERN: &str = "^[A-Za-z0-9]([-._+A-Za-z0-9]{0,61}[A-Za-z0-9])?$";
/// [`NAME_PATTERN`], or empty.
pub const ZONE_PATTERN: &str = "^([A-Za-z0-9]([-._+A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$";
/// Keys of Secrets, except those that begin with two dots.
pub const KEY_PATTERN: &str = "^([-_a-zA-Z0-9]|[.][-_a-zA-Z0-9])[-._a-zA-Z0-9]*$";
/// DNS labels: names of namespaces, steps and requirements.
pub const LABEL_PATTERN: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// DNS subdomains: names of Secrets.
pub const SUBDOMAIN_PATTERN: &str =
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// Names of inputs, which become Pipeline parameters and step variables.
pub const INPUT_PATTERN: &str = "^[A-Za-z_][-_A-Za-z0-9]*$";
/// Names of outputs, which become Pipeline results.
pub const OUTPUT_PATTERN: &str = "^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$";
/// Environment variable names that the API server accepts: printable ASCII without `=`.
pub const VARIABLE_PATTERN: &str = "^[ -<>-~]+$";
/// Environment variable names that are also keys of Secrets.
pub const SECRET_VARIABLE_PATTERN: &str = "^[A-Za-z_][-._A-Za-z0-9]*$";
/// Names that a binding must not have, because `ext-NAME` could be the Secret of a workflow.
pub const RESERVED_BINDING_PATTERN: &str = "^u-|-[0-9a-f]{16}$";
/// Quantities of compute resources, which are not negative.
pub const QUANTITY_PATTERN: &str =
    r"^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$";
