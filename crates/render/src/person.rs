//! The user on whose behalf a workflow resolves.
//!
//! Admission policies set the annotations of the workflow that name the user, or validate them. Without
//! these policies, the annotations are not trustworthy.

use extension_registry_api::{AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION, limits};
use extension_registry_core::access::Consumer;
use extension_registry_core::record::Name;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Maximum number of groups of a user.
pub const MAX_GROUPS: usize = 64;

/// A user or service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Full user name in the API server, including the prefix.
    pub user: Name,
    /// Groups, sorted.
    pub groups: Box<[Name]>,
}

impl Person {
    /// Creates a user without groups.
    #[must_use]
    pub fn named(user: &str) -> Self {
        Self {
            user: user.into(),
            groups: Box::default(),
        }
    }

    /// Returns the author of a workflow; `None` if it has none, or one with an invalid name.
    #[must_use]
    pub fn author(metadata: &ObjectMeta) -> Option<Self> {
        let annotations = metadata.annotations.as_ref()?;
        let user = annotations.get(AUTHOR_ANNOTATION)?.as_str();
        if user.is_empty() || user.chars().count() > limits::PERSON {
            return None;
        }
        let groups = annotations.get(AUTHOR_GROUPS_ANNOTATION);
        let groups = groups.map_or("", String::as_str).split('\n');
        let groups = groups.filter(|group| !group.is_empty()).map(Name::from);
        Some(Self::with_groups(user, groups.collect()))
    }

    /// Creates a user with groups.
    #[must_use]
    pub fn with_groups(user: &str, groups: Vec<Name>) -> Self {
        Self {
            user: user.into(),
            groups: sorted(groups),
        }
    }
}

/// Sorts, deduplicates and truncates groups. Dropping groups can only reduce access.
fn sorted(mut groups: Vec<Name>) -> Box<[Name]> {
    groups.sort();
    groups.dedup();
    groups.truncate(MAX_GROUPS);
    groups.into()
}

/// Returns the consumer for a namespace, zone and user. Without a user, user and group lists deny
/// access.
#[must_use]
pub fn consumer(namespace: &Name, zone: Option<&Name>, person: Option<&Person>) -> Consumer {
    Consumer {
        user: person.map(|person| person.user.clone()),
        groups: person
            .map(|person| person.groups.clone())
            .unwrap_or_default(),
        zone: zone.cloned(),
        ..Consumer::in_project(namespace.clone())
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::{MAX_GROUPS, Person};

    fn author(user: &str, groups: &str) -> Option<Person> {
        Person::author(&ObjectMeta {
            annotations: Some(
                [
                    ("registry.fuseml.io/author".to_owned(), user.to_owned()),
                    (
                        "registry.fuseml.io/author-groups".to_owned(),
                        groups.to_owned(),
                    ),
                ]
                .into(),
            ),
            ..ObjectMeta::default()
        })
    }

    #[test]
    fn reads_author_and_groups() {
        let ada = author("ada", "team\nanalysts, eu").unwrap();
        assert_eq!(&*ada.user, "ada");
        let groups: Vec<&str> = ada.groups.iter().map(|group| &**group).collect();
        assert_eq!(groups, ["analysts, eu", "team"]);
        assert!(author("ada", "").unwrap().groups.is_empty());
    }

    #[test]
    fn limits_and_sorts_groups() {
        let groups: Vec<String> = (0..100)
            .rev()
            .map(|number| format!("g{number:03}"))
            .collect();
        let person = author("ada", &groups.join("\n")).unwrap();
        assert_eq!(person.groups.len(), MAX_GROUPS);
        assert!(person.groups.is_sorted());
    }

    #[test]
    fn requires_valid_author_name() {
        assert_eq!(author("", "team"), None);
        assert_eq!(author(&"a".repeat(257), ""), None);
        assert_eq!(Person::author(&ObjectMeta::default()), None);
    }
}
