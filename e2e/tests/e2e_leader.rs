//! Two replicas: one leads, the other takes over, and nothing is lost or written twice.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::time::{Duration, Instant};

use extension_registry_e2e::{Operator, fault};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use support::{TestEnv, eventually, from_secret, pause, record, section, text, workflow};

const LEASE: (&str, &str) = ("extension-registry", "extension-registry");
const NAMESPACES: usize = 5;
const WORKFLOWS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn standby_takes_over_from_the_leader() {
    let mut env = TestEnv::start("leader", &["--leader-elect"]).await;
    // If both start together, either may become the leader.
    eventually(
        Duration::from_mins(1),
        "the first leads",
        async || match holder(&env).await.as_str() {
            "" => Err("no replica leads".to_owned()),
            _ => Ok(()),
        },
    )
    .await;
    let standby = replica(&env, "standby");
    leader_is_killed_while_binding(&mut env, &standby).await;
    stopped_leader_releases_the_lease(&mut env, standby).await;
    resumed_leader_exits(&mut env).await;
    expired_lease_is_replaced_despite_clock_skew(&mut env).await;
    env.stop().await;
}

fn replica(env: &TestEnv, name: &str) -> Operator {
    let log = std::env::temp_dir().join(format!("leader-{name}-{}.log", std::process::id()));
    let installed = env.installed.for_second_operator();
    installed.start(&log, &["--leader-elect"]).unwrap()
}

async fn leader_is_killed_while_binding(env: &mut TestEnv, standby: &Operator) {
    section("the leader is killed during 500 bindings");
    env.source(support::RECORDS, "shared", "x").await;
    env.apply(&record("shared", &from_secret("shared"))).await;
    for number in 0..NAMESPACES {
        env.namespace(&format!("many-{number}"));
    }
    let objects: Vec<Value> = (0..WORKFLOWS)
        .map(|number| {
            let namespace = format!("many-{}", number % NAMESPACES);
            let name = format!("w-{number}");
            workflow(&namespace, &name, &json!({"product": "shared"}))
        })
        .collect();
    let leader = env.take_operator();
    let env = &*env;
    let applying = stream::iter(&objects)
        .map(|object| env.apply(object))
        .buffer_unordered(8)
        .collect::<Vec<_>>();
    // Workflows are still being created when it is killed, so there is always work left.
    let kill_leader = async {
        loop {
            let ready = count_ready(env).await;
            if ready >= WORKFLOWS / 5 {
                assert!(writes(standby) < 1.0, "the standby writes nothing");
                let before = writes(&leader);
                leader.kill().unwrap();
                return (ready, before, Instant::now());
            }
            pause(0.02).await;
        }
    };
    let (_, (ready_before, before, killed)) = tokio::join!(applying, kill_leader);
    assert!(
        ready_before < WORKFLOWS,
        "all workflows were ready before the kill"
    );
    eventually(
        Duration::from_mins(5),
        "all 500 are ready",
        async || match count_ready(env).await {
            WORKFLOWS => Ok(()),
            other => Err(format!("{other} are")),
        },
    )
    .await;
    println!(
        "{ready_before} were ready when the leader was seen last; all were {:.1} s after the kill",
        killed.elapsed().as_secs_f64()
    );

    let mut pipelines = 0;
    let mut secrets = 0;
    for number in 0..NAMESPACES {
        let namespace = format!("many-{number}");
        pipelines += env.list("Pipeline", &namespace).await.len();
        secrets += env.list("Secret", &namespace).await.len();
        assert_eq!(env.list("ExtensionProjection", &namespace).await.len(), 1);
    }
    assert_eq!(pipelines, WORKFLOWS);
    assert_eq!(secrets, NAMESPACES);
    // A Pipeline and a status for each workflow; a projection, a Secret and a status for each namespace.
    let least = f64::from(u32::try_from(WORKFLOWS * 2 + NAMESPACES * 3).unwrap());
    let written = before + writes(standby);
    println!("{written} writes of both replicas; the minimum is {least}");
    assert!(written <= 2.0 * least, "{written} writes, minimum {least}");
}

async fn stopped_leader_releases_the_lease(env: &mut TestEnv, standby: Operator) {
    section("a leader that is stopped releases the Lease");
    env.start_operator();
    let leader = holder(env).await;
    {
        // The other replica must not take the Lease over before the check.
        let _suspended = fault::freeze(env.operator().pid()).unwrap();
        standby.stop().unwrap();
        assert_eq!(holder(env).await, "", "the Lease is released");
    }
    eventually(Duration::from_mins(1), "another holds it", async || {
        let now = holder(env).await;
        if now.is_empty() || now == leader {
            Err(now)
        } else {
            Ok(())
        }
    })
    .await;
    assert_binds(env, "after-stop").await;
}

async fn resumed_leader_exits(env: &mut TestEnv) {
    section("a resumed leader exits once another replica leads");
    let leader = holder(env).await;
    let other = replica(env, "other");
    let suspended = fault::freeze(env.operator().pid()).unwrap();
    eventually(Duration::from_mins(2), "another holds it", async || {
        let now = holder(env).await;
        if now == leader { Err(now) } else { Ok(()) }
    })
    .await;
    drop(suspended);
    eventually(Duration::from_mins(1), "the old one ends", async || {
        if env
            .operator()
            .log()
            .contains("another replica may be leading")
        {
            Ok(())
        } else {
            Err("it runs".to_owned())
        }
    })
    .await;
    env.operator_exited();
    assert_binds(env, "after-ice").await;
    other.stop().unwrap();
    env.start_operator();
    assert_binds(env, "after-other").await;
}

async fn expired_lease_is_replaced_despite_clock_skew(env: &mut TestEnv) {
    section("an expired holder is replaced regardless of its clock");
    env.stop_operator();
    for renewed in ["2000-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"] {
        env.apply(&json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": LEASE.0, "name": LEASE.1},
            "spec": {"holderIdentity": "ghost", "leaseDurationSeconds": 3,
                "acquireTime": renewed, "renewTime": renewed},
        }))
        .await;
        let start = Instant::now();
        env.start_operator();
        eventually(Duration::from_mins(1), "it is replaced", async || {
            match holder(env).await.as_str() {
                "ghost" => Err("ghost"),
                _ => Ok(()),
            }
            .map_err(str::to_owned)
        })
        .await;
        // Not early either: a slow clock does not make a holder appear expired.
        assert!(start.elapsed() > Duration::from_secs(3), "{renewed}");
        env.stop_operator();
    }
    env.start_operator();
    assert_binds(env, "after-ghost").await;
}

/// Asserts that a replica binds a new workflow.
async fn assert_binds(env: &TestEnv, name: &str) {
    env.apply(&workflow("many-0", name, &json!({"product": "shared"})))
        .await;
    env.wait_until_ready("many-0", name).await;
}

async fn count_ready(env: &TestEnv) -> usize {
    let workflows = env.list("Workflow", "").await;
    let is_ready = |object: &&Value| support::condition(object, "Ready")["status"] == "True";
    workflows.iter().filter(is_ready).count()
}

async fn holder(env: &TestEnv) -> String {
    let lease = env.get("Lease", LEASE.0, LEASE.1).await;
    text(&lease["spec"]["holderIdentity"]).to_owned()
}

fn writes(operator: &Operator) -> f64 {
    operator
        .metric("extension_registry_writes_total", &[])
        .unwrap()
}
