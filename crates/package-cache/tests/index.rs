//! The index: what it says, who has to sign it, and what is found in it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-trust/tests/signed/mod.rs"]
mod signed;

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_cache::index::{
    self, Index, IndexError, IndexStateStore, IndexedVersion, NextError, OpenIndexError, Opened,
    Package, Warning,
};
use extension_registry_package_format::Digest;
use extension_registry_package_format::manifest::{Dependency, From, Kind, Requirement};
use extension_registry_package_trust::signature::IndexFile;
use extension_registry_package_trust::trust::{Policy, Reason};
use signed::{Person, SERIES, index_file, policy, statement, time};

const CREATED: &str = "2026-06-01T00:00:00Z";
const NOON: &str = "2026-06-01T12:00:00Z";

fn listed(version: &str) -> IndexedVersion {
    IndexedVersion {
        version: version.parse().unwrap(),
        content: Digest::of(version.as_bytes()),
        configuration: Some(Digest::of(b"configuration")),
        document: None,
        published: None,
        yanked: None,
        requires: Vec::new(),
        dependencies: Vec::new(),
    }
}

fn package(name: &str, description: &str, keywords: &[&str], versions: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        kind: Kind::Record,
        description: description.to_owned(),
        keywords: keywords.iter().map(ToString::to_string).collect(),
        license: Some("Apache-2.0".to_owned()),
        versions: versions.iter().map(|version| listed(version)).collect(),
    }
}

fn index(packages: Vec<Package>) -> Index {
    Index::next(None, packages, time(CREATED), 30).unwrap()
}

fn alice(person: &Person) -> Policy {
    policy(&format!(
        "[[trust.rule]]\nrepositories = [\"hub\"]\n{}",
        person.toml()
    ))
}

/// Opens an index with a memory that knows nothing.
fn open(policy: &Policy, file: &IndexFile, at: &str) -> Result<Opened, OpenIndexError> {
    let folder = tempfile::tempdir().unwrap();
    let memory = IndexStateStore::at(folder.path().join("memory.json"));
    index::open(policy, &memory, "hub", file, time(at))
}

/// The names of the reasons for which an index is refused.
fn refused(opened: Result<Opened, OpenIndexError>) -> Vec<&'static str> {
    match opened {
        Err(OpenIndexError::Refused { reasons, .. }) => reasons.iter().map(Reason::name).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn index_lists_packages_and_versions() {
    let person = Person::new("alice");
    let mut tool = package(
        "mlflow",
        "Tracks experiments",
        &["tracking"],
        &["1.9.0", "1.10.0", "2.0.0-rc.1"],
    );
    let version = &mut tool.versions[0];
    version.yanked = Some("it loses data".to_owned());
    version.published = Some("2026-05-01T00:00:00Z".to_owned());
    version.document = Some(Digest::of(b"document"));
    version.requires = vec![Requirement {
        name: "kubernetes".to_owned(),
        range: ">=1.27".parse().unwrap(),
    }];
    version.dependencies = vec![Dependency {
        name: "minio".to_owned(),
        kind: Some(Kind::Record),
        range: "^2.0.0".parse().unwrap(),
        optional: true,
        from: From::System,
    }];
    let file = person.index(index(vec![tool, package("airflow", "", &[], &["1.0.0"])]).to_json());
    let opened = open(&alice(&person), &file, NOON).unwrap();
    assert_eq!((opened.faults, opened.warnings), (Vec::new(), Vec::new()));
    assert_eq!(opened.verdict.by(), ["alice"]);
    assert_eq!(opened.digest, Digest::of(&file.bytes));
    let names: Vec<&str> = opened
        .index
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(names, ["airflow", "mlflow"]);
    let found: Vec<&Package> = opened.index.named("mlflow").collect();
    let versions: Vec<String> = found[0]
        .versions
        .iter()
        .map(|listed| listed.version.to_string())
        .collect();
    assert_eq!(
        versions,
        ["2.0.0-rc.1", "1.10.0", "1.9.0"],
        "the newest first"
    );
    let old = &found[0].versions[2];
    assert_eq!(old.content, Digest::of(b"1.9.0"));
    assert_eq!(old.yanked.as_deref(), Some("it loses data"));
    assert_eq!(old.published.as_deref(), Some("2026-05-01T00:00:00Z"));
    assert_eq!(old.document, Some(Digest::of(b"document")));
    assert_eq!(old.requires[0].range.to_string(), ">=1.27");
    let dependency = &old.dependencies[0];
    assert_eq!(
        (
            dependency.name.as_str(),
            dependency.optional,
            dependency.from
        ),
        ("minio", true, From::System)
    );
}

#[test]
fn invalid_entry_hides_no_other() {
    let sound = index(vec![package("mlflow", "", &[], &["1.0.0", "1.1.0"])]);
    let mut json: serde_json::Value = serde_json::from_slice(&sound.to_json()).unwrap();
    json["unknown"] = serde_json::json!({"a": 1});
    let entry = json["packages"][0].clone();
    json["packages"][0]["versions"][1]["version"] = "1.0".into();
    json["packages"][0]["unknown"] = 1.into();
    let list = json["packages"].as_array_mut().unwrap();
    list.push(serde_json::json!("no package"));
    list.push(serde_json::json!({"name": "../up", "versions": []}));
    list.push(entry);
    list.push(serde_json::json!({"name": "minio", "type": "from-the-future", "versions": []}));
    let (read, faults) = Index::read(&serde_json::to_vec(&json).unwrap()).unwrap();
    let names: Vec<&str> = read
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(names, ["minio", "mlflow"]);
    assert_eq!(read.packages[1].versions.len(), 1);
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let begins = [
        "packages[1] is invalid: ",
        "packages[0].versions[1] (mlflow 1.0) is invalid: version: ",
        "packages[2] (../up) is invalid: ",
        "packages[3] (mlflow) is invalid: duplicate package",
    ];
    assert_eq!(said.len(), begins.len(), "{said:#?}");
    for (said, begin) in said.iter().zip(begins) {
        assert!(said.starts_with(begin), "{said}");
    }
}

#[test]
fn reports_at_most_hundred_faults() {
    let json = format!(
        "{{\"apiVersion\":\"{}\",\"series\":\"{SERIES}\",\"serial\":1,\"created\":\"{CREATED}\",\"expires\":\"{NOON}\",\"packages\":[{}1]}}",
        index::API_VERSION,
        "1,".repeat(5000)
    );
    let (read, faults) = Index::read(json.as_bytes()).unwrap();
    assert_eq!((read.packages.len(), faults.len()), (0, 100));
}

#[test]
fn rejects_invalid_index_with_reason() {
    let sound = String::from_utf8(index(Vec::new()).to_json()).unwrap();
    assert!(Index::read(sound.as_bytes()).is_ok());
    let serial = |number: &str| sound.replace("\"serial\":1", &format!("\"serial\":{number}"));
    let highest = 1_u64 << 53;
    assert!(Index::read(serial(&(highest - 1).to_string()).as_bytes()).is_ok());
    let read = |json: &str| Index::read(json.as_bytes()).unwrap_err();
    assert_eq!(read(&serial(&highest.to_string())), IndexError::Serial);
    let newer = sound.replace("index/v1", "index/v2");
    assert_eq!(
        read(&newer),
        IndexError::Version("packages.fuseml.io/index/v2".to_owned())
    );
    for wrong in [
        "",
        "[]",
        "{}",
        &serial("-1"),
        &serial("1.5"),
        &sound.replace("\"serial\":1", "\"serial\":1,\"serial\":2"),
        &sound.replace("\"expires\"", "\"expired\""),
        &sound.replace("\"series\":\"", "\"series\":\"A"),
        &sound.replace("\"series\"", "\"serious\""),
        &sound.replace("\"packages\":[]", "\"packages\":{}"),
        &format!("{sound}{sound}"),
        &"[".repeat(100_000),
    ] {
        assert!(matches!(read(wrong), IndexError::Json(_)), "{wrong:.100}");
    }
    let large = vec![b' '; 64 * 1024 * 1024 + 1];
    assert_eq!(Index::read(&large).unwrap_err(), IndexError::TooLarge);
}

#[test]
fn successor_has_higher_serial_and_expiry() {
    let first = index(Vec::new());
    let next = Index::next(Some(&first), Vec::new(), time("2026-06-02T10:00:00.5Z"), 7).unwrap();
    assert_eq!((first.serial, next.serial), (1, 2));
    assert_eq!(first.series, next.series);
    assert_ne!(first.series, index(Vec::new()).series, "nobody else's");
    assert_eq!(next.created, time("2026-06-02T10:00:00Z"));
    assert_eq!(next.expires, time("2026-06-09T10:00:00Z"));
    assert!(!next.is_expired(time("2026-06-09T09:59:59Z")));
    assert!(next.is_expired(next.expires));
    for days in [0, u32::MAX] {
        let next = Index::next(None, Vec::new(), time(NOON), days);
        assert_eq!(next.unwrap_err(), NextError::Days(days));
    }
    let mut last = next;
    last.serial = (1 << 53) - 1;
    let next = Index::next(Some(&last), Vec::new(), time(NOON), 7);
    assert_eq!(next.unwrap_err(), NextError::Serial);
}

#[test]
fn rejects_untrusted_index() {
    let (person, mallory) = (Person::new("alice"), Person::new("mallory"));
    let policy = alice(&person);
    let sound = index_file(&person, 1);
    assert!(open(&policy, &sound, NOON).is_ok());
    let unsigned = IndexFile {
        signatures: Vec::new(),
        ..sound.clone()
    };
    let opened = open(&policy, &unsigned, NOON);
    let text = opened.as_ref().unwrap_err().to_string();
    assert!(
        text.starts_with("the index of hub is not trusted: the index from hub is not signed"),
        "{text}"
    );
    assert_eq!(refused(opened), ["Unsigned"]);
    let opened = open(&policy, &index_file(&mallory, 1), NOON);
    assert_eq!(refused(opened), ["UnknownKey"]);
    // A good signature, beside bytes that it is not of.
    let tampered = IndexFile {
        bytes: index_file(&person, 2).bytes,
        ..sound.clone()
    };
    assert_eq!(refused(open(&policy, &tampered, NOON)), ["Tampered"]);
    let package = IndexFile {
        signatures: vec![person.sign(&statement(index::NAME, "1.0.0"))],
        ..sound.clone()
    };
    assert_eq!(refused(open(&policy, &package, NOON)), ["OtherPackage"]);
    let nobody = open(&Policy::default(), &sound, NOON);
    assert_eq!(refused(nobody), ["NoRule", "UnknownKey"]);
}

#[test]
fn package_key_cannot_sign_index() {
    let (person, boss) = (Person::new("alice"), Person::new("boss"));
    let some = format!(
        "[[trust.rule]]\nrepositories = [\"hub\"]\nnames = [\"mlflow*\"]\n{}",
        person.toml()
    );
    let file = index_file(&person, 1);
    assert_eq!(
        refused(open(&policy(&some), &file, NOON)),
        ["NoRule", "WrongKey"]
    );
    let both = format!(
        "{some}\n[[trust.rule]]\nrepositories = [\"hub\"]\nnames = [\"{}\"]\n{}",
        index::NAME,
        boss.toml()
    );
    assert_eq!(refused(open(&policy(&both), &file, NOON)), ["WrongKey"]);
    let opened = open(&policy(&both), &index_file(&boss, 1), NOON).unwrap();
    assert_eq!(opened.verdict.by(), ["boss"]);
}

#[test]
fn expired_index_is_used_with_warning() {
    let person = Person::new("alice");
    let file = index_file(&person, 7);
    let policy = alice(&person);
    let opened = open(&policy, &file, "2026-06-30T23:59:59Z").unwrap();
    assert_eq!(opened.warnings, []);
    let opened = open(&policy, &file, "2026-07-01T00:00:00Z").unwrap();
    let expected = Warning::Expired {
        repository: "hub".to_owned(),
        serial: 7,
        since: time("2026-07-01T00:00:00Z"),
    };
    assert!(
        expected
            .explained()
            .contains("newer versions may be missing; hint: ")
    );
    assert_eq!(opened.warnings, [expected]);
    let opened = open(&policy, &file, "2026-05-31T00:00:00Z").unwrap();
    assert!(matches!(
        opened.warnings[..],
        [Warning::Early { serial: 7, .. }]
    ));
}

#[test]
fn signs_only_index_content_as_index() {
    let person = Person::new("alice");
    let secret = Sensitive::from(person.secret());
    for wrong in [
        statement("mlflow", "1.0.0").to_json(),
        b"{}".to_vec(),
        b"[null,\"packages.fuseml.io/index/v1\",null]".to_vec(),
        Vec::new(),
    ] {
        let error = index::sign(&wrong, &secret, None).unwrap_err().to_string();
        assert_eq!(error, "failed to sign: the content is not an index");
    }
}
