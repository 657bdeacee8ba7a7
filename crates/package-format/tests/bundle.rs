//! Tests of bundles: reproducible packing.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod packed;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use extension_registry_package_format::{Limits, PackError, pack, unpack};
use packed::{MANIFEST, package, packed};
use tempfile::TempDir;

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
