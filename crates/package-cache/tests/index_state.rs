//! The memory of indexes: nobody shows an old one again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-trust/tests/signed/mod.rs"]
mod signed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_cache::index::{
    self, Index, IndexStateError, IndexStateStore, OpenIndexError, Opened, Series,
};
use extension_registry_package_format::Digest;
use extension_registry_package_trust::signature::IndexFile;
use extension_registry_package_trust::trust::Policy;
use signed::{Person, SERIES, index_file, policy, time};

const NOON: &str = "2026-06-01T12:00:00Z";

/// A policy for Alice, and a file for the memory.
struct Bench {
    alice: Person,
    policy: Policy,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let alice = Person::new("alice");
        let policy = policy(&rule(&alice, "enforce"));
        Self {
            alice,
            policy,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state/indexes.json")
    }

    fn memory(&self) -> IndexStateStore {
        IndexStateStore::at(self.path())
    }

    fn open(&self, repository: &str, file: &IndexFile) -> Result<Opened, OpenIndexError> {
        index::open(&self.policy, &self.memory(), repository, file, time(NOON))
    }

    /// Opens the index with this number.
    fn show(&self, serial: u64) -> Result<Opened, OpenIndexError> {
        self.open("hub", &index_file(&self.alice, serial))
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.path()).ok()
    }
}

fn rule(person: &Person, mode: &str) -> String {
    format!(
        "[trust]\nmode = \"{mode}\"\n[[trust.rule]]\nrepositories = [\"*\"]\n{}",
        person.toml()
    )
}

fn plain(serial: u64) -> Index {
    let mut index = Index::next(None, Vec::new(), time("2026-06-01T00:00:00Z"), 30).unwrap();
    index.series = SERIES.parse().unwrap();
    index.serial = serial;
    index
}

fn digest(index: &Index) -> Digest {
    Digest::of(&index.to_json())
}

#[test]
fn rejects_rollback() {
    let bench = Bench::new();
    bench.show(5).unwrap();
    bench.show(5).unwrap();
    bench.show(6).unwrap();
    let before = bench.bytes();
    let error = bench.show(5).unwrap_err();
    let OpenIndexError::State(IndexStateError::Rollback {
        seen: 6,
        offered: 5,
        ..
    }) = &error
    else {
        panic!("{error}");
    };
    let text = error.explained();
    assert!(
        text.starts_with(
            "rollback of the index of hub: got serial 5, but 6 was seen before; hint: "
        ),
        "{text}"
    );
    assert_eq!(bench.bytes(), before);
    bench.show(7).unwrap();
}

#[test]
fn detects_conflicting_indexes_with_same_serial() {
    let bench = Bench::new();
    bench.show(5).unwrap();
    let mut other = plain(5);
    other.expires = time("2026-06-02T00:00:00Z");
    let error = bench
        .open("hub", &bench.alice.index(other.to_json()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            OpenIndexError::State(IndexStateError::Changed { serial: 5, .. })
        ),
        "{error}"
    );
    bench.show(5).unwrap();
    bench.show(6).unwrap();
}

#[test]
fn rejects_index_of_another_series() {
    let bench = Bench::new();
    bench.show(5).unwrap();
    let mut other = plain(6);
    other.series = Series::draw().unwrap();
    let other = bench.alice.index(other.to_json());
    let error = bench.open("hub", &other).unwrap_err();
    assert!(
        matches!(error, OpenIndexError::State(IndexStateError::Series { .. })),
        "{error}"
    );
    let text = error.explained();
    assert!(
        text.starts_with("the index of hub belongs to another repository: expected series ")
            && text.contains(&format!("expected series {SERIES}, got "))
            && text.ends_with("`kubectl ext package forget hub`"),
        "{text}"
    );
    bench.show(6).unwrap();
    // It is good where it belongs, and where somebody says that it does.
    bench.open("partner", &other).unwrap();
    assert!(bench.memory().forget("hub").unwrap());
    bench.open("hub", &other).unwrap();
}

#[test]
fn locations_of_flags_have_separate_state() {
    let bench = Bench::new();
    let show = |place: &str, serial| {
        let memory = bench.memory().by_place("local", place);
        let file = index_file(&bench.alice, serial);
        index::open(&bench.policy, &memory, "local", &file, time(NOON))
    };
    show("/media/stick", 5).unwrap();
    show("/media/other", 2).unwrap();
    let error = show("/media/stick", 4).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("rollback of the index of /media/stick: got serial 4"),
        "{error}"
    );
    assert_eq!(
        bench.memory().repositories().unwrap(),
        ["/media/other", "/media/stick"]
    );
}

#[test]
fn each_repository_has_own_serial() {
    let bench = Bench::new();
    bench.show(9).unwrap();
    bench.open("partner", &index_file(&bench.alice, 2)).unwrap();
    let memory = bench.memory();
    assert_eq!(memory.highest("hub").unwrap(), Some(9));
    assert_eq!(memory.highest("partner").unwrap(), Some(2));
    assert_eq!(memory.highest("elsewhere").unwrap(), None);
}

#[test]
fn records_state_before_use() {
    let bench = Bench::new();
    bench.show(5).unwrap();
    // Another process, which knows only the file.
    let other = IndexStateStore::at(bench.path());
    assert_eq!(other.highest("hub").unwrap(), Some(5));
    // A state that cannot be written: the index is not used.
    let blocked = bench.folder.path().join("a file");
    fs::write(&blocked, "").unwrap();
    let memory = IndexStateStore::at(blocked.join("state.json"));
    let file = index_file(&bench.alice, 5);
    let error = index::open(&bench.policy, &memory, "hub", &file, time(NOON)).unwrap_err();
    assert!(
        matches!(error, OpenIndexError::State(IndexStateError::File { .. })),
        "{error}"
    );
}

#[test]
fn rejected_index_is_not_recorded() {
    let bench = Bench::new();
    let mallory = Person::new("mallory");
    let forged = index_file(&mallory, 1 << 40);
    assert!(matches!(
        bench.open("hub", &forged),
        Err(OpenIndexError::Refused { .. })
    ));
    assert_eq!(
        bench.bytes(),
        None,
        "nothing is written for what is refused"
    );
    // Signed, and no index.
    let broken = br#"{"apiVersion":"packages.fuseml.io/index/v1","serial":9}"#.to_vec();
    let broken = bench.alice.index(broken);
    assert!(matches!(
        bench.open("hub", &broken),
        Err(OpenIndexError::Index { .. })
    ));
    assert_eq!(bench.bytes(), None);
    bench.show(1).unwrap();
}

#[test]
fn warn_mode_records_only_signed_indexes() {
    let mut bench = Bench::new();
    let mallory = Person::new("mallory");
    bench.policy = policy(&rule(&bench.alice, "warn"));
    let high = bench.open("hub", &index_file(&mallory, 1 << 40)).unwrap();
    assert_eq!(high.verdict.name(), "tolerated");
    assert_eq!(bench.bytes(), None, "it would shut out all that follow");
    bench.show(5).unwrap();
    bench.open("hub", &index_file(&mallory, 6)).unwrap();
    assert_eq!(bench.memory().highest("hub").unwrap(), Some(5));
    let error = bench.open("hub", &index_file(&mallory, 4)).unwrap_err();
    assert!(
        matches!(
            error,
            OpenIndexError::State(IndexStateError::Rollback { .. })
        ),
        "{error}"
    );
}

#[test]
fn corrupt_state_file_is_error_and_preserved() {
    let bench = Bench::new();
    bench.show(5).unwrap();
    let sound = String::from_utf8(bench.bytes().unwrap()).unwrap();
    for broken in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        sound[..sound.len() / 2].to_owned(),
        sound.replace("index-memory/v1", "index-memory/v2"),
        sound.replace("\"serial\":5", "\"serial\":-5"),
        sound.replace(SERIES, "00112233"),
        sound.replace("\"serial\":5", "\"serial\":5,\"serial\":1"),
        "\0".repeat(sound.len()),
    ] {
        assert_ne!(broken, sound);
        fs::write(bench.path(), &broken).unwrap();
        let error = bench.show(6).unwrap_err();
        assert!(
            matches!(
                error,
                OpenIndexError::State(IndexStateError::Corrupt { .. })
            ),
            "{error}"
        );
        let text = error.explained();
        assert!(
            text.contains("indexes.json") && text.contains("; hint: "),
            "{text}"
        );
        assert!(bench.memory().forget("hub").is_err());
        assert!(bench.memory().highest("hub").is_err());
        assert_eq!(bench.bytes().unwrap(), broken.as_bytes());
    }
    fs::write(bench.path(), &sound).unwrap();
    bench.show(6).unwrap();
    // Something else has its name.
    fs::remove_file(bench.path()).unwrap();
    fs::create_dir(bench.path()).unwrap();
    let error = bench.show(7).unwrap_err();
    assert!(
        matches!(error, OpenIndexError::State(IndexStateError::File { .. })),
        "{error}"
    );
}

#[test]
fn forget_resets_state() {
    let bench = Bench::new();
    assert!(!bench.memory().forget("hub").unwrap());
    assert_eq!(bench.bytes(), None);
    bench.show(9).unwrap();
    bench.open("partner", &index_file(&bench.alice, 3)).unwrap();
    assert!(bench.memory().forget("hub").unwrap());
    bench.show(1).unwrap();
    assert_eq!(bench.memory().highest("partner").unwrap(), Some(3));
}

#[test]
fn check_writes_nothing() {
    let bench = Bench::new();
    let index = plain(4);
    bench.memory().check("hub", &index, digest(&index)).unwrap();
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
}

#[test]
fn leaves_only_state_and_lock_files() {
    let bench = Bench::new();
    for serial in 1..5 {
        bench.show(serial).unwrap();
    }
    let folder = bench.path().parent().unwrap().to_owned();
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["indexes.json", "indexes.json.lock"]);
    // A writer that died left what it wrote beside; nobody reads that.
    fs::write(bench.path().with_file_name(".tmpAbCdEf"), "{\"half").unwrap();
    bench.show(5).unwrap();
    assert_eq!(bench.memory().highest("hub").unwrap(), Some(5));
}

const WRITERS: u64 = 4;
const TIMES: u64 = 25;

/// Remembers its own indexes, and some of a repository that all share.
fn write_as(path: &Path, who: u64) {
    let memory = IndexStateStore::at(path);
    for serial in 1..=TIMES {
        let index = plain(serial);
        memory
            .remember(&format!("own-{who}"), &index, digest(&index))
            .unwrap();
        let index = plain(serial * WRITERS + who);
        match memory.remember("shared", &index, digest(&index)) {
            Ok(()) | Err(IndexStateError::Rollback { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn all_was_remembered(path: &Path) {
    let memory = IndexStateStore::at(path);
    for who in 0..WRITERS {
        let own = memory.highest(&format!("own-{who}")).unwrap();
        assert_eq!(own, Some(TIMES), "writer {who} lost something");
    }
    let highest = TIMES * WRITERS + WRITERS - 1;
    assert_eq!(memory.highest("shared").unwrap(), Some(highest));
}

#[test]
fn concurrent_threads_lose_nothing() {
    let bench = Bench::new();
    let path = bench.path();
    thread::scope(|scope| {
        for who in 0..WRITERS {
            let path = &path;
            scope.spawn(move || write_as(path, who));
        }
    });
    all_was_remembered(&path);
}

/// The number only grows, whenever somebody looks, and nobody sees half a file.
#[test]
fn concurrent_readers_see_complete_state() {
    let bench = Bench::new();
    let path = bench.path();
    thread::scope(|scope| {
        let writer = scope.spawn(|| write_as(&path, 0));
        let (memory, mut last) = (IndexStateStore::at(&path), None);
        while !writer.is_finished() {
            let seen = memory.highest("own-0").unwrap();
            assert!(seen >= last, "{seen:?} after {last:?}");
            last = seen;
        }
    });
}

const CHILD: &str = "EXTENSION_REGISTRY_TEST_MEMORY";

#[test]
fn concurrent_writer_processes_lose_nothing() {
    // The same program again, as each of the writers.
    if let Ok(work) = std::env::var(CHILD) {
        let (who, path) = work.split_once(' ').unwrap();
        write_as(Path::new(path), who.parse().unwrap());
        return;
    }
    let bench = Bench::new();
    let path = bench.path();
    let children: Vec<_> = (0..WRITERS)
        .map(|who| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "concurrent_writer_processes_lose_nothing"])
                .env(CHILD, format!("{who} {}", path.display()))
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    all_was_remembered(&path);
}
