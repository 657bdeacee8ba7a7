//! Dry runs of every kind of request that changes or deletes an object.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of several tests, each of which uses some of them"
)]

use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::policies::{Outcome, dry_run, outcome};
use crate::users::objects;

/// Deletes an object as a dry run.
pub(crate) async fn dry_delete(client: &Client, object: &Value, options: Value) -> Outcome {
    let name = object["metadata"]["name"].as_str().unwrap();
    let url = format!("{}/{name}", url_of(client, object));
    delete(client, url, options).await
}

/// Deletes the collection of an object's kind and namespace as a dry run.
pub(crate) async fn dry_delete_all(client: &Client, object: &Value, options: Value) -> Outcome {
    let url = url_of(client, object);
    delete(client, url, options).await
}

fn url_of(client: &Client, object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let api = objects(
        client,
        &api_version,
        &kind,
        &text(&object["metadata"]["namespace"]),
    );
    api.resource_url().to_owned()
}

async fn delete(client: &Client, url: String, mut options: Value) -> Outcome {
    options["dryRun"] = json!(["All"]);
    let request = http::Request::delete(url).header("Content-Type", "application/json");
    let request = request.body(options.to_string().into_bytes()).unwrap();
    let deleted = client.request::<Value>(request).await;
    deleted.map_err(|error| error.to_string())
}

/// Changes an object by every kind of patch and by a replace, as dry runs.
pub(crate) async fn try_all_requests(
    client: &Client,
    before: &Value,
    after: &Value,
    subresource: &str,
) -> Vec<(&'static str, Outcome)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&before["apiVersion"]), text(&before["kind"]));
    let (namespace, name) = (
        text(&before["metadata"]["namespace"]),
        text(&before["metadata"]["name"]),
    );
    let api = objects(client, &api_version, &kind, &namespace);
    let (mut before, mut after) = (before.clone(), after.clone());
    if api_version == "v1" {
        // Controllers may change core objects at any time.
        for object in [&mut before, &mut after] {
            object["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("resourceVersion");
        }
    }
    let merge = merge_patch(&before, &after);
    // An apply does not remove fields of other managers, and owner references are merged.
    let text = merge.to_string();
    let empties = text.contains("\"ownerReferences\":[]");
    let mut patches: Vec<(&'static str, Patch<Value>)> = vec![
        ("merge patch", Patch::Merge(merge.clone())),
        ("JSON patch", json_patch(&before, &after)),
    ];
    if api_version == "v1" && !empties {
        patches.push(("strategic merge patch", Patch::Strategic(merge.clone())));
    }
    if !empties && !text.contains("null") {
        let mut apply = merge;
        apply["apiVersion"] = json!(api_version);
        apply["kind"] = json!(kind);
        apply["metadata"]["name"] = json!(name);
        patches.push(("server-side apply", Patch::Apply(apply)));
    }
    let mut outcomes = Vec::new();
    for (way, patch) in patches {
        let mut parameters = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        if matches!(patch, Patch::Apply(_)) {
            parameters.field_manager = Some("someone".to_owned());
            parameters = parameters.force();
        }
        let result = if subresource.is_empty() {
            api.patch(&name, &parameters, &patch).await
        } else {
            api.patch_subresource(subresource, &name, &parameters, &patch)
                .await
        };
        outcomes.push((way, outcome(result)));
    }
    let mut whole = after;
    whole["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    let replaced = if subresource.is_empty() {
        let object = serde_json::from_value(whole).unwrap();
        outcome(api.replace(&name, &dry_run(), &object).await)
    } else {
        let parameters = dry_run();
        let replaced = api.replace_subresource(subresource, &name, &parameters, &whole);
        outcome(replaced.await)
    };
    outcomes.push(("replace", replaced));
    outcomes
}

/// Asserts that a change is refused with this text by every kind of request.
pub(crate) async fn assert_change_refused(
    client: &Client,
    before: &Value,
    subresource: &str,
    change: impl Fn(&mut Value),
    expected: &str,
) {
    let after = changed(before, change);
    for (way, outcome) in try_all_requests(client, before, &after, subresource).await {
        match outcome {
            Ok(object) => panic!("{way}: admitted, expected {expected}: {object}"),
            Err(message) => assert!(
                message.contains(expected),
                "{way}: {expected} is not in: {message}"
            ),
        }
    }
}

/// Asserts that a change is admitted by every kind of request, and returns the resulting objects.
pub(crate) async fn assert_change_admitted(
    client: &Client,
    before: &Value,
    subresource: &str,
    change: impl Fn(&mut Value),
) -> Vec<Value> {
    let after = changed(before, change);
    let outcomes = try_all_requests(client, before, &after, subresource).await;
    outcomes
        .into_iter()
        .map(|(way, outcome)| outcome.unwrap_or_else(|message| panic!("{way}: {message}")))
        .collect()
}

fn changed(before: &Value, change: impl Fn(&mut Value)) -> Value {
    let mut after = before.clone();
    change(&mut after);
    assert_ne!(&after, before, "no change");
    after
}

fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(known) if known == value => {}
            Some(known) => {
                patch.insert(key.clone(), merge_patch(known, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

fn json_patch(before: &Value, after: &Value) -> Patch<Value> {
    let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
    let mut operations = Vec::new();
    for (key, value) in after {
        if before.get(key) != Some(value) {
            operations.push(json!({"op": "add", "path": format!("/{key}"), "value": value}));
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        operations.push(json!({"op": "remove", "path": format!("/{key}")}));
    }
    Patch::Json(serde_json::from_value(json!(operations)).unwrap())
}
