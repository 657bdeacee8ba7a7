//! Values of credentials leave a record before it is stored, and only who may read them may touch
//! the record.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use door::{Said, canary, kubectl, stored_values};
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use serde_json::{Value, json};
use support::{Lab, RECORDS, condition, eventually, own, record, secret_name, section, workflow};
use support::{text, version};

const PROJECT: &str = "sealing";
/// A Secret that the operator may not read at first.
const UNGRANTED: &str = "ungranted";
const SEALED: &str = "registry.fuseml.io/sealed";

#[tokio::test(flavor = "multi_thread")]
async fn values_leave_records_before_they_are_stored() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut lab = Lab::with_webhook("sealing", options, &[], &[]).await;
    lab.unreadable.push(UNGRANTED.to_owned());
    lab.namespace(PROJECT);
    let before = door::revision(&lab);
    applied_once_more(&lab).await;
    rotated(&lab).await;
    refused_and_dry(&lab).await;
    far_too_many(&lab).await;
    only_readers_write(&lab).await;
    anothers_secret(&lab).await;
    unnamed(&lab);
    values_were_never_stored(&lab, before);
    stored_with_values(&mut lab).await;
    denied(&mut lab).await;
    collected(&mut lab).await;
    lab.stop().await;
}

fn with_value(name: &str, value: &str) -> Value {
    let mut record = record(
        name,
        &json!([{"name": "main", "configuration": [
            {"name": "KEY", "value": value},
            {"name": "ID", "value": "someone"},
        ]}]),
    );
    record["spec"]["services"][0]["endpoints"] =
        json!([{"name": "out", "url": "https://store.example.org"}]);
    record
}

fn entries(record: &Value) -> &Value {
    &record["spec"]["services"][0]["credentials"][0]["configuration"]
}

/// Name of the sealed Secret that a record names.
fn sealed_name(record: &Value) -> &str {
    text(&entries(record)[0]["valueFrom"]["sealedRef"]["name"])
}

async fn sealed(lab: &Lab) -> BTreeSet<String> {
    let secrets = lab.list("Secret", RECORDS).await;
    secrets
        .iter()
        .filter(|secret| secret["type"] == SEALED)
        .map(|secret| text(&secret["metadata"]["name"]).to_owned())
        .collect()
}

fn apply(lab: &Lab, arguments: &[&str], object: &Value) -> Said {
    let arguments = [&["apply", "-f", "-"], arguments].concat();
    kubectl(&lab.cluster, &arguments, &object.to_string())
}

async fn applied_once_more(lab: &Lab) {
    section("a second apply of the same file changes nothing, and kubectl diff is clean");
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
            let hint = "spec.services[store].credentials[main]: 2 values were moved into Secret";
            assert!(said.contains(hint), "{said}");
            let stored = lab.get(kind, namespace, name).await;
            let secret = lab.get("Secret", RECORDS, sealed_name(&stored)).await;
            assert_eq!(secret["type"], SEALED, "{stored:#}");
            assert_eq!(secret["immutable"], true);
            assert_eq!(secret["metadata"]["labels"][SEALED], "true");
            for entry in entries(&stored).as_array().unwrap() {
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
        }
    }
}

fn data(secret: &Value, key: &str) -> Vec<u8> {
    serde_json::from_value::<k8s_openapi::ByteString>(secret["data"][key].clone())
        .map(|value| value.0)
        .unwrap_or_default()
}

async fn rotated(lab: &Lab) {
    section("a rotated value is another name, and the rendered Secret follows");
    let (first, second) = (canary("first"), canary("second"));
    apply(lab, &["--server-side"], &with_value("rotate", &first)).unwrap();
    lab.apply(&workflow(PROJECT, "uses", &json!({"product": "rotate"})))
        .await;
    lab.ready(PROJECT, "uses").await;
    let rendered = secret_name_of("rotate");
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
    assert_ne!(sealed_name(&old), sealed_name(&new));
    assert!(sealed(lab).await.contains(sealed_name(&old)));
}

/// Name of the rendered Secret of a record of this test: it has an endpoint.
fn secret_name_of(record: &str) -> String {
    extension_registry_core::projection::Identity {
        record: extension_registry_core::record::RecordKey::cluster(record),
        service: "store".into(),
        binding_type: "s3".into(),
        endpoint: Some("out".into()),
        credentials: Some("main".into()),
        user: None,
    }
    .name()
}

async fn refused_and_dry(lab: &Lab) {
    section("a dry run writes nothing; a refused apply rotates nothing");
    let first = canary("live");
    apply(lab, &[], &with_value("steady", &first)).unwrap();
    let stored = lab.get("ClusterExtension", "", "steady").await;
    let known = sealed(lab).await;

    let dry = with_value("steady", &canary("dry"));
    let said = apply(lab, &["--dry-run=server", "-o", "json"], &dry).unwrap();
    assert!(said.contains("sealedRef"), "{said}");
    assert_eq!(sealed(lab).await, known, "a dry run writes nothing");

    let mut wrong = with_value("steady", &canary("refused"));
    wrong["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://me:pw@example.org");
    let said = apply(lab, &[], &wrong).unwrap_err();
    assert!(said.contains("holds a user or a password"), "{said}");
    let after = lab.get("ClusterExtension", "", "steady").await;
    assert_eq!(after["spec"], stored["spec"]);
    let live = lab.get("Secret", RECORDS, sealed_name(&after)).await;
    assert_eq!(data(&live, "KEY"), first.as_bytes());

    for (value, said) in [
        (json!("x".repeat(1 << 20)), "65536"),
        (json!({"a": "planted-value"}), "must be of type string"),
    ] {
        let mut wrong = with_value("shapeless", "");
        wrong["spec"]["services"][0]["credentials"][0]["configuration"][0]["value"] = value;
        let known = sealed(lab).await;
        let refused = apply(lab, &["--server-side", "--validate=false"], &wrong).unwrap_err();
        assert!(
            refused.contains(said) || refused.contains("expected string"),
            "{refused}"
        );
        assert_eq!(sealed(lab).await, known);
    }
}

async fn far_too_many(lab: &Lab) {
    section("ten thousand credentials are refused before any is sealed");
    let mut many = with_value("many", "");
    let one = |number: u32| json!({"name": format!("c{number}"), "configuration": [{"name": "K", "value": canary("many")}]});
    many["spec"]["services"][0]["credentials"] = (0..10_000).map(one).collect();
    let known = sealed(lab).await;
    let said = apply(lab, &["--server-side"], &many).unwrap_err();
    assert!(
        said.contains("credentials: Too many") && said.contains("at most 64 items"),
        "{said}"
    );
    assert!(!said.contains(&canary("many")));
    assert_eq!(sealed(lab).await, known);
}

async fn only_readers_write(lab: &Lab) {
    section("who may not read the Secrets of a record may not change it");
    lab.cluster
        .apply(
            r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "writer"},
            "rules": [{"apiGroups": ["registry.fuseml.io"], "resources": ["extensions", "clusterextensions"], "verbs": ["*"]}]}"#,
        )
        .unwrap();
    let bind = "create clusterrolebinding writer --clusterrole=writer --user=ada";
    let words: Vec<&str> = bind.split(' ').collect();
    kubectl(&lab.cluster, &words, "").unwrap();

    let mine = own(with_value("guarded", &canary("guarded")), PROJECT);
    apply(lab, &[], &mine).unwrap();
    let stored = lab.get("Extension", PROJECT, "guarded").await;
    let as_ada = |patch: &Value| {
        let patch = patch.to_string();
        let arguments = [
            "patch",
            "ext",
            "guarded",
            "-n",
            PROJECT,
            "--as=ada",
            "--type=json",
            "-p",
            &patch,
        ];
        kubectl(&lab.cluster, &arguments, "")
    };
    let elsewhere = json!([{"op": "replace", "path": "/spec/services/0/endpoints/0/url", "value": "https://evil.example.org"}]);
    let said = as_ada(&elsewhere).unwrap_err();
    for part in [
        &format!("{RECORDS}/{}", sealed_name(&stored)),
        "ada is not",
        "--user=ada",
        "write `value` in place of `valueFrom`",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // Labels are not the record.
    as_ada(&json!([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])).unwrap();
    // Nor may she slip it in beside a value of her own, or under another entry.
    let field = "/spec/services/0/credentials/0/configuration";
    as_ada(&json!([{"op": "add", "path": format!("{field}/0/value"), "value": "hers"}]))
        .unwrap_err();
    let after = lab.get("Extension", PROJECT, "guarded").await;
    assert_eq!(after["spec"], stored["spec"]);

    // With every value given anew there is nothing left that she could not know.
    let mut hers = own(with_value("guarded", &canary("hers")), PROJECT);
    hers["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://new.example.org");
    apply(lab, &["--as=ada"], &hers).unwrap();
    let after = lab.get("Extension", PROJECT, "guarded").await;
    assert_ne!(sealed_name(&after), sealed_name(&stored));

    // Secrets that are there and those that are not read the same.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": PROJECT, "name": UNGRANTED}});
    lab.apply(&secret).await;
    let refer = |secret: &str| {
        let set = json!([{"name": "main", "secretRef": {"name": secret}}]);
        apply(lab, &["--as=ada"], &own(record("refers", &set), PROJECT))
    };
    let there = refer(UNGRANTED).unwrap_err();
    let absent = refer("absent").unwrap_err();
    assert_eq!(there.replace(UNGRANTED, "absent"), absent);
    // The way out that the text names is one.
    let role = "create role read-ungranted -n sealing --verb=get --resource=secrets --resource-name=ungranted && create rolebinding read-ungranted -n sealing --role=read-ungranted --user=ada";
    assert!(there.contains(&role.replace("create role", "kubectl create role")));
    for command in role.split(" && ") {
        let words: Vec<&str> = command.split(' ').collect();
        kubectl(&lab.cluster, &words, "").unwrap();
    }
    eventually(Duration::from_secs(10), "she may", async || {
        refer(UNGRANTED)
    })
    .await;
    // The operator may not read it either, and says how it could.
    let key = ("Extension", PROJECT, "refers");
    let denied = lab
        .until(key, "is denied", |object| {
            text(&condition(object, "Ready")["message"]).contains("may not read")
        })
        .await;
    let message = text(&condition(&denied, "Ready")["message"]);
    assert!(message.contains("--serviceaccount=extension-registry:extension-registry"));
    let (_, commands) = message.split_once("let it: ").unwrap();
    for command in commands.split(" && ") {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        kubectl(&lab.cluster, &words, "").unwrap();
    }
    lab.until(key, "is ready", |object| {
        condition(object, "Ready")["status"] == "True"
    })
    .await;
}

async fn anothers_secret(lab: &Lab) {
    section("a sealed Secret serves the record that it was made for, and no other");
    apply(lab, &[], &with_value("owner", &canary("owner"))).unwrap();
    let owner = lab.get("ClusterExtension", "", "owner").await;
    let name = sealed_name(&owner);
    let sealed = json!({"sealedRef": {"name": name, "key": "KEY"}});
    let kept = json!({"secretKeyRef": {"name": name, "key": "KEY"}});
    for (number, from) in [sealed.clone(), kept, sealed].into_iter().enumerate() {
        let thief = format!("thief-{number}");
        let set = json!([{"name": "main", "configuration": [{"name": "KEY", "valueFrom": from}]}]);
        let mut object = record(&thief, &set);
        let mut namespace = "";
        if number == 2 {
            object = own(object, PROJECT);
            namespace = PROJECT;
        }
        apply(lab, &["--as=ada"], &object).unwrap_err();
        // Even whoever may read it cannot lend it to another record.
        apply(lab, &[], &object).unwrap();
        let kind = text(&object["kind"]).to_owned();
        lab.until((&kind, namespace, &thief), "is not served", |object| {
            condition(object, "Ready")["reason"] == "SecretMissing"
        })
        .await;
        lab.apply(&workflow(PROJECT, &thief, &json!({"product": thief})))
            .await;
        lab.refused(PROJECT, &thief, "SecretMissing").await;
        let rendered = lab
            .get("Secret", PROJECT, &secret_name(&thief, "main"))
            .await;
        assert!(rendered.is_null());
    }
}

fn unnamed(lab: &Lab) {
    section("a record without a name cannot be sealed");
    let mut object = with_value("x", &canary("unnamed"));
    object["metadata"] = json!({"generateName": "some-"});
    let arguments = ["create", "-f", "-"];
    let said = kubectl(&lab.cluster, &arguments, &object.to_string()).unwrap_err();
    assert!(said.contains("write `metadata.name`"), "{said}");
}

fn values_were_never_stored(lab: &Lab, since: i64) {
    section("no version of anything but a Secret ever held a value");
    let found = stored_values(lab, since);
    if let Some((looked, found)) = found {
        println!("    {looked} versions of objects were looked at");
        assert!(looked > 40, "{looked}");
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
    assert!(said.contains("2 values were moved"), "{said}");
    let sealed = lab
        .until(key, "is sealed", |object| {
            condition(object, "Ready")["status"] == "True"
                && condition(object, "InlineCredentials").is_null()
        })
        .await;
    assert!(!sealed.to_string().contains(door::CANARY), "{sealed:#}");
}

async fn denied(lab: &mut Lab) {
    section("where values are denied, the refusal names the fields and the way out");
    restart(lab, "deny");
    let known = sealed(lab).await;
    let said = apply(lab, &[], &with_value("denied", &canary("denied"))).unwrap_err();
    for part in [
        "spec.services[store].credentials[main].configuration[KEY].value",
        "kubectl create secret generic",
        "secretKeyRef",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains(door::CANARY), "{said}");
    assert_eq!(sealed(lab).await, known);
    let by_reference = record("denied", &support::from_secret("some"));
    apply(lab, &[], &by_reference).unwrap();
    // What is stored already may be labelled.
    let label = ["label", "cext", "open", "a=b"];
    kubectl(&lab.cluster, &label, "").unwrap();
}

async fn collected(lab: &mut Lab) {
    section("sealed Secrets that no record names are collected; those that one names stay");
    let mut named = BTreeSet::new();
    for kind in ["ClusterExtension", "Extension"] {
        for record in lab.list(kind, "").await {
            let name = sealed_name(&record).to_owned();
            if !name.is_empty() {
                named.insert(name);
            }
        }
    }
    let all = sealed(lab).await;
    assert!(named.is_subset(&all) && named.len() < all.len(), "{all:#?}");
    lab.arguments.push("--sealed-grace-seconds=3".to_owned());
    restart(lab, "seal");
    eventually(
        Duration::from_secs(20),
        "only what is named stays",
        async || {
            let now = sealed(lab).await;
            if now == named {
                Ok(())
            } else {
                Err(format!("{now:#?}"))
            }
        },
    )
    .await;
    // What a record names stays, however old; and goes with the record.
    support::pause(4.0).await;
    assert_eq!(sealed(lab).await, named);
    let owner = lab.get("ClusterExtension", "", "owner").await;
    let secret = sealed_name(&owner).to_owned();
    for (kind, namespace, name) in [
        ("ClusterExtension", "", "thief-0"),
        ("ClusterExtension", "", "thief-1"),
        ("Extension", PROJECT, "thief-2"),
        ("ClusterExtension", "", "owner"),
    ] {
        lab.delete(kind, namespace, name).await;
    }
    eventually(Duration::from_secs(20), "it is gone", async || {
        let now = sealed(lab).await;
        if now.contains(&secret) {
            Err(format!("{now:#?}"))
        } else {
            Ok(())
        }
    })
    .await;
}
