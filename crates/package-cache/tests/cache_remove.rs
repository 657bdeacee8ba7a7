//! Tests of removal from the cache: by selector, by age, and after crashes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod cached;

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use cached::{DAY, Shelf, ago, bundle, draft, du, tree};
use extension_registry_core::diagnostic::Explain;
use extension_registry_package_cache::cache::{Cache, Entry, Selector};
use extension_registry_package_format::Limits;
use extension_registry_package_format::manifest::Kind;

#[test]
fn prune_removes_unused_but_keeps_locked() {
    let shelf = Shelf::new();
    let old = shelf.put("old", "1.0.0");
    let locked = shelf.put("locked", "1.0.0");
    let used = shelf.put("used", "1.0.0");
    let ahead = shelf.put("ahead", "1.0.0");
    for entry in [&old, &locked, &used] {
        shelf.cache.touch_at(entry, ago(40 * DAY)).unwrap();
    }
    let tomorrow = SystemTime::now() + DAY;
    shelf.cache.touch_at(&ahead, tomorrow).unwrap();
    // Stored long ago, and used again: that alone counts.
    shelf.cache.touch(&used).unwrap();
    assert!(shelf.cache.last_used(&used).elapsed().unwrap() < DAY);
    let abandoned = shelf.cache.partial("abandoned").unwrap();
    let old_file = File::options().write(true).open(abandoned.path()).unwrap();
    old_file.set_modified(ago(40 * DAY)).unwrap();
    assert_eq!(shelf.cache.stats().last_pruned, None);

    let now = SystemTime::now();
    let keep = |entry: &Entry| entry.name == "locked";
    let before = du(shelf.cache.root());
    let removed = shelf.cache.prune(30 * DAY, now, &keep).unwrap();
    let gone: Vec<String> = removed.versions.iter().map(ToString::to_string).collect();
    assert_eq!(gone, ["record old 1.0.0"]);
    assert_eq!((removed.blobs, removed.partial), (2, 0));
    assert_eq!(
        shelf.names(),
        [
            "record ahead 1.0.0",
            "record locked 1.0.0",
            "record used 1.0.0"
        ]
    );
    assert!(!shelf.path("extensions/record/old").exists());
    assert_eq!(shelf.cache.stats().last_pruned, Some(now));
    // An index of some blocks came, and the folder of the package went as well.
    let freed = before - du(shelf.cache.root());
    assert!(
        removed.bytes.abs_diff(freed) <= 16 * 1024,
        "{removed:?} {freed}"
    );

    drop(abandoned);
    // A program that another test is starting inherits the lock of the file until it runs.
    let removed = std::iter::repeat_with(|| shelf.cache.prune(30 * DAY, now, &keep).unwrap())
        .inspect(|removed| {
            assert_eq!(removed.versions.len(), 0);
            std::thread::sleep(std::time::Duration::from_millis(20));
        })
        .take(500)
        .find(|removed| removed.partial > 0)
        .unwrap();
    assert_eq!(removed.partial, 1);
    let removed = shelf.cache.prune(30 * DAY, now, &|_| false).unwrap();
    assert_eq!(removed.versions[0].name, "locked");
}

#[test]
fn stats_match_du() {
    let shelf = Shelf::new();
    let empty = shelf.cache.stats();
    assert_eq!((empty.entries, empty.blobs), (0, 0));
    let shared = bundle(&"text that is in both\n".repeat(5000));
    for name in ["a", "b", "c"] {
        let mut draft = draft(name, "1.0.0");
        draft.content.clone_from(&shared);
        if name == "c" {
            draft.kind = Kind::Provider;
            // Not compressed, so that it takes more than a block.
            draft.content = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        }
        shelf.store(&draft);
    }
    let entry = shelf.get("a", "1.0.0").unwrap().unwrap();
    shelf.cache.unpacked(&entry, Limits::default()).unwrap();
    let partial = shelf.cache.partial("a transfer").unwrap();
    fs::write(partial.path(), vec![7; 50_000]).unwrap();
    let _ = shelf.cache.list();
    let stats = shelf.cache.stats();
    assert_eq!(stats.entries, 3);
    assert_eq!(stats.blobs, 5, "two contents, three manifests");
    assert_eq!(stats.partial, 1);
    assert_eq!(stats.faults, 0);
    assert_eq!(stats.types["record"].entries, 2);
    assert_eq!(stats.types["provider"].entries, 1);
    assert!(stats.types["provider"].bytes > 400_000);
    assert_eq!(stats.bytes, du(shelf.cache.root()));
    assert!(stats.bytes > 450_000);
}

#[test]
fn clear_needs_selector() {
    let shelf = Shelf::new();
    for version in ["1.0.0", "2.0.0"] {
        for kind in [Kind::Record, Kind::Provider] {
            for name in ["a", "b"] {
                let mut draft = draft(name, version);
                draft.kind = kind.clone();
                shelf.store(&draft);
            }
        }
    }
    let only = |kind: Option<Kind>, name: Option<&str>, version: Option<&str>| Selector::Only {
        kind,
        name: name.map(str::to_owned),
        version: version.map(|text| text.parse().unwrap()),
    };
    let error = shelf.cache.clear(&only(None, None, None)).unwrap_err();
    insta::assert_snapshot!(error.explained(), @"nothing selected to clear; hint: pass a type, a name or a version, or --all");
    assert_eq!(shelf.names().len(), 8);
    let cases = [
        (only(Some(Kind::Record), Some("a"), Some("1.0.0")), 7),
        (only(None, Some("a"), Some("1.0.0")), 6),
        (only(None, None, Some("1.0.0")), 4),
        (only(Some(Kind::Provider), None, None), 2),
        (only(None, Some("b"), None), 1),
        (only(None, Some("nobody"), None), 1),
    ];
    for (selector, left) in cases {
        shelf.cache.clear(&selector).unwrap();
        assert_eq!(shelf.names().len(), left, "{selector:?}");
    }
    // Something that is broken is cleared too, and a transfer that nobody is at.
    fs::write(shelf.path("extensions/record/a/2.0.0/entry.json"), "").unwrap();
    fs::write(shelf.path("partial/abc.part"), "half").unwrap();
    fs::write(shelf.path("notes"), "of somebody").unwrap();
    for folder in ["http", "listings"] {
        fs::create_dir(shelf.path(folder)).unwrap();
        fs::write(shelf.path(folder).join("answer"), "of a server").unwrap();
    }
    let removed = shelf.cache.clear(&Selector::All).unwrap();
    assert_eq!((removed.versions.len(), removed.partial), (1, 1));
    let left = tree(shelf.cache.root());
    assert!(left.contains("notes"), "not made here: {left:?}");
    let is_answer = |path: &String| path.starts_with("http") || path.starts_with("listings");
    assert!(!left.iter().any(is_answer), "{left:?}");
    let stats = shelf.cache.stats();
    assert_eq!((stats.entries, stats.blobs, stats.partial), (0, 0, 0));
    assert!(!left.iter().any(|path| path.contains("/a/")), "{left:?}");
}

#[test]
fn removes_abandoned_files_after_an_hour() {
    let shelf = Shelf::new();
    for (name, age) in [("store-old", 2 * 60), ("store-young", 30)] {
        let folder = shelf.path("tmp").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("entry.json"), "{}").unwrap();
        let time = ago(Duration::from_mins(age));
        File::open(&folder).unwrap().set_modified(time).unwrap();
    }
    Cache::open(shelf.cache.root());
    let left = tree(&shelf.path("tmp"));
    let left: Vec<&str> = left.iter().map(String::as_str).collect();
    assert_eq!(left, ["store-young/", "store-young/entry.json"]);
}
