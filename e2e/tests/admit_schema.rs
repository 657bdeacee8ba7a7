//! What the schemas admit and reject on a real API server: URLs, total list lengths of an object, and lists
//! that two managers apply.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};

/// Part of each rejected URL; no message may repeat it.
const PLANTED: &str = "planted-secret";

const PROJECT: &str = "admit-schema";

#[tokio::test(flavor = "multi_thread")]
async fn schemas_reject_without_webhook() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    cluster.install().unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    accepts_valid_urls(&cluster);
    rejects_invalid_urls(&cluster);
    rejects_one_item_above_each_limit(&cluster);
    apply_removes_user_or_conflicts(&cluster);
    cluster.stop().await.unwrap();
}

fn record(spec: &str) -> String {
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: admit-schema}}\nspec: {spec}\n"
    )
}

fn workflow(steps: &str) -> String {
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{name: admit-schema}}\nspec: {{steps: {steps}}}\n"
    )
}

/// Creates an object as a dry run, and returns the message of the refusal.
fn refusal(cluster: &Cluster, manifest: &str) -> Option<String> {
    let arguments = ["create", "-n", PROJECT, "--dry-run=server", "-f", "-"];
    let created = cluster.kubectl_with(&arguments, manifest);
    created.err().map(|error| format!("{error:#}"))
}

fn endpoint(url: &str) -> String {
    record(&format!(
        "{{services: [{{name: s3, endpoints: [{{name: main, url: {url:?}}}]}}]}}"
    ))
}

fn accepts_valid_urls(cluster: &Cluster) {
    let longest = ["a"; 127].join(".");
    for url in [
        "mlflow_server:5000",
        "s3://my_bucket/a%20b?x={y}#z",
        "HTTPS://Host.example.org.:65535/",
        "https://[2001:db8::1]:8443/x",
        "[::1]",
        "10.0.0.1",
        &longest,
    ] {
        assert_eq!(refusal(cluster, &endpoint(url)), None, "{url}");
    }
}

fn rejects_invalid_urls(cluster: &Cluster) {
    let label = "a".repeat(64);
    let host = ["a"; 128].join(".");
    for url in [
        "http://%zz/planted-secret",
        "http://h/%zz?planted-secret",
        "http://-h/planted-secret",
        "http://h..x/planted-secret",
        "http://h:99999/planted-secret",
        "http://h:0/planted-secret",
        "http://h:/planted-secret",
        "http://h:+80/planted-secret",
        "http://[::1/planted-secret",
        "http://[::ffff:1.2.3.4]/planted-secret",
        "http://[fe80::1%25eth0]/planted-secret",
        "http://[1.2.3.4]/planted-secret",
        "http://[1:2]/planted-secret",
        "http://1.2.3.4.5/planted-secret",
        "http://0x7f.1/planted-secret",
        "http://münchen/planted-secret",
        "http://h/planted-secret x",
        "http://h/planted-secret\tx",
        "planted-secret:abc",
        &format!("http://{label}/planted-secret"),
        &format!("http://{host}/planted-secret"),
    ] {
        let refusal = refusal(cluster, &endpoint(url)).unwrap_or_default();
        let expected = "spec.services[0].endpoints[0].url: Forbidden: invalid `url`";
        assert!(refusal.contains(expected), "{url}: {refusal}");
        assert!(!refusal.contains(PLANTED), "{url}: {refusal}");
    }
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!("[{}]", items.join(", "))
}

fn entries(count: usize) -> String {
    list(count, |index| format!("{{name: k{index}, value: v}}"))
}

fn requirements(count: usize) -> String {
    list(count, |index| format!("{{name: r{index}, product: p}}"))
}

/// Returns the additional entries of the first item.
fn first(index: usize, more: usize) -> usize {
    if index == 0 { more } else { 0 }
}

/// Message of the refusal, and a manifest that is at the limit or exceeds it by one.
type Limit = (&'static str, fn(usize) -> String);

const LIMITS: [Limit; 9] = [
    ("256 configuration entries", |more| {
        let services = list(4, |index| {
            format!(
                "{{name: s{index}, configuration: {}, credentials: [{{name: c, configuration: {}}}]}}",
                entries(32 + first(index, more)),
                entries(16)
            )
        });
        record(&format!(
            "{{configuration: {}, services: {services}}}",
            entries(64)
        ))
    }),
    ("128 endpoints", |more| {
        let services = list(32, |index| {
            let endpoints = list(4 + first(index, more), |endpoint| {
                format!("{{name: e{endpoint}}}")
            });
            format!("{{name: s{index}, endpoints: {endpoints}}}")
        });
        record(&format!("{{services: {services}}}"))
    }),
    ("64 sets of credentials", |more| {
        let services = list(4, |index| {
            let sets = list(16 + first(index, more), |set| format!("{{name: c{set}}}"));
            format!("{{name: s{index}, credentials: {sets}}}")
        });
        record(&format!("{{services: {services}}}"))
    }),
    ("1024 projects and users", |more| {
        let sets = list(8, |index| {
            format!(
                "{{name: c{index}, scope: user, user: {}, project: {}}}",
                list(64 + first(index, more), |user| format!("u{user}")),
                list(64, |project| format!("p{project}"))
            )
        });
        record(&format!("{{services: [{{name: s, credentials: {sets}}}]}}"))
    }),
    ("64 requirements", |more| {
        workflow(&list(16, |index| {
            let extensions = requirements(4 + first(index, more));
            format!("{{name: s{index}, image: i, extensions: {extensions}}}")
        }))
    }),
    ("256 inputs, outputs and variables", |more| {
        workflow(&list(16, |index| {
            format!(
                "{{name: s{index}, image: i, inputs: {}, outputs: {}, env: {}, extensions: [{{name: r, product: p, environment: {}}}]}}",
                entries(4),
                list(4, |output| format!("{{name: o{output}}}")),
                list(4 + first(index, more), |variable| format!(
                    "{{name: E{variable}}}"
                )),
                list(4, |variable| format!(
                    "{{name: V{variable}, configuration: k}}"
                ))
            )
        }))
    }),
    ("512 `command` and `args` entries", |more| {
        workflow(&list(32, |index| {
            let words = |count| list(count, |_| "x".to_owned());
            format!(
                "{{name: s{index}, image: i, command: {}, args: {}}}",
                words(8),
                words(8 + first(index, more))
            )
        }))
    }),
    ("must have at most 32 items", |more| {
        workflow(&list(32 + more, |index| {
            format!("{{name: s{index}, image: i}}")
        }))
    }),
    ("must have at most 16 items", |more| {
        let extensions = requirements(16 + more);
        workflow(&format!(
            "[{{name: s, image: i, extensions: {extensions}}}]"
        ))
    }),
];

fn rejects_one_item_above_each_limit(cluster: &Cluster) {
    for (expected, manifest) in LIMITS {
        assert_eq!(refusal(cluster, &manifest(0)), None, "{expected}");
        let refusal = refusal(cluster, &manifest(1)).unwrap_or_default();
        assert!(refusal.contains(expected), "{expected}: {refusal}");
    }
}

/// The list of users of a set of credentials is atomic: a manager that removes a user removes it, or gets a conflict.
fn apply_removes_user_or_conflicts(cluster: &Cluster) {
    let apply = |manager: &str, sets: &str| {
        let manifest = record(&format!(
            "{{services: [{{name: s3, credentials: [{sets}]}}]}}"
        ));
        let manager = format!("--field-manager={manager}");
        let arguments = ["apply", "--server-side", &manager, "-f", "-"];
        cluster.kubectl_with(&arguments, &manifest)
    };
    let set = |users: &str| format!("{{name: main, scope: user, user: {users}}}");
    apply("one", &set("[ada, bob]")).unwrap();
    apply("one", &set("[ada]")).unwrap();
    let users = "jsonpath={.spec.services[0].credentials[0].user}";
    let stored = ["get", "clusterextension", "admit-schema", "-o", users];
    assert_eq!(cluster.kubectl_run(&stored).unwrap(), r#"["ada"]"#);
    apply("two", &set("[ada]")).unwrap();
    let conflict = format!("{:#}", apply("one", &set("[]")).unwrap_err());
    assert!(
        conflict.contains("conflict with \"two\"")
            && conflict.contains(".credentials[name=\"main\"].user"),
        "{conflict}"
    );
    let twice = [set("[ada]"), set("[ada]")].join(", ");
    let duplicate = format!("{:#}", apply("three", &twice).unwrap_err());
    assert!(duplicate.contains("duplicate"), "{duplicate}");
    cluster
        .kubectl_run(&["delete", "clusterextension", "admit-schema"])
        .unwrap();
}
