//! Access lists.

use kube::KubeSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{limits, rules};

/// Access lists. An absent list allows everyone; an empty list allows no one. `projects` restricts the
/// projects; `users` and `groups` together restrict the users: a user must be listed or belong to a
/// listed group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.projects) || has(self.users) || has(self.groups)").message("`access` requires at least one list: set one, e.g. `projects: []` to deny access to everyone, or remove `access` to allow everyone"))]
pub struct AccessSpec {
    /// Projects (namespaces) in which the record can be used.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(
        length(max = limits::MEMBERS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(project, project)", "duplicate project: remove one of the entries")
    )]
    pub projects: Option<Vec<String>>,

    /// Users who can use the record. User names must match those of the API server exactly.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(user, user)", "duplicate user: remove one of the entries")
    )]
    pub users: Option<Vec<String>>,

    /// Groups whose members can use the record. Group names must match those of the API server exactly.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(group, group)", "duplicate group: remove one of the entries")
    )]
    pub groups: Option<Vec<String>>,
}

/// Deserializes an access list, with `null` as an empty list. A template with an empty value produces
/// `null`, which the API server stores; `null` must not grant access that the list was meant to restrict.
pub(super) fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(|list| Some(list.unwrap_or_default()))
}
