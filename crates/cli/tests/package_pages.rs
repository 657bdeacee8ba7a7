//! The documents of the pages that `ui` serves are those of the `package` verbs.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use machine::Machine;

/// A running `ui`, which ends with the test.
struct Ui {
    child: Child,
    host: String,
    cookie: String,
}

impl Drop for Ui {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ui {
    /// Starts it, and signs in with the URL that it prints.
    fn start(machine: &Machine) -> Self {
        let mut child = machine
            .command(&["ui", "-f", ".", "--no-open"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let url = lines.find_map(|line| Some(line.split_once("http://")?.1.to_owned()));
        let url = url.unwrap();
        let (host, path) = url.split_once('/').unwrap();
        let mut ui = Self {
            child,
            host: host.to_owned(),
            cookie: String::new(),
        };
        let (head, _) = ui.get(&format!("/{path}"));
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "));
        cookie
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .clone_into(&mut ui.cookie);
        ui
    }

    /// Head and body of a response.
    fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let (host, cookie) = (&self.host, &self.cookie);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

#[test]
fn documents_of_pages_are_those_of_the_commands() {
    let machine = Machine::new();
    machine.with_repository("hub", "priority = 5");
    let gone = "[[repository]]\nname = \"gone\"\nkind = \"folder\"\nurl = \"../nowhere/gone\"\npriority = -1\n";
    machine.configure(&format!("{gone}{}", machine.configuration()));
    let needs = "dependencies:\n  - {name: store, version: ^1.0}\n";
    machine.publish_to("team", "mlflow", "1.2.0", needs);
    machine.publish_to("team", "mlflow", "1.10.0", needs);
    machine.publish_to("hub", "store", "1.0.0", "");
    machine.ext(&["package", "pull", "store"]).fine();
    let ui = Ui::start(&machine);
    for (path, verb) in [
        ("/packages?o=json", "list"),
        ("/packages?q=mlflow&o=json", "search mlflow"),
        ("/packages?repository=hub&o=json", "list --source hub"),
        (
            "/packages?type=record&license=MIT&o=json",
            "list --type record --license MIT",
        ),
        ("/packages?license=absent&o=json", "list --license absent"),
        ("/packages/record/mlflow?o=json", "versions mlflow"),
        (
            "/packages/record/mlflow/1.2.0?o=json",
            "info mlflow --version 1.2.0 --type record",
        ),
        ("/packages/record/store/1.0.0?o=json", "info store"),
        ("/repositories?o=json", "repositories"),
    ] {
        let arguments = ["package"].into_iter().chain(verb.split(' '));
        let arguments: Vec<&str> = arguments.chain(["-o", "json"]).collect();
        let printed = machine.command(&arguments).output().unwrap().stdout;
        let printed = String::from_utf8(printed).unwrap();
        let (head, body) = ui.get(path);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
        assert!(printed.contains('{'), "{verb}");
        assert_eq!(body, printed, "{path}");
    }
}

#[test]
fn pages_about_records_work_without_packages() {
    let machine = Machine::bare();
    machine
        .configure("[[repository]]\nname = \"team\"\nurl = \"../repositories/team\"\ntimeut = 1\n");
    let record = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: store}\nspec: {product: minio}\n";
    std::fs::write(machine.path("work/record.yaml"), record).unwrap();
    let ui = Ui::start(&machine);
    let (head, page) = ui.get("/records/clusterextension/store");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{page}");
    let (head, page) = ui.get("/packages");
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert!(page.contains("packages.toml"), "{page}");
}
