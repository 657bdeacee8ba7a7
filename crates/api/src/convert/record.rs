//! Records.

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

use super::check::{NAME, PERSON, PROJECT, SECRET, Shape};
use super::intern::{Intern, Unshared};
use super::problem::{FieldProblem, Path, Problems};
use crate::extension::{
    AccessSpec, CredentialsScope, CredentialsSpec, EndpointSpec, EndpointType, ExtensionSpec,
    SecretText, ServiceSpec,
};
use crate::limits;

/// Reads a record.
///
/// # Errors
/// Everything that is wrong with it, each with its field.
pub fn record(
    key: RecordKey,
    generation: i64,
    spec: &ExtensionSpec,
) -> Result<Record, Vec<FieldProblem>> {
    record_with(key, generation, spec, &mut Unshared)
}

/// Reads a record whose names are shared with others.
///
/// # Errors
/// Everything that is wrong with it, each with its field.
pub fn record_with(
    key: RecordKey,
    generation: i64,
    spec: &ExtensionSpec,
    names: &mut dyn Intern,
) -> Result<Record, Vec<FieldProblem>> {
    let root = Path::root("spec");
    let mut reader = Reader {
        names,
        problems: Problems::default(),
    };
    if !size::check(&mut reader.problems, &root, spec) {
        // Nothing of it is read: whoever made it so large gets one answer, cheaply.
        return Err(reader.problems.none_or(()).err().unwrap_or_default());
    }
    let record = reader.record(&root, key, generation, spec);
    reader.problems.none_or(record)
}

struct Reader<'n> {
    names: &'n mut dyn Intern,
    problems: Problems,
}

impl Reader<'_> {
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

    /// The services, or the one that a record without any offers.
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
            let hint = "put them under `credentials`, and keep only the address here";
            self.problems
                .add(path, Reason::Invalid, "holds a user or a password", hint);
        } else if text.chars().count() > limits::URL || Address::parse(text).is_none() {
            let hint = "write a URL with a host, like `https://minio.example.org:9000`, or `host` or `host:port`; the host is a DNS name or an IP address";
            self.problems
                .add(path, Reason::Invalid, "not a valid address", hint);
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

    /// Reads the members of a list that admits.
    fn members(
        &mut self,
        path: &Path<'_>,
        shape: &Shape,
        list: Option<&[String]>,
    ) -> Option<Box<[Name]>> {
        let list = list?;
        let mut seen = HashSet::with_capacity(list.len());
        let mut members = Vec::with_capacity(list.len());
        for (index, member) in list.iter().enumerate() {
            let path = path.index(index);
            if !seen.insert(member.as_str()) {
                self.problems.add(
                    &path,
                    Reason::Invalid,
                    "duplicate entry",
                    "remove one of the two",
                );
            }
            members.push(self.name(&path, shape, member));
        }
        Some(members.into())
    }

    fn optional(&mut self, path: &Path<'_>, text: Option<&str>) -> Option<Name> {
        text.map(|text| self.name(path, &NAME, text))
    }

    /// A name. What is wrong with one that does not fit is said without it: somebody may have put a
    /// password in the wrong place.
    fn name(&mut self, path: &Path<'_>, shape: &Shape, text: &str) -> Name {
        if !(shape.fits)(text) {
            self.problems
                .add(path, Reason::Invalid, shape.what, shape.hint);
        }
        self.names.name(text)
    }

    fn unique<'a>(&mut self, path: &Path<'_>, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                let path = path.index(index);
                self.problems.add(
                    &path.field("name"),
                    Reason::Invalid,
                    "duplicate name",
                    "give each entry its own name",
                );
            }
        }
    }
}
