//! Tests of `kubectl ext package` with real registries.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use extension_registry_e2e::operator;
use extension_registry_e2e::servers::docker_registry::{self, Access, DockerRegistry, Options};
use extension_registry_e2e::servers::gitea::{self, Gitea, USER};
use extension_registry_e2e::skip;
use serde_json::Value;

const PERSON: &str = "somebody";
const PASSWORD: &str = "a-long-password-of-somebody";
/// The password with bcrypt, as `htpasswd -B` writes it.
const FILE: &str = "somebody:$2b$04$9KBPIwWqzOfmOQoLCm1kcuBE042gYyEFJRiqjLn7JxK.ivgn8fSli\n";

/// A machine with nothing on it but the program.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(configuration: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let folder = machine.path("configuration/extension-registry");
        fs::create_dir_all(&folder).unwrap();
        let text = configuration.replace("HERE", &machine.path("").display().to_string());
        fs::write(folder.join("packages.toml"), text).unwrap();
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn ext(&self, arguments: &[&str], input: &str) -> Output {
        let path = self.folder.path();
        let mut child = Command::new(operator::built("kubectl-ext").unwrap())
            .arg("package")
            .args(arguments)
            .current_dir(path)
            .env("HOME", path)
            .env("XDG_CONFIG_HOME", path.join("configuration"))
            .env("XDG_CACHE_HOME", path.join("cache"))
            .env("XDG_STATE_HOME", path.join("state"))
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever does not read it may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The answer of a verb that does what it should, and has nothing to warn of.
    fn fine(&self, arguments: &[&str]) -> String {
        let output = self.ext(arguments, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains("warning"), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn wrong(&self, arguments: &[&str]) -> String {
        let output = self.ext(arguments, "");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let whole = [arguments, &["-o", "json"]].concat();
        serde_json::from_str(&self.fine(&whole)).unwrap()
    }
}

/// Publishes, signs and lists as its author; then finds, verifies and loads as somebody else. Gives the digest of the
/// content.
fn from_author_to_reader(configuration: &str, prepare: impl Fn(&Machine)) -> String {
    let author = Machine::new(configuration);
    prepare(&author);
    author.fine(&["key", "generate", "--no-password", "me.key"]);
    author.fine(&["key", "approve", "me.key.pub"]);
    for name in ["tool", "bare"] {
        author.fine(&["init", name]);
    }
    author.fine(&["publish", "tool", "--sign-with", "me.key"]);
    let published = author.ext(&["publish", "bare"], "");
    assert!(published.status.success(), "{published:?}");
    let again = author.wrong(&["publish", "tool", "--sign-with", "me.key"]);
    assert!(
        again.contains("version 0.1.0 of tool already exists"),
        "{again}"
    );
    author.fine(&["index", "--sign-with", "me.key"]);

    let reader = Machine::new(configuration);
    prepare(&reader);
    fs::copy(author.path("me.key.pub"), reader.path("author.pub")).unwrap();
    let nobody = reader.wrong(&["pull", "tool"]);
    assert!(nobody.contains("is not trusted"), "{nobody}");
    reader.fine(&["key", "approve", "author.pub"]);
    let found = reader.fine(&["discover"]);
    assert!(found.contains("there: 2 packages, from index"), "{found}");
    let verified = reader.json(&["verify", "tool"]);
    assert_eq!(
        (&verified["trust"], &verified["signedBy"][0]),
        (&"trusted".into(), &"author".into())
    );
    let unsigned = reader.wrong(&["pull", "bare"]);
    assert!(
        unsigned.contains("bare 0.1.0 from there is not signed"),
        "{unsigned}"
    );
    let pulled = reader.json(&["pull", "tool"]);
    let loaded = reader.json(&["load", "tool", "--offline"]);
    assert_eq!(loaded["digest"], pulled["packages"][0]["digest"]);
    assert!(fs::exists(loaded["templates"][0].as_str().unwrap()).unwrap());
    let docs = reader.fine(&["docs", "tool"]);
    assert!(docs.starts_with("# tool"), "{docs}");
    loaded["digest"].as_str().unwrap().to_owned()
}

/// Returns the digest from a folder repository, for comparison.
fn of_a_folder() -> String {
    let shared = tempfile::tempdir().unwrap();
    let configuration = format!(
        "[[repository]]\nname = \"there\"\nkind = \"folder\"\nurl = \"{}\"\n",
        shared.path().display()
    );
    from_author_to_reader(&configuration, |_| {})
}

#[test]
fn packages_work_with_gitea() {
    if let Some(why) = gitea::missing() {
        skip("packages through a real Gitea", &why).unwrap();
        return;
    }
    let server = Gitea::start().unwrap();
    let configuration = format!(
        "[[repository]]\nname = \"there\"\nkind = \"gitea\"\nurl = \"{}\"\nowner = \"{USER}\"\nauth_token_path = \"HERE/token\"\n",
        server.url()
    );
    let digest = from_author_to_reader(&configuration, |machine| {
        let path = machine.path("token");
        fs::write(&path, format!("{}\n", server.token())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    });
    assert_eq!(digest, of_a_folder());
}

#[test]
fn packages_work_with_docker_registry_and_password() {
    if let Some(why) = docker_registry::missing() {
        skip("packages through docker-registry", why).unwrap();
        return;
    }
    let server = DockerRegistry::start(&Options {
        access: Access::Passwords(FILE.to_owned()),
        deletes: true,
        ..Options::default()
    })
    .unwrap();
    let host = server.host();
    let configuration = format!(
        "[[repository]]\nname = \"there\"\nkind = \"oci\"\nurl = \"http://{host}/team/extensions\"\n"
    );
    let digest = from_author_to_reader(&configuration, |machine| {
        let refused = machine.wrong(&["versions", "tool"]);
        assert!(
            refused.contains("there denied access: cannot list versions"),
            "{refused}"
        );
        let login = ["login", &host, "--username", PERSON, "--password-stdin"];
        let kept = machine.ext(&login, PASSWORD);
        assert!(kept.status.success(), "{kept:?}");
    });
    assert_eq!(digest, of_a_folder());
}
