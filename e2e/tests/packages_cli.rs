//! Tests of `kubectl ext package` with real registries.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

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

const USER_NAME: &str = "somebody";
const PASSWORD: &str = "a-long-password-of-somebody";
/// The password with bcrypt, as `htpasswd -B` writes it.
const FILE: &str = "somebody:$2b$04$9KBPIwWqzOfmOQoLCm1kcuBE042gYyEFJRiqjLn7JxK.ivgn8fSli\n";

/// An empty home folder for the program.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(configuration: &str) -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let folder = home.path("configuration/extension-registry");
        fs::create_dir_all(&folder).unwrap();
        let text = configuration.replace("HERE", &home.path("").display().to_string());
        fs::write(folder.join("packages.toml"), text).unwrap();
        home
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
        // Commands that do not read their input may already have exited.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Returns the output of a command that must succeed without warnings.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.ext(arguments, "");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("warning"), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.ext(arguments, "");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let whole = [arguments, &["-o", "json"]].concat();
        serde_json::from_str(&self.succeed(&whole)).unwrap()
    }
}

/// Publishes, signs and lists as the author, then discovers, verifies and loads as another user. Returns the
/// digest of the content.
fn publish_and_load(configuration: &str, prepare: impl Fn(&Home)) -> String {
    let author = Home::new(configuration);
    prepare(&author);
    author.succeed(&["key", "generate", "--no-password", "me.key"]);
    author.succeed(&["key", "approve", "me.key.pub"]);
    for name in ["tool", "bare"] {
        author.succeed(&["init", name]);
    }
    author.succeed(&["publish", "tool", "--sign-with", "me.key"]);
    let published = author.ext(&["publish", "bare"], "");
    assert!(published.status.success(), "{published:?}");
    let again = author.fail(&["publish", "tool", "--sign-with", "me.key"]);
    assert!(
        again.contains("version 0.1.0 of tool already exists"),
        "{again}"
    );
    author.succeed(&["index", "--sign-with", "me.key"]);

    let reader = Home::new(configuration);
    prepare(&reader);
    fs::copy(author.path("me.key.pub"), reader.path("author.pub")).unwrap();
    let untrusted = reader.fail(&["pull", "tool"]);
    assert!(untrusted.contains("is not trusted"), "{untrusted}");
    reader.succeed(&["key", "approve", "author.pub"]);
    let found = reader.succeed(&["discover"]);
    assert!(found.contains("there: 2 packages, from index"), "{found}");
    let verified = reader.json(&["verify", "tool"]);
    assert_eq!(
        (&verified["trust"], &verified["signedBy"][0]),
        (&"trusted".into(), &"author".into())
    );
    let unsigned = reader.fail(&["pull", "bare"]);
    assert!(
        unsigned.contains("bare 0.1.0 from there is not signed"),
        "{unsigned}"
    );
    let pulled = reader.json(&["pull", "tool"]);
    let loaded = reader.json(&["load", "tool", "--offline"]);
    assert_eq!(loaded["digest"], pulled["packages"][0]["digest"]);
    assert!(fs::exists(loaded["templates"][0].as_str().unwrap()).unwrap());
    let docs = reader.succeed(&["docs", "tool"]);
    assert!(docs.starts_with("# tool"), "{docs}");
    loaded["digest"].as_str().unwrap().to_owned()
}

/// Returns the digest from a folder repository, for comparison.
fn digest_from_folder() -> String {
    let shared = tempfile::tempdir().unwrap();
    let configuration = format!(
        "[[repository]]\nname = \"there\"\nkind = \"folder\"\nurl = \"{}\"\n",
        shared.path().display()
    );
    publish_and_load(&configuration, |_| {})
}

#[test]
fn publishes_and_loads_with_gitea() {
    if let Some(why) = gitea::missing() {
        skip("packages through a real Gitea", &why).unwrap();
        return;
    }
    let server = Gitea::start().unwrap();
    let configuration = format!(
        "[[repository]]\nname = \"there\"\nkind = \"gitea\"\nurl = \"{}\"\nowner = \"{USER}\"\nauth_token_path = \"HERE/token\"\n",
        server.url()
    );
    let digest = publish_and_load(&configuration, |home| {
        let path = home.path("token");
        fs::write(&path, format!("{}\n", server.token())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    });
    assert_eq!(digest, digest_from_folder());
}

#[test]
fn publishes_and_loads_with_docker_registry_and_password() {
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
    let digest = publish_and_load(&configuration, |home| {
        let refused = home.fail(&["versions", "tool"]);
        assert!(
            refused.contains("there denied access: cannot list versions"),
            "{refused}"
        );
        let login = ["login", &host, "--username", USER_NAME, "--password-stdin"];
        let stored = home.ext(&login, PASSWORD);
        assert!(stored.status.success(), "{stored:?}");
    });
    assert_eq!(digest, digest_from_folder());
}
