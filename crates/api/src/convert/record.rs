//! Conversion of records.

mod entries;
mod size;

use std::collections::HashSet;

use extension_registry_core::projection::Address;
use extension_registry_core::record::{
    Access, Credentials, Endpoint, EndpointKind, Name, Record, RecordKey, Scope, Service,
};
use extension_registry_core::refusal::Reason;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_core::version::RecordVersion;

use super::check::{Format, NAME, PERSON, PROJECT, SECRET};
use super::field_error::{FieldError, FieldErrors, Path};
use super::intern::{Intern, Unshared};
use crate::extension::{
    AccessSpec, CredentialsScope, CredentialsSpec, EndpointSpec, EndpointType, ExtensionSpec,
    SecretText, ServiceSpec,
};
use crate::limits;

/// Converts a record.
///
/// # Errors
/// Returns all errors of the record, each with its field.
pub fn record(
    key: RecordKey,
    generation: i64,
    spec: &ExtensionSpec,
) -> Result<Record, Vec<FieldError>> {
    record_with(key, generation, spec, &mut Unshared)
}

/// Converts a record, interning its names.
///
/// # Errors
/// Returns all errors of the record, each with its field.
pub fn record_with(
    key: RecordKey,
    generation: i64,
    spec: &ExtensionSpec,
    names: &mut dyn Intern,
) -> Result<Record, Vec<FieldError>> {
    let root = Path::root("spec");
    let mut converter = Converter {
        names,
        errors: FieldErrors::default(),
    };
    if !size::check(&mut converter.errors, &root, spec) {
        // Oversized records are not converted, so that they are rejected cheaply.
        return Err(converter.errors.into_result(()).err().unwrap_or_default());
    }
    let record = converter.record(&root, key, generation, spec);
    converter.errors.into_result(record)
}

struct Converter<'n> {
    names: &'n mut dyn Intern,
    errors: FieldErrors,
}

impl Converter<'_> {
    fn record(
        &mut self,
        root: &Path<'_>,
        key: RecordKey,
        generation: i64,
        spec: &ExtensionSpec,
    ) -> Record {
        self.name(&Path::root("metadata.name"), &NAME, &key.name);
        let zone = spec.zone.as_deref().filter(|zone| !zone.is_empty());
        Record {
            generation,
            product: self.optional(&root.field("product"), spec.product.as_deref()),
            version: spec.version.as_deref().map(RecordVersion::new),
            zone: self.optional(&root.field("zone"), zone),
            default: spec.default.unwrap_or(false),
            shadowable: spec.shadowable.unwrap_or(true),
            access: spec.access.as_ref().map_or_else(Access::default, |access| {
                self.access(&root.field("access"), access)
            }),
            services: self.services(&root.field("services"), &key.name, &spec.services),
            configuration: self.entries(&root.field("configuration"), &spec.configuration),
            key,
        }
    }

    fn access(&mut self, path: &Path<'_>, spec: &AccessSpec) -> Access {
        Access {
            projects: self.members(&path.field("projects"), &PROJECT, spec.projects.as_deref()),
            users: self.members(&path.field("users"), &PERSON, spec.users.as_deref()),
            groups: self.members(&path.field("groups"), &PERSON, spec.groups.as_deref()),
        }
    }

    /// Converts the services. A record without services gets one service, with the name of the record.
    fn services(
        &mut self,
        path: &Path<'_>,
        record: &Name,
        specs: &[ServiceSpec],
    ) -> Box<[Service]> {
        if specs.is_empty() {
            return [Service {
                name: record.clone(),
                resource: None,
                category: None,
                endpoints: Box::default(),
                credentials: Box::default(),
                configuration: Box::default(),
            }]
            .into();
        }
        self.unique(path, specs.iter().map(|service| service.name.as_str()));
        specs
            .iter()
            .enumerate()
            .map(|(index, spec)| self.service(&path.index(index), spec))
            .collect()
    }

    fn service(&mut self, path: &Path<'_>, spec: &ServiceSpec) -> Service {
        Service {
            name: self.name(&path.field("name"), &NAME, &spec.name),
            resource: self.optional(&path.field("resource"), spec.resource.as_deref()),
            category: self.optional(&path.field("category"), spec.category.as_deref()),
            endpoints: self.endpoints(&path.field("endpoints"), &spec.endpoints),
            credentials: self.credentials(&path.field("credentials"), &spec.credentials),
            configuration: self.entries(&path.field("configuration"), &spec.configuration),
        }
    }

    fn endpoints(&mut self, path: &Path<'_>, specs: &[EndpointSpec]) -> Box<[Endpoint]> {
        self.unique(path, specs.iter().map(|endpoint| endpoint.name.as_str()));
        let read = |(index, spec): (usize, &EndpointSpec)| {
            let path = path.index(index);
            Endpoint {
                name: self.name(&path.field("name"), &NAME, &spec.name),
                url: spec
                    .url
                    .as_ref()
                    .map(|url| self.url(&path.field("url"), url)),
                kind: match spec.kind.unwrap_or_default() {
                    EndpointType::Internal => EndpointKind::Internal,
                    EndpointType::External => EndpointKind::External,
                },
                configuration: self.entries(&path.field("configuration"), &spec.configuration),
            }
        };
        specs.iter().enumerate().map(read).collect()
    }

    fn url(&mut self, path: &Path<'_>, url: &SecretText) -> Sensitive {
        let text = url.reveal();
        if Address::has_user_info(text) {
            let hint = "move them to `credentials`, and keep only the address here";
            self.errors.add(
                path,
                Reason::Invalid,
                "must not contain a user name or password",
                hint,
            );
        } else if Address::is_connection_string(text) && Address::parse(text).is_none() {
            self.errors.add(
                path,
                Reason::Invalid,
                "invalid address: it has several hosts, or is a JDBC URL",
                Address::CONNECTION_STRING_HINT,
            );
        } else if text.chars().count() > limits::URL || Address::parse(text).is_none() {
            let hint = "use a URL with a host, e.g. `https://minio.example.org:9000`, or `host` or `host:port`; the host must be a DNS name or an IP address";
            self.errors
                .add(path, Reason::Invalid, "invalid address", hint);
        }
        Sensitive::new(text)
    }

    fn credentials(&mut self, path: &Path<'_>, specs: &[CredentialsSpec]) -> Box<[Credentials]> {
        self.unique(
            path,
            specs.iter().map(|credentials| credentials.name.as_str()),
        );
        let read = |(index, spec): (usize, &CredentialsSpec)| {
            let path = path.index(index);
            Credentials {
                name: self.name(&path.field("name"), &NAME, &spec.name),
                scope: match spec.scope.unwrap_or_default() {
                    CredentialsScope::Global => Scope::Global,
                    CredentialsScope::Project => Scope::Project,
                    CredentialsScope::User => Scope::User,
                },
                projects: self.members(&path.field("project"), &PROJECT, spec.project.as_deref()),
                users: self.members(&path.field("user"), &PERSON, spec.user.as_deref()),
                default: spec.default.unwrap_or(false),
                entries: self.credential_entries(&path.field("configuration"), &spec.configuration),
                secret: spec.secret_ref.as_ref().map(|secret| {
                    self.name(
                        &path.field("secretRef").field("name"),
                        &SECRET,
                        &secret.name,
                    )
                }),
            }
        };
        specs.iter().enumerate().map(read).collect()
    }

    /// Converts the members of an access list.
    fn members(
        &mut self,
        path: &Path<'_>,
        format: &Format,
        list: Option<&[String]>,
    ) -> Option<Box<[Name]>> {
        let list = list?;
        let mut seen = HashSet::with_capacity(list.len());
        let mut members = Vec::with_capacity(list.len());
        for (index, member) in list.iter().enumerate() {
            let path = path.index(index);
            if !seen.insert(member.as_str()) {
                self.errors.add(
                    &path,
                    Reason::Invalid,
                    "duplicate entry",
                    "remove one of the entries",
                );
            }
            members.push(self.name(&path, format, member));
        }
        Some(members.into())
    }

    fn optional(&mut self, path: &Path<'_>, text: Option<&str>) -> Option<Name> {
        text.map(|text| self.name(path, &NAME, text))
    }

    /// Converts a name. Errors do not repeat an invalid name: it may be a password in the wrong
    /// field.
    fn name(&mut self, path: &Path<'_>, format: &Format, text: &str) -> Name {
        if !(format.is_valid)(text) {
            self.errors
                .add(path, Reason::Invalid, format.message, format.hint);
        }
        self.names.name(text)
    }

    fn unique<'a>(&mut self, path: &Path<'_>, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                let path = path.index(index);
                self.errors.add(
                    &path.field("name"),
                    Reason::Invalid,
                    "duplicate name",
                    "give each entry a unique name",
                );
            }
        }
    }
}
