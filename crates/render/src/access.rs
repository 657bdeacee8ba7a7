//! Users with access to the Secret of a single user.

use extension_registry_api::SecretUser;
use extension_registry_core::record::Name;
use extension_registry_core::resolve::Choice;

/// Prefix of the user names of service accounts.
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Returns who may use the Secret of a user-specific choice, according to the current record.
#[must_use]
pub fn secret_user(choice: &Choice, user: &Name) -> SecretUser {
    SecretUser {
        user: user.to_string(),
        groups: admitting_groups(choice, user),
        service_accounts: listed_accounts(choice),
    }
}

/// Returns the groups of which the user must belong to one, if the user has access only by group.
fn admitting_groups(choice: &Choice, user: &Name) -> Vec<String> {
    let access = &choice.record.access;
    let by_name = access
        .users
        .as_deref()
        .is_some_and(|users| users.contains(user));
    let groups = access.groups.as_deref().filter(|_| !by_name);
    let mut groups: Vec<String> = groups
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    groups.sort();
    groups
}

/// Returns the service accounts that are in every user list on which the choice depends.
fn listed_accounts(choice: &Choice) -> Vec<String> {
    let access = &choice.record.access;
    let of_access = access
        .is_personal()
        .then(|| access.users.as_deref().unwrap_or_default());
    let of_credentials = choice
        .credentials()
        .and_then(|entry| entry.users.as_deref());
    let lists: Vec<&[Name]> = [of_access, of_credentials].into_iter().flatten().collect();
    let Some((first, rest)) = lists.split_first() else {
        return Vec::new();
    };
    let mut accounts: Vec<String> = first
        .iter()
        .filter(|name| name.starts_with(SERVICE_ACCOUNT_PREFIX))
        .filter(|name| rest.iter().all(|list| list.contains(name)))
        .map(ToString::to_string)
        .collect();
    accounts.sort();
    accounts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use extension_registry_api::{ExtensionSpec, SecretUser, convert};
    use extension_registry_core::access::Consumer;
    use extension_registry_core::record::RecordKey;
    use extension_registry_core::requirement::Requirement;
    use extension_registry_core::resolve::{Choice, Index, resolve};
    use serde_json::{Value, json};

    use super::secret_user;

    const ROBOT: &str = "system:serviceaccount:ci:robot";
    const OTHER: &str = "system:serviceaccount:ci:other";

    fn choice(access: &Value, credentials: &Value) -> Choice {
        let spec = json!({"product": "p", "access": access, "services": [
            {"name": "s", "resource": "s3", "credentials": [credentials]},
        ]});
        let spec: ExtensionSpec = serde_json::from_value(spec).unwrap();
        let record = convert::record(RecordKey::cluster("r"), 1, &spec).unwrap();
        let mut index = Index::default();
        index.insert(Arc::new(record));
        let requirement = Requirement {
            name: "n".into(),
            product: Some("p".into()),
            ..Requirement::default()
        };
        let consumer = Consumer {
            user: Some("ada".into()),
            groups: ["team".into(), "staff".into()].into(),
            ..Consumer::in_project("dev")
        };
        resolve(&index, &requirement, &consumer).unwrap()
    }

    fn user_of(access: &Value, credentials: &Value) -> SecretUser {
        secret_user(&choice(access, credentials), &"ada".into())
    }

    fn scoped(users: &[&str]) -> Value {
        json!({"name": "own", "scope": "user", "user": users})
    }

    #[test]
    fn admits_service_accounts_in_every_list() {
        let open = user_of(&json!({}), &scoped(&["ada", ROBOT, OTHER, "grace"]));
        assert_eq!(open.user, "ada");
        assert_eq!(open.service_accounts, [OTHER, ROBOT]);
        let both = json!({"users": ["ada", ROBOT]});
        assert_eq!(
            user_of(&both, &scoped(&["ada", ROBOT, OTHER])).service_accounts,
            [ROBOT]
        );
        let closed = user_of(&json!({"users": ["ada"]}), &scoped(&["ada", ROBOT]));
        assert!(closed.service_accounts.is_empty());
    }

    #[test]
    fn requires_groups_only_for_access_by_group() {
        let all = json!({"name": "all"});
        let by_group = user_of(&json!({"groups": ["team", "others"]}), &all);
        assert_eq!(by_group.groups, ["others", "team"]);
        let by_name = user_of(&json!({"users": ["ada"], "groups": ["team"]}), &all);
        assert!(by_name.groups.is_empty());
    }
}
