//! The configuration: what each key does, who wins, and what a project may not say.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod configured;
#[path = "../../package-trust/tests/signed/mod.rs"]
mod signed;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use configured::{Machine, pair, place};
use extension_registry_packages::config::{Environment, Flags, Location, Origin, Places, Source};
use extension_registry_packages::repository::Kind;
use extension_registry_packages::trust::{Evidence, Policy};
use signed::{Person, statement, time};

#[test]
fn empty_configuration_has_defaults_and_no_repository() {
    let config = Machine::new().load();
    assert!(config.repositories.is_empty());
    assert_eq!(config.source.value, Source::Auto);
    assert!(
        config
            .cache
            .path
            .value
            .ends_with("home/.cache/extension-registry")
    );
    assert!(config.trust.is_none());
    assert!(config.warnings.is_empty());
    assert!(
        config
            .show()
            .iter()
            .all(|row| row.origin == Origin::Default)
    );
}

#[test]
fn precedence_is_files_environment_flags() {
    let mut machine = Machine::new();
    machine
        .system("[oci]\nregistry = \"system.example.com\"\ntimeout = 11\nretry_count = 1\n")
        .user("[oci]\nnamespace = \"mine\"\ntimeout = 22\n");
    let timeout = "repository.oci.timeout";
    assert_eq!(
        machine.shown("oci.registry"),
        pair("system.example.com", "system/packages.toml:2")
    );
    assert_eq!(
        machine.shown("oci.namespace"),
        pair("mine", "user/packages.toml:2")
    );
    assert_eq!(machine.shown(timeout), pair("22", "user/packages.toml:3"));
    machine.project("\n[oci]\ntimeout = 33\n");
    assert_eq!(
        machine.shown(timeout),
        pair("33", "project/packages.toml:3")
    );
    assert_eq!(
        machine.shown("repository.oci.retry_count"),
        pair("1", "system/packages.toml:4")
    );

    machine.set("EXTENSION_REGISTRY_OCI_NAMESPACE", "environment");
    let origin = "environment EXTENSION_REGISTRY_OCI_NAMESPACE";
    assert_eq!(machine.shown("oci.namespace"), pair("environment", origin));
    machine.flags.namespace = Some("flag".to_owned());
    machine.flags.timeout = Some(Duration::from_secs(44));
    assert_eq!(
        machine.shown("oci.namespace"),
        pair("flag", "flag --namespace")
    );
    assert_eq!(machine.shown(timeout), pair("44", "flag --timeout"));
    let place = place(&machine.load(), "oci");
    assert_eq!(place, "https://system.example.com/flag");
}

#[test]
fn show_lists_each_value_once_sorted() {
    let machine = Machine::new();
    machine.system(
        "[oci]\n[trust]\nmode = \"enforce\"\n[[repository]]\nname = \"b\"\nkind = \"maven\"\nurl = \"maven\"\n",
    );
    let keys: Vec<String> = machine
        .load()
        .show()
        .into_iter()
        .map(|row| row.key)
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(keys, sorted);
    for key in [
        "cache.ttl",
        "oci.registry",
        "repository.b.group",
        "trust.mode",
    ] {
        assert!(keys.iter().any(|shown| shown == key), "{key} in {keys:?}");
    }
}

#[test]
fn config_variable_overrides_user_file() {
    let mut machine = Machine::new();
    machine.user("[oci]\nnamespace = \"user\"\n");
    let other = machine.path("other.toml");
    machine.set("EXTENSION_REGISTRY_CONFIG", other.to_str().unwrap());
    assert_eq!(
        machine.wrong(),
        "configuration file other.toml not found (set by --config or EXTENSION_REGISTRY_CONFIG); hint: fix the path, or unset the flag or variable"
    );
    machine.write(
        "other.toml",
        "[oci]\nnamespace = \"other\"\n[trust]\nmode = \"warn\"\n",
    );
    assert_eq!(
        machine.shown("oci.namespace"),
        pair("other", "other.toml:2")
    );
    assert!(machine.load().trust.is_some());
}

#[test]
fn default_files_follow_environment() {
    let environment = Environment::from_iter([("HOME", "/home/ada")]);
    let places = Places::of_machine(&environment, Path::new("/project"));
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(places.system, path("/etc/extension-registry/packages.toml"));
    assert_eq!(
        places.user,
        path("/home/ada/.config/extension-registry/packages.toml")
    );
    assert_eq!(places.project, path("/project/packages.toml"));
    let environment = Environment::from_iter([("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "/x")]);
    let places = Places::of_machine(&environment, Path::new("/project"));
    assert_eq!(places.user, path("/x/extension-registry/packages.toml"));
}

#[test]
fn third_party_repository_needs_only_configuration() {
    let (ours, theirs) = (Person::new("ours"), Person::new("theirs"));
    let own = "[[repository]]\nname = \"ours\"\nkind = \"oci\"\nurl = \"https://ours.example.com/x\"\nsystem = true\n";
    let other = "[[repository]]\nname = \"theirs\"\nkind = \"gitea\"\nurl = \"https://theirs.example.com\"\nowner = \"team\"\n";
    let rule = |repository: &str, person: &Person| {
        format!(
            "[[trust.rule]]\nrepositories = [\"{repository}\"]\n{}",
            person.toml()
        )
    };
    let found = statement("tool", "1.0.0");
    let signatures = [theirs.sign(&found)];
    let is_trusted = |machine: &Machine| {
        let policy = Policy::read(&machine.load().trust.unwrap().value).unwrap();
        let verdict = policy.judge(&Evidence {
            repository: "theirs",
            statement: &found,
            manifest: None,
            signatures: &signatures,
            now: time("2026-06-01T00:00:00Z"),
        });
        verdict.is_trusted()
    };
    let machine = Machine::new();
    machine.system(&format!("{own}{}", rule("ours", &ours)));
    assert_eq!(machine.load().repositories.len(), 1);
    assert!(!is_trusted(&machine));
    machine.system(&format!(
        "{own}{other}{}{}",
        rule("ours", &ours),
        rule("theirs", &theirs)
    ));
    assert_eq!(
        place(&machine.load(), "theirs"),
        "https://theirs.example.com"
    );
    assert!(is_trusted(&machine));
}

#[test]
fn show_lists_trust_policy() {
    let person = Person::new("ours");
    let machine = Machine::new();
    assert_eq!(machine.shown("trust").0, "none: all packages are rejected");
    machine.user(&format!(
        "[trust]\nmode = \"enforce\"\n[[trust.rule]]\nrepositories = [\"a\", \"b*\"]\n{}revoked = \"lost: on a train\"\n",
        person.toml()
    ));
    let shown = |key: &str| machine.shown(key).0;
    assert_eq!(shown("trust.mode"), "enforce");
    assert_eq!(shown("trust.rule[0].repositories"), "a, b*");
    assert_eq!(shown("trust.rule[0].key[0].name"), "ours");
    assert_eq!(shown("trust.rule[0].key[0].revoked"), "lost: on a train");
    let public = shown("trust.rule[0].key[0].public");
    assert!(
        public.starts_with("RW") && !public.contains('\n'),
        "{public}"
    );
}

#[test]
fn all_documented_keys_have_effect() {
    let machine = Machine::new();
    machine.user("[oci]\n");
    let config = machine.load();
    assert_eq!(place(&config, "oci"), "http://localhost:5000/extensions");
    machine.user(
        r#"
[oci]
registry = "registry.example.com:8443"
namespace = "team/packages"
auth_token_path = "~/.provisioning/oci-token"
insecure = true
timeout = 7
retry_count = 9

[extensions]
source_type = "oci"
path = "here"
paths = ["/srv/more", "~/mine"]
"#,
    );
    let config = machine.load();
    let oci = config.repository("oci").unwrap();
    assert_eq!(
        place(&config, "oci"),
        "http://registry.example.com:8443/team/packages"
    );
    let token = machine.path("home/.provisioning/oci-token");
    assert_eq!(oci.auth_token_path.as_ref().unwrap().value, token);
    let settings = oci.settings().unwrap();
    assert!(settings.insecure);
    assert_eq!(settings.timeout, Duration::from_secs(7));
    assert_eq!(settings.retries, 9);
    let folder = |name| config.repository(name).unwrap().url.value.clone();
    assert_eq!(folder("local"), Location::Folder(machine.path("user/here")));
    assert_eq!(folder("local-2"), Location::Folder("/srv/more".into()));
    assert_eq!(
        folder("local-3"),
        Location::Folder(machine.path("home/mine"))
    );
    let asked: Vec<&str> = config.asked().map(|asked| asked.name.as_str()).collect();
    assert_eq!(asked, ["oci"]);
    assert!(config.warnings.is_empty());
}

#[test]
fn source_type_selects_repositories() {
    let machine = Machine::new();
    let repositories = r#"
[[repository]]
name = "forge"
kind = "gitea"
url = "https://forge.example.com"
owner = "team"
[[repository]]
name = "nexus"
kind = "maven"
url = "https://nexus.example.com/releases"
[[repository]]
name = "disk"
kind = "maven"
url = "/srv/maven"
[[repository]]
name = "registry"
kind = "oci"
url = "https://registry.example.com/x"
[extensions]
path = "/srv/packages"
"#;
    for (source, expected) in [
        ("auto", vec!["forge", "nexus", "disk", "registry", "local"]),
        ("oci", vec!["registry"]),
        ("gitea", vec!["forge"]),
        ("maven", vec!["nexus", "disk"]),
        ("local", vec!["disk", "local"]),
    ] {
        machine.user(&format!("{repositories}source_type = \"{source}\"\n"));
        let config = machine.load();
        let asked: Vec<&str> = config.asked().map(|asked| asked.name.as_str()).collect();
        assert_eq!(asked, expected, "{source}");
    }
}

#[test]
fn oci_source_has_default_registry() {
    let mut machine = Machine::new();
    assert!(machine.load().repository("oci").is_none());
    machine.flags.source = Some(Source::Oci);
    assert_eq!(
        place(&machine.load(), "oci"),
        "http://localhost:5000/extensions"
    );
    // Whoever named a registry means that one.
    machine.user("[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com\"\n");
    assert!(machine.load().repository("oci").is_none());
}

#[test]
fn unknown_key_is_warning_with_suggestion() {
    let machine = Machine::new();
    machine.user("[oci]\nregistri = \"a\"\n\n[extension]\npath = \"x\"\n\n[cache]\nzzzzzzzz = 1\n");
    assert_eq!(
        machine.warnings(),
        [
            "user/packages.toml:2:1: oci.registri is an unknown field and is ignored; hint: did you mean `registry`?",
            "user/packages.toml:8:1: cache.zzzzzzzz is an unknown field and is ignored; hint: expected one of path, ttl, max_content",
            "user/packages.toml:4:2: extension is an unknown field and is ignored; hint: did you mean `extensions`?",
        ]
    );
}

#[test]
fn wrong_type_is_error_with_position() {
    let machine = Machine::new();
    machine.user(
        "[oci]\nregistry = 5000\ntimeout = \"5m\"\n  insecure = 1\nretry_count = -1\n\
         [extensions]\nsource_type = \"locale\"\npaths = [\"a\", 2]\n[repository]\nname = \"a\"\n",
    );
    assert_eq!(
        machine.wrong(),
        "user/packages.toml:2:12: oci.registry must be a string, not an integer\n\
         user/packages.toml:4:14: oci.insecure must be `true` or `false`, not an integer\n\
         user/packages.toml:3:11: oci.timeout must be an integer, not a string\n\
         user/packages.toml:5:15: oci.retry_count must be between 0 and 100\n\
         user/packages.toml:7:15: extensions.source_type has an invalid value `locale`; hint: did you mean `local`?\n\
         user/packages.toml:8:15: extensions.paths[1] must be a string, not an integer\n\
         user/packages.toml:9:1: repository must be a list of tables, not a table; hint: write each table as `[[repository]]`, with double brackets"
    );
}

#[test]
fn invalid_toml_error_hides_content() {
    let machine = Machine::new();
    machine.user("[oci]\npassword = hunter2hunter2 and more\n");
    let text = machine.wrong();
    assert!(text.starts_with("user/packages.toml:2:"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn rejects_credentials_in_configuration() {
    let machine = Machine::new();
    for (text, field) in [
        ("[oci]\npassword = \"hunter2\"\n", "oci.password"),
        (
            "[oci]\nregistry = \"user:hunter2@example.com\"\n",
            "oci.registry",
        ),
        ("[oci]\nauth = { password = \"hunter2\" }\n", "oci.auth"),
        ("[other.more]\nToken = \"hunter2\"\n", "other"),
        (
            "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://u:hunter2@example.com/x\"\n",
            "repository.a.url",
        ),
        (
            "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://example.com/x?token=hunter2\"\n",
            "repository.a.url",
        ),
        (
            "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://u:hunter2@exa mple.com/x\"\n",
            "repository.a.url",
        ),
        (
            "[[repository]]\nname = \"a\"\nkind = \"oci\"\nurl = \"https://a.example.com\"\nmirrors = [\"https://hunter2@example.com\"]\n",
            "repository.a.mirrors[0]",
        ),
    ] {
        machine.user(text);
        let said = machine.wrong();
        assert!(said.contains(&format!(": {field} ")), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    machine.user("[oci]\npassword = \"hunter2\"\n");
    assert!(
        machine
            .wrong()
            .contains("hint: use `kubectl ext package login`")
    );
}

#[test]
fn flags_override_environment_and_files() {
    let mut machine = Machine::new();
    machine.user(
        "[oci]\nregistry = \"file.example.com\"\nnamespace = \"file\"\n[extensions]\npath = \"/file\"\n[cache]\npath = \"/file/cache\"\n",
    );
    let rows = ["oci.registry", "oci.namespace", "cache.path"];
    let values = |machine: &Machine| rows.map(|row| machine.shown(row).0);
    assert_eq!(
        values(&machine),
        ["file.example.com", "file", "/file/cache"]
    );
    // An empty variable says nothing.
    machine.set("EXTENSION_REGISTRY_OCI_REGISTRY", "");
    assert_eq!(values(&machine)[0], "file.example.com");
    machine
        .set("EXTENSION_REGISTRY_OCI_REGISTRY", "variable.example.com")
        .set("EXTENSION_REGISTRY_OCI_NAMESPACE", "variable")
        .set("EXTENSION_REGISTRY_CACHE_DIR", "/variable/cache")
        .set(
            "EXTENSION_REGISTRY_EXTENSIONS_PATH",
            "/variable/a:/variable/b:/file",
        );
    assert_eq!(
        values(&machine),
        ["variable.example.com", "variable", "/variable/cache"]
    );
    machine.flags = Flags {
        registry: Some("flag.example.com".to_owned()),
        namespace: Some("flag".to_owned()),
        cache_path: Some("/flag/cache".into()),
        paths: vec!["/flag".into()],
        ..Flags::default()
    };
    assert_eq!(
        values(&machine),
        ["flag.example.com", "flag", "/flag/cache"]
    );
    // Folders add up, and the same one is one repository.
    let config = machine.load();
    let folders = config
        .repositories
        .iter()
        .filter(|one| one.kind.value == Kind::Folder);
    let folders: Vec<String> = folders.map(|one| one.url.value.to_string()).collect();
    assert_eq!(folders, ["/file", "/variable/a", "/variable/b", "/flag"]);
}

#[test]
fn environment_variable_defines_repository() {
    let mut machine = Machine::new();
    machine.set("EXTENSION_REGISTRY_OCI_NAMESPACE", "team");
    assert_eq!(place(&machine.load(), "oci"), "http://localhost:5000/team");
}

#[test]
fn cache_settings_have_bounds() {
    let machine = Machine::new();
    machine.user("[cache]\npath = \"kept\"\nttl = 0\nmax_content = 1_000\n");
    let cache = machine.load().cache;
    assert_eq!(cache.path.value, machine.path("user/kept"));
    assert_eq!(cache.ttl.value, Duration::ZERO);
    assert_eq!(cache.max_content.value, 1000);
    machine.user("[cache]\nttl = -1\nmax_content = 0\n");
    assert_eq!(machine.wrong().lines().count(), 2);
}

#[test]
fn unreadable_and_oversized_files_are_errors() {
    let machine = Machine::new();
    machine.user(&"# long\n".repeat(200_000));
    assert!(machine.wrong().contains("larger than 1 MiB"));
    fs::remove_file(machine.path("user/packages.toml")).unwrap();
    fs::create_dir(machine.path("user/packages.toml")).unwrap();
    assert!(
        machine
            .wrong()
            .starts_with("failed to read user/packages.toml: ")
    );
}
