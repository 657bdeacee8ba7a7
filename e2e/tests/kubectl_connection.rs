//! `kubectl ext` and the operator connect to servers exactly where kubectl does. Needs kubectl, but no cluster.

#[path = "../../crates/client/tests/support/mod.rs"]
mod connection;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use connection::proxies::{Proxies, VARIABLES, write};
use connection::table::{Servers, cases};
use extension_registry_e2e::kubectl::kubectl;
use extension_registry_e2e::operator::built;

/// Returns a program without the settings of the user.
fn program(path: &Path, home: &Path) -> Command {
    let mut command = Command::new(path);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.env("HOME", home).current_dir(home);
    command.stdin(Stdio::null());
    command
}

#[test]
fn kubeconfigs_connect_where_kubectl_connects() {
    let (kubectl, ext) = (kubectl().unwrap(), built("kubectl-ext").unwrap());
    let servers = Servers::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let mut wrong = Vec::new();
    let table = cases(&servers, folder.path());
    let mut differences = 0;
    for case in &table {
        fs::write(&path, &case.kubeconfig).unwrap();
        let run = |program_path: &Path, arguments: &[&str]| {
            let mut command = program(program_path, folder.path());
            command.args(arguments).arg("--kubeconfig").arg(&path);
            let output = command.output().unwrap();
            let mut seen = servers.seen();
            seen.dedup();
            (seen, String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (theirs, why) = run(&kubectl, &["get", "--raw", "/version"]);
        let (own, own_why) = run(&ext, &["doctor"]);
        let is_same = theirs == own;
        differences += usize::from(!is_same);
        if is_same != case.difference.is_empty() {
            wrong.push(format!(
                "{}: kubectl {theirs:?} {why}\n  kubectl ext {own:?} {own_why}",
                case.name
            ));
        }
    }
    println!("{} kubeconfigs, {differences} differences", table.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ends a program when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn programs_use_the_proxies_that_kubectl_uses() {
    let (kubectl, ext) = (kubectl().unwrap(), built("kubectl-ext").unwrap());
    let operator = built("extension-registry").unwrap();
    let proxies = Proxies::start();
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in proxies.cases() {
        let path = write(folder.path(), &case);
        let mut check = |who: &str, seen: Vec<String>, why: &str| {
            if seen != case.expected {
                let expected = &case.expected;
                wrong.push(format!(
                    "{}: {who}: expected {expected:?}, got {seen:?} {why}",
                    case.name
                ));
            }
        };
        let clients: [(&Path, &[&str]); 2] = [
            (
                &kubectl,
                &["get", "--raw", "/version", "--request-timeout=10s"],
            ),
            (&ext, &["doctor", "--request-timeout=10s"]),
        ];
        for (client, arguments) in clients {
            let mut command = program(client, folder.path());
            command
                .envs(case.environment.clone())
                .env("KUBECONFIG", &path);
            let output = command.args(arguments).output().unwrap();
            let who = client.file_name().unwrap().to_string_lossy();
            check(
                &who,
                proxies.seen(),
                &String::from_utf8_lossy(&output.stderr),
            );
        }
        // The operator does not end by itself.
        let mut command = program(&operator, folder.path());
        command
            .envs(case.environment.clone())
            .env("KUBECONFIG", &path);
        command.args(["--listen", "127.0.0.1:0", "--namespace", "a"]);
        let running = Running(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let until =
            Instant::now() + Duration::from_secs(if case.expected.is_empty() { 1 } else { 60 });
        let mut seen = Vec::new();
        while seen.is_empty() && Instant::now() < until {
            sleep(Duration::from_millis(50));
            seen.extend(proxies.seen());
        }
        drop(running);
        sleep(Duration::from_millis(50));
        seen.extend(proxies.seen());
        seen.dedup();
        check("operator", seen, "");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
