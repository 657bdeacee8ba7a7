//! Repositories in the configuration: who may say what of them, and where their credentials go.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod configured;

use std::fs;
use std::path::Path;
use std::time::Duration;

use configured::{Machine, pair, place};
use extension_registry_packages::config::Flags;

#[test]
fn orders_repositories_by_priority() {
    let machine = Machine::new();
    machine
        .system("[[repository]]\nname = \"first\"\nkind = \"maven\"\nurl = \"https://first.example.com\"\n")
        .user(
            r#"
[[repository]]
name = "second"
kind = "folder"
url = "packages"
[[repository]]
name = "company"
kind = "oci"
url = "https://registry.example.com/extensions/"
priority = 10
names = ["mlflow", "minio"]
mirrors = ["https://mirror.example.com/extensions", "near.example.com/x"]
insecure = false
timeout = 300
retry_count = 5
ca = "ca.pem"
auth_token_path = "/run/token"
[[repository]]
name = "last"
kind = "gitea"
url = "https://forge.example.com"
owner = "team"
priority = -1
"#,
        )
        .write("user/ca.pem", "the file");
    let config = machine.load();
    let names: Vec<&str> = config
        .repositories
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["company", "first", "second", "last"]);
    let company = config.repository("company").unwrap();
    assert_eq!(
        company.url.value.to_string(),
        "https://registry.example.com/extensions"
    );
    assert_eq!(company.names.value, ["mlflow", "minio"]);
    let mirrors: Vec<String> = company
        .mirrors
        .value
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        mirrors,
        [
            "https://mirror.example.com/extensions",
            "https://near.example.com/x"
        ]
    );
    assert_eq!(
        company.auth_token_path.as_ref().unwrap().value,
        Path::new("/run/token")
    );
    let settings = company.settings().unwrap();
    assert_eq!(settings.authorities, [b"the file".to_vec()]);
    assert_eq!(
        (settings.retries, settings.timeout),
        (5, Duration::from_mins(5))
    );
    assert_eq!(
        config
            .repository("first")
            .unwrap()
            .group
            .as_ref()
            .unwrap()
            .value,
        "io.fuseml.extensions"
    );
    assert_eq!(
        config
            .repository("last")
            .unwrap()
            .owner
            .as_ref()
            .unwrap()
            .value,
        "team"
    );
}

#[test]
fn later_file_overrides_fields() {
    let machine = Machine::new();
    machine
        .system("[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com\"\ntimeout = 9\n")
        .user("[[repository]]\nname = \"a\"\nmirrors = [\"https://near.example.com\"]\npriority = 3\n")
        .project("[[repository]]\nname = \"a\"\npriority = 4\nnames = [\"x\"]\n");
    assert_eq!(machine.load().repositories.len(), 1);
    assert_eq!(
        machine.shown("repository.a.timeout"),
        pair("9", "system/packages.toml:5")
    );
    assert_eq!(
        machine.shown("repository.a.priority"),
        pair("4", "project/packages.toml:3")
    );
    assert_eq!(
        machine.shown("repository.a.mirrors"),
        pair("https://near.example.com", "user/packages.toml:3")
    );
}

#[test]
fn project_cannot_redirect_credentials() {
    let machine = Machine::new();
    machine.user("\n[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com/x\"\n[oci]\n");
    for (line, field) in [
        ("url = \"https://evil.example.com/x\"", "url"),
        ("mirrors = [\"https://evil.example.com/x\"]", "mirrors"),
        ("insecure = true", "insecure"),
        ("ca = \"evil.pem\"", "ca"),
        ("kind = \"gitea\"", "kind"),
        ("owner = \"evil\"", "owner"),
    ] {
        machine.project(&format!("[[repository]]\nname = \"a\"\n{line}\n"));
        let text = machine.wrong();
        assert!(text.starts_with("project/packages.toml:3:"), "{text}");
        assert!(
            text.contains(&format!("repository.a.{field} cannot be changed here")),
            "{text}"
        );
        assert!(
            text.contains("is defined in user/packages.toml:2,"),
            "{text}"
        );
    }
    for line in [
        "registry = \"evil.example.com\"",
        "namespace = \"evil\"",
        "insecure = true",
    ] {
        machine.project(&format!("[oci]\n{line}\n"));
        assert!(machine.wrong().contains("cannot be changed here"), "{line}");
    }
    // The same said again, and what leads nowhere else, is fine.
    machine.project(
        "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com/x\"\npriority = 1\n[oci]\ntimeout = 3\n",
    );
    assert_eq!(machine.shown("repository.a.url").1, "user/packages.toml:5");
    assert_eq!(machine.shown("repository.a.priority").0, "1");
}

#[test]
fn project_cannot_send_user_files() {
    let machine = Machine::new();
    machine.project(
        "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://evil.example.com\"\nauth_token_path = \"~/.ssh/id_ed25519\"\n\
         [oci]\nauth_token_path = \"~/.ssh/id_ed25519\"\n[cache]\npath = \"~\"\n",
    );
    let text = machine.wrong();
    assert_eq!(
        text.matches("auth_token_path is not allowed").count(),
        2,
        "{text}"
    );
    assert!(text.contains("cache.path is not allowed"), "{text}");
}

#[test]
fn token_file_is_bound_to_server() {
    let mut machine = Machine::new();
    machine.user("[oci]\nregistry = \"a.example.com\"\nauth_token_path = \"/run/token\"\n");
    let has_token = |machine: &Machine| {
        let config = machine.load();
        config.repository("oci").unwrap().auth_token_path.is_some()
    };
    assert!(has_token(&machine));
    machine.flags.registry = Some("a.example.com".to_owned());
    assert!(has_token(&machine));
    machine.flags.registry = Some("b.example.com".to_owned());
    assert!(!has_token(&machine));
    assert_eq!(
        machine.warnings(),
        [
            "user/packages.toml:3:19: repository.oci.auth_token_path is ignored: it is for a different server than the one set in flag --registry; hint: set a token file for that server"
        ]
    );
}

#[test]
fn validates_repository_names() {
    let machine = Machine::new();
    let one =
        |name: &str| format!("[[repository]]\nname = \"{name}\"\nkind = \"folder\"\nurl = \"x\"\n");
    machine.user(&format!("{}{}", one("a"), one("a")));
    assert_eq!(
        machine.wrong(),
        "user/packages.toml:5:1: repository.a is a duplicate repository name; first defined at user/packages.toml:1; hint: rename one of them"
    );
    for name in ["", "A", "a/b", "a b", "ä"] {
        machine.user(&one(name));
        assert!(
            machine.wrong().contains("is not a valid repository name"),
            "{name}"
        );
    }
    for name in ["oci", "local", "local-2"] {
        machine.user(&one(name));
        assert!(machine.wrong().contains("is reserved"), "{name}");
    }
    machine.user(&one("local-mirror"));
    machine.load();
    machine.user("[[repository]]\n");
    assert_eq!(
        machine.wrong(),
        "user/packages.toml:1:1: repository[0].name is missing; hint: add `name`"
    );
    machine.user("[[repository]]\nname = \"a\"\nkind = \"ocy\"\n");
    assert_eq!(
        machine.wrong(),
        "user/packages.toml:3:8: repository.a.kind has an invalid value `ocy`; hint: did you mean `oci`?"
    );
    machine
        .user("[[repository]]\nname = \"a\"\nkind = \"gitea\"\nurl = \"https://a.example.com\"\n");
    assert!(machine.wrong().contains("repository.a.owner is missing"));
}

#[test]
fn location_must_match_kind() {
    let machine = Machine::new();
    for (kind, url, expected) in [
        (
            "oci",
            "registry.example.com/x",
            Some("https://registry.example.com/x"),
        ),
        ("oci", "localhost:5000/x", Some("http://localhost:5000/x")),
        ("oci", "127.0.0.1:5000", Some("http://127.0.0.1:5000")),
        ("oci", "[::1]:5000/x", Some("http://[::1]:5000/x")),
        ("oci", "ftp://example.com", None),
        ("oci", "/srv/x", None),
        ("oci", "file:///srv/x", None),
        ("oci", "", None),
        ("folder", "/srv/x", Some("/srv/x")),
        ("folder", "file:///srv/x", Some("/srv/x")),
        ("folder", "~/x", None),
        ("folder", "https://example.com", None),
        ("maven", "/srv/x", Some("/srv/x")),
        (
            "maven",
            "https://example.com/releases",
            Some("https://example.com/releases"),
        ),
    ] {
        machine.user(&format!(
            "[[repository]]\nname = \"a\"\nkind = \"{kind}\"\nurl = \"{url}\"\n"
        ));
        let mut homeless = Machine {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            flags: Flags::default(),
        };
        homeless.set("EXTENSION_REGISTRY_CACHE_DIR", "/cache");
        homeless.user(&fs::read_to_string(machine.path("user/packages.toml")).unwrap());
        let outcome = homeless.outcome().ok().map(|config| place(&config, "a"));
        assert_eq!(outcome.as_deref(), expected, "{kind} {url}");
    }
}

#[test]
fn only_system_file_sets_system_repository() {
    let machine = Machine::new();
    let one = |name: &str| {
        format!(
            "[[repository]]\nname = \"{name}\"\nkind = \"folder\"\nurl = \"/{name}\"\nsystem = true\n"
        )
    };
    machine.system(&one("a")).user(&one("b"));
    assert_eq!(machine.load().system_repository().unwrap().name, "a");
    assert!(!machine.load().repository("b").unwrap().system.value);
    assert_eq!(
        machine.warnings(),
        [
            "user/packages.toml:5:10: repository.b.system has no effect; hint: set it in the system file"
        ]
    );
    machine.user("[[repository]]\nname = \"a\"\nurl = \"/elsewhere\"\n");
    assert!(
        machine
            .wrong()
            .contains("repository.a.url cannot be changed here")
    );
    machine
        .user("")
        .system(&format!("{}{}", one("a"), one("b")));
    assert!(
        machine
            .wrong()
            .contains("repository.b.system defines a second System Repository; the first is `a`")
    );
}

#[test]
fn trust_policy_never_comes_from_project() {
    let machine = Machine::new();
    machine.user("[trust]\nmode = \"warn\"\n");
    assert_eq!(machine.shown("trust.mode").1, "user/packages.toml:1");
    machine.system("[trust]\nmode = \"enforce\"\n");
    let trust = machine.load().trust.unwrap().value;
    // Never merged: what the user says adds nothing.
    assert_eq!(
        trust,
        "mode = \"enforce\"\n".parse::<toml::Table>().unwrap()
    );
    assert!(machine.warnings()[0].starts_with("user/packages.toml:1:1: trust is ignored: "));
    machine.project("[trust]\nmode = \"warn\"\n");
    assert!(
        machine
            .wrong()
            .starts_with("project/packages.toml:1:1: trust is not allowed")
    );
}

/// The fields of the lines of an error.
fn fields_of(text: &str) -> Vec<String> {
    let lines = text.lines();
    let fields = lines.filter_map(|line| line.split(": ").nth(1)?.split(' ').next());
    fields.map(str::to_owned).collect()
}

#[test]
fn reports_changes_of_guarded_fields_in_order() {
    let machine = Machine::new();
    machine
        .system("[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com\"\nsystem = true\n")
        .user(
            r#"
[[repository]]
name = "a"
auth_token_path = "token"
mirrors = []
insecure = true
ca = "ca.pem"
retry_count = 1
timeout = 1
names = ["x"]
priority = 1
group = "group"
owner = "owner"
url = "https://b.example.com"
kind = "gitea"
"#,
        );
    let fields = [
        "url",
        "owner",
        "group",
        "ca",
        "auth_token_path",
        "insecure",
        "kind",
        "mirrors",
    ];
    let expected = fields.map(|field| format!("repository.a.{field}"));
    assert_eq!(fields_of(&machine.wrong()), expected);
}

#[test]
fn reports_fields_in_order_of_declaration() {
    let machine = Machine::new();
    machine.user(
        r#"
[oci]
auth_token_path = 1
retry_count = ""
timeout = ""
insecure = ""
namespace = 1
registry = 1
[[repository]]
name = "a"
auth_token_path = 1
retry_count = ""
timeout = ""
insecure = ""
ca = 1
mirrors = 1
names = 1
system = 1
priority = ""
group = 1
owner = 1
url = 1
kind = "cargo"
"#,
    );
    let oci = [
        "registry",
        "namespace",
        "insecure",
        "timeout",
        "retry_count",
        "auth_token_path",
    ];
    let repository = [
        "kind",
        "url",
        "owner",
        "group",
        "priority",
        "system",
        "names",
        "mirrors",
        "ca",
        "insecure",
        "timeout",
        "retry_count",
        "auth_token_path",
    ];
    let expected = oci.iter().map(|field| format!("oci.{field}"));
    let more = repository
        .iter()
        .map(|field| format!("repository.a.{field}"));
    let text = machine.wrong();
    assert_eq!(fields_of(&text), expected.chain(more).collect::<Vec<_>>());
    assert!(
        text.contains(
            "has an invalid value `cargo`; hint: expected one of oci, gitea, maven, folder\n"
        ),
        "{text}"
    );
    machine.user("[[repository]]\nname = \"a\"\nkind = \"folder\"\nurl = \"/a\"\nzzzzzzzz = 1\n");
    assert_eq!(
        machine.warnings(),
        [
            "user/packages.toml:5:1: repository.a.zzzzzzzz is an unknown field and is ignored; hint: expected one of name, kind, url, owner, group, priority, system, names, mirrors, ca, insecure, timeout, retry_count, auth_token_path"
        ]
    );
}
