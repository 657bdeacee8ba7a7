//! The index, whatever is in it and whatever was done to it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-trust/tests/signed/mod.rs"]
mod signed;

use std::sync::LazyLock;

use extension_registry_package_cache::index::{
    self, Index, IndexStateStore, IndexedVersion, Package,
};
use extension_registry_package_format::Digest;
use extension_registry_package_format::manifest::{Dependency, From, Kind, Requirement};
use extension_registry_package_trust::signature::IndexFile;
use extension_registry_package_trust::trust::Policy;
use proptest::prelude::*;
use signed::{Person, SERIES, changed, policy, time};

const CREATED: &str = "2026-06-01T00:00:00Z";
const NOON: &str = "2026-06-01T12:00:00Z";

fn index(packages: Vec<Package>) -> Index {
    Index::next(None, packages, time(CREATED), 30).unwrap()
}

/// Whether an index is used by somebody who has seen none.
fn is_opened(policy: &Policy, file: &IndexFile) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let memory = IndexStateStore::at(folder.path().join("memory.json"));
    index::open(policy, &memory, "hub", file, time(NOON)).is_ok()
}

static SIGNED: LazyLock<(Policy, IndexFile)> = LazyLock::new(|| {
    let person = Person::new("alice");
    let text = format!("[[trust.rule]]\nrepositories = [\"*\"]\n{}", person.toml());
    let package = Package {
        name: "mlflow".to_owned(),
        kind: Kind::Record,
        description: "Tracks experiments".to_owned(),
        keywords: vec!["tracking".to_owned()],
        license: None,
        versions: Vec::new(),
    };
    let file = person.index(index(vec![package]).to_json());
    (policy(&text), file)
});

fn any_listed() -> impl Strategy<Value = IndexedVersion> {
    let text = || prop::option::of(".{0,30}");
    let range = prop::sample::select(vec![
        "*",
        "1.2.3",
        "^1.2.0",
        "~1.2",
        ">=1.0.0, <2.0.0",
        "1.2.0-1.5.0",
    ]);
    let numbers = (
        0_u64..4,
        0_u64..4,
        prop::sample::select(vec!["", "-rc.1", "+build.7"]),
    );
    (
        numbers,
        any::<u64>(),
        any::<bool>(),
        text(),
        text(),
        range,
        any::<[bool; 3]>(),
    )
        .prop_map(
            |(
                (major, minor, rest),
                seed,
                has_more,
                published,
                yanked,
                range,
                [optional, system, typed],
            )| IndexedVersion {
                version: format!("{major}.{minor}.0{rest}").parse().unwrap(),
                content: Digest::of(&seed.to_le_bytes()),
                configuration: has_more.then(|| Digest::of(b"configuration")),
                document: has_more.then(|| Digest::of(b"document")),
                published,
                yanked,
                requires: vec![Requirement {
                    name: "kubernetes".to_owned(),
                    range: range.parse().unwrap(),
                }],
                dependencies: vec![Dependency {
                    name: "minio".to_owned(),
                    kind: typed.then_some(Kind::Cluster),
                    range: range.parse().unwrap(),
                    optional,
                    from: if system { From::System } else { From::Same },
                }],
            },
        )
}

fn any_package() -> impl Strategy<Value = Package> {
    let kind = prop::sample::select(vec![
        Kind::Record,
        Kind::Provider,
        Kind::Unsupported("from-the-future".to_owned()),
    ]);
    let words = prop::collection::vec(".{0,10}", 0..3);
    let versions = prop::collection::btree_map(any::<u8>(), any_listed(), 0..4);
    (
        "[a-z]([a-z0-9]{0,6}|[a-z]-[a-z])",
        kind,
        ".{0,40}",
        words,
        prop::option::of(".{0,10}"),
        versions,
    )
        .prop_map(|(name, kind, description, keywords, license, versions)| {
            let mut versions: Vec<IndexedVersion> = versions.into_values().collect();
            versions.sort_by(|left, right| right.version.cmp(&left.version));
            versions.dedup_by(|left, right| left.version == right.version);
            Package {
                name,
                kind,
                description,
                keywords,
                license,
                versions,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn index_round_trips_through_json(packages in prop::collection::vec(any_package(), 0..6), serial in 1_u64..1 << 53) {
        let mut packages = packages;
        packages.sort_by(|left, right| (&left.name, left.kind.name()).cmp(&(&right.name, right.kind.name())));
        packages.dedup_by(|left, right| left.name == right.name && left.kind == right.kind);
        let mut written = index(packages);
        written.serial = serial;
        let json = written.to_json();
        let (read, faults) = Index::read(&json).unwrap();
        prop_assert_eq!(faults, Vec::new());
        prop_assert_eq!(read.to_json(), json);
        prop_assert_eq!(format!("{read:?}"), format!("{written:?}"));
        // The order in which packages are given does not matter.
        written.packages.reverse();
        prop_assert_eq!(written.to_json(), read.to_json());
    }

    #[test]
    fn any_modified_byte_invalidates_index(place: prop::sample::Index, by in 1_u8..) {
        let (policy, sound) = &*SIGNED;
        prop_assert!(is_opened(policy, sound));
        let other = IndexFile { bytes: changed(&sound.bytes, place, by), ..sound.clone() };
        prop_assert!(!is_opened(policy, &other));
        let mut both = other;
        both.signatures[0].payload.clone_from(&both.bytes);
        prop_assert!(!is_opened(policy, &both));
        // Reading alone vouches for nothing, and ends.
        let _ = Index::read(&both.bytes);
    }

    #[test]
    fn garbage_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        texts in prop::array::uniform4(".{0,30}"),
        number in any::<i64>(),
    ) {
        prop_assert!(Index::read(&bytes).is_err());
        let [name, kind, version, range] = texts;
        let json = serde_json::json!({
            "apiVersion": index::API_VERSION, "series": SERIES, "serial": 1, "created": CREATED, "expires": NOON,
            "packages": [
                {"name": &name, "type": &kind, "versions": [{"version": &version, "content": &range}]},
                {"name": "sound", "type": number, "versions": []},
                {"name": "sound", "versions": [
                    {"version": "1.0.0", "content": Digest::of(b""), "requires": [{"name": &name, "version": &range}]},
                    {"version": &version, "content": Digest::of(b"")},
                    number,
                ]},
            ],
        });
        let (read, faults) = Index::read(&serde_json::to_vec(&json).unwrap()).unwrap();
        prop_assert!(read.named("sound").count() == 1);
        for fault in faults {
            prop_assert!(!fault.to_string().contains(char::is_control));
        }
    }
}
