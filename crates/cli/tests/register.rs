//! A record from one line. Nothing here needs a cluster: `--dry-run` applies nothing.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use support::{Output, ext, ext_with};

const CANARY: &str = "canary-5d02";

fn register(arguments: &[&str]) -> Output {
    let all = [
        "register",
        "store",
        "--url",
        "http://store:9000",
        "--dry-run",
    ];
    ext(&[&all, arguments].concat())
}

#[test]
fn what_was_not_said_is_taken_from_what_was() {
    let output = register(&[]);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_least", output.out);
    let output = register(&[
        "--product",
        "minio",
        "--version",
        "4.1.3",
        "--resource",
        "s3",
        "--category",
        "object-storage",
        "--zone",
        "east",
        "--internal",
        "--default",
        "--project",
        "dev",
        "--credential",
        "KEY=secret:store-keys/key",
        "--for-project",
        "dev",
    ]);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!("register_most", output.out);
    let lint = ext_with(&["lint", "-f", "-"], &output.out);
    assert_eq!((lint.code, &*lint.out), (0, ""));
}

#[test]
fn values_are_read_and_never_shown() {
    let file = std::env::temp_dir().join(format!("register-{}", std::process::id()));
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let from_file = format!("KEY=file:{}", file.display());
    let output = register(&["--credential", &from_file, "--credential", "P=env:PATH"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output.code, 0, "{}", output.err);
    let all = format!("{}{}", output.out, output.err);
    assert!(!all.contains(CANARY) && !all.contains("/bin"), "{all}");
    assert_eq!(
        output.out.matches("[redacted]").count(),
        2,
        "{}",
        output.out
    );
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    for literal in ["KEY=canary-5d02", "KEY=other:canary-5d02", "canary-5d02"] {
        let output = register(&["--credential", literal]);
        assert_eq!(output.code, 2);
        assert!(output.err.contains("KEY=secret:NAME/KEY"), "{}", output.err);
    }
    let output = register(&["--credential", "KEY=file:/no/such/file"]);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("/no/such/file for KEY"),
        "{}",
        output.err
    );
    let output = register(&["--credential", "KEY=env:NO_SUCH_VARIABLE"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("NO_SUCH_VARIABLE"), "{}", output.err);
}

#[test]
fn what_the_operator_would_refuse_is_refused_here() {
    let output = register(&["--credential", "no key=secret:a/b"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("not a valid key"), "{}", output.err);
    let output = ext(&["register", "store", "--url", "http://store:9000"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("hint: --yes"), "{}", output.err);
}
