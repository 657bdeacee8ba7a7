//! Tests of the harness: a cluster runs Pods, and nothing remains after its owner exits.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use extension_registry_e2e::{BUSYBOX_IMAGE, Cluster, Image, Options, skip};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ListParams, LogParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

const PROGRAM: &str = env!("CARGO_BIN_EXE_local-kubernetes");

/// Parent folder of the data of a test's clusters; its name identifies everything that they leave.
struct Leftovers {
    folder: PathBuf,
}

impl Leftovers {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("e2e-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn options(&self) -> Options {
        Options {
            folder: Some(self.folder.clone()),
            ..Options::default()
        }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--folder").arg(&self.folder);
        command
    }

    /// Returns the processes, mounts, folders and control groups that remain of this test's clusters; `names`
    /// are their folders.
    fn remaining(&self, names: &[String]) -> Vec<String> {
        let mut remaining = processes(&self.folder);
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let folder = self.folder.to_str().unwrap();
        remaining.extend(
            mounts
                .lines()
                .filter(|line| line.contains(folder))
                .map(str::to_owned),
        );
        remaining.extend(names_in(&self.folder));
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/pids"] {
            remaining.extend(
                names_in(Path::new(root))
                    .into_iter()
                    .filter(|name| names.contains(name)),
            );
        }
        remaining
    }

    async fn assert_nothing_left(&self, names: &[String], seconds: u64) {
        let start = Instant::now();
        while !self.remaining(names).is_empty() && start.elapsed() < Duration::from_secs(seconds) {
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(
            self.remaining(names),
            Vec::<String>::new(),
            "something is left after {seconds} s"
        );
    }

    fn cluster_names(&self) -> Vec<String> {
        names_in(&self.folder)
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Returns the command lines that contain this folder, as those of all programs of a cluster do, without
/// those of this test and of the program under test.
fn processes(folder: &Path) -> Vec<String> {
    if !Path::new("/proc/self").exists() {
        let output = Command::new("ps").args(["-axo", "args"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        return text
            .lines()
            .filter(|line| line.contains(folder.to_str().unwrap()))
            .map(str::to_owned)
            .collect();
    }
    names_in(Path::new("/proc"))
        .iter()
        .filter_map(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder.to_str().unwrap()) && !line.starts_with(PROGRAM))
        .collect()
}

fn interfaces() -> String {
    let output = Command::new("ip")
        .args(["-oneline", "-4", "address"])
        .output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_removes_everything() {
    let leftovers = Leftovers::new("stop");
    let start = Instant::now();
    let cluster = Cluster::start(leftovers.options()).await.unwrap();
    println!(
        "the cluster started in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    assert!(cluster.is_owned());
    assert!(!processes(&leftovers.folder).is_empty());
    let address = cluster.host_address().unwrap().to_string();
    if let Some(why) = cluster.node_missing() {
        skip("a Job that reads a Secret", why).unwrap();
    } else {
        assert!(interfaces().contains(&address));
        job_reads_secret(&cluster).await;
        imported_image_reaches_the_apiserver(&cluster).await;
        pod_with_image_alias_responds_through_its_service(&cluster).await;
    }
    let names = leftovers.cluster_names();
    let start = Instant::now();
    cluster.stop().await.unwrap();
    println!(
        "the cluster stopped in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    leftovers.assert_nothing_left(&names, 0).await;
    // The kernel removes the link after the last process of the node.
    eventually("the link to the node is gone", async || {
        address == "127.0.0.1" || !interfaces().contains(&address)
    })
    .await;
}

async fn job_reads_secret(cluster: &Cluster) {
    let client = cluster.client();
    let secret: Secret = object(
        json!({"metadata": {"name": "login"}, "stringData": {"USER": "ada", "FILE": "lovelace"}}),
    );
    Api::namespaced(client.clone(), "default")
        .create(&PostParams::default(), &secret)
        .await
        .unwrap();
    let job: Job = object(json!({
        "metadata": {"name": "reader"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "main",
                "image": BUSYBOX_IMAGE,
                "command": ["sh", "-c", "echo \"$USER $(cat /login/FILE)\""],
                "env": [{"name": "USER", "valueFrom": {"secretKeyRef": {"name": "login", "key": "USER"}}}],
                "volumeMounts": [{"name": "login", "mountPath": "/login"}],
                "resources": {"limits": {"memory": "32Mi", "cpu": "500m"}},
            }],
            "volumes": [{"name": "login", "secret": {"secretName": "login"}}],
        }}},
    }));
    let jobs = Api::<Job>::namespaced(client.clone(), "default");
    let start = Instant::now();
    jobs.create(&PostParams::default(), &job).await.unwrap();
    eventually("the job has succeeded", async || {
        jobs.get("reader")
            .await
            .unwrap()
            .status
            .is_some_and(|status| status.succeeded == Some(1))
    })
    .await;
    println!("the job took {:.1} s", start.elapsed().as_secs_f64());

    let pods = Api::<Pod>::namespaced(client, "default");
    let created = pods
        .list(&ListParams::default().labels("job-name=reader"))
        .await
        .unwrap();
    let name = created.items[0].metadata.name.as_deref().unwrap();
    assert_eq!(
        pods.logs(name, &LogParams::default()).await.unwrap(),
        "ada lovelace\n"
    );
}

async fn imported_image_reaches_the_apiserver(cluster: &Cluster) {
    if let Some(why) = cluster.services_missing() {
        return skip("an imported image that calls the apiserver", why).unwrap();
    }
    let root = cluster.folder().unwrap().join("caller");
    fs::create_dir_all(&root).unwrap();
    fs::copy("/bin/busybox", root.join("busybox")).unwrap();
    let image = Image {
        names: vec!["registry.local/caller:e2e".to_owned()],
        root,
        entrypoint: vec!["/busybox".to_owned(), "sh".to_owned(), "-c".to_owned()],
        user: "65534".to_owned(),
        ..Image::default()
    };
    cluster.import_image(image).await.unwrap();
    // The apiserver rejects plain HTTP, which shows that it is reachable.
    let call = "printf 'GET / HTTP/1.0\r\n\r\n' | /busybox nc -w 30 $KUBERNETES_SERVICE_HOST 443";
    let pod: Pod = object(json!({
        "metadata": {"name": "caller"},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": true},
            "containers": [{"name": "main", "image": "registry.local/caller:e2e", "args": [call]}],
        },
    }));
    let pods = Api::<Pod>::namespaced(cluster.client(), "default");
    pods.create(&PostParams::default(), &pod).await.unwrap();
    eventually("the Pod has ended", async || {
        let status = pods.get("caller").await.unwrap().status;
        status
            .and_then(|status| status.phase)
            .is_some_and(|phase| phase == "Succeeded")
    })
    .await;
    let log = pods.logs("caller", &LogParams::default()).await.unwrap();
    assert!(log.contains("400 Bad Request"), "{log}");
}

async fn pod_with_image_alias_responds_through_its_service(cluster: &Cluster) {
    cluster.image_alias("python:3.12").await.unwrap();
    if let Some(why) = cluster.services_missing() {
        return skip("a Pod behind a Service", why).unwrap();
    }
    let client = cluster.client();
    let pod: Pod = object(json!({
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"containers": [{
            "name": "main",
            "image": "python:3.12",
            "command": ["sh", "-c", "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"],
        }]},
    }));
    let service = object(json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }));
    Api::<Pod>::namespaced(client.clone(), "default")
        .create(&PostParams::default(), &pod)
        .await
        .unwrap();
    let services = Api::<k8s_openapi::api::core::v1::Service>::namespaced(client, "default");
    let service = services
        .create(&PostParams::default(), &service)
        .await
        .unwrap();
    let address = service.spec.unwrap().cluster_ip.unwrap();
    // The Pod connects to itself, which also requires the return path.
    let get = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80");
    eventually("the Pod reaches itself through its Service", async || {
        let output = Command::new(cluster.kubectl())
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig())
            .args(["exec", "web", "--", "sh", "-c", &get])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).ends_with("hello\n")
    })
    .await;
}

async fn eventually(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !ready().await {
        assert!(
            start.elapsed() < Duration::from_mins(3),
            "timed out waiting until {what}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

/// Starts a cluster in another process, and waits until it is up.
fn run_cluster(leftovers: &Leftovers) -> (Child, PathBuf) {
    let mut child = leftovers
        .program(&["run"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let kubeconfig = line
        .trim()
        .strip_prefix("KUBECONFIG=")
        .expect("the cluster did not start")
        .into();
    (child, kubeconfig)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_owner_leaves_nothing() {
    let leftovers = Leftovers::new("kill");
    let (mut child, kubeconfig) = run_cluster(&leftovers);
    let names = leftovers.cluster_names();
    let cluster = Cluster::existing(&kubeconfig).await.unwrap();
    assert!(!cluster.is_owned());
    if let Some(why) = cluster.node_missing() {
        skip("cleanup after the owner is killed", why).unwrap();
    } else {
        let pod: Pod = object(json!({
            "metadata": {"name": "sleeper"},
            "spec": {"containers": [{"name": "main", "image": BUSYBOX_IMAGE, "command": ["sleep", "1000"]}]},
        }));
        let pods = Api::<Pod>::namespaced(cluster.client(), "default");
        pods.create(&PostParams::default(), &pod).await.unwrap();
        eventually("the Pod runs", async || {
            let status = pods.get("sleeper").await.unwrap().status;
            status
                .and_then(|status| status.phase)
                .is_some_and(|phase| phase == "Running")
        })
        .await;
    }
    // SIGKILL, so the process cannot clean up.
    child.kill().unwrap();
    child.wait().unwrap();
    leftovers.assert_nothing_left(&names, 120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_killed_during_start_leaves_nothing() {
    let leftovers = Leftovers::new("early");
    let mut child = leftovers
        .program(&["run"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("programs run", async || {
        processes(&leftovers.folder).len() > 4
    })
    .await;
    let names = leftovers.cluster_names();
    child.kill().unwrap();
    child.wait().unwrap();
    leftovers.assert_nothing_left(&names, 120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn named_cluster_runs_until_down() {
    let leftovers = Leftovers::new("named");
    let name = format!("test-{}", std::process::id());
    let up = || {
        let output = leftovers
            .program(&["up", "--no-node", "--name", &name])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let other = |verb| {
        Command::new(PROGRAM)
            .args([verb, "--name", &name])
            .output()
            .unwrap()
    };

    let first = up();
    assert_eq!(
        first,
        up(),
        "the second `up` finds the cluster of the first"
    );
    let kubeconfig = PathBuf::from(first.trim().strip_prefix("KUBECONFIG=").unwrap());
    let cluster = Cluster::existing(&kubeconfig).await.unwrap();
    assert_eq!(cluster.node_missing(), Some("not requested"));
    cluster.stop().await.unwrap();
    let status = String::from_utf8(other("status").stdout).unwrap();
    assert!(
        status.contains("running: kube-apiserver"),
        "an existing cluster is not stopped: {status}"
    );

    let names = leftovers.cluster_names();
    assert!(other("down").status.success());
    leftovers.assert_nothing_left(&names, 0).await;
    assert!(
        String::from_utf8(other("status").stdout)
            .unwrap()
            .contains("is not running")
    );
}
