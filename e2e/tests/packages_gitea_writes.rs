//! Tests of writes to a real Gitea: concurrency, permissions, failures.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "support/gitea.rs"]
mod support;

use std::fs;

use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_e2e::servers::gitea::USER;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::{Description, Error, IndexFile, Repository, Upload};
use extension_registry_packages::signature::{Format, Signature};
use support::{driver, logged_requests, named, server, token};

/// Number of concurrent publishers.
const PUBLISHERS: usize = 6;

/// Returns different packages with the same version.
fn competing_uploads(bench: &Bench) -> Vec<Upload> {
    (0..PUBLISHERS)
        .map(|number| bench.package("tool", "1.0.0", &format!("number {number}")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_publish_to_gitea_has_one_winner() {
    let Some(server) = server("a race in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let publishing = competing_uploads(&bench).into_iter().map(|upload| {
        let gitea = driver(&server, token(&server));
        async move { (gitea.publish(&upload, false, &Silent).await, upload) }
    });
    let outcomes = futures::future::join_all(publishing).await;
    let mut first = Vec::new();
    for (outcome, upload) in outcomes {
        match outcome {
            Ok(_) => first.push(upload),
            Err(Error::Exists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(first.len(), 1);
    let gitea = driver(&server, token(&server));
    is_complete(&gitea, &bench, &first).await;
}

/// A concurrent replace leaves the files of one upload, not a mixture.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_replace_leaves_one_complete_version_or_none() {
    let Some(server) = server("a race of replacements in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let uploads = competing_uploads(&bench);
    let gitea = driver(&server, token(&server));
    for _ in 0..3 {
        let publishing = uploads.iter().map(|upload| {
            let gitea = driver(&server, token(&server));
            async move { gitea.publish(upload, true, &Silent).await }
        });
        for outcome in futures::future::join_all(publishing).await {
            if let Err(error) = outcome {
                let is_reported = matches!(
                    error,
                    Error::Exists { .. } | Error::Broken { .. } | Error::NotFound { .. }
                );
                assert!(is_reported, "{error}");
            }
        }
        match gitea.release("tool", &version("1.0.0")).await {
            Ok(_) => is_complete(&gitea, &bench, &uploads).await,
            Err(error) => {
                let is_reported = matches!(error, Error::Broken { .. } | Error::NotFound { .. });
                assert!(is_reported, "{error}");
            }
        }
    }
    // The remaining state can be replaced.
    gitea.publish(&uploads[0], true, &Silent).await.unwrap();
    is_complete(&gitea, &bench, &uploads[..1]).await;
    assert_eq!(gitea.names(None).await.unwrap().faults, []);
}

/// Returns whether all files of the version belong to one of these uploads.
async fn is_complete(gitea: &dyn Repository, bench: &Bench, uploads: &[Upload]) {
    let release = gitea.release("tool", &version("1.0.0")).await.unwrap();
    let digest = fetched(gitea, &release, &bench.target("came")).await;
    let upload = uploads.iter().find(|upload| upload.digest == digest);
    let Some(upload) = upload else {
        panic!("no publisher has this content: {release:?}");
    };
    let Description::Configuration { bytes, .. } = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(bytes, &upload.configuration);
    let document = gitea.document(&release).await.unwrap();
    assert_eq!(document, upload.document.clone().map(|one| one.bytes));
    fs::remove_file(bench.target("came")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_publish_leaves_nothing() {
    let Some(server) = server("a failed publication to Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let good = bench.package("tool", "1.0.0", "a tool");
    let mut changed = good.clone();
    changed.content = bench.target("changed.tar.gz");
    let mut bytes = fs::read(&good.content).unwrap();
    bytes[20] ^= 1;
    fs::write(&changed.content, bytes).unwrap();
    let error = gitea.publish(&changed, false, &Silent).await.unwrap_err();
    let text = error.explained();
    assert!(matches!(error, Error::Broken { .. }), "{text}");
    assert!(
        text.contains(&format!("expected {}", good.digest)),
        "{text}"
    );
    fs::remove_file(&changed.content).unwrap();
    let error = gitea.publish(&changed, false, &Silent).await.unwrap_err();
    assert!(error.explained().contains("changed.tar.gz"), "{error}");
    let names = gitea.names(None).await.unwrap();
    assert_eq!((names.names, names.faults), (named(&[]), Vec::new()));
    gitea.publish(&good, false, &Silent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_reports_signatures() {
    let Some(server) = server("deletion in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = gitea.publish(&upload, false, &Silent).await.unwrap();
    let signature = Signature {
        format: Format::Minisign,
        payload: b"{}".to_vec(),
        signature: b"a signature".to_vec(),
    };
    gitea.sign(&release, &signature).await.unwrap();
    let deleted = gitea.delete("tool", &upload.version).await.unwrap();
    assert_eq!(deleted.left, []);
    for file in [
        "version 1.0.0 of tool",
        "tool-1.0.0.tar.gz",
        "tool-1.0.0.json",
        "tool-1.0.0-docs.md",
        "tool-1.0.0.statement.json",
        "tool-1.0.0.statement.json.1.minisig",
    ] {
        assert!(
            deleted.gone.iter().any(|gone| gone == file),
            "{file}: {deleted:?}"
        );
    }
    // Signing a missing version fails, and creates nothing.
    let error = gitea.sign(&release, &signature).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(gitea.versions("tool").await.unwrap(), Vec::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_signatures_are_all_stored() {
    let Some(server) = server("concurrent signatures in Gitea") else {
        return;
    };
    let bench = Bench::new();
    let gitea = driver(&server, token(&server));
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = gitea.publish(&upload, false, &Silent).await.unwrap();
    let by_number = |number: usize| Signature {
        format: Format::Minisign,
        payload: b"{}".to_vec(),
        signature: format!("of number {number}").into_bytes(),
    };
    let signing = (0..PUBLISHERS).map(|number| {
        let (gitea, release) = (driver(&server, token(&server)), release.clone());
        async move { gitea.sign(&release, &by_number(number)).await }
    });
    for outcome in futures::future::join_all(signing).await {
        outcome.unwrap();
    }
    let mut found = gitea.signatures(&release).await.unwrap();
    found.sort_by(|left, right| left.signature.cmp(&right.signature));
    assert_eq!(found, (0..PUBLISHERS).map(by_number).collect::<Vec<_>>());
    let other = Signature {
        payload: b"another statement".to_vec(),
        ..by_number(9)
    };
    let error = gitea.sign(&release, &other).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_index_writes_leave_valid_index() {
    let Some(server) = server("concurrent writes of the index in Gitea") else {
        return;
    };
    let by_number = |number: usize| {
        let bytes = format!("{{\"serial\":{number}}}").into_bytes();
        let signature = Signature {
            format: Format::Minisign,
            payload: bytes.clone(),
            signature: format!("of {number}").into_bytes(),
        };
        IndexFile {
            bytes,
            signatures: vec![signature],
        }
    };
    let writing = (0..3).map(|number| {
        let gitea = driver(&server, token(&server));
        async move { gitea.put_index(&by_number(number)).await }
    });
    for outcome in futures::future::join_all(writing).await {
        if let Err(error) = outcome {
            let text = error.explained();
            assert!(text.contains("another publisher is writing it"), "{text}");
        }
    }
    // The remaining state can be replaced.
    let gitea = driver(&server, token(&server));
    gitea.put_index(&by_number(9)).await.unwrap();
    let anonymous = driver(&server, Credentials::Anonymous);
    assert_eq!(anonymous.index().await.unwrap(), Some(by_number(9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_error_hides_credentials() {
    let Some(server) = server("wrong credentials for Gitea") else {
        return;
    };
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    let wrong_password = Credentials::Basic {
        user: USER.to_owned(),
        password: Sensitive::from("hunter2-is-wrong"),
    };
    let wrong_token = "0123456789012345678901234567890123456789";
    let wrong_token = Credentials::Token(Sensitive::from(wrong_token));
    for credentials in [wrong_password, wrong_token] {
        let gitea = driver(&server, credentials);
        for error in [
            gitea.probe().await.unwrap_err(),
            gitea.names(None).await.unwrap_err(),
            gitea.release("tool", &upload.version).await.unwrap_err(),
            gitea.publish(&upload, false, &Silent).await.unwrap_err(),
        ] {
            let text = format!("{error} {error:?} {gitea:?}");
            assert!(matches!(error, Error::Denied { .. }), "{text}");
            assert!(
                text.contains("Gitea rejected the password or token"),
                "{text}"
            );
            assert_eq!(error.explained().lines().count(), 1, "{text}");
            assert!(!text.contains("hunter2"), "{text}");
            assert!(!text.contains("012345678901234567890"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_token_error_names_required_scope() {
    let Some(server) = server("scopes of Gitea") else {
        return;
    };
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    let reads = server.token_for("reads", "read:package").unwrap();
    let reader = driver(&server, Credentials::Token(Sensitive::from(reads.as_str())));
    assert!(reader.probe().await.unwrap().list);
    let before = logged_requests(&server).await.len();
    let error = reader.publish(&upload, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(error.explained().contains("write:package"), "{error}");
    let requests = logged_requests(&server).await.split_off(before);
    let sent = requests.iter().filter(|line| line.contains(".tar.gz"));
    assert_eq!(
        sent.count(),
        0,
        "nothing large is sent in vain: {requests:#?}"
    );
    // A token with an unrelated scope.
    let other = server.token_for("other", "read:user").unwrap();
    let unprivileged = driver(&server, Credentials::Token(Sensitive::from(other.as_str())));
    let error = unprivileged.names(None).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(error.explained().contains("read:package"), "{error}");
    // An owner that does not exist.
    let mut settings = support::settings(&server);
    settings.owner = "nobody-here".to_owned();
    let error = support::with(settings, token(&server))
        .names(None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(error.explained().contains("check `owner`"), "{error}");
}
