//! Tests of local state: keys, configuration, cache; and of other kinds of repositories.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use machine::Machine;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn secret_key_is_private_and_never_overwritten() {
    let machine = Machine::bare();
    let generate = ["package", "key", "generate", "me.key"];
    let output = machine
        .command(&generate)
        .env("EXTENSION_REGISTRY_KEY_PASSWORD", "a-secret-word")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!format!("{output:?}").contains("a-secret-word"));
    let mode = fs::metadata(machine.path("work/me.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = fs::read(machine.path("work/me.key")).unwrap();
    let again = machine
        .ext(&["package", "key", "generate", "--no-password", "me.key"])
        .wrong(1);
    assert!(again.contains("me.key.pub already exists"), "{again}");
    assert_eq!(fs::read(machine.path("work/me.key")).unwrap(), secret);
    // A wrong password is reported as such.
    machine.configure(
        "[[repository]]\nname = \"team\"\nkind = \"folder\"\nurl = \"../repositories/team\"\n",
    );
    let folder = machine.package("mlflow", "1.2.0", "");
    let output = machine
        .command(&["package", "publish", &folder, "--sign-with", "me.key"])
        .env("EXTENSION_REGISTRY_KEY_PASSWORD", "another-word")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("wrong password"), "{said}");
    assert!(!said.contains("another-word"));
    assert!(
        !machine.path("repositories").exists(),
        "nothing is published if signing fails"
    );
    let shown = machine
        .ext(&["package", "key", "show", "me.key.pub"])
        .fine();
    assert_eq!(shown.trim().len(), 16);
    let wrong = machine.ext(&["package", "key", "show", "me.key"]).wrong(1);
    assert!(
        !wrong.contains(
            std::str::from_utf8(&secret)
                .unwrap()
                .lines()
                .nth(1)
                .unwrap()
        )
    );
}

#[test]
fn key_approve_preserves_configuration() {
    let machine = Machine::bare();
    machine.configure("# mine\n[cache]\nttl = 7\n");
    machine
        .ext(&["package", "key", "generate", "--no-password", "me.key"])
        .fine();
    machine
        .ext(&[
            "package",
            "key",
            "approve",
            "me.key.pub",
            "--repository",
            "hub",
        ])
        .fine();
    let text = machine.configuration();
    assert!(text.starts_with("# mine\n[cache]\nttl = 7\n"), "{text}");
    assert!(text.contains("repositories = [\"hub\"]"), "{text}");
    machine
        .ext(&["package", "key", "approve", "me.key.pub", "--name", "again"])
        .fine();
    let policy: toml::Table = machine.configuration().parse().unwrap();
    assert_eq!(policy["trust"]["rule"].as_array().unwrap().len(), 2);
    // A second key for the same packages belongs to the same rule: the first that matches decides.
    machine
        .ext(&["package", "key", "generate", "--no-password", "you.key"])
        .fine();
    let second = machine.ext(&["package", "key", "approve", "you.key.pub"]);
    assert!(
        second.err.contains("trust.rule[0] precedes"),
        "{}",
        second.err
    );
    second.fine();
    let text = machine.configuration();
    assert!(text.starts_with("# mine\n[cache]\nttl = 7\n"), "{text}");
    let policy: toml::Table = text.parse().unwrap();
    let rules = policy["trust"]["rule"].as_array().unwrap();
    let keys = rules
        .iter()
        .map(|rule| rule["key"].as_array().unwrap().len());
    assert_eq!(keys.collect::<Vec<_>>(), [1, 2]);
    let none = machine
        .ext(&["package", "key", "approve", "nowhere.pub"])
        .wrong(1);
    assert!(none.contains("failed to read nowhere.pub"), "{none}");
}

#[test]
fn config_show_prints_origin_of_each_value() {
    let machine = Machine::bare();
    machine.configure("[oci]\nregistry = \"registry.example.com\"\n\n[cache]\nttl = 7\n");
    let output = machine
        .command(&[
            "package",
            "config",
            "show",
            "--namespace",
            "team",
            "-o",
            "json",
        ])
        .env("EXTENSION_REGISTRY_OCI_REGISTRY", "other.example.com")
        .output()
        .unwrap();
    let data = json(std::str::from_utf8(&output.stdout).unwrap());
    let origin = |key: &str| {
        let rows = data["values"].as_array().unwrap().iter();
        let row = rows.clone().find(|row| row["key"] == key).unwrap();
        format!(
            "{} {}",
            row["value"].as_str().unwrap(),
            row["origin"].as_str().unwrap()
        )
    };
    assert_eq!(
        origin("oci.registry"),
        "other.example.com environment EXTENSION_REGISTRY_OCI_REGISTRY"
    );
    assert_eq!(origin("oci.namespace"), "team flag --namespace");
    assert!(
        origin("cache.ttl").starts_with("7 ") && origin("cache.ttl").ends_with("packages.toml:5")
    );
    assert!(origin("cache.max_content").ends_with(" default"));
}

#[test]
fn commands_without_sources_ignore_invalid_ones() {
    let machine = Machine::bare();
    machine.configure("[[repository]]\nname = \"dead\"\nkind = \"oci\"\nurl = \"http://127.0.0.1:9/extensions\"\n");
    for arguments in [
        &["package", "cache", "list"][..],
        &["package", "cache", "stats"],
        &["package", "config", "show"],
        &["package", "version", "compare", "1.9.0", "1.10.0"],
        &["package", "init", "mytool"],
        &["package", "key", "generate", "--no-password", "me.key"],
        &["package", "list", "--cached"],
        &["package", "list", "--offline"],
    ] {
        machine.ext(arguments).fine();
    }
}

#[test]
fn lists_counts_clears_and_prunes_cache() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    machine.publish("minio", "1.0.0", "");
    machine.ext(&["package", "pull", "--all"]).fine();
    let names = machine
        .ext(&["package", "cache", "list", "-o", "name"])
        .fine();
    assert_eq!(names, "record/minio/1.0.0\nrecord/mlflow/1.2.0\n");
    let stats = json(
        &machine
            .ext(&["package", "cache", "stats", "-o", "json"])
            .fine(),
    );
    assert_eq!(stats["packages"], 2);
    let refused = machine.ext(&["package", "cache", "clear"]).wrong(1);
    assert!(refused.contains("nothing selected to clear"), "{refused}");
    let asked = machine
        .ext(&["package", "cache", "clear", "--all"])
        .wrong(1);
    assert!(asked.contains("--yes"), "{asked}");
    machine
        .ext(&[
            "package", "cache", "clear", "--type", "record", "--name", "minio",
        ])
        .fine();
    let names = machine
        .ext(&["package", "cache", "list", "-o", "name"])
        .fine();
    assert_eq!(names, "record/mlflow/1.2.0\n");
    // Used recently, so it is kept.
    machine
        .ext(&["package", "cache", "prune", "--days", "30"])
        .fine();
    assert_eq!(
        machine
            .ext(&["package", "cache", "list", "-o", "name"])
            .fine(),
        names
    );
    // Pinned by the lock file here, so it is kept whatever its age.
    machine.ext(&["package", "pull", "mlflow", "--lock"]).fine();
    machine
        .ext(&["package", "cache", "prune", "--days", "0"])
        .fine();
    assert_eq!(
        machine
            .ext(&["package", "cache", "list", "-o", "name"])
            .fine(),
        names
    );
    fs::remove_file(machine.path("work/extensions.lock")).unwrap();
    machine
        .ext(&["package", "cache", "prune", "--days", "0"])
        .fine();
    assert_eq!(
        machine
            .ext(&["package", "cache", "list", "-o", "name"])
            .fine(),
        ""
    );
}

#[test]
fn compares_sorts_and_matches_versions() {
    let machine = Machine::bare();
    let said = machine
        .ext(&["package", "version", "compare", "1.9.0", "v1.10"])
        .fine();
    assert_eq!(said, "1.9.0 < v1.10\n");
    let said = machine
        .ext(&[
            "package",
            "version",
            "sort",
            "1.9.0",
            "1.10.0",
            "1.10.0-rc.1",
        ])
        .fine();
    assert_eq!(said, "1.10.0\n1.10.0-rc.1\n1.9.0\n");
    machine
        .ext(&["package", "version", "satisfies", "1.9.0", "^1.2"])
        .fine();
    assert_eq!(
        machine
            .ext(&["package", "version", "satisfies", "2.0.0", "^1.2"])
            .code,
        1
    );
    let wrong = machine
        .ext(&["package", "version", "satisfies", "2.0.0", "~>1"])
        .wrong(1);
    assert!(wrong.contains("invalid range `~>1`"), "{wrong}");
    let sorted = machine.ext_with(&["package", "version", "sort"], "1.0.0\n2.0.0\n");
    assert_eq!(sorted.fine(), "2.0.0\n1.0.0\n");
}

/// Records what arrives on a loopback port, without responding.
fn listening() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut bytes = [0; 1024];
            let count = stream.unwrap().read(&mut bytes).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    (host, receiver)
}

#[test]
fn loopback_requests_bypass_proxy() {
    let machine = Machine::bare();
    let ((registry, direct), (proxy, proxied)) = (listening(), listening());
    let list = ["package", "test-oci", "--registry", &registry];
    let output = machine
        .command(&list)
        .env("HTTP_PROXY", format!("http://{proxy}"))
        .env("http_proxy", format!("http://{proxy}"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let came = direct.try_iter().find(|text| text.starts_with("GET /v2/"));
    assert!(came.is_some(), "{output:?}");
    assert_eq!(proxied.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn offline_sends_no_requests() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.0.0", "");
    let folder = machine.package("other", "1.0.0", "");
    let before = machine.files("repositories");
    for asking in [
        &["discover"][..],
        &["info", "mlflow"],
        &["versions", "mlflow"],
        &["verify-closure", "team"],
        &["publish", &folder],
        &["publish", &folder, "--dry-run"],
        &["sign", "mlflow", "--version", "1.0.0", "--key", "me.key"],
        &["delete", "mlflow", "1.0.0", "--yes"],
        &["index", "team"],
        &["mirror", "mlflow", "--to", "./elsewhere"],
        &["test-oci", "--registry", "127.0.0.1:9"],
    ] {
        let whole = [&["package"], asking, &["--offline"]].concat();
        let said = machine.ext(&whole).wrong(1);
        assert!(
            said.contains("cannot query the sources with --offline"),
            "{whole:?}: {said}"
        );
    }
    assert_eq!(machine.files("repositories"), before);
    assert!(!machine.path("work/elsewhere").exists());
}

#[test]
fn loads_package_published_to_maven_by_another_machine() {
    let machine = Machine::new();
    let maven = "[[repository]]\nname = \"team\"\nkind = \"maven\"\nurl = \"../repositories/maven\"\ngroup = \"org.example\"\n";
    let text = machine.configuration();
    let (_, trust) = text.split_once("\n\n").unwrap();
    machine.configure(&format!("{maven}\n{trust}"));
    machine.publish("mlflow", "1.2.0", "");
    assert!(
        machine
            .path("repositories/maven/org/example/mlflow/maven-metadata.xml")
            .exists()
    );
    let other = Machine::bare();
    let root = machine.path("repositories/maven").display().to_string();
    other.configure(
        &machine
            .configuration()
            .replace("MACHINE/repositories/maven", &root),
    );
    let loaded = other
        .ext(&["package", "load", "mlflow", "-o", "json"])
        .fine();
    assert_eq!(json(&loaded)["signedBy"][0], "me");
}

#[test]
fn environment_variable_adds_package_folders() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let output = machine
        .command(&["package", "list", "-o", "json"])
        .env("XDG_CONFIG_HOME", machine.path("nowhere"))
        .env(
            "EXTENSION_REGISTRY_EXTENSIONS_PATH",
            machine.path("repositories/team"),
        )
        .output()
        .unwrap();
    let data = json(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(data["packages"][0]["source"], "local");
}

#[test]
fn verify_closure_names_missing_dependencies() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "dependencies: [base]\n");
    let output = machine.ext(&["package", "verify-closure", "team"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (
            1,
            "app 1.0.0 depends on base `*`, which is not in the repository\n"
        )
    );
    machine.publish("base", "1.0.0", "");
    let said = machine.ext(&["package", "verify-closure", "team"]).fine();
    assert_eq!(said, "team contains all dependencies of its packages\n");
    // Old versions are checked too: they may be pinned.
    machine.publish("app", "0.9.0", "dependencies: [gone]\n");
    let output = machine.ext(&["package", "verify-closure", "team"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (
            1,
            "app 0.9.0 depends on gone `*`, which is not in the repository\n"
        )
    );
    let none = machine.ext(&["package", "verify-closure"]).wrong(1);
    assert!(none.contains("hint: pass a repository, or set"), "{none}");
}

/// Checks that a template with a credential in this line cannot be published.
fn refuses_template(text: &str, line: usize) -> Machine {
    let machine = Machine::new();
    let folder = machine.package("mlflow", "1.2.0", "");
    let template = machine.path("work").join(&folder);
    fs::write(template.join("templates/main.yaml"), text).unwrap();
    let refused = machine.ext(&["package", "publish", &folder]).wrong(1);
    let place = format!("mlflow-1.2.0/templates/main.yaml:{line}:");
    assert!(refused.contains(&place), "{refused}");
    assert!(
        refused.contains("literal-credential") && !refused.contains("hunter2"),
        "{refused}"
    );
    machine
}

#[test]
fn rejects_template_with_literal_password() {
    let text = "description: d\nspec:\n  services:\n    - name: a\n      credentials:\n        - name: main\n          configuration: [{name: KEY, value: hunter2}]\n";
    let machine = refuses_template(text, 7);
    assert!(!machine.path("repositories").exists());
}

#[test]
fn stores_credentials_like_docker_and_never_prints_them() {
    let machine = Machine::bare();
    let login = [
        "package",
        "login",
        "localhost:5000",
        "-u",
        "ada",
        "--password-stdin",
    ];
    let output = machine.ext_with(&login, "a-secret-word\n");
    assert!(!output.err.contains("a-secret-word"), "{}", output.err);
    assert!(!output.fine().contains("a-secret-word"));
    let path = machine.path("docker/config.json");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(json(&fs::read_to_string(&path).unwrap())["auths"]["localhost:5000"].is_object());
    machine.ext(&["package", "logout", "localhost:5000"]).fine();
    assert_eq!(
        machine.ext(&["package", "logout", "localhost:5000"]).code,
        1
    );
}

#[test]
fn rejects_template_with_password_in_plain_configuration() {
    let text = "description: d\nspec:\n  product: a\n  configuration:\n    - name: PASSWORD\n      value: hunter2secret\n";
    refuses_template(text, 6);
}
