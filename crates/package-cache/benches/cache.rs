//! Measures look-ups in small and large caches, and listings with and without the index.
//!
//! Targets: a look-up among 10,000 takes no more than 1.5 times as long as among 100; a listing with
//! an index is faster than one without.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark of a wrong answer is worth nothing, and its ratios are its answer"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use extension_registry_package_cache::cache::{Cache, Content, Item};
use extension_registry_package_format::manifest::Kind;
use semver::Version;
use tempfile::TempDir;

const FEW: usize = 100;
const MANY: usize = 10_000;

/// A cache of so many packages. One is stored; the others are made of its files, which is what storing comes
/// to without the waiting for the disk.
struct Shelf {
    _folder: TempDir,
    cache: Cache,
    count: usize,
}

impl Shelf {
    fn new(count: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let cache = Cache::open(folder.path().join("cache"));
        let content = folder.path().join("content");
        fs::write(&content, "content").unwrap();
        let entry = cache
            .store(&Item {
                kind: &Kind::Record,
                name: "package-0",
                version: &Version::new(1, 0, 0),
                repository: "main",
                locator: "somewhere",
                manifest: None,
                is_foreign: false,
                configuration: b"{}",
                content: Content {
                    path: &content,
                    file: "content.tar.gz",
                    digest: None,
                },
                document: None,
                signatures: &[],
                trusted_by: &["release".to_owned()],
                published: None,
                unpack: None,
                replace: false,
            })
            .unwrap();
        let text = fs::read_to_string(entry.folder().join("entry.json")).unwrap();
        for number in 1..count {
            plant(cache.root(), entry.folder(), &text, number);
        }
        Self {
            _folder: folder,
            cache,
            count,
        }
    }

    /// Looks up one after another, so that none is the favourite of the system's own memory of paths.
    fn look_up(&self, turn: usize) -> usize {
        let number = turn.wrapping_mul(7919) % self.count;
        let name = format!("package-{number}");
        let found = self.cache.get(&Kind::Record, &name, &Version::new(1, 0, 0));
        found.unwrap().unwrap().name.len()
    }
}

fn plant(root: &Path, from: &Path, text: &str, number: usize) {
    let name = format!("package-{number}");
    let folder = root.join("extensions/record").join(&name).join("1.0.0");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("entry.json"), text.replace("package-0", &name)).unwrap();
    for file in ["content.tar.gz", "manifest.json"] {
        fs::hard_link(from.join(file), folder.join(file)).unwrap();
    }
    fs::write(folder.join("last-used"), "").unwrap();
}

/// The shortest time of one of many turns: what everything else on the machine adds is not the cache's.
fn shortest(turns: usize, mut turn: impl FnMut(usize)) -> Duration {
    (0..turns)
        .map(|number| {
            let begin = Instant::now();
            turn(number);
            begin.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn look_ups(criterion: &mut Criterion) {
    let shelves = [Shelf::new(FEW), Shelf::new(MANY)];
    let mut group = criterion.benchmark_group("look-up");
    for shelf in &shelves {
        let id = BenchmarkId::from_parameter(shelf.count);
        group.bench_function(id, |bencher| {
            let mut turn = 0;
            bencher.iter(|| {
                turn += 1;
                black_box(shelf.look_up(turn))
            });
        });
    }
    group.finish();

    // By turns, so that whatever the machine does meanwhile happens to both.
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..200 {
        for (shelf, times) in shelves.iter().zip(&mut times) {
            let begin = Instant::now();
            for turn in 0..100 {
                black_box(shelf.look_up(round * 100 + turn));
            }
            times.push(begin.elapsed() / 100);
        }
    }
    let [few, many] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!(
        "ratio look-up {MANY}/{FEW}: {:.2} ({many:?} / {few:?}, medians)",
        many.as_secs_f64() / few.as_secs_f64()
    );

    let shelf = &shelves[1];
    let index = shelf.cache.root().join("index.json");
    let without = shortest(5, |_| {
        fs::remove_file(&index).unwrap_or_default();
        assert_eq!(shelf.cache.list().entries.len(), MANY);
    });
    let with = shortest(5, |_| {
        assert_eq!(shelf.cache.list().entries.len(), MANY);
    });
    println!(
        "ratio listing of {MANY} with/without index: {:.2} ({with:?} / {without:?})",
        with.as_secs_f64() / without.as_secs_f64()
    );
}

criterion_group!(benches, look_ups);
criterion_main!(benches);
