//! Cost of the largest allowed objects for the API server, compared with objects of equal size of kinds
//! without a schema.

use anyhow::{Context, Result};
use extension_registry_api::{crd, limits};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};

use crate::report::Report;

/// Limit of the CPU time for one object, in milliseconds.
const CPU_LIMIT: f64 = 100.0;

/// Objects per round.
const OBJECTS: u8 = 20;

/// Rounds, of which the cheapest is used, because other load on the machine only adds to the cost.
const ROUNDS: usize = 5;

const PROJECT: &str = "bench-admission";

/// Group of the kinds without a schema.
const BARE: &str = "bare.example.org";

/// Creates the objects in a new cluster without a webhook, and measures.
pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await?;
    cluster.install()?;
    cluster.create_namespace(PROJECT)?;
    for crd in bare_crds()? {
        cluster.apply(&crd.to_string())?;
    }
    cluster.kubectl_run(&[
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=120s",
    ])?;
    for (kind, plural, spec) in [
        ("Workflow", "workflows", workflow()),
        ("ClusterExtension", "clusterextensions", record()),
    ] {
        let bytes = spec.to_string().len();
        let with_schema =
            cost(&cluster, extension_registry_api::GROUP, kind, plural, &spec).await?;
        let without_schema = cost(&cluster, BARE, kind, plural, &spec).await?;
        println!(
            "the largest {kind} has {bytes} bytes; without a schema it costs {without_schema:.1} ms"
        );
        report.at_most(
            &format!("API server: the largest {kind}, CPU time"),
            with_schema,
            CPU_LIMIT,
            "ms",
        );
        report.note(
            &format!("the largest {kind}, relative to no schema"),
            with_schema / without_schema,
            "x",
        );
    }
    cluster.stop().await
}

/// Returns the CPU time of the API server for the creation of one object, in milliseconds.
async fn cost(
    cluster: &Cluster,
    group: &str,
    kind: &str,
    plural: &str,
    spec: &Value,
) -> Result<f64> {
    let kind = GroupVersionKind::gvk(group, extension_registry_api::VERSION, kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    let api: Api<DynamicObject> = match plural {
        "workflows" => Api::namespaced_with(cluster.client(), PROJECT, &resource),
        _ => Api::all_with(cluster.client(), &resource),
    };
    let mut best = f64::INFINITY;
    for round in 0..ROUNDS {
        let before = cluster.api_server_seconds()?;
        for number in 0..OBJECTS {
            let object = DynamicObject::new(&format!("largest-{round}-{number}"), &resource)
                .data(json!({ "spec": spec }));
            api.create(&PostParams::default(), &object)
                .await
                .context("the largest object was rejected")?;
        }
        let used = cluster.api_server_seconds()? - before;
        best = best.min(used * 1e3 / f64::from(OBJECTS));
    }
    Ok(best)
}

/// Returns the CRDs in another group, with a schema that accepts all fields.
fn bare_crds() -> Result<Vec<Value>> {
    let mut definitions = Vec::new();
    for crd in crd::all() {
        let mut crd = serde_json::to_value(crd)?;
        let plural = crd["spec"]["names"]["plural"].as_str().unwrap_or_default();
        if !matches!(plural, "workflows" | "clusterextensions") {
            continue;
        }
        crd["metadata"]["name"] = format!("{plural}.{BARE}").into();
        let spec = &mut crd["spec"];
        spec["group"] = BARE.into();
        for names in ["shortNames", "categories"] {
            spec["names"][names] = json!([]);
        }
        let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        spec["versions"] = json!([{
            "name": extension_registry_api::VERSION, "served": true, "storage": true,
            "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": anything } } },
        }]);
        definitions.push(crd);
    }
    Ok(definitions)
}

/// Returns a name of the maximum length.
fn name(prefix: &str, number: usize) -> String {
    format!(
        "{prefix}{number:x<width$}",
        width = limits::NAME - prefix.len()
    )
}

fn list<T: Into<Value>>(count: usize, item: impl Fn(usize) -> T) -> Value {
    (0..count).map(|number| item(number).into()).collect()
}

/// Returns the largest allowed workflow: all lists have the maximum number of the most expensive entries.
fn workflow() -> Value {
    const REQUIREMENTS: usize = limits::WORKFLOW_REQUIREMENTS / limits::STEPS;
    const VARIABLES: usize = limits::WORKFLOW_ENTRIES / limits::STEPS;
    const ARGUMENTS: usize = limits::WORKFLOW_ARGUMENTS / limits::STEPS;
    let requirement = |number| {
        json!({
            "name": name("r", number), "extension": name("e", number), "product": name("p", number),
            "version": ">=1.0", "zone": name("z", number), "service": name("s", number),
            "resource": name("t", number), "category": name("c", number),
            "endpoint": name("e", number), "credentials": name("k", number),
        })
    };
    let variable = |number| {
        let key = json!({ "name": name("s", number), "key": name("k", number), "optional": false });
        json!({ "name": name("V", number), "valueFrom": { "secretKeyRef": key } })
    };
    let quantities: Value = (0..limits::RESOURCES)
        .map(|number| (name("q", number), "1".into()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let step = |number: usize| {
        let others = (0..limits::STEPS).filter(|other| *other < number);
        json!({
            "name": name("s", number),
            "image": "example.org/train:1",
            "args": list(ARGUMENTS, |_| "x"),
            "env": list(VARIABLES, variable),
            "extensions": list(REQUIREMENTS, requirement),
            "resources": {
                "limits": quantities, "requests": quantities,
                "claims": list(limits::RESOURCES, |number| json!({ "name": name("c", number), "request": "x" })),
            },
            "runAfter": others.map(|other| name("s", other)).collect::<Vec<_>>(),
        })
    };
    json!({
        "inputs": list(limits::INPUTS, |number| json!({ "name": name("i", number), "default": "x" })),
        "outputs": list(limits::OUTPUTS, |number| json!({ "name": name("o", number), "value": "x" })),
        "steps": list(limits::STEPS, step),
    })
}

/// Returns the largest allowed record.
fn record() -> Value {
    const ENDPOINTS: usize = limits::RECORD_ENDPOINTS / limits::SERVICES;
    const SETS: usize = limits::CREDENTIALS / limits::SERVICES;
    const ENTRIES: usize = limits::ENTRIES / limits::CREDENTIALS;
    const MEMBERS: usize = limits::RECORD_MEMBERS / limits::CREDENTIALS / 2;
    let entry = |number| {
        let key = json!({ "name": name("s", number), "key": name("k", number) });
        json!({ "name": name("K", number), "valueFrom": { "secretKeyRef": key } })
    };
    let set = |number| {
        json!({
            "name": name("c", number), "scope": "user", "default": false,
            "project": list(MEMBERS, |member| name("p", member)),
            "user": list(MEMBERS, |member| name("u", member)),
            "configuration": list(ENTRIES, entry),
            "secretRef": { "name": name("s", number) },
        })
    };
    let endpoint = |number| {
        json!({
            "name": name("e", number), "type": "internal",
            "url": format!("https://{}.example.org:9000/bucket?region=x%20y", name("h", number)),
        })
    };
    let service = |number| {
        json!({
            "name": name("s", number), "resource": name("r", number), "category": name("c", number),
            "endpoints": list(ENDPOINTS, endpoint),
            "credentials": list(SETS, set),
        })
    };
    let members = list(limits::MEMBERS, |number| name("m", number));
    json!({
        "product": name("p", 0), "version": "1.0.0", "zone": name("z", 0),
        "access": { "projects": members, "users": members, "groups": members },
        "services": list(limits::SERVICES, service),
    })
}
