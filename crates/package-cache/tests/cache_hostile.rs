//! Tests of the cache with malicious input and unusual file systems.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod cached;

use std::fs::{self};
use std::os::unix::fs::MetadataExt;

use cached::{Shelf, draft, du, named, store_from, tree};
use extension_registry_package_cache::cache::CacheError;
use extension_registry_package_format::Limits;
use extension_registry_package_format::manifest::Kind;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

type Archive = Builder<GzEncoder<Vec<u8>>>;

/// Archives that do what no package does.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let pack = |write: &dyn Fn(&mut Archive)| {
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let text = b"extension: {name: a, version: 1.0.0}\n";
        let mut header = Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, "extension.yaml", text.as_slice())
            .unwrap();
        write(&mut archive);
        archive.into_inner().unwrap().finish().unwrap()
    };
    let raw = |path: &'static str, kind: EntryType, target: &'static str| {
        pack(&move |archive| {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(0o644);
            header.set_size(0);
            if !target.is_empty() {
                header.set_link_name_literal(target).unwrap();
            }
            header.set_cksum();
            archive.append(&header, std::io::empty()).unwrap();
        })
    };
    let good = pack(&|_| {});
    vec![
        ("above", raw("../../evil", EntryType::Regular, "")),
        ("absolute", raw("/tmp/evil", EntryType::Regular, "")),
        ("symlink", raw("evil", EntryType::Symlink, "/etc/passwd")),
        ("hard link", raw("evil", EntryType::Link, "../entry.json")),
        ("twice", raw("extension.yaml", EntryType::Regular, "")),
        ("cut", good[..good.len() / 2].to_vec()),
        ("no archive", b"nothing of the kind".to_vec()),
        (
            "zeros",
            pack(&|archive| {
                let mut header = Header::new_ustar();
                header.set_size(4 << 20);
                header.set_mode(0o644);
                let zeros = std::io::Read::take(std::io::repeat(0), 4 << 20);
                archive.append_data(&mut header, "zeros", zeros).unwrap();
            }),
        ),
    ]
}

#[test]
fn rejected_bundle_leaves_nothing() {
    let shelf = Shelf::new();
    shelf.put("good", "1.0.0");
    // The lock and the folders are there.
    let outside = |shelf: &Shelf| {
        let mut paths = tree(shelf.folder.path());
        paths.retain(|path| !path.starts_with("in-"));
        paths
    };
    let before = outside(&shelf);
    let limits = Limits {
        bytes: 1 << 20,
        entries: 100,
    };
    for (what, content) in hostile() {
        let mut draft = draft("bad", "1.0.0");
        draft.content = content;
        draft.unpack = Some(limits);
        let came = shelf.incoming(&draft.content);
        let error = store_from(&shelf.cache, &draft, &came).unwrap_err();
        assert!(matches!(error, CacheError::Unpack(_)), "{what}: {error}");
        assert!(!came.exists(), "{what}: nobody goes on with this transfer");
        assert_eq!(outside(&shelf), before, "{what}");
        assert!(shelf.get("bad", "1.0.0").unwrap().is_none(), "{what}");
    }

    // Where it is unpacked later, the entry is what was published, and no part of what is in it stays.
    for (what, content) in hostile() {
        let mut draft = draft("late", "1.0.0");
        draft.content = content;
        draft.replace = true;
        let entry = shelf.store(&draft);
        let stored = outside(&shelf);
        let error = shelf.cache.unpacked(&entry, limits).unwrap_err();
        assert!(matches!(error, CacheError::Unpack(_)), "{what}: {error}");
        assert!(!entry.is_unpacked());
        assert_eq!(outside(&shelf), stored, "{what}");
    }
}

#[test]
fn untrusted_names_never_become_paths() {
    let shelf = Shelf::new();
    shelf.put("a", "1.0.0");
    let before = tree(shelf.folder.path());
    let long = "a".repeat(300);
    let names = [
        "", ".", "..", "../a", "a/b", "/a", "a\\b", "A", "a b", "a\0b", "_a", ".a", &long,
    ];
    for name in names {
        let mut bad = draft("x", "1.0.0");
        bad.name = name.to_owned();
        let error = shelf.try_store(&bad).unwrap_err();
        assert!(
            matches!(error, CacheError::Name { .. }),
            "{name:?}: {error}"
        );
        assert!(shelf.get(name, "1.0.0").is_err(), "{name:?}");
        assert!(shelf.cache.find(name).is_err(), "{name:?}");
    }
    for kind in ["", "..", "../record", "helm", "Record"] {
        let mut bad = draft("x", "1.0.0");
        bad.kind = Kind::Unsupported(kind.to_owned());
        let error = shelf.try_store(&bad).unwrap_err();
        assert!(matches!(error, CacheError::Kind(_)), "{kind:?}: {error}");
    }
    let files = [
        "",
        ".",
        "..",
        "../a",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\nb",
        ".hidden",
        "entry.json",
        "ENTRY.JSON",
        "manifest.json",
        "docs.md",
        "last-used",
        "unpacked",
        &long,
    ];
    for file in files {
        let mut bad = draft("x", "1.0.0");
        bad.file = file.to_owned();
        let error = shelf.try_store(&bad).unwrap_err();
        assert!(
            matches!(error, CacheError::FileName { .. }),
            "{file:?}: {error}"
        );
    }
    let mut bad = draft("x", &format!("1.0.0+{long}"));
    bad.file = "x.tar.gz".to_owned();
    let error = shelf.try_store(&bad).unwrap_err();
    assert!(matches!(error, CacheError::Version(_)), "{error}");
    let mut after = tree(shelf.folder.path());
    after.retain(|path| !path.starts_with("in-"));
    let mut before = before;
    before.retain(|path| !path.starts_with("in-"));
    assert_eq!(after, before);
}

#[test]
fn moves_content_across_file_systems() {
    let shelf = Shelf::new();
    let Ok(elsewhere) = TempDir::new_in("/dev/shm") else {
        // There is none; a move within one is in all other tests.
        return;
    };
    let draft = draft("a", "1.0.0");
    let came = elsewhere.path().join("content");
    fs::write(&came, &draft.content).unwrap();
    let entry = store_from(&shelf.cache, &draft, &came).unwrap();
    shelf.cache.verify(&entry).unwrap();
    assert!(!came.exists());
    assert!(tree(&shelf.path("tmp")).is_empty());
}

/// ext4 gives a file 65,000 names; where there is no such limit, this is stored as everything is.
#[test]
fn copies_files_without_hard_links() {
    let shelf = Shelf::new();
    let first = shelf.put("a", "1.0.0");
    let names = shelf.folder.path().join("names");
    fs::create_dir(&names).unwrap();
    let content = first.content_path();
    let mut number = 0;
    while number < 66_000 && fs::hard_link(&content, names.join(number.to_string())).is_ok() {
        number += 1;
    }
    let mut second = draft("b", "1.0.0");
    second.content = fs::read(&content).unwrap();
    let second = shelf.store(&second);
    shelf.cache.verify(&second).unwrap();
    fs::remove_dir_all(&names).unwrap();
    shelf.cache.clear(&named("a")).unwrap();
    shelf.cache.verify(&second).unwrap();
    assert_eq!(shelf.cache.stats().bytes, du(shelf.cache.root()));
}

#[test]
fn cache_is_private() {
    let shelf = Shelf::new();
    let entry = shelf.put("a", "1.0.0");
    let mode = fs::metadata(shelf.cache.root()).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
    // A blob has many names: by none of them is it edited.
    let mode = fs::metadata(entry.content_path()).unwrap().mode();
    assert_eq!(mode & 0o777, 0o444);
}
