//! Two replicas: one works, the other takes over, and nothing is lost or done twice.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::time::{Duration, Instant};

use extension_registry_e2e::{Operator, fault};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use support::{Lab, eventually, from_secret, pause, record, section, text, workflow};

const LEASE: (&str, &str) = ("extension-registry", "extension-registry");
const NAMESPACES: usize = 5;
const WORKFLOWS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_works_and_another_takes_over() {
    let mut lab = Lab::start("leader", &["--leader-elect"]).await;
    // Of two that begin together either may be first.
    eventually(
        Duration::from_mins(1),
        "the first leads",
        async || match holder(&lab).await.as_str() {
            "" => Err("nobody does".to_owned()),
            _ => Ok(()),
        },
    )
    .await;
    let standby = replica(&lab, "standby");
    killed_in_the_middle(&mut lab, &standby).await;
    asked_to_stop(&mut lab, standby).await;
    frozen(&mut lab).await;
    a_ghost_with_a_wrong_clock(&mut lab).await;
    lab.stop().await;
}

fn replica(lab: &Lab, name: &str) -> Operator {
    let log = std::env::temp_dir().join(format!("leader-{name}-{}.log", std::process::id()));
    let installed = lab.installed.beside();
    installed.start(&log, &["--leader-elect"]).unwrap()
}

async fn killed_in_the_middle(lab: &mut Lab, standby: &Operator) {
    section("the leader is killed in the middle of 500 bindings");
    lab.source(support::RECORDS, "shared", "x").await;
    lab.apply(&record("shared", &from_secret("shared"))).await;
    for number in 0..NAMESPACES {
        lab.namespace(&format!("many-{number}"));
    }
    let objects: Vec<Value> = (0..WORKFLOWS)
        .map(|number| {
            let namespace = format!("many-{}", number % NAMESPACES);
            let name = format!("w-{number}");
            workflow(&namespace, &name, &json!({"product": "shared"}))
        })
        .collect();
    let leader = lab.take_operator();
    let lab = &*lab;
    let applying = stream::iter(&objects)
        .map(|object| lab.apply(object))
        .buffer_unordered(8)
        .collect::<Vec<_>>();
    // Workflows still arrive when it dies, so there is always something left to do.
    let dying = async {
        loop {
            let ready = ready(lab).await;
            if ready >= WORKFLOWS / 5 {
                assert!(writes(standby) < 1.0, "the one that waits writes nothing");
                let before = writes(&leader);
                leader.kill().unwrap();
                return (ready, before, Instant::now());
            }
            pause(0.02).await;
        }
    };
    let (_, (ready_before, before, killed)) = tokio::join!(applying, dying);
    assert!(ready_before < WORKFLOWS, "all was done before the kill");
    eventually(
        Duration::from_mins(1),
        "all 500 are ready",
        async || match ready(lab).await {
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
        pipelines += lab.list("Pipeline", &namespace).await.len();
        secrets += lab.list("Secret", &namespace).await.len();
        assert_eq!(lab.list("ExtensionProjection", &namespace).await.len(), 1);
    }
    assert_eq!(pipelines, WORKFLOWS);
    assert_eq!(secrets, NAMESPACES);
    // A Pipeline and a status for each workflow; projection, Secret and status for each namespace.
    let least = f64::from(u32::try_from(WORKFLOWS * 2 + NAMESPACES * 3).unwrap());
    let written = before + writes(standby);
    println!("{written} writes of both replicas; {least} is the least there can be");
    assert!(written <= 2.0 * least, "{written} writes, {least} at least");
}

async fn asked_to_stop(lab: &mut Lab, standby: Operator) {
    section("a leader that is asked to stop gives the Lease away");
    lab.start_operator();
    let leader = holder(lab).await;
    standby.stop().unwrap();
    let asked = Instant::now();
    eventually(Duration::from_secs(10), "another holds it", async || {
        let now = holder(lab).await;
        if now.is_empty() || now == leader {
            Err(now)
        } else {
            Ok(())
        }
    })
    .await;
    println!(
        "handed over {:.1} s after the end",
        asked.elapsed().as_secs_f64()
    );
    assert!(asked.elapsed() < Duration::from_secs(5));
    bind(lab, "after-stop").await;
}

async fn frozen(lab: &mut Lab) {
    section("a leader that stood still does not go on beside its successor");
    let leader = holder(lab).await;
    let other = replica(lab, "other");
    let ice = fault::freeze(lab.operator().pid()).unwrap();
    eventually(Duration::from_secs(30), "another holds it", async || {
        let now = holder(lab).await;
        if now == leader { Err(now) } else { Ok(()) }
    })
    .await;
    drop(ice);
    eventually(Duration::from_secs(10), "the old one ends", async || {
        if lab
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
    lab.forget_operator();
    bind(lab, "after-ice").await;
    other.stop().unwrap();
    lab.start_operator();
    bind(lab, "after-other").await;
}

async fn a_ghost_with_a_wrong_clock(lab: &mut Lab) {
    section("a holder that is gone is replaced, whatever its clock said");
    lab.stop_operator();
    for renewed in ["2000-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"] {
        lab.apply(&json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": LEASE.0, "name": LEASE.1},
            "spec": {"holderIdentity": "ghost", "leaseDurationSeconds": 3,
                "acquireTime": renewed, "renewTime": renewed},
        }))
        .await;
        let begun = Instant::now();
        lab.start_operator();
        eventually(Duration::from_secs(20), "it is replaced", async || {
            match holder(lab).await.as_str() {
                "ghost" => Err("ghost"),
                _ => Ok(()),
            }
            .map_err(str::to_owned)
        })
        .await;
        // Not before its time either: a clock that is behind does not make a holder look gone.
        assert!(begun.elapsed() > Duration::from_secs(3), "{renewed}");
        lab.stop_operator();
    }
    lab.start_operator();
    bind(lab, "after-ghost").await;
}

/// A workflow is bound: somebody works.
async fn bind(lab: &Lab, name: &str) {
    lab.apply(&workflow("many-0", name, &json!({"product": "shared"})))
        .await;
    lab.ready("many-0", name).await;
}

async fn ready(lab: &Lab) -> usize {
    let workflows = lab.list("Workflow", "").await;
    let is_ready = |object: &&Value| support::condition(object, "Ready")["status"] == "True";
    workflows.iter().filter(is_ready).count()
}

async fn holder(lab: &Lab) -> String {
    let lease = lab.get("Lease", LEASE.0, LEASE.1).await;
    text(&lease["spec"]["holderIdentity"]).to_owned()
}

fn writes(operator: &Operator) -> f64 {
    operator
        .metric("extension_registry_writes_total", &[])
        .unwrap()
}
