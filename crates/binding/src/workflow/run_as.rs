//! Who may start a run, where a choice depended on the person.

use std::collections::BTreeSet;

use extension_registry_api::workflow::{RunAs, RunAsGroups};
use extension_registry_core::record::Name;
use extension_registry_core::resolve::Choice;

use crate::person::Person;

/// Accounts of machines; a person is named by an identity only.
const ACCOUNTS: &str = "system:serviceaccount:";

/// What the run gate asks for; `None` when no choice is of one person.
pub(super) fn of<'c>(
    choices: impl IntoIterator<Item = &'c Choice>,
    person: Option<&Person>,
) -> Option<RunAs> {
    let person = person?;
    let mut groups = BTreeSet::new();
    let mut accounts: Option<BTreeSet<&Name>> = None;
    for choice in choices.into_iter().filter(|choice| choice.personal) {
        groups.extend(admitting_groups(choice, person));
        let listed = listed_accounts(choice);
        accounts = Some(match accounts {
            Some(known) => known.intersection(&listed).copied().collect(),
            None => listed,
        });
    }
    // No choice, no set.
    let accounts = accounts?;
    Some(RunAs {
        user: person.user.to_string(),
        groups: groups
            .into_iter()
            .map(|any_of| RunAsGroups { any_of })
            .collect(),
        accounts: accounts.into_iter().map(ToString::to_string).collect(),
    })
}

/// The groups by which alone a record admits the person; they may have changed by the time of a run.
fn admitting_groups(choice: &Choice, person: &Person) -> Option<Vec<String>> {
    let access = &choice.record.access;
    let by_name = lists(access.users.as_deref(), &person.user);
    let groups = access.groups.as_deref().filter(|_| !by_name)?;
    let mut admitting: Vec<String> = groups
        .iter()
        .filter(|group| person.groups.contains(group))
        .map(ToString::to_string)
        .collect();
    admitting.sort();
    Some(admitting)
}

/// Accounts that the operator of the platform has listed for all that this choice needs a person for.
fn listed_accounts(choice: &Choice) -> BTreeSet<&Name> {
    let access = &choice.record.access;
    let of_access = access
        .is_personal()
        .then(|| access.users.as_deref().unwrap_or_default());
    let of_credentials = choice
        .credentials()
        .and_then(|entry| entry.users.as_deref());
    let lists = [of_access, of_credentials];
    let mut present = lists.into_iter().flatten();
    let Some(first) = present.next() else {
        return BTreeSet::new();
    };
    let rest: Vec<&[Name]> = present.collect();
    first
        .iter()
        .filter(|name| name.starts_with(ACCOUNTS))
        .filter(|name| rest.iter().all(|list| list.contains(name)))
        .collect()
}

fn lists(list: Option<&[Name]>, member: &Name) -> bool {
    list.is_some_and(|list| list.contains(member))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use extension_registry_api::{ExtensionSpec, convert};
    use extension_registry_core::access::Consumer;
    use extension_registry_core::record::RecordKey;
    use extension_registry_core::requirement::Requirement;
    use extension_registry_core::resolve::{Choice, Index, resolve};
    use serde_json::{Value, json};

    use super::of;
    use crate::person::Person;

    const ROBOT: &str = "system:serviceaccount:ci:robot";
    const OTHER: &str = "system:serviceaccount:ci:other";

    fn ada() -> Person {
        Person {
            groups: ["team".into(), "staff".into()].into(),
            ..Person::named("ada")
        }
    }

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
            groups: ada().groups,
            ..Consumer::in_project("dev")
        };
        resolve(&index, &requirement, &consumer).unwrap()
    }

    fn mine(users: &[&str]) -> Value {
        json!({"name": "mine", "scope": "user", "user": users})
    }

    #[test]
    fn what_everybody_may_have_asks_for_nobody() {
        let shared = choice(&json!({"projects": ["dev"]}), &json!({"name": "all"}));
        assert_eq!(of([&shared], Some(&ada())), None);
        assert_eq!(of([], Some(&ada())), None);
    }

    #[test]
    fn only_accounts_that_every_list_names_may_run_it() {
        let both = choice(&json!({}), &mine(&["ada", ROBOT, OTHER, "grace"]));
        let one = choice(&json!({}), &mine(&["ada", ROBOT]));
        assert_eq!(of([&both], Some(&ada())).unwrap().accounts, [OTHER, ROBOT]);
        assert_eq!(of([&both, &one], Some(&ada())).unwrap().accounts, [ROBOT]);
        let closed = choice(&json!({"users": ["ada"]}), &mine(&["ada", ROBOT]));
        let run_as = of([&closed], Some(&ada())).unwrap();
        assert_eq!((run_as.user.as_str(), run_as.accounts.len()), ("ada", 0));
    }

    #[test]
    fn groups_are_asked_for_where_only_they_admit() {
        let all = json!({"name": "all"});
        let by_group = choice(&json!({"groups": ["team", "others", "staff"]}), &all);
        let run_as = of([&by_group, &by_group], Some(&ada())).unwrap();
        assert_eq!(run_as.groups.len(), 1);
        assert_eq!(run_as.groups[0].any_of, ["staff", "team"]);
        let by_name = choice(&json!({"users": ["ada"], "groups": ["team"]}), &all);
        assert!(of([&by_name], Some(&ada())).unwrap().groups.is_empty());
    }
}
