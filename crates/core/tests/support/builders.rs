//! Builders: `record("mlflow-0001").product("mlflow").offering(service("store").resource("s3"))`.

use extension_registry_core::access::Consumer;
use extension_registry_core::record::{
    Access, CredentialEntry, Credentials, Endpoint, EndpointKind, Entry, Name, Record, RecordKey,
    Scope, Service, Source, SourceSecret,
};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::{Mapping, Requirement};
use extension_registry_core::resolve::{Choice, Index, resolve};
use extension_registry_core::version::RecordVersion;

fn appended<T>(list: Box<[T]>, item: T) -> Box<[T]> {
    let mut list = list.into_vec();
    list.push(item);
    list.into()
}

pub(crate) fn names(list: &[&str]) -> Box<[Name]> {
    list.iter().map(|name| Name::from(*name)).collect()
}

fn entry(name: &str, value: &str) -> Entry {
    Entry {
        name: name.into(),
        value: value.into(),
    }
}

/// Creates a cluster record without services that all consumers can see.
pub(crate) fn record(name: &str) -> Record {
    Record {
        key: RecordKey::cluster(name),
        generation: 1,
        product: None,
        version: None,
        zone: None,
        default: false,
        shadowable: true,
        access: Access::default(),
        services: Box::default(),
        configuration: Box::default(),
    }
}

pub(crate) trait RecordBuilder: Sized {
    fn of_project(self, project: &str) -> Self;
    fn product(self, product: &str) -> Self;
    fn version(self, version: &str) -> Self;
    fn zone(self, zone: &str) -> Self;
    fn by_default(self) -> Self;
    fn never_shadowed(self) -> Self;
    fn for_projects(self, list: &[&str]) -> Self;
    fn for_users(self, list: &[&str]) -> Self;
    fn for_groups(self, list: &[&str]) -> Self;
    fn offering(self, service: Service) -> Self;
    fn configured(self, name: &str, value: &str) -> Self;
}

impl RecordBuilder for Record {
    fn of_project(mut self, project: &str) -> Self {
        self.key.namespace = Some(project.into());
        self
    }
    fn product(mut self, product: &str) -> Self {
        self.product = Some(product.into());
        self
    }
    fn version(mut self, version: &str) -> Self {
        self.version = Some(RecordVersion::new(version));
        self
    }
    fn zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.into());
        self
    }
    fn by_default(mut self) -> Self {
        self.default = true;
        self
    }
    fn never_shadowed(mut self) -> Self {
        self.shadowable = false;
        self
    }
    fn for_projects(mut self, list: &[&str]) -> Self {
        self.access.projects = Some(names(list));
        self
    }
    fn for_users(mut self, list: &[&str]) -> Self {
        self.access.users = Some(names(list));
        self
    }
    fn for_groups(mut self, list: &[&str]) -> Self {
        self.access.groups = Some(names(list));
        self
    }
    fn offering(mut self, service: Service) -> Self {
        self.services = appended(self.services, service);
        self
    }
    fn configured(mut self, name: &str, value: &str) -> Self {
        self.configuration = appended(self.configuration, entry(name, value));
        self
    }
}

pub(crate) fn service(name: &str) -> Service {
    Service {
        name: name.into(),
        resource: None,
        category: None,
        endpoints: Box::default(),
        credentials: Box::default(),
        configuration: Box::default(),
    }
}

pub(crate) trait ServiceBuilder: Sized {
    fn resource(self, resource: &str) -> Self;
    fn category(self, category: &str) -> Self;
    fn at(self, endpoint: Endpoint) -> Self;
    fn with(self, credentials: Credentials) -> Self;
    fn configured(self, name: &str, value: &str) -> Self;
}

impl ServiceBuilder for Service {
    fn resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.into());
        self
    }
    fn category(mut self, category: &str) -> Self {
        self.category = Some(category.into());
        self
    }
    fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoints = appended(self.endpoints, endpoint);
        self
    }
    fn with(mut self, credentials: Credentials) -> Self {
        self.credentials = appended(self.credentials, credentials);
        self
    }
    fn configured(mut self, name: &str, value: &str) -> Self {
        self.configuration = appended(self.configuration, entry(name, value));
        self
    }
}

fn endpoint(name: &str, url: &str, kind: EndpointKind) -> Endpoint {
    Endpoint {
        name: name.into(),
        url: Some(url.into()),
        kind,
        configuration: Box::default(),
    }
}

pub(crate) fn internal(name: &str, url: &str) -> Endpoint {
    endpoint(name, url, EndpointKind::Internal)
}

pub(crate) fn external(name: &str, url: &str) -> Endpoint {
    endpoint(name, url, EndpointKind::External)
}

pub(crate) trait EndpointBuilder: Sized {
    fn configured(self, name: &str, value: &str) -> Self;
}

impl EndpointBuilder for Endpoint {
    fn configured(mut self, name: &str, value: &str) -> Self {
        self.configuration = appended(self.configuration, entry(name, value));
        self
    }
}

fn credentials(name: &str, scope: Scope) -> Credentials {
    Credentials {
        name: name.into(),
        scope,
        projects: None,
        users: None,
        default: false,
        entries: Box::default(),
        secret: None,
    }
}

/// Creates credentials of scope global.
pub(crate) fn shared(name: &str) -> Credentials {
    credentials(name, Scope::Global)
}

/// Creates credentials of scope project.
pub(crate) fn for_projects(name: &str, projects: &[&str]) -> Credentials {
    Credentials {
        projects: Some(names(projects)),
        ..credentials(name, Scope::Project)
    }
}

/// Creates credentials of scope user.
pub(crate) fn for_users(name: &str, users: &[&str]) -> Credentials {
    Credentials {
        users: Some(names(users)),
        ..credentials(name, Scope::User)
    }
}

pub(crate) trait CredentialsBuilder: Sized {
    fn only_in(self, projects: &[&str]) -> Self;
    fn by_default(self) -> Self;
    fn holding(self, name: &str, value: &str) -> Self;
    fn taking(self, name: &str, secret: &str, key: &str) -> Self;
    fn sealing(self, name: &str, text: &str) -> Self;
    fn all_of(self, secret: &str) -> Self;
}

impl CredentialsBuilder for Credentials {
    fn only_in(mut self, projects: &[&str]) -> Self {
        self.projects = Some(names(projects));
        self
    }
    fn by_default(mut self) -> Self {
        self.default = true;
        self
    }
    fn holding(mut self, name: &str, value: &str) -> Self {
        let entry = CredentialEntry {
            name: name.into(),
            source: Source::Inline(value.into()),
        };
        self.entries = appended(self.entries, entry);
        self
    }
    fn taking(mut self, name: &str, secret: &str, key: &str) -> Self {
        let entry = CredentialEntry {
            name: name.into(),
            source: Source::SecretKey {
                secret: SourceSecret::Referenced(secret.into()),
                key: key.into(),
            },
        };
        self.entries = appended(self.entries, entry);
        self
    }
    fn sealing(mut self, name: &str, text: &str) -> Self {
        let entry = CredentialEntry {
            name: name.into(),
            source: Source::Sealed(text.into()),
        };
        self.entries = appended(self.entries, entry);
        self
    }
    fn all_of(mut self, secret: &str) -> Self {
        self.secret = Some(secret.into());
        self
    }
}

/// Creates a requirement `need` without selectors.
pub(crate) fn need() -> Requirement {
    Requirement {
        name: "need".into(),
        ..Requirement::default()
    }
}

pub(crate) trait RequirementBuilder: Sized {
    fn named(self, name: &str) -> Self;
    fn extension(self, text: &str) -> Self;
    fn product(self, text: &str) -> Self;
    fn version(self, text: &str) -> Self;
    fn zone(self, text: &str) -> Self;
    fn service(self, text: &str) -> Self;
    fn resource(self, text: &str) -> Self;
    fn category(self, text: &str) -> Self;
    fn endpoint(self, text: &str) -> Self;
    fn credentials(self, text: &str) -> Self;
    fn environment(self, mappings: &[(&str, &str)]) -> Self;
    /// Adds a line in the format of hints: `field: value`.
    fn line(self, line: &str) -> Self;
}

impl RequirementBuilder for Requirement {
    fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
    fn extension(mut self, text: &str) -> Self {
        self.extension = Some(text.into());
        self
    }
    fn product(mut self, text: &str) -> Self {
        self.product = Some(text.into());
        self
    }
    fn version(mut self, text: &str) -> Self {
        self.version = Some(text.parse().expect("a range"));
        self
    }
    fn zone(mut self, text: &str) -> Self {
        self.zone = Some(text.into());
        self
    }
    fn service(mut self, text: &str) -> Self {
        self.service = Some(text.into());
        self
    }
    fn resource(mut self, text: &str) -> Self {
        self.resource = Some(text.into());
        self
    }
    fn category(mut self, text: &str) -> Self {
        self.category = Some(text.into());
        self
    }
    fn endpoint(mut self, text: &str) -> Self {
        self.endpoint = Some(text.into());
        self
    }
    fn credentials(mut self, text: &str) -> Self {
        self.credentials = Some(text.into());
        self
    }
    fn environment(mut self, mappings: &[(&str, &str)]) -> Self {
        self.environment = Some(
            mappings
                .iter()
                .map(|(variable, key)| Mapping {
                    variable: (*variable).into(),
                    key: (*key).into(),
                })
                .collect(),
        );
        self
    }
    fn line(self, line: &str) -> Self {
        let (field, value) = line.split_once(": ").expect("field: value");
        let value = value.trim_matches('"');
        match field {
            "extension" => self.extension(value),
            "product" => self.product(value),
            "version" => self.version(value),
            "zone" => self.zone(value),
            "service" => self.service(value),
            "resource" => self.resource(value),
            "category" => self.category(value),
            "endpoint" => self.endpoint(value),
            "credentials" => self.credentials(value),
            other => panic!("no field {other}"),
        }
    }
}

pub(crate) fn in_project(project: &str) -> Consumer {
    Consumer::in_project(project)
}

pub(crate) trait ConsumerBuilder: Sized {
    fn of_user(self, user: &str) -> Self;
    fn of_group(self, group: &str) -> Self;
    fn in_zone(self, zone: &str) -> Self;
}

impl ConsumerBuilder for Consumer {
    fn of_user(mut self, user: &str) -> Self {
        self.user = Some(user.into());
        self
    }
    fn of_group(mut self, group: &str) -> Self {
        self.groups = appended(self.groups, group.into());
        self
    }
    fn in_zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.into());
        self
    }
}

pub(crate) fn index(records: impl IntoIterator<Item = Record>) -> Index {
    let mut index = Index::new();
    for record in records {
        index.insert(record);
    }
    index
}

/// Formats the result of a resolution as `record/service endpoint credentials`, or returns the reason.
pub(crate) fn outcome(
    records: &[Record],
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<String, Reason> {
    match resolve(&index(records.to_vec()), requirement, consumer) {
        Ok(choice) => Ok(summary(&choice)),
        Err(refusal) => Err(refusal.reason),
    }
}

pub(crate) fn summary(choice: &Choice) -> String {
    let namespace = match &choice.record.key.namespace {
        Some(namespace) => format!("{namespace}:"),
        None => String::new(),
    };
    format!(
        "{namespace}{}/{} {} {}",
        choice.record.key.name,
        choice.service().name,
        choice.endpoint().map_or("-", |endpoint| &*endpoint.name),
        choice
            .credentials()
            .map_or("-", |credentials| &*credentials.name),
    )
}

pub(crate) fn chosen(records: &[Record], requirement: &Requirement, consumer: &Consumer) -> Choice {
    resolve(&index(records.to_vec()), requirement, consumer)
        .unwrap_or_else(|refusal| panic!("{}: {refusal}", refusal.reason))
}

pub(crate) fn refused(
    records: &[Record],
    requirement: &Requirement,
    consumer: &Consumer,
) -> Refusal {
    match resolve(&index(records.to_vec()), requirement, consumer) {
        Ok(choice) => panic!("resolved to {}", summary(&choice)),
        Err(refusal) => refusal,
    }
}

/// Formats a refusal for snapshots.
pub(crate) fn formatted(refusal: &Refusal) -> String {
    format!(
        "{}\n{}\nhint: {}",
        refusal.reason, refusal.message, refusal.hint
    )
}
