//! On whose behalf a workflow resolves (security, section 5).

use extension_registry_core::access::Consumer;
use extension_registry_core::record::Name;
use k8s_openapi::api::authentication::v1::UserInfo;

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

    /// Who asks; `None` for nobody. Of more groups than are kept, the first in order are.
    #[must_use]
    pub fn asking(user: &UserInfo) -> Option<Self> {
        let name = user.username.as_deref().filter(|name| !name.is_empty())?;
        let groups = user.groups.iter().flatten();
        Some(Self {
            user: name.into(),
            groups: sorted(groups.map(|group| group.as_str().into()).collect()),
        })
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
    use k8s_openapi::api::authentication::v1::UserInfo;

    use super::{MOST_GROUPS, Person};

    #[test]
    fn groups_are_sorted_and_not_without_end() {
        let groups: Vec<String> = (0..100)
            .rev()
            .map(|number| format!("g{number:03}"))
            .collect();
        let person = Person::asking(&UserInfo {
            username: Some("ada".to_owned()),
            groups: Some(groups),
            ..UserInfo::default()
        })
        .unwrap();
        assert_eq!(person.groups.len(), MOST_GROUPS);
        assert!(person.groups.is_sorted());
        assert_eq!(Person::asking(&UserInfo::default()), None);
    }
}
