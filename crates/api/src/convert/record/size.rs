//! Limits of records: of each list, of each value, and of the whole.

use extension_registry_core::refusal::Reason;

use crate::convert::field_error::{FieldErrors, Path};
use crate::extension::{CredentialsSpec, ExtensionSpec, SecretText, ServiceSpec};
use crate::{limits, size};

/// Checks a record against its limits. If any is exceeded, adds the errors to `errors` and returns false.
pub(super) fn check(errors: &mut FieldErrors, root: &Path<'_>, spec: &ExtensionSpec) -> bool {
    let mut sizes = Sizes {
        errors,
        entries: 0,
        endpoints: 0,
        credentials: 0,
        members: 0,
        within_limits: true,
    };
    sizes.record(root, spec);
    sizes.whole(root, spec);
    sizes.within_limits
}

struct Sizes<'p> {
    errors: &'p mut FieldErrors,
    entries: usize,
    endpoints: usize,
    credentials: usize,
    members: usize,
    within_limits: bool,
}

impl Sizes<'_> {
    fn record(&mut self, root: &Path<'_>, spec: &ExtensionSpec) {
        self.values(
            &root.field("configuration"),
            spec.configuration.iter().map(|entry| Some(&entry.value)),
        );
        let path = root.field("services");
        self.list(&path, spec.services.len(), limits::SERVICES);
        for (index, service) in spec.services.iter().enumerate() {
            self.service(&path.index(index), service);
        }
        if let Some(access) = &spec.access {
            let path = root.field("access");
            self.members(&path.field("projects"), access.projects.as_deref());
            self.members(&path.field("users"), access.users.as_deref());
            self.members(&path.field("groups"), access.groups.as_deref());
        }
    }

    fn service(&mut self, path: &Path<'_>, service: &ServiceSpec) {
        self.values(
            &path.field("configuration"),
            service.configuration.iter().map(|entry| Some(&entry.value)),
        );
        let endpoints = path.field("endpoints");
        self.list(&endpoints, service.endpoints.len(), limits::ENDPOINTS);
        self.endpoints = self.endpoints.saturating_add(service.endpoints.len());
        for (index, endpoint) in service.endpoints.iter().enumerate() {
            let path = endpoints.index(index);
            self.values(
                &path.field("configuration"),
                endpoint
                    .configuration
                    .iter()
                    .map(|entry| Some(&entry.value)),
            );
        }
        let credentials = path.field("credentials");
        self.credentials = self.credentials.saturating_add(service.credentials.len());
        for (index, set) in service.credentials.iter().enumerate() {
            self.credentials(&credentials.index(index), set);
        }
    }

    fn credentials(&mut self, path: &Path<'_>, set: &CredentialsSpec) {
        self.values(
            &path.field("configuration"),
            set.configuration.iter().map(|entry| entry.value.as_ref()),
        );
        for (field, list) in [("project", &set.project), ("user", &set.user)] {
            self.members(&path.field(field), list.as_deref());
            self.members = self
                .members
                .saturating_add(list.as_ref().map_or(0, Vec::len));
        }
    }

    fn members(&mut self, path: &Path<'_>, list: Option<&[String]>) {
        self.list(path, list.map_or(0, <[String]>::len), limits::MEMBERS);
    }

    fn values<'a>(
        &mut self,
        path: &Path<'_>,
        values: impl ExactSizeIterator<Item = Option<&'a SecretText>>,
    ) {
        self.entries = self.entries.saturating_add(values.len());
        self.list(path, values.len(), limits::CONFIGURATION);
        for (index, value) in values.enumerate() {
            let length = value.map_or(0, |value| value.reveal().len());
            if length > limits::VALUE {
                let path = path.index(index);
                self.refuse(
                    &path.field("value"),
                    format!("too large: {length} bytes (limit {})", limits::VALUE),
                );
            }
        }
    }

    fn list(&mut self, path: &Path<'_>, length: usize, max: usize) {
        if length > max {
            self.refuse(path, format!("too many entries: {length} (limit {max})"));
        }
    }

    fn whole(&mut self, root: &Path<'_>, spec: &ExtensionSpec) {
        for (count, what, max) in [
            (self.endpoints, "endpoints", limits::RECORD_ENDPOINTS),
            (self.entries, "configuration entries", limits::ENTRIES),
            (self.credentials, "sets of credentials", limits::CREDENTIALS),
            (
                self.members,
                "projects and users in credentials",
                limits::RECORD_MEMBERS,
            ),
        ] {
            if count > max {
                self.refuse(
                    root,
                    format!("too many {what}: {count} in total (limit {max})"),
                );
            }
        }
        let services = spec.services.iter();
        let sealed: usize = services
            .flat_map(|service| &service.credentials)
            .flat_map(|set| &set.configuration)
            .filter_map(|entry| entry.value_from.as_ref()?.sealed.as_ref())
            .map(|text| text.reveal().len())
            .sum();
        // Texts and lists always serialize. A sealed value is a third longer than its plain text, and
        // sealing must not make a record too large.
        let written = size::written(spec).unwrap_or(usize::MAX) - sealed / 4;
        if written > limits::RECORD {
            self.refuse(
                root,
                format!(
                    "too large: {written} bytes in total (limit {})",
                    limits::RECORD
                ),
            );
        }
    }

    fn refuse(&mut self, path: &Path<'_>, message: String) {
        self.within_limits = false;
        self.errors.add(
            path,
            Reason::TooLarge,
            message,
            "split the record, or store large values elsewhere",
        );
    }
}
