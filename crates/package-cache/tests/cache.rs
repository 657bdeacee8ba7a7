//! Tests of the cache: look-up, deduplication, repair.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod cached;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use cached::{DAY, Shelf, ago, bundle, draft, named, store_from};
use extension_registry_package_cache::cache::{Cache, CacheError};
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::upload::{Document, DocumentFormat};
use extension_registry_package_format::{Digest, Limits};
use extension_registry_package_trust::signature::{Format, Signature};

#[test]
fn stored_package_needs_no_source() {
    let shelf = Shelf::new();
    let mut draft = draft("mlflow", "1.2.0");
    draft.document = Some(Document {
        bytes: b"= MLflow\n".to_vec(),
        format: DocumentFormat::AsciiDoc,
    });
    draft.signatures = vec![
        Signature {
            format: Format::Minisign,
            payload: b"{}".to_vec(),
            signature: b"untrusted comment: a\n".to_vec(),
        },
        Signature {
            format: Format::SigstoreBundle,
            payload: Vec::new(),
            signature: vec![0, 255],
        },
    ];
    let came = shelf.incoming(&draft.content);
    let stored = store_from(&shelf.cache, &draft, &came).unwrap();
    assert!(!came.exists(), "it was moved");

    // Another process, later.
    let cache = Cache::open(shelf.cache.root());
    let entry = cache.get(&Kind::Record, "mlflow", &draft.version);
    let entry = entry.unwrap().unwrap();
    assert_eq!(entry, stored);
    assert_eq!(fs::read(entry.content_path()).unwrap(), draft.content);
    assert_eq!(entry.content.digest, Digest::of(&draft.content));
    let configuration = fs::read(entry.configuration_path()).unwrap();
    assert_eq!(configuration, draft.configuration);
    let document = fs::read(entry.document_path().unwrap()).unwrap();
    assert_eq!(document, b"= MLflow\n");
    assert_eq!(entry.document_format(), Some(DocumentFormat::AsciiDoc));
    assert_eq!(cache.signatures(&entry).unwrap(), draft.signatures);
    assert_eq!(entry.trusted_by, ["release"]);
    assert_eq!(entry.repository, "main");
    assert_eq!(entry.published.as_deref(), Some("2026-01-01T00:00:00Z"));
    cache.verify(&entry).unwrap();
    let folder = cache.unpacked(&entry, Limits::default()).unwrap();
    let manifest = fs::read_to_string(folder.join("extension.yaml")).unwrap();
    assert_eq!(manifest, "mlflow 1.2.0");
    assert!(entry.is_unpacked());
    assert!(shelf.get("mlflow", "1.2.1").unwrap().is_none());
    assert!(shelf.get("mlflo", "1.2.0").unwrap().is_none());
}

#[test]
fn identical_files_are_stored_once() {
    let shelf = Shelf::new();
    let document = Document {
        bytes: b"# How to\n".to_vec(),
        format: DocumentFormat::Markdown,
    };
    let mut first = draft("a", "1.0.0");
    first.document = Some(document.clone());
    let mut second = draft("b", "2.0.0");
    second.kind = Kind::Taskserv;
    second.document = Some(document);
    second.content = first.content.clone();
    let (first, second) = (shelf.store(&first), shelf.store(&second));
    assert_eq!(shelf.blobs(), 4, "content, document and two manifests");
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&first.content_path()), inode(&second.content_path()));
    assert_eq!(
        inode(&first.document_path().unwrap()),
        inode(&second.document_path().unwrap())
    );

    let removed = shelf.cache.clear(&named("a")).unwrap();
    assert_eq!((removed.versions.len(), removed.blobs), (1, 1));
    shelf.cache.verify(&second).unwrap();
    let removed = shelf.cache.clear(&named("b")).unwrap();
    assert_eq!((removed.versions.len(), removed.blobs), (1, 3));
    assert_eq!(shelf.blobs(), 0);
}

#[test]
fn detects_and_repairs_modified_content() {
    let shelf = Shelf::new();
    let entry = shelf.put("a", "1.0.0");
    // Shorter: a look-up sees it.
    let content = entry.content_path();
    let swap = |bytes: &[u8]| {
        // As a broken disk would: all names of the file have it.
        fs::remove_file(&content).unwrap();
        fs::write(&content, bytes).unwrap();
        let blob = shelf.path(&format!("blobs/sha256/{}", entry.content.digest));
        fs::remove_file(&blob).unwrap();
        fs::hard_link(&content, &blob).unwrap();
    };
    let good = fs::read(&content).unwrap();
    swap(&good[..10]);
    let error = shelf.get("a", "1.0.0").unwrap_err().to_string();
    assert!(error.contains("got 10 bytes"), "{error}");
    // As long: reading it sees it.
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    swap(&flipped);
    let entry = shelf.get("a", "1.0.0").unwrap().unwrap();
    let error = shelf.cache.verify(&entry).unwrap_err().to_string();
    assert!(error.contains(&Digest::of(&flipped).to_string()), "{error}");
    assert!(error.contains(&Digest::of(&good).to_string()), "{error}");
    let error = shelf.cache.unpacked(&entry, Limits::default()).unwrap_err();
    assert!(matches!(error, CacheError::Broken { .. }), "{error}");
    assert!(!entry.is_unpacked());

    let entry = shelf.put("a", "1.0.0");
    shelf.cache.verify(&entry).unwrap();
    shelf.cache.unpacked(&entry, Limits::default()).unwrap();
}

#[test]
fn rejects_other_content_without_replace() {
    let shelf = Shelf::new();
    let first = shelf.put("a", "1.0.0");
    shelf.cache.unpacked(&first, Limits::default()).unwrap();
    let mut other = draft("a", "1.0.0");
    other.content = bundle("another");
    let came = shelf.incoming(&other.content);
    let error = store_from(&shelf.cache, &other, &came).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, CacheError::Conflict(_)), "{text}");
    assert!(
        text.contains(&format!("sha256:{}", first.content.digest)),
        "{text}"
    );
    assert!(
        text.contains(&format!("sha256:{}", Digest::of(&other.content))),
        "{text}"
    );
    assert!(came.exists(), "it is still its owner's");
    assert_eq!(shelf.get("a", "1.0.0").unwrap().unwrap(), first);

    other.replace = true;
    let second = shelf.store(&other);
    assert_eq!(second.content.digest, Digest::of(&other.content));
    assert!(
        !second.is_unpacked(),
        "what was unpacked was another content"
    );
    let folder = shelf.cache.unpacked(&second, Limits::default()).unwrap();
    let text = fs::read_to_string(folder.join("extension.yaml")).unwrap();
    assert_eq!(text, "another");
    shelf
        .cache
        .prune(DAY, SystemTime::now(), &|_| true)
        .unwrap();
    assert_eq!(shelf.blobs(), 2, "nobody has the first content any more");
}

#[test]
fn storing_again_updates_metadata_only() {
    let shelf = Shelf::new();
    let first = shelf.put("a", "1.0.0");
    let unpacked = shelf.cache.unpacked(&first, Limits::default()).unwrap();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let (folder, content) = (inode(first.folder()), inode(&first.content_path()));
    shelf.cache.touch_at(&first, ago(40 * DAY)).unwrap();
    let mut again = draft("a", "1.0.0");
    again.trusted_by = vec!["another".to_owned()];
    again.signatures = vec![Signature {
        format: Format::CosignSimple,
        payload: b"{}".to_vec(),
        signature: b"AAAA".to_vec(),
    }];
    let second = shelf.store(&again);
    assert_eq!(inode(second.folder()), folder);
    assert_eq!(inode(&second.content_path()), content);
    assert!(unpacked.is_dir());
    assert_eq!(shelf.get("a", "1.0.0").unwrap().unwrap(), second);
    assert_eq!(second.trusted_by, ["another"]);
    assert_eq!(shelf.cache.signatures(&second).unwrap(), again.signatures);
    assert!(shelf.cache.last_used(&second).elapsed().unwrap() < DAY);
    let third = shelf.put("a", "1.0.0");
    assert!(shelf.cache.signatures(&third).unwrap().is_empty());
}

#[test]
fn resumes_download_with_single_writer() {
    let shelf = Shelf::new();
    let draft = draft("a", "1.0.0");
    let key = Digest::of(&draft.content).oci();
    let first = shelf.cache.partial(&key).unwrap();
    let place = format!("partial/{}.part", Digest::of(&draft.content));
    assert_eq!(first.path(), shelf.path(&place));
    let half = draft.content.len() / 2;
    fs::write(first.path(), &draft.content[..half]).unwrap();
    // Somebody else wants the same meanwhile.
    let other = shelf.cache.partial(&key).unwrap();
    assert_ne!(other.path(), first.path());
    assert_eq!(fs::read(other.path()).unwrap(), b"");
    let path = other.path().to_owned();
    drop(other);
    assert!(!path.exists());

    drop(first);
    let second = shelf.cache.partial(&key).unwrap();
    assert_eq!(fs::read(second.path()).unwrap(), &draft.content[..half]);
    let mut file = File::options().append(true).open(second.path()).unwrap();
    file.write_all(&draft.content[half..]).unwrap();
    let entry = store_from(&shelf.cache, &draft, second.path()).unwrap();
    shelf.cache.verify(&entry).unwrap();
    assert!(!second.path().exists());
    // It is a blob now; a transfer of this key begins anew, in another file.
    let third = shelf.cache.partial(&key).unwrap();
    assert_eq!(third.path(), second.path());
    assert_eq!(fs::read(third.path()).unwrap(), b"");
    // Keys that are no digest, whatever is in them.
    let odd = shelf.cache.partial("../../main a 1.0.0").unwrap();
    assert_eq!(odd.path().parent(), Some(shelf.path("partial").as_path()));
}

#[test]
fn partial_download_holds_current_file() {
    let shelf = Shelf::new();
    let cache = &shelf.cache;
    // Each moves it away when it has it, as storing does, while the other is about to open it.
    let take_turns = || {
        for _ in 0..5_000 {
            let partial = cache.partial("wanted by both").unwrap();
            let moved = partial.path().with_extension("moved");
            fs::write(partial.path(), "x").unwrap();
            let found = fs::rename(partial.path(), &moved);
            assert!(found.is_ok(), "it was somebody else's: {found:?}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(take_turns);
        scope.spawn(take_turns);
    });
}
