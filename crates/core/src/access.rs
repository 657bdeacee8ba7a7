//! Consumers of services, and evaluation of access lists.

use crate::record::{Access, Credentials, Name, Scope};

/// The identity on whose behalf a requirement is resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumer {
    /// The namespace of the workflow.
    pub project: Name,
    /// The user, if known. Without a user, no user list matches.
    pub user: Option<Name>,
    /// Groups of the user.
    pub groups: Box<[Name]>,
    /// Zone in which the steps run. Unset or empty means unknown.
    pub zone: Option<Name>,
}

impl Consumer {
    /// Creates a consumer for a project, without a user.
    pub fn in_project(project: impl Into<Name>) -> Self {
        Self {
            project: project.into(),
            ..Self::default()
        }
    }
}

impl Access {
    /// Returns whether the consumer can see a record with these lists. `projects` restricts the project,
    /// `users` and `groups` together restrict the user; both must match, and an empty list matches nothing.
    #[must_use]
    pub fn admits(&self, consumer: &Consumer) -> bool {
        let project_matches = self
            .projects
            .as_deref()
            .is_none_or(|projects| projects.contains(&consumer.project));
        project_matches && self.admits_user(consumer)
    }

    fn admits_user(&self, consumer: &Consumer) -> bool {
        if self.users.is_none() && self.groups.is_none() {
            return true;
        }
        let by_user = consumer
            .user
            .as_ref()
            .is_some_and(|user| contains(self.users.as_deref(), user));
        by_user
            || consumer
                .groups
                .iter()
                .any(|group| contains(self.groups.as_deref(), group))
    }

    /// Returns whether access depends on the user.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.users.is_some() || self.groups.is_some()
    }
}

impl Credentials {
    /// Returns whether the consumer has access to these credentials. Admission rejects lists that the
    /// scope does not use; if one is present nevertheless, it must match too.
    #[must_use]
    pub fn admits(&self, consumer: &Consumer) -> bool {
        let by_project = self
            .projects
            .as_deref()
            .map(|projects| projects.contains(&consumer.project));
        let by_user = self.users.as_deref().map(|users| {
            consumer
                .user
                .as_ref()
                .is_some_and(|user| users.contains(user))
        });
        match self.scope {
            Scope::Global => by_project != Some(false) && by_user != Some(false),
            Scope::Project => by_project == Some(true) && by_user != Some(false),
            Scope::User => by_user == Some(true) && by_project != Some(false),
        }
    }

    /// Returns whether access depends on the user, so that each user gets a Secret.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        let by_scope = match self.scope {
            Scope::Global | Scope::Project => false,
            Scope::User => true,
        };
        by_scope || self.users.is_some()
    }
}

fn contains(list: Option<&[Name]>, member: &Name) -> bool {
    list.is_some_and(|list| list.contains(member))
}

#[cfg(test)]
mod tests {
    use super::{Access, Consumer, Credentials, Name, Scope};

    #[expect(clippy::unnecessary_wraps, reason = "the fields are optional")]
    fn list(names: &[&str]) -> Option<Box<[Name]>> {
        Some(names.iter().map(|name| Name::from(*name)).collect())
    }

    fn ada() -> Consumer {
        Consumer {
            user: Some("ada".into()),
            groups: ["team".into()].into(),
            ..Consumer::in_project("prod")
        }
    }

    #[test]
    fn absent_list_admits_all_and_empty_list_admits_none() {
        assert!(Access::default().admits(&Consumer::in_project("prod")));
        for access in [
            Access {
                projects: list(&[]),
                ..Access::default()
            },
            Access {
                users: list(&[]),
                ..Access::default()
            },
            Access {
                groups: list(&[]),
                ..Access::default()
            },
        ] {
            assert!(!access.admits(&ada()), "{access:?}");
        }
    }

    #[test]
    fn requires_project_match_and_either_user_or_group_match() {
        let person = Access {
            users: list(&["grace"]),
            groups: list(&["team"]),
            projects: None,
        };
        assert!(person.admits(&ada()));
        let elsewhere = Access {
            projects: list(&["not-prod"]),
            ..person
        };
        assert!(!elsewhere.admits(&ada()));
    }

    fn credentials(
        scope: Scope,
        projects: Option<Box<[Name]>>,
        users: Option<Box<[Name]>>,
    ) -> Credentials {
        Credentials {
            name: "c".into(),
            scope,
            projects,
            users,
            default: false,
            entries: Box::default(),
            secret: None,
        }
    }

    #[test]
    fn scope_evaluates_its_own_lists() {
        let cases = [
            (Scope::Global, None, None, true),
            (Scope::Global, list(&["dev"]), None, false),
            (Scope::Project, None, None, false),
            (Scope::Project, list(&["prod"]), None, true),
            (Scope::Project, list(&["not-prod"]), None, false),
            (Scope::User, None, None, false),
            (Scope::User, None, list(&["ada"]), true),
            (Scope::User, list(&["dev"]), list(&["ada"]), false),
            (Scope::User, list(&["prod"]), list(&["ada"]), true),
        ];
        for (scope, projects, users, expected) in cases {
            let entry = credentials(scope, projects, users);
            assert_eq!(entry.admits(&ada()), expected, "{entry:?}");
        }
    }

    #[test]
    fn each_user_gets_a_secret_of_user_scoped_credentials() {
        for (scope, users, expected) in [
            (Scope::Global, None, false),
            (Scope::Project, None, false),
            (Scope::Project, list(&["ada"]), true),
            (Scope::User, list(&["ada"]), true),
            (Scope::User, None, true),
        ] {
            let credentials = credentials(scope, None, users);
            assert_eq!(credentials.is_personal(), expected, "{credentials:?}");
        }
    }
}
