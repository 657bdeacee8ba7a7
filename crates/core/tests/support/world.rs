//! Random records, requirements and consumers with few names, so that they often match.

use extension_registry_core::access::Consumer;
use extension_registry_core::record::{
    Access, Credentials, Endpoint, EndpointKind, Name, Record, RecordKey, Scope, Service,
};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::version::RecordVersion;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::builders::{
    CredentialsBuilder, EndpointBuilder, RecordBuilder, RequirementBuilder, ServiceBuilder,
};

pub(crate) const PROJECTS: &[&str] = &["prod", "not-prod", "dev"];
const USERS: &[&str] = &["ada", "bob"];
const GROUPS: &[&str] = &["team", "crew"];
const RECORDS: &[&str] = &["a", "b", "c"];
const PRODUCTS: &[&str] = &["minio", "mlflow"];
const ZONES: &[&str] = &["", "east", "west"];
const SERVICES: &[&str] = &["api", "store"];
const RESOURCES: &[&str] = &["s3", "git"];
const CATEGORIES: &[&str] = &["vcs", "storage"];
const ENDPOINTS: &[&str] = &["in", "out", "alt"];
const CREDENTIALS: &[&str] = &["k1", "k2", "k3", "k4"];
const VERSIONS: &[&str] = &[
    "0.9",
    "1.0.0",
    "v1.5",
    "2.0.0-rc.1",
    "2.0.0",
    "2.1.3",
    "10.0.0",
    "RELEASE.1",
];
const RANGES: &[&str] = &[
    "1.0.0",
    "^1",
    ">=1.0.0",
    ">1.0.0",
    "<2.0.0",
    "<=2.0.0",
    ">=1.5 <2.1.3",
    "1.0.0 - 2.0.0",
    ">1.0.0 <=2.1.3",
    ">=2.0.0-rc.1",
    "1.* || >=10",
    "*",
    "latest",
    "=RELEASE.1",
    "~2.1",
    ">=11",
];

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = Name> {
    select(names).prop_map(Name::from)
}

fn list(names: &'static [&'static str]) -> impl Strategy<Value = Box<[Name]>> {
    subsequence(names, 0..=names.len()).prop_map(|list| list.into_iter().map(Name::from).collect())
}

fn access() -> impl Strategy<Value = Access> {
    (
        weighted(0.2, list(PROJECTS)),
        weighted(0.15, list(USERS)),
        weighted(0.15, list(GROUPS)),
    )
        .prop_map(|(projects, users, groups)| Access {
            projects,
            users,
            groups,
        })
}

fn endpoints() -> impl Strategy<Value = Box<[Endpoint]>> {
    let kind = prop_oneof![Just(EndpointKind::Internal), Just(EndpointKind::External)];
    (
        subsequence(ENDPOINTS, 0..=ENDPOINTS.len()).prop_shuffle(),
        vec(kind, ENDPOINTS.len()),
    )
        .prop_map(|(names, kinds)| {
            names
                .into_iter()
                .zip(kinds)
                .map(|(name, kind)| Endpoint {
                    name: name.into(),
                    url: Some(format!("http://{name}:80").as_str().into()),
                    kind,
                    configuration: Box::default(),
                })
                .collect()
        })
}

type Lists = (Option<Box<[Name]>>, Option<Box<[Name]>>);

/// Mostly the lists that the scope requires, sometimes others that only an unvalidated record has.
fn scoped() -> impl Strategy<Value = (Scope, Lists)> {
    prop_oneof![
        4 => Just((Scope::Global, (None, None))),
        3 => list(PROJECTS).prop_map(|projects| (Scope::Project, (Some(projects), None))),
        3 => (weighted(0.4, list(PROJECTS)), list(USERS))
            .prop_map(|(projects, users)| (Scope::User, (projects, Some(users)))),
        1 => (
            select(&[Scope::Global, Scope::Project, Scope::User][..]),
            (weighted(0.5, list(PROJECTS)), weighted(0.5, list(USERS))),
        ),
    ]
}

fn credentials() -> impl Strategy<Value = Box<[Credentials]>> {
    (
        prop_oneof![
            2 => Just(Vec::new()),
            5 => subsequence(CREDENTIALS, 1..=CREDENTIALS.len()).prop_shuffle(),
        ],
        vec((scoped(), prop::bool::weighted(0.3)), CREDENTIALS.len()),
    )
        .prop_map(|(names, sets)| {
            names
                .into_iter()
                .zip(sets)
                .map(
                    |(name, ((scope, (projects, users)), default))| Credentials {
                        name: name.into(),
                        scope,
                        projects,
                        users,
                        default,
                        entries: Box::default(),
                        secret: None,
                    },
                )
                .collect()
        })
}

fn services() -> impl Strategy<Value = Box<[Service]>> {
    let service = (
        weighted(0.9, one_of(RESOURCES)),
        weighted(0.7, one_of(CATEGORIES)),
        endpoints(),
        credentials(),
    );
    (
        prop_oneof![
            1 => Just(Vec::new()),
            9 => subsequence(SERVICES, 1..=SERVICES.len()),
        ],
        vec(service, SERVICES.len()),
    )
        .prop_map(|(names, services)| {
            names
                .into_iter()
                .zip(services)
                .map(
                    |(name, (resource, category, endpoints, credentials))| Service {
                        name: name.into(),
                        resource,
                        category,
                        endpoints,
                        credentials,
                        configuration: Box::default(),
                    },
                )
                .collect()
        })
}

pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    (
        weighted(0.35, one_of(PROJECTS)),
        one_of(RECORDS),
        (
            weighted(0.9, one_of(PRODUCTS)),
            weighted(0.9, select(VERSIONS)),
            weighted(0.8, one_of(ZONES)),
        ),
        prop::bool::weighted(0.25),
        prop::bool::weighted(0.7),
        access(),
        services(),
    )
        .prop_map(
            |(namespace, name, (product, version, zone), default, shadowable, access, services)| {
                Record {
                    key: RecordKey { namespace, name },
                    generation: 1,
                    product,
                    version: version.map(RecordVersion::new),
                    zone,
                    default,
                    shadowable,
                    access,
                    services,
                    configuration: Box::default(),
                }
            },
        )
}

/// Records with distinct keys.
pub(crate) fn any_records() -> impl Strategy<Value = Vec<Record>> {
    vec(any_record(), 0..12).prop_map(|records| {
        let mut kept: Vec<Record> = Vec::new();
        for record in records {
            if kept.iter().all(|other| other.key != record.key) {
                kept.push(record);
            }
        }
        kept
    })
}

pub(crate) fn any_requirement() -> impl Strategy<Value = Requirement> {
    (
        (
            weighted(0.2, one_of(RECORDS)),
            weighted(0.5, one_of(PRODUCTS)),
            weighted(0.15, one_of(SERVICES)),
            weighted(0.7, one_of(RESOURCES)),
            weighted(0.1, one_of(CATEGORIES)),
        ),
        weighted(0.4, select(RANGES)),
        weighted(0.1, one_of(ZONES)),
        weighted(0.3, one_of(ENDPOINTS)),
        weighted(0.15, one_of(CREDENTIALS)),
    )
        .prop_map(|(names, range, zone, endpoint, credentials)| {
            let (extension, product, service, resource, category) = names;
            Requirement {
                name: "need".into(),
                extension,
                product,
                version: range.map(|range| range.parse().expect("a range")),
                zone,
                service,
                resource,
                category,
                endpoint,
                credentials,
                environment: None,
            }
        })
}

/// An additional selector; the requirement may already have one for this field.
pub(crate) fn any_selector() -> impl Strategy<Value = String> {
    prop_oneof![
        select(RECORDS).prop_map(|name| format!("extension: {name}")),
        select(PRODUCTS).prop_map(|name| format!("product: {name}")),
        select(SERVICES).prop_map(|name| format!("service: {name}")),
        select(RESOURCES).prop_map(|name| format!("resource: {name}")),
        select(CATEGORIES).prop_map(|name| format!("category: {name}")),
        select(&["east", "west"][..]).prop_map(|name| format!("zone: {name}")),
        select(RANGES).prop_map(|range| format!("version: {range}")),
    ]
}

pub(crate) fn any_consumer() -> impl Strategy<Value = Consumer> {
    (
        one_of(PROJECTS),
        weighted(0.6, one_of(USERS)),
        list(GROUPS),
        weighted(0.7, one_of(ZONES)),
    )
        .prop_map(|(project, user, groups, zone)| Consumer {
            project,
            user,
            groups,
            zone,
        })
}

/// Gives every part of a record a value that names the part: `[record/service/part]`.
pub(crate) fn planted(record: Record) -> Record {
    let mut record = record;
    let kind = record.key.kind().as_str();
    let owner = format!("{kind}:{}", record.key);
    let services: Vec<Service> = std::mem::take(&mut record.services).into_vec();
    for service in services {
        record = record.offering(planted_service(&owner, service));
    }
    record.configured("SHARED", &format!("[{owner}]"))
}

fn planted_service(owner: &str, mut service: Service) -> Service {
    let owner = format!("{owner}/{}", service.name);
    for endpoint in std::mem::take(&mut service.endpoints) {
        let value = format!("[{owner}/endpoint {}]", endpoint.name);
        service = service.at(endpoint
            .configured("SHARED", &value)
            .configured("ENDPOINT", &value));
    }
    for credentials in std::mem::take(&mut service.credentials) {
        let value = format!("[{owner}/credentials {}]", credentials.name);
        service = service.with(credentials.holding("SHARED", &value).holding("KEY", &value));
    }
    let value = format!("[{owner}]");
    service
        .configured("SHARED", &value)
        .configured("SERVICE", &value)
}
