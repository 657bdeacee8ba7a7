//! Tests of the cache index: rebuilt when missing or corrupt, and never needed for look-ups.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod cached;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::Duration;

use cached::{Shelf, bundle, draft, store_from, tree};
use extension_registry_package_cache::cache::CacheError;
use extension_registry_package_format::upload::{Document, DocumentFormat};
use extension_registry_package_format::{Digest, Limits};
use semver::Version;

/// Calls of `read` that this thread made, and the bytes that they gave.
fn reads<T>(work: impl FnOnce() -> T) -> (u64, u64, T) {
    fn counters() -> (u64, u64) {
        let text = fs::read_to_string("/proc/thread-self/io").unwrap();
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        (field("syscr:"), field("rchar:"))
    }
    let (calls, bytes) = counters();
    let result = work();
    let (calls_after, bytes_after) = counters();
    (calls_after - calls, bytes_after - bytes, result)
}

#[test]
fn layout_is_exact() {
    let shelf = Shelf::new();
    let mut draft = draft("mlflow", "1.2.0+build.5");
    draft.document = Some(Document {
        bytes: b"# MLflow\n".to_vec(),
        format: DocumentFormat::Markdown,
    });
    let entry = shelf.store(&draft);
    let _ = shelf.cache.list();
    shelf.cache.unpacked(&entry, Limits::default()).unwrap();
    let folder = "extensions/record/mlflow/1.2.0+build.5";
    assert_eq!(entry.folder(), shelf.path(folder));
    let mut expected: BTreeSet<String> = [
        "CACHEDIR.TAG",
        "blobs/",
        "blobs/sha256/",
        "extensions/",
        "extensions/record/",
        "extensions/record/mlflow/",
        "index.json",
        "lock",
        "partial/",
        "tmp/",
    ]
    .map(str::to_owned)
    .into();
    expected.insert(format!("{folder}/"));
    for file in [
        "docs.md",
        "entry.json",
        "last-used",
        "manifest.json",
        "mlflow-1.2.0+build.5.tar.gz",
        "unpacked/",
        "unpacked/extension.yaml",
    ] {
        expected.insert(format!("{folder}/{file}"));
    }
    let files = [
        &draft.content,
        &draft.configuration,
        &b"# MLflow\n".to_vec(),
    ];
    for bytes in files {
        expected.insert(format!("blobs/sha256/{}", Digest::of(bytes)));
    }
    assert_eq!(tree(shelf.cache.root()), expected);
}

#[test]
fn rebuilds_index() {
    let shelf = Shelf::new();
    shelf.put("a", "1.9.0");
    shelf.put("a", "1.10.0");
    shelf.put("b", "1.0.0");
    let index = shelf.path("index.json");
    let all = ["record a 1.10.0", "record a 1.9.0", "record b 1.0.0"];
    assert!(!index.exists());
    assert_eq!(shelf.names(), all);
    let good = fs::read(&index).unwrap();
    let rows = |bytes: &[u8]| {
        let index: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        index["entries"].as_object().unwrap().len()
    };
    assert_eq!(rows(&good), 3);
    let broken: [&[u8]; 5] = [
        b"",
        &good[..good.len() / 2],
        b"\0\0\0",
        b"{\"form\":9,\"entries\":{}}",
        b"[]",
    ];
    for text in broken {
        fs::write(&index, text).unwrap();
        assert_eq!(shelf.names(), all);
        assert_eq!(rows(&fs::read(&index).unwrap()), 3);
    }

    // Older than reality: others came and went since.
    fs::remove_dir_all(shelf.path("extensions/record/a/1.9.0")).unwrap();
    shelf.put("c", "1.0.0");
    fs::write(&index, &good).unwrap();
    let now = ["record a 1.10.0", "record b 1.0.0", "record c 1.0.0"];
    assert_eq!(shelf.names(), now);
    // A version that another one took the place of is not shown as it was.
    let mut other = draft("b", "1.0.0");
    other.content = bundle("another");
    other.replace = true;
    let stored = shelf.store(&other);
    let listing = shelf.cache.list();
    assert_eq!(listing.entries[1].content, stored.content);
    assert!(listing.faults.is_empty());
}

#[test]
fn listing_reads_no_indexed_entry() {
    let shelf = Shelf::new();
    for minor in 0..50 {
        shelf.put("a", &format!("1.{minor}.0"));
    }
    let (first, _, _) = reads(|| shelf.cache.list());
    let (second, _, listing) = reads(|| shelf.cache.list());
    assert_eq!(listing.entries.len(), 50);
    assert!(first >= 50, "each is read once: {first}");
    assert!(second < 10, "the index alone is read: {second}");
}

#[test]
fn corrupt_entry_is_reported_and_hides_nothing() {
    let shelf = Shelf::new();
    for version in ["1.0.0", "2.0.0", "3.0.0", "4.0.0"] {
        shelf.put("a", version);
    }
    shelf.put("b", "1.0.0");
    assert_eq!(shelf.names().len(), 5);
    let folder = |version: &str| shelf.path(&format!("extensions/record/a/{version}"));
    fs::write(folder("1.0.0").join("entry.json"), "").unwrap();
    fs::remove_file(folder("2.0.0").join("entry.json")).unwrap();
    fs::copy(
        folder("4.0.0").join("entry.json"),
        folder("3.0.0").join("entry.json"),
    )
    .unwrap();
    fs::create_dir_all(shelf.path("extensions/record/No Name/1.0.0")).unwrap();
    fs::create_dir_all(shelf.path("extensions/record/b/latest")).unwrap();
    fs::write(shelf.path("extensions/record/b/notes"), "").unwrap();
    symlink("/", shelf.path("extensions/record/c")).unwrap();

    assert_eq!(shelf.names(), ["record a 4.0.0", "record b 1.0.0"]);
    insta::assert_snapshot!(shelf.faults().join("\n"), @r"
    extensions/record/No Name: invalid package name: use lowercase letters and digits, separated by single `.`, `_` or `-`
    extensions/record/a/1.0.0: invalid entry.json: EOF while parsing a value at line 1 column 0
    extensions/record/a/2.0.0: missing entry.json
    extensions/record/a/3.0.0: entry.json: it describes record a 4.0.0
    extensions/record/b/latest: invalid semantic version: unexpected character 'l' while parsing major version number
    extensions/record/b/notes: unexpected file
    extensions/record/c: unexpected file
    ");
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        let error = shelf.get("a", version).unwrap_err();
        assert!(matches!(error, CacheError::Broken { .. }), "{error}");
        // Getting it again repairs it, and needs no permission to replace.
        shelf.put("a", version);
        assert!(shelf.get("a", version).unwrap().is_some());
    }
    assert_eq!(shelf.names().len(), 5);
    assert_eq!(shelf.faults().len(), 4, "what is no entry is left alone");
    let found = shelf.cache.find("a").unwrap();
    let versions: Vec<String> = found
        .entries
        .iter()
        .map(|entry| entry.version.to_string())
        .collect();
    assert_eq!(versions, ["4.0.0", "3.0.0", "2.0.0", "1.0.0"]);
}

#[test]
fn rejects_entry_with_unexpected_file_names() {
    let shelf = Shelf::new();
    let entry = shelf.put("a", "1.0.0");
    let path = entry.folder().join("entry.json");
    let text = fs::read_to_string(&path).unwrap();
    for file in ["../../../../lock", "/etc/passwd", "entry.json"] {
        let text = text.replace("a-1.0.0.tar.gz", file);
        fs::write(&path, text).unwrap();
        let error = shelf.get("a", "1.0.0").unwrap_err().to_string();
        assert!(error.contains("invalid file name"), "{error}");
    }
}

#[test]
fn lookup_cost_is_constant_and_needs_no_index() {
    let shelf = Shelf::new();
    shelf.put("wanted", "1.0.0");
    let look = || {
        let found = shelf.get("wanted", "1.0.0").unwrap();
        let any = shelf
            .cache
            .get_of_any_type("wanted", &Version::new(1, 0, 0))
            .unwrap();
        let all = shelf.cache.find("wanted").unwrap();
        (found, any.len(), all.entries.len())
    };
    let _ = shelf.cache.list();
    look();
    let (calls_of_one, bytes_of_one, _) = reads(look);
    for number in 0..200 {
        shelf.put(&format!("other-{number}"), "1.0.0");
    }
    let _ = shelf.cache.list();
    let index = shelf.path("index.json");
    assert!(fs::metadata(&index).unwrap().len() > 50_000);
    let (calls, bytes, found) = reads(look);
    assert_eq!(found.1, 1);
    assert_eq!(calls, calls_of_one);
    // The counters themselves have a digit more or less.
    assert!(bytes.abs_diff(bytes_of_one) < 32, "{bytes} {bytes_of_one}");

    // An index that cannot be read is none of a look-up's business; it is not even missed.
    for broken in ["text", "folder"] {
        fs::remove_file(&index).unwrap_or_default();
        if broken == "text" {
            fs::write(&index, "no JSON").unwrap();
        } else {
            fs::create_dir(&index).unwrap();
        }
        assert_eq!(look(), found);
        assert!(index.exists());
    }
    assert_eq!(shelf.names().len(), 201, "a listing does without as well");
}

#[test]
fn writers_wait_for_lock_and_readers_do_not() {
    let shelf = Shelf::new();
    shelf.put("a", "1.0.0");
    // As another process would.
    let lock = File::options().write(true).open(shelf.path("lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let draft = draft("b", "1.0.0");
    let came = shelf.incoming(&draft.content);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| store_from(&shelf.cache, &draft, &came));
        while tree(&shelf.path("tmp")).is_empty() && !writer.is_finished() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(200));
        assert!(!writer.is_finished());
        assert!(shelf.get("a", "1.0.0").unwrap().is_some());
        assert_eq!(shelf.names(), ["record a 1.0.0"]);
        lock.unlock().unwrap();
        writer.join().unwrap().unwrap();
    });
    assert_eq!(shelf.names(), ["record a 1.0.0", "record b 1.0.0"]);
}
