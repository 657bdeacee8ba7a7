//! A machine of its own for the program: folders, configuration, keys.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the program did.
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Output {
    /// The output of a program that was content.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// What a program said that was not content.
    #[track_caller]
    pub(crate) fn wrong(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.err
    }
}

/// A machine.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// One with nothing on it.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        Self { folder }
    }

    /// One with the folder repository `team`, and a key that it trusts.
    pub(crate) fn new() -> Self {
        let machine = Self::bare();
        machine.configure(
            "[[repository]]\nname = \"team\"\nkind = \"folder\"\nurl = \"../repositories/team\"\n",
        );
        machine
            .ext(&["package", "key", "generate", "--no-password", "me.key"])
            .fine();
        machine
            .ext(&["package", "key", "approve", "me.key.pub"])
            .fine();
        machine
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes the user's configuration. Paths in it count from its folder, which is beside `work`.
    pub(crate) fn configure(&self, text: &str) {
        let folder = self.path("configuration/extension-registry");
        fs::create_dir_all(&folder).unwrap();
        let root = self.folder.path().display().to_string();
        fs::write(
            folder.join("packages.toml"),
            text.replace("\"../", &format!("\"{root}/")),
        )
        .unwrap();
    }

    pub(crate) fn configuration(&self) -> String {
        fs::read_to_string(self.path("configuration/extension-registry/packages.toml")).unwrap()
    }

    /// Runs the program in the folder `work`.
    pub(crate) fn ext(&self, arguments: &[&str]) -> Output {
        self.ext_with(arguments, "")
    }

    /// The same, with this on its standard input.
    pub(crate) fn ext_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever does not read it may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Output {
            code: output.status.code().unwrap(),
            out: self.redacted(&output.stdout),
            err: self.redacted(&output.stderr),
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-ext"));
        command
            .args(arguments)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("configuration"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env("KUBECONFIG", "/nowhere/kubeconfig");
        command
    }

    /// Without the path of the machine.
    fn redacted(&self, text: &[u8]) -> String {
        let root = self.folder.path().display().to_string();
        String::from_utf8_lossy(text).replace(&root, "MACHINE")
    }

    /// A folder with a package below `work`. More is added to its manifest.
    pub(crate) fn package(&self, name: &str, version: &str, more: &str) -> String {
        let folder = self.path("work").join(format!("{name}-{version}"));
        fs::create_dir_all(folder.join("templates")).unwrap();
        let manifest = format!(
            "extension:\n  name: {name}\n  version: {version}\n  description: Registers {name}\n\
             templates:\n  - file: templates/main.yaml\nmetadata:\n  license: MIT\n{more}"
        );
        fs::write(folder.join("extension.yaml"), manifest).unwrap();
        let template = format!(
            "description: {name}\nparameters:\n  url: {{description: Address}}\nspec:\n  product: {name}\n  \
             services:\n    - name: api\n      endpoints: [{{name: main, url: '${{url}}'}}]\n"
        );
        fs::write(folder.join("templates/main.yaml"), template).unwrap();
        fs::write(folder.join("README.md"), format!("# {name} {version}\n")).unwrap();
        fs::write(folder.join("LICENSE"), "MIT\n").unwrap();
        format!("{name}-{version}")
    }

    /// Publishes a package, signed.
    pub(crate) fn publish(&self, name: &str, version: &str, more: &str) {
        let folder = self.package(name, version, more);
        self.ext(&["package", "publish", &folder, "--sign-with", "me.key"])
            .fine();
    }

    /// The same, to one of several repositories.
    pub(crate) fn publish_to(&self, repository: &str, name: &str, version: &str, more: &str) {
        let folder = self.package(name, version, more);
        let key = ["--sign-with", "me.key"];
        let publish = ["package", "publish", &folder, "--repository", repository];
        self.ext(&[&publish[..], &key].concat()).fine();
    }

    /// One more folder repository, before the others of the configuration.
    pub(crate) fn with_repository(&self, name: &str, more: &str) {
        let repository = format!(
            "[[repository]]\nname = \"{name}\"\nkind = \"folder\"\nurl = \"../repositories/{name}\"\n{more}\n"
        );
        self.configure(&format!("{repository}{}", self.configuration()));
    }

    /// Files below a folder, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        fn collect(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let root = self.path(folder);
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        found.sort();
        found
    }
}

/// The rules of trust of a machine, without its repositories.
pub(crate) fn trust(machine: &Machine) -> String {
    let text = machine.configuration();
    let start = text.find("[[trust.rule]]").unwrap();
    text[start..].to_owned()
}

/// A machine with a key that it trusts, and this repository alone.
pub(crate) fn with(repository: &str) -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("{repository}{}", trust(&machine)));
    machine
}

/// Another machine with the same configuration and nothing else.
pub(crate) fn another(machine: &Machine) -> Machine {
    let other = Machine::bare();
    other.configure(&machine.configuration());
    other
}
