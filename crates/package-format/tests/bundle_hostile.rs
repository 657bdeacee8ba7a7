//! Tests of unpacking, which never leaves its folder, also of hostile archives.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod packed;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use extension_registry_package_format::{Limits, UnpackError, unpack};
use flate2::Compression;
use flate2::write::GzEncoder;
use packed::{package, packed};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// An entry as somebody hostile writes it: names go in as bytes, unchecked.
struct Hostile {
    name: Vec<u8>,
    kind: EntryType,
    link: &'static str,
    mode: u32,
    content: &'static [u8],
}

fn entry(name: &str) -> Hostile {
    Hostile {
        name: name.as_bytes().to_vec(),
        kind: EntryType::Regular,
        link: "",
        mode: 0o644,
        content: b"x",
    }
}

fn archive(entries: &[Hostile]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(&entry.name);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Unpacks into `inner/new` of a folder, and says what is wrong. Nothing may be left.
fn refused(bytes: &[u8], limits: Limits) -> String {
    let outer = TempDir::new().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let error = unpack(bytes, &inner.join("new"), limits).unwrap_err();
    let left: Vec<_> = fs::read_dir(&inner).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    error.to_string()
}

#[test]
fn rejects_hostile_entries_and_leaves_nothing() {
    let link = |kind, link| Hostile {
        kind,
        link,
        content: b"",
        ..entry("docs/way")
    };
    let of_kind = |kind| Hostile {
        kind,
        content: b"",
        ..entry("docs/thing")
    };
    let with_mode = |mode| Hostile {
        mode,
        ..entry("docs/tool")
    };
    let hostile: Vec<(&str, Vec<Hostile>)> = vec![
        ("segments `.` and `..`", vec![entry("../outside")]),
        ("segments `.` and `..`", vec![entry("docs/../../outside")]),
        ("segments `.` and `..`", vec![entry("docs/./x")]),
        ("absolute", vec![entry("/tmp/outside")]),
        ("empty path segments", vec![entry("docs//x")]),
        ("empty path segments", vec![entry("")]),
        ("backslash", vec![entry("docs\\x")]),
        ("control character", vec![entry("docs/\x1b[31m")]),
        (
            "UTF-8",
            vec![Hostile {
                name: b"docs/\xff".to_vec(),
                ..entry("")
            }],
        ),
        ("link", vec![link(EntryType::Symlink, "/etc/passwd")]),
        ("link", vec![link(EntryType::Symlink, "README.md")]),
        // CVE-2026-50163: relative to the folder of the program, not of the archive.
        (
            "link",
            vec![
                entry("docs/README.md"),
                link(EntryType::Link, "docs/README.md"),
            ],
        ),
        ("device", vec![of_kind(EntryType::Char)]),
        ("device", vec![of_kind(EntryType::Block)]),
        ("device", vec![of_kind(EntryType::Fifo)]),
        (
            "entry type is not allowed",
            vec![of_kind(EntryType::GNUSparse)],
        ),
        (
            "entry type is not allowed",
            vec![of_kind(EntryType::new(b'Z'))],
        ),
        ("setuid, setgid and sticky bits", vec![with_mode(0o4755)]),
        ("setuid, setgid and sticky bits", vec![with_mode(0o2755)]),
        ("duplicate path", vec![entry("docs/a"), entry("docs/a")]),
        ("duplicate path", vec![entry("docs/a"), entry("docs")]),
        (
            "parent path is a file",
            vec![entry("docs"), entry("docs/a")],
        ),
    ];
    for (wanted, entries) in hostile {
        // A good file before it goes with it.
        let mut all = vec![entry("extension.yaml")];
        all.extend(entries);
        let why = refused(&archive(&all), Limits::default());
        assert!(why.contains(wanted), "{wanted}: {why}");
        assert!(!why.contains('\x1b'), "{why:?}");
    }
}

#[test]
fn validates_names_in_extended_headers() {
    let record = |text: &str| {
        let mut length = text.len() + 3;
        length = text.len() + 2 + length.to_string().len();
        format!("{length} {text}\n").into_bytes()
    };
    let header = |kind, content: Vec<u8>| Hostile {
        kind,
        content: content.leak(),
        ..entry("header")
    };
    for (wanted, extension) in [
        (
            "segments `.` and `..`",
            header(EntryType::XHeader, record("path=../outside")),
        ),
        (
            "segments `.` and `..`",
            header(EntryType::GNULongName, b"../outside\0".to_vec()),
        ),
        (
            "size",
            header(EntryType::XHeader, record("size=1000000000000")),
        ),
        (
            "invalid extended header",
            header(EntryType::XHeader, b"99999 path=x\n".to_vec()),
        ),
        (
            "header is too long",
            header(EntryType::XHeader, vec![b'x'; 70_000]),
        ),
        (
            "header is too long",
            header(EntryType::XGlobalHeader, vec![b'x'; 70_000]),
        ),
        (
            "entry type is not allowed",
            header(EntryType::GNULongLink, b"/etc/passwd\0".to_vec()),
        ),
    ] {
        let why = refused(&archive(&[extension, entry("docs/x")]), Limits::default());
        assert!(why.contains(wanted), "{wanted}: {why}");
    }
}

#[test]
fn rejects_oversized_bundle_before_writing() {
    let zeros: &'static [u8] = vec![0; 4 << 20].leak();
    let bomb = archive(&[Hostile {
        content: zeros,
        ..entry("zeros")
    }]);
    assert!(bomb.len() < 64 * 1024);
    let small = Limits {
        bytes: 1 << 20,
        ..Limits::default()
    };
    assert!(refused(&bomb, small).contains("more than 1048576 bytes"));

    let many: Vec<Hostile> = (0..101)
        .map(|number| Hostile {
            content: b"",
            ..entry(&format!("f{number}"))
        })
        .collect();
    let few = Limits {
        entries: 100,
        ..Limits::default()
    };
    assert!(refused(&archive(&many), few).contains("100 entries"));
    // Folders that nobody wrote down count as well.
    let deep: String = "d/".repeat(45) + "f";
    let few = Limits {
        entries: 20,
        ..Limits::default()
    };
    assert!(refused(&archive(&[entry(&deep)]), few).contains("20 entries"));
}

#[test]
fn decompression_bomb_stops_at_limit() {
    // One megabyte of zeros again and again: gzip members one after the other are one stream.
    let mut header = Header::new_ustar();
    header.set_path("zeros").unwrap();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    let blocks = 10 << 10;
    header.set_size(blocks << 20);
    header.set_cksum();
    let member = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let zeros = member(&vec![0; 1 << 20]);
    let mut bytes = member(header.as_bytes());
    for _ in 0..blocks {
        bytes.extend(&zeros);
    }
    assert!(refused(&bytes, Limits::default()).contains("more than 1073741824 bytes"));
}

#[test]
fn endless_entries_stop_at_limit() {
    let mut archive = GzEncoder::new(Vec::new(), Compression::fast());
    for number in 0..=10_000 {
        let mut header = Header::new_ustar();
        header.set_path(format!("f{number}")).unwrap();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(0);
        header.set_cksum();
        archive.write_all(header.as_bytes()).unwrap();
    }
    let bytes = archive.finish().unwrap();
    assert!(refused(&bytes, Limits::default()).contains("10000 entries"));
}

#[test]
fn rejects_invalid_and_truncated_archives() {
    let bundle = packed(package().path(), Limits::default()).unwrap();
    let half = &bundle.bytes[..bundle.bytes.len() / 2];
    for bytes in [half, b"<html></html>", b""] {
        let why = refused(bytes, Limits::default());
        assert!(why.contains("failed to read the bundle"), "{why}");
    }
}

#[test]
fn never_unpacks_into_existing_folder() {
    let bundle = packed(package().path(), Limits::default()).unwrap();
    let target = TempDir::new().unwrap();
    fs::write(target.path().join("a"), "precious").unwrap();
    symlink("/nowhere", target.path().join("b")).unwrap();
    for name in ["a", "b"] {
        let folder = target.path().join(name);
        let error = unpack(&*bundle.bytes, &folder, Limits::default()).unwrap_err();
        assert!(matches!(error, UnpackError::Exists(_)), "{error}");
    }
    let precious = fs::read_to_string(target.path().join("a")).unwrap();
    assert_eq!(precious, "precious");
}

/// All that is below a folder.
fn below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.display().to_string());
        if path.symlink_metadata().unwrap().is_dir() {
            below(&path, found);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the names are: what is written is inside, or nothing is.
    #[test]
    fn never_writes_outside_target(
        names in prop::collection::vec("([a-c./\\\\]|\\.\\.){0,8}", 1..6),
        kinds in prop::collection::vec(0_u8..3, 6),
    ) {
        let entries: Vec<Hostile> = names
            .iter()
            .zip(kinds)
            .map(|(name, kind)| match kind {
                0 => Hostile { kind: EntryType::Directory, content: b"", ..entry(name) },
                1 => Hostile { kind: EntryType::Symlink, link: "..", content: b"", ..entry(name) },
                _ => entry(name),
            })
            .collect();
        let outer = TempDir::new().unwrap();
        let inner = outer.path().join("x/y");
        fs::create_dir_all(&inner).unwrap();
        let folder = inner.join("new");
        let result = unpack(&*archive(&entries), &folder, Limits::default());
        let mut found = Vec::new();
        below(outer.path(), &mut found);
        let allowed = folder.display().to_string();
        let ways = [inner.display().to_string(), outer.path().join("x").display().to_string()];
        for path in &found {
            prop_assert!(path.starts_with(&allowed) || ways.contains(path), "{path}");
        }
        prop_assert_eq!(result.is_ok(), found.contains(&allowed));
    }
}
