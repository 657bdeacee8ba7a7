//! Requests that the injection rejects, with a message that names the annotation or the container, and a hint.

use serde_json::{Value, json};

use crate::policies::{Stage, assert_admitted, assert_refused, section};
use crate::samples::{BIND_CONTAINERS, container, container_with, pod, requesting, root};

pub(crate) async fn invalid_requests_are_explained(stage: &Stage) {
    names_are_checked(stage).await;
    containers_are_checked(stage).await;
    roots_are_checked(stage).await;

    section("a volume with the name of a binding must be its Secret");
    for source in [
        json!({"emptyDir": {}}),
        json!({"secret": {"secretName": "ext-other"}}),
    ] {
        let mut volume = source;
        volume["name"] = json!("ext-storage");
        let spec = json!({"containers": [container("main")], "volumes": [volume]});
        let expected = "spec.volumes[ext-storage]: the name is reserved for the Secret `ext-storage` of a requested binding; hint: rename the volume";
        assert_refused(&stage.grace, &pod(Some("storage"), spec.clone()), expected).await;
        // Also if its name precedes or follows.
        assert_admitted(&stage.grace, &pod(Some("stor,age"), spec)).await;
    }
    let own = json!([{"name": "v", "emptyDir": {}}, {"name": "own-storage", "emptyDir": {}}]);
    let spec = json!({"containers": [container("main")], "volumes": own});
    assert_admitted(&stage.grace, &pod(Some("storage"), spec)).await;
}

async fn names_are_checked(stage: &Stage) {
    section("names must be names of bindings");
    let long = "x".repeat(51);
    for name in [
        "Storage",
        "sto_rage",
        "-storage",
        "storage-",
        "a.b",
        "a b",
        &long,
        "u-storage",
        "storage-0123456789abcdef",
    ] {
        let expected = format!(
            "metadata.annotations[registry.fuseml.io/bind]: invalid name `{name}`: expected the name of an ExtensionBinding"
        );
        for names in [name.to_owned(), format!("tracker, {name},")] {
            assert_refused(&stage.grace, &requesting(&names), &expected).await;
        }
    }
    for name in [
        "a",
        "0",
        "u",
        "ux-a",
        "a-0123456789abcde",
        "a-0123456789abcdeg",
    ] {
        assert_admitted(&stage.grace, &requesting(name)).await;
    }
    // The API server ignores a message with line breaks.
    let broken = requesting("storage\ntracker");
    assert_refused(
        &stage.grace,
        &broken,
        "metadata.annotations[registry.fuseml.io/bind]: invalid name; hint: ",
    )
    .await;

    section("names must differ");
    let expected = "metadata.annotations[registry.fuseml.io/bind]: duplicate name `a`; hint: list each name once";
    assert_refused(&stage.grace, &requesting("a,b,a"), expected).await;

    section("there must be a name");
    let expected = "metadata.annotations[registry.fuseml.io/bind]: no name; hint: ";
    for names in [" ", ",", " , "] {
        assert_refused(&stage.grace, &requesting(names), expected).await;
    }

    section("more than 32 names are rejected, regardless of their number");
    let expected = "metadata.annotations[registry.fuseml.io/bind]: more than 32 names; hint: ";
    for count in [33, 50, 25_000] {
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        assert_refused(&stage.grace, &requesting(&names.join(",")), expected).await;
    }
}

async fn containers_are_checked(stage: &Stage) {
    let choosing = |containers: &[&str], chosen: Option<&str>, labels: &Value| {
        let containers: Vec<Value> = containers.iter().map(|name| container(name)).collect();
        let init = [container("prepare")];
        let spec = json!({"containers": containers, "initContainers": init});
        let mut pod = pod(Some("storage"), spec);
        if let Some(chosen) = chosen {
            pod["metadata"]["annotations"][BIND_CONTAINERS] = json!(chosen);
        }
        pod["metadata"]["labels"] = labels.clone();
        pod
    };
    let none = json!({});
    section("chosen containers must exist, and cannot be init containers");
    for name in ["mian", "prepare"] {
        let expected = format!(
            "metadata.annotations[registry.fuseml.io/bind-containers]: unknown container `{name}`: the Pod has `main`, `wait`; hint: "
        );
        let chosen = format!("main,{name}");
        let pod = choosing(&["main", "wait"], Some(&chosen), &none);
        assert_refused(&stage.grace, &pod, &expected).await;
    }
    let many = "x,".repeat(120_000);
    let pod = choosing(&["main"], Some(&many), &none);
    let expected = "unknown container `x`: the Pod has `main`";
    assert_refused(&stage.grace, &pod, expected).await;

    section("an annotation without a name does not bind all containers");
    let expected = "metadata.annotations[registry.fuseml.io/bind-containers]: no name; hint: ";
    assert_refused(
        &stage.grace,
        &choosing(&["main"], Some(" ,"), &none),
        expected,
    )
    .await;

    section("a Pod of an engine without a container to bind is rejected");
    let expected = "metadata.annotations[registry.fuseml.io/bind]: no container to bind: ";
    for key in ["tekton.dev/taskRun", "workflows.argoproj.io/workflow"] {
        let pod = choosing(&["other"], None, &json!({key: "run"}));
        assert_refused(&stage.grace, &pod, expected).await;
    }
}

async fn roots_are_checked(stage: &Stage) {
    let with_root = |variable: &Value, chosen: Option<&str>| {
        let own = container_with("own", "env", &json!([variable]));
        let spec = json!({"containers": [container("main"), own]});
        let mut pod = pod(Some("storage"), spec);
        if let Some(chosen) = chosen {
            pod["metadata"]["annotations"][BIND_CONTAINERS] = json!(chosen);
        }
        pod
    };
    section("a root of a bound container must be literal");
    let source = json!({"fieldRef": {"fieldPath": "metadata.name"}});
    let variable = json!({"name": "SERVICE_BINDING_ROOT", "valueFrom": source});
    let expected = "spec.containers[own].env[SERVICE_BINDING_ROOT]: `valueFrom` is not allowed";
    assert_refused(&stage.grace, &with_root(&variable, None), expected).await;
    assert_admitted(&stage.grace, &with_root(&variable, Some("main"))).await;

    section("and an absolute path");
    let expected = "spec.containers[own].env[SERVICE_BINDING_ROOT]: expected an absolute path";
    for path in [
        "",
        "own",
        "./own",
        "$(HOME)",
        "/own/$(HOME)",
        "/own/$$(HOME)",
    ] {
        assert_refused(&stage.grace, &with_root(&root(path), None), expected).await;
        assert_admitted(&stage.grace, &with_root(&root(path), Some("main"))).await;
    }
}
