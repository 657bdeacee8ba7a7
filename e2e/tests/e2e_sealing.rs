//! Values of credentials are encrypted before a record is stored.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
#[path = "support/sealing.rs"]
mod sealing;
mod support;

use std::collections::BTreeSet;

use door::{canary, kubectl, stored_values};
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use sealing::{apply, data, entries, rendered_name, sealed, secrets, with_value};
use serde_json::{Value, json};
use support::{Lab, condition, own, record, section, text, version, workflow};

const PROJECT: &str = "sealing";

#[tokio::test(flavor = "multi_thread")]
async fn values_are_sealed_before_they_are_stored() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut lab = Lab::with_webhook("sealing", options, &[], &[]).await;
    lab.namespace(PROJECT);
    let before = door::revision(&lab);
    applied_again(&lab).await;
    value_changed(&lab).await;
    refused_and_dry(&lab).await;
    too_many(&lab);
    unnamed(&lab);
    values_were_never_stored(&lab, before);
    stored_with_values(&mut lab).await;
    denied(&mut lab);
    lab.stop().await;
}

async fn applied_again(lab: &Lab) {
    section("applying the same file again changes nothing, and kubectl diff is clean");
    let known = secrets(lab).await;
    for (name, how) in [("client", &[][..]), ("server", &["--server-side"])] {
        for namespaced in [false, true] {
            let mut object = with_value(name, &canary("again"));
            let (kind, namespace) = if namespaced {
                object = own(object, PROJECT);
                ("Extension", PROJECT)
            } else {
                ("ClusterExtension", "")
            };
            let said = apply(lab, how, &object).unwrap();
            let hint = "spec.services[store].credentials[main]: sealed 2 values";
            assert!(said.contains(hint), "{said}");
            let stored = lab.get(kind, namespace, name).await;
            for entry in entries(&stored).as_array().unwrap() {
                assert!(
                    text(&entry["valueFrom"]["sealed"]).starts_with("v1."),
                    "{entry}"
                );
                assert!(entry.get("value").is_none(), "{entry}");
            }
            let settled = lab
                .until((kind, namespace, name), "is ready", |object| {
                    condition(object, "Ready")["status"] == "True"
                })
                .await;
            assert!(condition(&settled, "InlineCredentials").is_null());

            let said = apply(lab, how, &object).unwrap();
            assert!(!said.contains("Warning"), "{said}");
            let again = lab.get(kind, namespace, name).await;
            assert_eq!(version(&again), version(&settled), "{how:?}");
            let diff = [&["diff", "-f", "-"], how].concat();
            let said = kubectl(&lab.cluster, &diff, &object.to_string()).unwrap();
            assert_eq!(said, "");
            assert_eq!(
                version(&lab.get(kind, namespace, name).await),
                version(&settled)
            );
            let replace = ["replace", "-f", "-"];
            let mut versions = BTreeSet::new();
            for _ in 0..2 {
                kubectl(&lab.cluster, &replace, &object.to_string()).unwrap();
                let replaced = lab.get(kind, namespace, name).await;
                assert_eq!(replaced["spec"], settled["spec"]);
                versions.insert(version(&replaced).to_owned());
            }
            // The first one also removes the annotation of `kubectl apply` and adds a manager.
            assert_eq!(versions.len(), 1, "{versions:?}");
        }
    }
    assert_eq!(secrets(lab).await, known, "sealing makes no Secret");
}

async fn value_changed(lab: &Lab) {
    section("the rendered Secret follows a changed value");
    let (first, second) = (canary("first"), canary("second"));
    apply(lab, &["--server-side"], &with_value("rotate", &first)).unwrap();
    lab.apply(&workflow(PROJECT, "uses", &json!({"product": "rotate"})))
        .await;
    lab.ready(PROJECT, "uses").await;
    let rendered = rendered_name("rotate");
    let holds = |value: &str| {
        let value = value.as_bytes().to_vec();
        move |secret: &Value| data(secret, "KEY") == value
    };
    let key = ("Secret", PROJECT, &*rendered);
    lab.until(key, "holds the value", holds(&first)).await;
    let counted = |object: &Value| object["status"]["consumers"] == 1;
    let record = ("ClusterExtension", "", "rotate");
    let old = lab.until(record, "is counted", counted).await;
    // The status is younger than the spec now, so that the managers would change places.
    apply(lab, &["--server-side"], &with_value("rotate", &first)).unwrap();
    let again = lab.get("ClusterExtension", "", "rotate").await;
    assert_eq!(version(&old), version(&again));

    apply(lab, &["--server-side"], &with_value("rotate", &second)).unwrap();
    lab.until(key, "follows", holds(&second)).await;
    let new = lab.get("ClusterExtension", "", "rotate").await;
    assert_ne!(sealed(&old), sealed(&new));
}

async fn refused_and_dry(lab: &Lab) {
    section("a dry run and a refused apply change nothing");
    apply(lab, &[], &with_value("steady", &canary("live"))).unwrap();
    let stored = lab.get("ClusterExtension", "", "steady").await;
    let known = secrets(lab).await;

    let dry = with_value("steady", &canary("dry"));
    let said = apply(lab, &["--dry-run=server", "-o", "json"], &dry).unwrap();
    assert!(said.contains("\"sealed\": \"v1."), "{said}");

    let mut wrong = with_value("steady", &canary("refused"));
    wrong["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://me:pw@example.org");
    let said = apply(lab, &[], &wrong).unwrap_err();
    assert!(
        said.contains("must not contain a user or password"),
        "{said}"
    );

    for (value, said) in [
        (json!("x".repeat(1 << 19)), "65536"),
        (json!({"a": "planted-value"}), "must be of type string"),
    ] {
        let mut wrong = with_value("shapeless", "");
        wrong["spec"]["services"][0]["credentials"][0]["configuration"][0]["value"] = value;
        let refused = apply(lab, &["--server-side", "--validate=false"], &wrong).unwrap_err();
        assert!(
            refused.contains(said) || refused.contains("expected string"),
            "{refused}"
        );
    }
    let after = lab.get("ClusterExtension", "", "steady").await;
    assert_eq!(after["spec"], stored["spec"]);
    assert_eq!(secrets(lab).await, known);
}

fn too_many(lab: &Lab) {
    section("ten thousand credentials are refused, and the largest record is not");
    let mut many = with_value("many", "");
    let one = |number: u32| json!({"name": format!("c{number}"), "configuration": [{"name": "K", "value": canary("many")}]});
    many["spec"]["services"][0]["credentials"] = (0..10_000).map(one).collect();
    let said = apply(lab, &["--server-side"], &many).unwrap_err();
    assert!(
        said.contains("spec.services[].credentials: 10000 items, at most 256"),
        "{said}"
    );
    many["spec"]["services"][0]["credentials"] = (0..65).map(one).collect();
    let said = apply(lab, &["--server-side"], &many).unwrap_err();
    assert!(
        said.contains("credentials: Too many") && said.contains("at most 64 items"),
        "{said}"
    );
    assert!(!said.contains(&canary("many")));

    let mut large = with_value("large", "");
    let value = canary("large").repeat(64 * 1024 / canary("large").len());
    let one = |number: u32| json!({"name": format!("K{number}"), "value": value});
    large["spec"]["services"][0]["credentials"][0]["configuration"] = (0..3).map(one).collect();
    for how in [&[][..], &["--server-side", "--force-conflicts"]] {
        apply(lab, how, &large).unwrap();
    }
}

fn unnamed(lab: &Lab) {
    section("a record without a name cannot be sealed");
    let mut object = with_value("x", &canary("unnamed"));
    object["metadata"] = json!({"generateName": "some-"});
    let arguments = ["create", "-f", "-"];
    let said = kubectl(&lab.cluster, &arguments, &object.to_string()).unwrap_err();
    assert!(said.contains("hint: set `metadata.name`"), "{said}");
}

fn values_were_never_stored(lab: &Lab, since: i64) {
    section("no version of anything but a Secret ever held a value");
    let found = stored_values(lab, since);
    if let Some((looked, found)) = found {
        println!("    {looked} versions of objects were looked at");
        assert!(looked > 30, "{looked}");
        assert_eq!(found, BTreeSet::new());
    }
    let (logs, metrics) = (lab.logs(), lab.operator().metrics().unwrap());
    assert!(!logs.contains(door::CANARY) && !metrics.contains(door::CANARY));
}

fn restart(lab: &mut Lab, mode: &str) {
    lab.stop_operator();
    lab.arguments
        .retain(|argument| !argument.starts_with("--inline-credentials"));
    lab.arguments.push(format!("--inline-credentials={mode}"));
    lab.start_operator();
}

async fn stored_with_values(lab: &mut Lab) {
    section("a record that was stored with values says so, and is sealed by one more write");
    restart(lab, "allow");
    let since = door::revision(lab);
    let object = with_value("open", &canary("open"));
    apply(lab, &[], &object).unwrap();
    let key = ("ClusterExtension", "", "open");
    let stored = lab
        .until(key, "says so", |object| {
            condition(object, "InlineCredentials")["status"] == "True"
        })
        .await;
    assert!(stored.to_string().contains(door::CANARY));
    // And the search in etcd finds what is there.
    if let Some((_, found)) = stored_values(lab, since) {
        let key = "/registry/registry.fuseml.io/clusterextensions/open";
        assert!(found.contains(key), "{found:?}");
    }
    assert_eq!(condition(&stored, "Ready")["status"], "True");
    assert!(!stored["status"].to_string().contains(door::CANARY));

    restart(lab, "seal");
    support::pause(2.0).await;
    let unchanged = lab.get("ClusterExtension", "", "open").await;
    assert_eq!(version(&unchanged), version(&stored), "it is not edited");
    // `kubectl apply` sends nothing, because nothing changed.
    let replace = ["replace", "-f", "-"];
    let said = kubectl(&lab.cluster, &replace, &object.to_string()).unwrap();
    assert!(said.contains("sealed 2 values"), "{said}");
    let sealed = lab
        .until(key, "is sealed", |object| {
            condition(object, "Ready")["status"] == "True"
                && condition(object, "InlineCredentials").is_null()
        })
        .await;
    assert!(!sealed.to_string().contains(door::CANARY), "{sealed:#}");
}

fn denied(lab: &mut Lab) {
    section("where values are denied, the refusal names the fields and the way out");
    restart(lab, "deny");
    let said = apply(lab, &[], &with_value("denied", &canary("denied"))).unwrap_err();
    for part in [
        "spec.services[store].credentials[main].configuration[KEY].value",
        "kubectl create secret generic",
        "secretKeyRef",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains(door::CANARY), "{said}");
    let by_reference = record("denied", &support::from_secret("some"));
    apply(lab, &[], &by_reference).unwrap();
    // What is stored already may be labelled.
    let label = ["label", "cext", "open", "a=b"];
    kubectl(&lab.cluster, &label, "").unwrap();
}
