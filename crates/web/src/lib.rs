//! The registry in a browser, and as a read-only OCI registry.
