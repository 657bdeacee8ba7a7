//! Cases of exec plugins.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::base64;
use super::super::certificates::certificates;
use super::{Expected, TOKEN, Table, WITH_TOKEN};

fn script(folder: &Path, name: &str, body: &str) -> String {
    let path = folder.join(name);
    let text = folder.join(format!("{name}.text"));
    fs::write(&text, format!("#!/bin/sh\n{body}\n")).unwrap();
    // A file that this process writes may still be open in a child that another test starts, and cannot be run then.
    let installed = Command::new("install")
        .args(["-m", "755"])
        .arg(text)
        .arg(&path)
        .status();
    assert!(installed.unwrap().success());
    path.display().to_string()
}

/// Exec plugins.
pub(super) fn plugin_cases(table: &mut Table<'_>, folder: &Path) {
    use Expected::{Connects, Refuses};
    let trusted = format!(
        "certificate-authority-data: {}",
        base64(certificates().authority.pem.as_bytes())
    );
    let answer = |status: &str| {
        format!(
            "cat <<'E'\n{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",{status}}}\nE"
        )
    };
    let pair = certificates().client("version-3");
    let json = |text: &str| text.replace('\n', "\\n");
    let certificate = format!(
        "\"status\":{{\"clientCertificateData\":\"{}\",\"clientKeyData\":\"{}\"}}",
        json(&pair.pem),
        json(&pair.key)
    );
    let half = format!("\"status\":{{\"clientKeyData\":\"{}\"}}", json(&pair.key));
    let scripts = [
        (
            "plugin: token",
            answer(r#""status":{"token":"abc"}"#),
            WITH_TOKEN,
        ),
        (
            "plugin: token that expires",
            answer(r#""status":{"token":"abc","expirationTimestamp":"2090-01-01T00:00:00Z"}"#),
            WITH_TOKEN,
        ),
        (
            "plugin: certificate",
            answer(&certificate),
            Connects("", true),
        ),
        (
            "plugin: key without certificate",
            answer(&half),
            Refuses("without its certificate"),
        ),
        (
            "plugin: empty status",
            answer("\"status\":{}"),
            Refuses("returned neither a token nor a client certificate"),
        ),
        (
            "plugin: no status",
            answer("\"spec\":{}"),
            Refuses("returned no status"),
        ),
        (
            "plugin: no JSON",
            "echo hunter2".to_owned(),
            Refuses("returned"),
        ),
        ("plugin: no output", "true".to_owned(), Refuses("returned")),
        (
            "plugin: another version",
            answer("\"status\":{}").replace("/v1", "/v1beta1"),
            Refuses("returned another apiVersion"),
        ),
        (
            "plugin: another kind",
            answer(r#""status":{"token":"abc"}"#).replace("ExecC", "C"),
            Refuses("returned no ExecCredential"),
        ),
        (
            "plugin: failure",
            "echo hunter2; exit 3".to_owned(),
            Refuses("failed: exit status: 3"),
        ),
        (
            "plugin: line break in the token",
            answer(r#""status":{"token":"ab\nc"}"#),
            Refuses("contains a line break"),
        ),
    ];
    let exec = |command: &str, rest: &str| {
        let mut text = format!(
            "exec:\n        command: {command}\n        env: [{{name: SECRET, value: hunter2}}]\n        args: [hunter2]"
        );
        for field in rest.split(", ") {
            let _ = write!(text, "\n        {field}");
        }
        text
    };
    let version = "apiVersion: client.authentication.k8s.io/v1";
    let common = format!("{version}, interactiveMode: Never");
    for (index, (name, body, expected)) in scripts.into_iter().enumerate() {
        let path = script(folder, &format!("plugin-{index}"), &body);
        table.with(name, "good", &trusted, &exec(&path, &common), expected);
    }
    let good = script(
        folder,
        "plugin-good",
        &answer(r#""status":{"token":"abc"}"#),
    );
    let wants =
        "case $KUBERNETES_EXEC_INFO in *\\\"certificate-authority-data\\\":*) ;; *) exit 4;; esac";
    let informed = script(
        folder,
        "plugin-informed",
        &format!("{wants}\n{}", answer(r#""status":{"token":"abc"}"#)),
    );
    let mut case = |name, exec: String, expected| {
        table.with(name, "good", &trusted, &exec, expected);
    };
    case(
        "plugin: relative path",
        exec("./plugin-good", &common),
        WITH_TOKEN,
    );
    case(
        "plugin: cluster information",
        exec(&informed, &format!("{common}, provideClusterInfo: true")),
        WITH_TOKEN,
    );
    case(
        "plugin: token beside it",
        format!("{TOKEN}\n      {}", exec("/missing", &common)),
        WITH_TOKEN,
    );
    case(
        "plugin: missing",
        exec("no-such-plugin", &format!("{common}, installHint: get it")),
        Refuses("`no-such-plugin` not found in PATH"),
    );
    case(
        "plugin: missing path",
        exec("/missing", &common),
        Refuses("`/missing` does not exist"),
    );
    case(
        "plugin: folder",
        exec("/tmp", &common),
        Refuses("`/tmp` does not exist or is not executable"),
    );
    case(
        "plugin: no command",
        exec("\"\"", &common),
        Refuses(".command` is not set"),
    );
    case(
        "plugin: no version",
        exec(&good, "interactiveMode: Never"),
        Refuses("apiVersion` is not set"),
    );
    case(
        "plugin: old version",
        exec(
            &good,
            "apiVersion: client.authentication.k8s.io/v1alpha1, interactiveMode: Never",
        ),
        Refuses("unsupported"),
    );
    case(
        "plugin: no interactive mode",
        exec(&good, version),
        Refuses("interactiveMode` is not set"),
    );
    case(
        "plugin: invalid interactive mode",
        exec(&good, &format!("{version}, interactiveMode: Maybe")),
        Refuses("invalid"),
    );
    case(
        "plugin: terminal required",
        exec(&good, &format!("{version}, interactiveMode: Always")),
        Refuses("requires a terminal"),
    );
    case(
        "plugin: and provider",
        format!(
            "{}\n      auth-provider: {{name: oidc}}",
            exec(&good, &common)
        ),
        Refuses("are both set"),
    );
}
