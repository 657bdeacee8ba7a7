//! The user on whose behalf a workflow resolves.
//!
//! The API server's admission policies write it into annotations of the workflow, or validate what
//! somebody else wrote there. Where they are not in force, annotations prove nothing.

use extension_registry_api::{AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION, limits};
use extension_registry_core::access::Consumer;
use extension_registry_core::record::Name;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The most groups that an identity keeps.
pub const MOST_GROUPS: usize = 64;

/// A person, or an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name, as the API server knows it, with its prefix.
    pub user: Name,
    /// The groups, sorted.
    pub groups: Box<[Name]>,
}

impl Person {
    /// A person without groups.
    #[must_use]
    pub fn named(user: &str) -> Self {
        Self {
            user: user.into(),
            groups: Box::default(),
        }
    }

    /// The author of a workflow; `None` where it has none, or one that no list of a record can name.
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

    /// A person with groups.
    #[must_use]
    pub fn with_groups(user: &str, groups: Vec<Name>) -> Self {
        Self {
            user: user.into(),
            groups: sorted(groups),
        }
    }
}

/// Groups in order, each once. Of more than are kept, the first stay: fewer groups admit to less.
fn sorted(mut groups: Vec<Name>) -> Box<[Name]> {
    groups.sort();
    groups.dedup();
    groups.truncate(MOST_GROUPS);
    groups.into()
}

/// On whose behalf something in a namespace resolves, from a zone. Without a person, nothing that asks
/// for one is admitted.
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

    use super::{MOST_GROUPS, Person};

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
    fn reads_the_author_and_the_groups() {
        let ada = author("ada", "team\nanalysts, eu").unwrap();
        assert_eq!(&*ada.user, "ada");
        let groups: Vec<&str> = ada.groups.iter().map(|group| &**group).collect();
        assert_eq!(groups, ["analysts, eu", "team"]);
        assert!(author("ada", "").unwrap().groups.is_empty());
    }

    #[test]
    fn keeps_a_bounded_number_of_sorted_groups() {
        let groups: Vec<String> = (0..100)
            .rev()
            .map(|number| format!("g{number:03}"))
            .collect();
        let person = author("ada", &groups.join("\n")).unwrap();
        assert_eq!(person.groups.len(), MOST_GROUPS);
        assert!(person.groups.is_sorted());
    }

    #[test]
    fn has_no_author_without_a_usable_name() {
        assert_eq!(author("", "team"), None);
        assert_eq!(author(&"a".repeat(257), ""), None);
        assert_eq!(Person::author(&ObjectMeta::default()), None);
    }
}
