//! Tests of bundles: reproducible packing, and unpacking that never leaves its folder.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use extension_registry_package_format::Digest;
use extension_registry_package_format::Limits;
use extension_registry_package_format::PackError;
use extension_registry_package_format::UnpackError;
use extension_registry_package_format::pack;
use extension_registry_package_format::unpack;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

const MANIFEST: &str = "extension: {name: a, version: 1.0.0}\n";

#[derive(Debug)]
struct Packed {
    bytes: Vec<u8>,
    digest: Digest,
    files: Vec<String>,
}

fn packed(folder: &Path, limits: Limits) -> Result<Packed, PackError> {
    let mut bytes = Vec::new();
    let bundle = pack(folder, &mut bytes, limits)?;
    assert_eq!(bundle.size, bytes.len() as u64);
    assert_eq!(bundle.digest, Digest::of(&bytes));
    Ok(Packed {
        bytes,
        digest: bundle.digest,
        files: bundle.files,
    })
}

fn package() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("extension.yaml", MANIFEST);
    write("templates/b.yaml", "spec: {}\n");
    write("templates/a.yaml", "spec: {}\n");
    write("docs/README.md", "# A\n");
    write("scripts/install.sh", "#!/bin/sh\n");
    write(".git/config", "secret\n");
    let script = folder.path().join("scripts/install.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o750)).unwrap();
    folder
}

#[test]
fn packing_is_reproducible() {
    let first = packed(package().path(), Limits::default()).unwrap();
    // Another folder, later, of other permissions.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let other = package();
    let loose = fs::Permissions::from_mode(0o666);
    fs::set_permissions(other.path().join("docs/README.md"), loose).unwrap();
    let second = packed(other.path(), Limits::default()).unwrap();
    assert_eq!(first.digest, second.digest);
    assert_eq!(first.bytes, second.bytes);
    let files = [
        "docs/README.md",
        "extension.yaml",
        "scripts/install.sh",
        "templates/a.yaml",
        "templates/b.yaml",
    ];
    assert_eq!(first.files, files);
    fs::write(other.path().join("docs/README.md"), "# B\n").unwrap();
    let third = packed(other.path(), Limits::default()).unwrap();
    assert_ne!(first.digest, third.digest);
}

#[test]
fn packed_bundle_is_unpacked_by_us_and_tar() {
    let bundle = packed(package().path(), Limits::default()).unwrap();
    let target = TempDir::new().unwrap();
    let folder = target.path().join("a");
    let files = unpack(&*bundle.bytes, &folder, Limits::default()).unwrap();
    assert_eq!(files.len(), 5);
    assert_eq!(
        fs::read_to_string(folder.join("extension.yaml")).unwrap(),
        MANIFEST
    );
    let mode = |path: &str| folder.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        (mode("scripts/install.sh"), mode("docs/README.md")),
        (0o755, 0o644)
    );
    assert_eq!(mode(""), 0o755);
    // Packed again, nothing is different.
    let again = packed(&folder, Limits::default()).unwrap();
    assert_eq!(again.digest, bundle.digest);

    let mut tar = Command::new("tar")
        .args(["-tzf", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(&bundle.bytes).unwrap();
    let listed = String::from_utf8(tar.wait_with_output().unwrap().stdout).unwrap();
    let listed: Vec<&str> = listed.lines().collect();
    assert_eq!(listed, bundle.files);
}

#[test]
fn unpacks_archive_of_tar() {
    let package = package();
    let long = format!("docs/{}", "l".repeat(120));
    fs::write(package.path().join(&long), "long\n").unwrap();
    for format in ["--format=gnu", "--format=pax", "--format=ustar"] {
        let output = Command::new("tar")
            .args([format, "--exclude=.git", "-czf", "-", "-C"])
            .arg(package.path())
            .arg(".")
            .output()
            .unwrap();
        if format == "--format=ustar" {
            // It has no place for such a name, and says so.
            assert!(!output.status.success());
            continue;
        }
        let target = TempDir::new().unwrap();
        let folder = target.path().join("a");
        let files = unpack(&*output.stdout, &folder, Limits::default()).unwrap();
        assert_eq!(files.len(), 6, "{format}");
        assert_eq!(fs::read_to_string(folder.join(&long)).unwrap(), "long\n");
    }
}

#[test]
fn rejects_unportable_files() {
    let empty = TempDir::new().unwrap();
    let error = packed(empty.path(), Limits::default()).unwrap_err();
    assert!(matches!(error, PackError::NoManifest(_)), "{error}");
    let package = package();
    symlink("/etc/passwd", package.path().join("docs/link")).unwrap();
    let error = packed(package.path(), Limits::default()).unwrap_err();
    assert!(matches!(error, PackError::NotAFile(_)), "{error}");
    fs::remove_file(package.path().join("docs/link")).unwrap();
    fs::write(package.path().join("docs/back\\slash"), "").unwrap();
    let error = packed(package.path(), Limits::default()).unwrap_err();
    assert!(error.to_string().contains("backslash"), "{error}");
    fs::remove_file(package.path().join("docs/back\\slash")).unwrap();
    let few = Limits {
        entries: 4,
        ..Limits::default()
    };
    assert!(matches!(
        packed(package.path(), few),
        Err(PackError::TooLarge(_))
    ));
    let small = Limits {
        bytes: 40,
        ..Limits::default()
    };
    assert!(matches!(
        packed(package.path(), small),
        Err(PackError::TooLarge(_))
    ));
}

/// Changes a file as soon as a part of the archive was written.
struct Meddling<'f> {
    file: &'f Path,
    size: u64,
    seen: usize,
}

impl Write for Meddling<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen += bytes.len();
        if self.seen > 100_000 {
            fs::File::options()
                .write(true)
                .open(self.file)?
                .set_len(self.size)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn names_file_modified_during_packing() {
    let package = package();
    let file = package.path().join("docs/data");
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..2_000_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    for size in [1_000_000, 3_000_000] {
        fs::write(&file, &noise).unwrap();
        let meddling = Meddling {
            file: &file,
            size,
            seen: 0,
        };
        let error = pack(package.path(), meddling, Limits::default()).unwrap_err();
        assert!(
            matches!(&error, PackError::Changed(path) if *path == file),
            "{error}"
        );
    }
}

#[test]
fn reports_failed_writer() {
    let mut little = [0_u8; 20];
    let error = pack(package().path(), &mut little[..], Limits::default()).unwrap_err();
    assert!(matches!(error, PackError::Write(_)), "{error}");
}

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
