//! Construction and changes of records.

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::diagnostic::Failure;
use serde_json::{Map, Value, json};

use crate::Result;

/// Builds a cluster-scoped record, or one of a project.
#[must_use]
pub fn object(name: &str, project: Option<&str>, spec: &Value) -> Value {
    let mut metadata = Map::from_iter([("name".to_owned(), json!(name))]);
    let kind = if let Some(project) = project {
        metadata.insert("namespace".to_owned(), json!(project));
        "Extension"
    } else {
        "ClusterExtension"
    };
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    })
}

/// Returns the items of a list, none if the list does not exist.
pub fn items<'v>(
    of: Option<&'v mut Value>,
    field: &str,
) -> impl Iterator<Item = &'v mut Value> + use<'v> {
    of.and_then(|value| value.get_mut(field))
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// Restricts all credentials of a spec to projects and users.
///
/// # Errors
/// If it has no credentials.
pub fn restrict(spec: &mut Value, projects: &[String], users: &[String]) -> Result<()> {
    let scope = match (users.is_empty(), projects.is_empty()) {
        (false, _) => "user",
        (true, false) => "project",
        (true, true) => return Ok(()),
    };
    let mut sets = 0;
    for service in items(Some(spec), "services") {
        for set in items(Some(service), "credentials") {
            sets += 1;
            set["scope"] = json!(scope);
            if !projects.is_empty() {
                set["project"] = json!(projects);
            }
            if !users.is_empty() {
                set["user"] = json!(users);
            }
        }
    }
    if sets > 0 {
        return Ok(());
    }
    let failure = Failure::new("--for-project and --for-user apply only to credentials");
    Err(failure
        .hint("pass --credential KEY=SOURCE, or set `access` in a record and pass it with -f FILE"))
}

/// Returns the item of a list with a name, or the only one. `flag` is the flag that selects one.
///
/// # Errors
/// If the list is empty, or no item is selected.
pub fn only<'v>(
    parent: &'v mut Value,
    field: &str,
    name: Option<&str>,
    flag: &str,
) -> Result<&'v mut Value> {
    let mut items: Vec<&mut Value> = items(Some(parent), field).collect();
    let names: Vec<String> = items
        .iter()
        .filter_map(|item| item["name"].as_str().map(str::to_owned))
        .collect();
    let index = match name {
        Some(name) => names.iter().position(|known| known == name),
        None if items.len() == 1 => Some(0),
        None => None,
    };
    match (index, names.is_empty()) {
        (Some(index), _) => Ok(items.swap_remove(index)),
        (None, true) => {
            let failure = Failure::new(format!("no {flag} found in the record"));
            Err(failure.hint("add one with `kubectl edit`"))
        }
        (None, false) => {
            let names = names.join(&format!(" or --{flag} "));
            let failure = Failure::new(format!("no {flag} selected"));
            Err(failure.hint(format!("pass --{flag} {names}")))
        }
    }
}

/// Replaces the entry of a `configuration` with the same name, or adds it.
pub fn set_entry(parent: &mut Value, new: Value) {
    let mut entries = items(Some(parent), "configuration");
    if let Some(entry) = entries.find(|entry| entry["name"] == new["name"]) {
        *entry = new;
        return;
    }
    drop(entries);
    match parent
        .get_mut("configuration")
        .and_then(Value::as_array_mut)
    {
        Some(entries) => entries.push(new),
        None => parent["configuration"] = json!([new]),
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::diagnostic::Explain;
    use serde_json::json;

    use super::{only, set_entry};

    #[test]
    fn selects_by_name_or_the_only_item() {
        let mut spec = json!({"services": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(
            only(&mut spec, "services", Some("b"), "service").unwrap()["name"],
            "b"
        );
        let error = |spec: &mut serde_json::Value, name| {
            let result = only(spec, "services", name, "service");
            result.unwrap_err().explained()
        };
        let several = "no service selected; hint: pass --service a or --service b";
        assert_eq!(error(&mut spec, None), several);
        assert_eq!(error(&mut spec, Some("c")), several);
        let none = "no service found in the record; hint: add one with `kubectl edit`";
        assert_eq!(error(&mut json!({}), None), none);
        let mut one = json!({"services": [{"name": "a"}]});
        assert_eq!(
            only(&mut one, "services", None, "service").unwrap()["name"],
            "a"
        );
    }

    #[test]
    fn entry_replaces_the_one_with_its_name() {
        let mut set = json!({});
        set_entry(&mut set, json!({"name": "A", "value": "1"}));
        set_entry(&mut set, json!({"name": "B", "value": "2"}));
        set_entry(&mut set, json!({"name": "A", "valueFrom": 3}));
        let expected = json!([{"name": "A", "valueFrom": 3}, {"name": "B", "value": "2"}]);
        assert_eq!(set["configuration"], expected);
    }
}
