//! Tests of the cache with several processes, some of them killed. The processes are this test binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

use extension_registry_package_cache::cache::{Cache, CacheError, Content, Entry, Item, Selector};
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::upload::{Document, DocumentFormat};
use extension_registry_package_format::{Digest, Limits};
use flate2::Compression;
use flate2::write::GzEncoder;
use semver::Version;
use tar::{Builder, Header};
use tempfile::TempDir;

/// Where a process of a test finds its cache.
const ROOT: &str = "CACHE_TEST_ROOT";
/// What a process of a test does: a number for the order of its steps.
const SEED: &str = "CACHE_TEST_SEED";
const NAMES: [&str; 3] = ["a", "b", "c"];
const VERSIONS: u64 = 3;

/// Numbers without order, the same for the same seed (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A bundle of some files; its variants are different contents of one version.
fn bundle(name: &str, version: &Version, variant: u64) -> Vec<u8> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for number in 0..8 {
        let text = format!("{name} {version} {variant} {number}\n").repeat(500);
        let mut header = Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, format!("files/{number}"), text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn store(
    cache: &Cache,
    name: &str,
    version: &Version,
    variant: u64,
    unpack: bool,
) -> Result<Entry, CacheError> {
    let bytes = bundle(name, version, variant);
    let partial = cache.partial(&Digest::of(&bytes).oci())?;
    // In two writes, so that one killed between leaves half of it.
    let mut file = File::create(partial.path()).unwrap();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first).unwrap();
    file.write_all(second).unwrap();
    let document = Document {
        bytes: b"# The same for all\n".to_vec(),
        format: DocumentFormat::Markdown,
    };
    cache.store(&Item {
        kind: &Kind::Record,
        name,
        version,
        repository: "main",
        locator: "somewhere",
        manifest: None,
        is_foreign: false,
        configuration: format!("{{\"name\":\"{name}\"}}").as_bytes(),
        content: Content {
            path: partial.path(),
            file: &format!("{name}-{version}.tar.gz"),
            digest: None,
        },
        document: Some(&document),
        signatures: &[],
        trusted_by: &["release".to_owned()],
        published: None,
        unpack: unpack.then(Limits::default),
        replace: true,
    })
}

/// Not a test: what the processes of the tests do until they are killed.
#[test]
#[ignore = "run by the tests of this file"]
fn child_process_to_kill() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let mut numbers = Numbers(std::env::var(SEED).unwrap().parse().unwrap());
    let cache = Cache::open(root);
    let mut out = std::io::stdout();
    loop {
        let name = NAMES[usize::try_from(numbers.below(3)).unwrap()];
        let version = Version::new(1, numbers.below(VERSIONS), 0);
        match numbers.below(12) {
            0 => {
                let selector = Selector::Only {
                    kind: None,
                    name: Some(name.to_owned()),
                    version: Some(version),
                };
                cache.clear(&selector).unwrap();
            }
            1 => {
                let later = SystemTime::now() + Duration::from_mins(1);
                let keep = |entry: &Entry| entry.name != name;
                cache.prune(Duration::ZERO, later, &keep).unwrap();
            }
            2 => {
                let _ = cache.list();
            }
            3 | 4 => {
                // Another process may have deleted or replaced it meanwhile.
                if let Ok(Some(entry)) = cache.get(&Kind::Record, name, &version) {
                    let _ = cache.unpacked(&entry, Limits::default());
                }
            }
            step => {
                let variant = numbers.below(2);
                store(&cache, name, &version, variant, step % 2 == 0).unwrap();
            }
        }
        writeln!(out, "did").unwrap();
        out.flush().unwrap();
    }
}

/// Not a test: stores every version some times, and ends.
#[test]
#[ignore = "run by the tests of this file"]
fn child_process_that_exits() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let mut numbers = Numbers(std::env::var(SEED).unwrap().parse().unwrap());
    let cache = Cache::open(root);
    for _ in 0..60 {
        let name = NAMES[usize::try_from(numbers.below(3)).unwrap()];
        let version = Version::new(1, numbers.below(VERSIONS), 0);
        let entry = store(&cache, name, &version, 0, false).unwrap();
        // Whoever else stores the same meanwhile, this one is there, whole, and stays.
        let found = cache.get(&Kind::Record, name, &version).unwrap().unwrap();
        assert_eq!(found.content, entry.content);
        cache.verify(&entry).unwrap();
        let folder = cache.unpacked(&entry, Limits::default()).unwrap();
        assert_eq!(fs::read_dir(folder.join("files")).unwrap().count(), 8);
        let _ = cache.list();
    }
}

/// A process that goes with its value, also where the test fails.
struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    fn start(what: &str, root: &Path, seed: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", what, "--ignored", "--nocapture"])
            .env(ROOT, root)
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits until it did so many things.
    fn did(&mut self, count: u64) {
        let mut done = 0;
        while done < count {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "it ended by itself");
            // The first is behind the words of the test harness.
            done += u64::from(line.trim_end().ends_with("did"));
        }
    }

    /// Kills it with signal 9.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(!status.success());
        assert_eq!(
            status.code(),
            None,
            "it was killed, and did not fail: {status}"
        );
    }

    fn end(mut self) {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut text).unwrap();
        assert!(self.child.wait().unwrap().success(), "{text}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn du(folder: &Path) -> u64 {
    let out = Command::new("du")
        .args(["-s", "--block-size=1"])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// Everything that is there is whole.
fn assert_whole(cache: &Cache) -> usize {
    let listing = cache.list();
    assert_eq!(listing.faults, [], "nothing half is there");
    for entry in &listing.entries {
        let found = cache.get(&entry.kind, &entry.name, &entry.version);
        assert_eq!(found.unwrap().as_ref(), Some(entry));
        cache.verify(entry).unwrap();
        let variants = [0, 1].map(|variant| bundle(&entry.name, &entry.version, variant));
        let variant = variants
            .iter()
            .position(|bytes| Digest::of(bytes) == entry.content.digest)
            .unwrap();
        // What was unpacked is all of this content, and of no other.
        let folder = cache.unpacked(entry, Limits::default()).unwrap();
        for number in 0..8 {
            let text = fs::read_to_string(folder.join(format!("files/{number}"))).unwrap();
            let line = format!("{} {} {variant} {number}", entry.name, entry.version);
            assert_eq!(text.lines().next(), Some(line.as_str()));
            assert_eq!(text.lines().count(), 500);
        }
    }
    for blob in fs::read_dir(cache.root().join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        let digest = Digest::of(&fs::read(blob.path()).unwrap());
        assert_eq!(blob.file_name(), *digest.to_string());
    }
    assert_eq!(cache.stats().bytes, du(cache.root()));
    listing.entries.len()
}

#[test]
fn cache_survives_sigkill_at_any_moment() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("cache");
    let mut numbers = Numbers(7);
    let mut most = 0;
    let mut left_behind = 0;
    for round in 0..25 {
        let mut first = Process::start("child_process_to_kill", &root, round);
        let mut second = Process::start("child_process_to_kill", &root, 100 + round);
        first.did(1 + numbers.below(8));
        second.did(1);
        // Somewhere in the next steps; where, decides what is tried and not whether it is right.
        std::thread::sleep(Duration::from_micros(numbers.below(20_000)));
        first.kill();
        second.kill();

        let cache = Cache::open(&root);
        left_behind += fs::read_dir(root.join("tmp")).unwrap().count();
        most = most.max(assert_whole(&cache));
        // The lock went with them, and so did their transfers.
        store(&cache, "a", &Version::new(1, 0, 0), 0, false).unwrap();
        let partial = cache.partial("sha256 of nothing").unwrap();
        assert_eq!(
            partial.path().parent(),
            Some(root.join("partial").as_path())
        );
    }
    assert!(most > 3, "they stored something");
    assert!(left_behind > 0, "some were killed in the middle");

    // What they left in `tmp` goes when it is old, and with it the last names of its blobs.
    for left in fs::read_dir(root.join("tmp")).unwrap() {
        let old = SystemTime::now() - Duration::from_hours(2);
        let left = File::open(left.unwrap().path()).unwrap();
        left.set_modified(old).unwrap();
    }
    let cache = Cache::open(&root);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    cache.clear(&Selector::All).unwrap();
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.blobs, stats.partial), (0, 0, 0));
}

#[test]
fn concurrent_processes_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("cache");
    let first = Process::start("child_process_that_exits", &root, 1);
    let second = Process::start("child_process_that_exits", &root, 2);
    first.end();
    second.end();
    let cache = Cache::open(&root);
    assert_eq!(assert_whole(&cache), 9);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    let stats = cache.stats();
    assert_eq!(stats.partial, 0, "all were stored");
    assert_eq!(stats.blobs, 9 + 3 + 1, "contents, manifests, one document");
}
