//! A naive resolver: sequential scans that share only the types and version matching with the
//! real one.

use extension_registry_core::access::Consumer;
use extension_registry_core::record::{
    Access, Credentials, Endpoint, EndpointKind, Name, Record, RecordKey, Scope, Service,
};
use extension_registry_core::refusal::Reason;
use extension_registry_core::requirement::Requirement;

pub(crate) type Candidate<'a> = (&'a Record, &'a Service);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) record: RecordKey,
    pub(crate) service: Name,
    pub(crate) endpoint: Option<Name>,
    pub(crate) credentials: Option<Name>,
    pub(crate) foreign_endpoint: bool,
}

/// Step 1: visibility.
pub(crate) fn is_visible(record: &Record, consumer: &Consumer) -> bool {
    let in_scope = match &record.key.namespace {
        None => true,
        Some(namespace) => *namespace == consumer.project,
    };
    let Access {
        projects,
        users,
        groups,
    } = &record.access;
    let place = match projects {
        None => true,
        Some(list) => list.contains(&consumer.project),
    };
    let user_is_listed = |list: &[Name]| list.iter().any(|one| Some(one) == consumer.user.as_ref());
    let group_is_listed = |list: &[Name]| {
        list.iter()
            .any(|one| consumer.groups.iter().any(|group| group == one))
    };
    let person = match (users, groups) {
        (None, None) => true,
        (Some(users), None) => user_is_listed(users),
        (None, Some(groups)) => group_is_listed(groups),
        (Some(users), Some(groups)) => user_is_listed(users) || group_is_listed(groups),
    };
    in_scope && place && person
}

/// Returns the number of selectors that do not match; step 2 requires none.
pub(crate) fn misses(requirement: &Requirement, (record, service): Candidate<'_>) -> usize {
    let pairs = [
        (&requirement.extension, Some(&record.key.name)),
        (&requirement.product, record.product.as_ref()),
        (&requirement.zone, record.zone.as_ref()),
        (&requirement.service, Some(&service.name)),
        (&requirement.resource, service.resource.as_ref()),
        (&requirement.category, service.category.as_ref()),
    ];
    let mut count = 0;
    for (expected, is) in pairs {
        if let Some(expected) = expected
            && Some(expected) != is
        {
            count += 1;
        }
    }
    if let Some(range) = &requirement.version
        && !range.matches(record.version.as_ref())
    {
        count += 1;
    }
    count
}

/// Returns every service that the consumer can see.
pub(crate) fn visible<'a>(records: &'a [Record], consumer: &Consumer) -> Vec<Candidate<'a>> {
    let mut all = Vec::new();
    for record in records {
        if is_visible(record, consumer) {
            for service in &record.services {
                all.push((record, service));
            }
        }
    }
    all
}

/// Steps 1 to 3: visibility, selectors, shadowing.
pub(crate) fn matching<'a>(
    records: &'a [Record],
    requirement: &Requirement,
    consumer: &Consumer,
) -> Vec<Candidate<'a>> {
    let mut left = visible(records, consumer);
    left.retain(|candidate| misses(requirement, *candidate) == 0);
    if left
        .iter()
        .any(|(record, _)| record.key.namespace.is_some())
    {
        left.retain(|(record, _)| record.key.namespace.is_some() || !record.shadowable);
    }
    left
}

/// Step 4: access, according to the scope and its lists.
pub(crate) fn is_usable(credentials: &Credentials, consumer: &Consumer) -> bool {
    let admitted = |list: &Option<Box<[Name]>>, member: Option<&Name>| match list {
        None => true,
        Some(list) => list.iter().any(|one| Some(one) == member),
    };
    let scoped = match credentials.scope {
        Scope::Global => true,
        Scope::Project => credentials.projects.is_some(),
        Scope::User => credentials.users.is_some(),
    };
    scoped
        && admitted(&credentials.projects, Some(&consumer.project))
        && admitted(&credentials.users, consumer.user.as_ref())
}

/// Steps 1 to 4: candidates for step 5.
pub(crate) fn candidates<'a>(
    records: &'a [Record],
    requirement: &Requirement,
    consumer: &Consumer,
) -> Vec<Candidate<'a>> {
    let mut left = matching(records, requirement, consumer);
    left.retain(|(_, service)| {
        service.credentials.is_empty()
            || service
                .credentials
                .iter()
                .any(|one| is_usable(one, consumer))
    });
    left
}

/// Step 6: credentials.
fn credentials<'a>(
    service: &'a Service,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Option<&'a Credentials>, Reason> {
    let usable: Vec<&Credentials> = service
        .credentials
        .iter()
        .filter(|one| is_usable(one, consumer))
        .collect();
    if let Some(name) = &requirement.credentials {
        return match usable.iter().find(|one| one.name == *name) {
            Some(found) => Ok(Some(found)),
            None => Err(Reason::NoAccess),
        };
    }
    for scope in [Scope::User, Scope::Project, Scope::Global] {
        let narrow: Vec<&Credentials> = usable
            .iter()
            .copied()
            .filter(|one| one.scope == scope)
            .collect();
        let marked: Vec<&Credentials> = narrow.iter().copied().filter(|one| one.default).collect();
        match (narrow.as_slice(), marked.as_slice()) {
            ([], _) => {}
            ([only], _) | (_, [only]) => return Ok(Some(only)),
            _ => return Err(Reason::AmbiguousCredentials),
        }
    }
    Ok(None)
}

/// Returns whether both zones are known and different.
pub(crate) fn is_elsewhere(record: &Record, consumer: &Consumer) -> bool {
    let known = |zone: &Option<Name>| zone.clone().filter(|zone| !zone.is_empty());
    match (known(&record.zone), known(&consumer.zone)) {
        (Some(record), Some(consumer)) => record != consumer,
        _ => false,
    }
}

/// Step 7: endpoint.
fn endpoint<'a>(
    (record, service): Candidate<'a>,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Option<&'a Endpoint>, Reason> {
    let first = |kind| service.endpoints.iter().find(|one| one.kind == kind);
    if let Some(name) = &requirement.endpoint {
        let named = service.endpoints.iter().find(|one| one.name == *name);
        return named.map(Some).ok_or(Reason::NotFound);
    }
    if service.endpoints.is_empty() {
        return Ok(None);
    }
    if is_elsewhere(record, consumer) {
        return match first(EndpointKind::External) {
            Some(found) => Ok(Some(found)),
            None => Err(Reason::Unreachable),
        };
    }
    Ok(first(EndpointKind::Internal).or(first(EndpointKind::External)))
}

/// Resolves a requirement step by step.
pub(crate) fn resolve(
    records: &[Record],
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<Answer, Reason> {
    let selectors = [
        &requirement.extension,
        &requirement.product,
        &requirement.service,
        &requirement.resource,
        &requirement.category,
    ];
    if selectors.iter().all(|selector| selector.is_none()) {
        return Err(Reason::InvalidRequirement);
    }
    if matching(records, requirement, consumer).is_empty() {
        return Err(Reason::NotFound);
    }
    let left = candidates(records, requirement, consumer);
    let defaults: Vec<Candidate<'_>> = left
        .iter()
        .copied()
        .filter(|(record, _)| record.default)
        .collect();
    let (record, service) = match (left.as_slice(), defaults.as_slice()) {
        ([], _) => return Err(Reason::NoAccess),
        ([only], _) | (_, [only]) => *only,
        _ => return Err(Reason::Ambiguous),
    };
    let credentials = credentials(service, requirement, consumer)?;
    let endpoint = endpoint((record, service), requirement, consumer)?;
    Ok(Answer {
        record: record.key.clone(),
        service: service.name.clone(),
        endpoint: endpoint.map(|one| one.name.clone()),
        credentials: credentials.map(|one| one.name.clone()),
        foreign_endpoint: endpoint.is_some_and(|one| one.kind == EndpointKind::Internal)
            && is_elsewhere(record, consumer),
    })
}
