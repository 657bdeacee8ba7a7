//! Files and variables of a binding always come from one service of one record, whatever happens to records, the binding
//! and the operator. A watch sees every state of both Secrets.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::{Value, json};
use support::{TestEnv, binding, condition, section, text, version};

const NAMESPACE: &str = "consistency";
const FILES: &str = "ext-one";
const VARIABLES: &str = "ext-one.env";

/// Number of random changes.
const CHANGES: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn files_and_variables_come_from_one_service() {
    let mut env = TestEnv::start("binding-consistency", &[]).await;
    env.namespace(NAMESPACE);
    let watch = tokio::spawn(watch(env.api("Secret", NAMESPACE)));
    let mut world = World::default();
    world.set_record(&env, "a").await;
    world.set_binding(&env).await;
    env.wait_until_bound(NAMESPACE, "one").await;
    for _ in 0..CHANGES {
        world.change(&mut env).await;
    }
    section("the operator catches up");
    world.default = Some("a");
    for name in ["a", "b"] {
        world.set_record(&env, name).await;
    }
    let bound = env.wait_until_bound(NAMESPACE, "one").await;
    assert_eq!(condition(&bound, "Resolved")["status"], "True");
    // The watch ends after the last state: it has seen this marker.
    let marker = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": NAMESPACE, "name": "marker"}});
    env.apply(&marker).await;
    let seen = watch.await.unwrap();
    println!(
        "seed {}: {} states of {} services",
        world.seed,
        seen.states,
        seen.services.len()
    );
    assert!(
        seen.services.len() > 3,
        "the changes moved the binding: {:?}",
        seen.services
    );
    env.stop().await;
}

/// What the watch has seen.
struct Seen {
    states: usize,
    services: BTreeSet<String>,
}

/// Checks every state of both Secrets until the marker appears.
async fn watch(api: kube::Api<kube::core::DynamicObject>) -> Seen {
    let mut seen = Seen {
        states: 0,
        services: BTreeSet::new(),
    };
    let mut secrets: BTreeMap<String, String> = BTreeMap::new();
    let listed = api.list(&ListParams::default()).await.unwrap();
    let mut last = listed.metadata.resource_version.unwrap_or_default();
    loop {
        let mut events = api
            .watch(&WatchParams::default(), &last)
            .await
            .unwrap()
            .boxed();
        while let Some(event) = events.try_next().await.unwrap() {
            let (object, is_deleted) = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
                WatchEvent::Deleted(object) => (object, true),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(error) => unreachable!("{error:?}"),
            };
            let object = serde_json::to_value(object).unwrap();
            version(&object).clone_into(&mut last);
            let name = text(&object["metadata"]["name"]).to_owned();
            match &*name {
                FILES | VARIABLES if is_deleted => {
                    secrets.remove(&name);
                }
                FILES | VARIABLES => {
                    secrets.insert(name, service(&object));
                }
                "marker" => return seen,
                _ => continue,
            }
            seen.states += 1;
            if let (Some(files), Some(variables)) = (secrets.get(FILES), secrets.get(VARIABLES)) {
                assert_eq!(
                    files, variables,
                    "files and variables of different services"
                );
                seen.services.insert(files.clone());
            }
        }
    }
}

/// Returns the service that the values of a Secret name. All of them name the same one.
fn service(secret: &Value) -> String {
    let value = |key: &str| {
        let bytes = STANDARD.decode(text(&secret["data"][key])).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let [record, service, credentials] = ["RECORD", "SERVICE", "CREDENTIALS"].map(value);
    let of_record = service.starts_with(&format!("{record}/"));
    assert!(
        of_record && credentials == service,
        "{record} {service} {credentials}"
    );
    service
}

/// The objects as the test last wrote them.
struct World {
    seed: u64,
    random: u64,
    /// Number of records that were created; a recreated record is another one.
    created: usize,
    /// Names in the values of existing records.
    records: BTreeMap<&'static str, String>,
    default: Option<&'static str>,
    service: &'static str,
    follows: bool,
}

impl Default for World {
    fn default() -> Self {
        let seed = std::env::var("EXTENSION_REGISTRY_SEED");
        let seed = seed.map_or(0x5eed, |seed| seed.parse().unwrap());
        Self {
            seed,
            random: seed,
            created: 0,
            records: BTreeMap::new(),
            default: None,
            service: "s1",
            follows: false,
        }
    }
}

impl World {
    /// Returns a random number below a limit (xorshift64*).
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % limit
    }

    async fn change(&mut self, env: &mut TestEnv) {
        let name = if self.below(2) == 0 { "a" } else { "b" };
        match self.below(10) {
            0 | 1 => self.set_record(env, name).await,
            2 | 3 => {
                self.default = (self.default != Some(name)).then_some(name);
                // Two defaults at the same time are ambiguous, which is one of the states to test.
                self.set_record(env, "a").await;
                self.set_record(env, "b").await;
            }
            4 => {
                if self.records.remove(name).is_some() {
                    env.delete("ClusterExtension", "", name).await;
                    env.wait_until_gone("ClusterExtension", "", name).await;
                }
            }
            5 => {
                self.service = if self.service == "s1" { "s2" } else { "s1" };
                self.set_binding(env).await;
            }
            6 => {
                self.follows = !self.follows;
                self.set_binding(env).await;
            }
            7 => self.rebind(env).await,
            8 => {
                env.kill_operator();
                env.start_operator();
            }
            // Lets the operator catch up, so that not all changes are merged into one.
            _ => {
                env.wait_until_observed("ExtensionBinding", NAMESPACE, "one")
                    .await;
            }
        }
    }

    /// Writes a record. Its values name the record and the service.
    async fn set_record(&mut self, env: &TestEnv, name: &'static str) {
        if !self.records.contains_key(name) {
            self.created += 1;
            self.records.insert(name, format!("{name}{}", self.created));
        }
        let known = &self.records[name];
        let services: Vec<Value> = ["s1", "s2"]
            .into_iter()
            .map(|service| {
                let value = format!("{known}/{service}");
                let credentials = json!([{"name": "CREDENTIALS", "value": value}]);
                json!({
                    "name": service, "resource": "s3",
                    "configuration": [{"name": "SERVICE", "value": value}],
                    "credentials": [{"name": "main", "configuration": credentials}],
                })
            })
            .collect();
        env.apply(&json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
            "metadata": {"name": name},
            "spec": {
                "product": "consistency", "default": self.default == Some(name), "services": services,
                "configuration": [{"name": "RECORD", "value": known}],
            },
        }))
        .await;
    }

    async fn set_binding(&self, env: &TestEnv) {
        let spec =
            json!({"product": "consistency", "service": self.service, "follow": self.follows});
        env.apply(&binding(NAMESPACE, "one", &spec)).await;
    }

    async fn rebind(&mut self, env: &TestEnv) {
        let spec =
            json!({"product": "consistency", "service": self.service, "follow": self.follows});
        let mut object = binding(NAMESPACE, "one", &spec);
        let request = self.below(1 << 20).to_string();
        object["metadata"]["annotations"] = json!({"registry.fuseml.io/rebind": request});
        env.apply(&object).await;
    }
}
