//! No kubeconfig makes a client panic, and no error contains a secret.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::time::Duration;

use extension_registry_client::{Options, address, connect, flatten, reason};
use extension_registry_core::diagnostic::Explain;
use proptest::prelude::*;

const SECRET: &str = "hunter2";

/// Values that broke clients.
const VALUES: [&str; 30] = [
    "",
    " ",
    "~",
    "null",
    "true",
    "12",
    "1e999",
    "[]",
    "{}",
    "[a]",
    "{a: b}",
    "'\\n'",
    "\"a\\n\"",
    "\"\\0\"",
    "\"\\x01\"",
    "'['",
    "'[::1'",
    "'http://'",
    "127.0.0.1:1",
    "https://127.0.0.1:99999",
    "'http://u:hunter2@'",
    "'http://[::1]:1'",
    "'socks5://u:hunter2@127.0.0.1:1'",
    "'://'",
    "'%zz'",
    "\"\\u202e\"",
    "'https://127.0.0.1:1/\u{e9}?%'",
    "aGVsbG8=",
    "LS0tLS1CRUdJTg==",
    "!!binary x",
];

const TEMPLATE: &str = "apiVersion: v1
kind: Config
current-context: a
contexts:
  - name: a
    context: {cluster: a, user: a, namespace: b}
clusters:
  - name: a
    cluster:
      server: https://127.0.0.1:1
      certificate-authority-data: aGVsbG8=
      insecure-skip-tls-verify: true
      tls-server-name: x
      proxy-url: http://127.0.0.1:1
      extensions: [{name: client.authentication.k8s.io/exec, extension: {a: b}}]
users:
  - name: a
    user:
      token: hunter2
      tokenFile: t
      username: u
      password: hunter2
      client-certificate-data: aGVsbG8=
      client-key-data: aHVudGVyMg==
      as: c
      as-groups: [d]
      as-user-extra: {e: [f]}
      auth-provider: {name: oidc, config: {id-token: hunter2}}
      exec: {apiVersion: client.authentication.k8s.io/v1, command: /nonexistent, args: [hunter2], env: [{name: A, value: hunter2}], interactiveMode: Never}
";

/// Removes lines and replaces values of the template.
fn kubeconfigs() -> impl Strategy<Value = String> {
    let count = TEMPLATE.lines().count();
    let line = prop_oneof![
        6 => Just(None),
        3 => Just(Some(None)),
        1 => prop::sample::select(VALUES.to_vec()).prop_map(|value| Some(Some(value))),
    ];
    prop::collection::vec(line, count).prop_map(|changes| {
        let lines = TEMPLATE.lines().zip(changes);
        let lines = lines.filter_map(|(line, change)| match change {
            None => Some(line.to_owned()),
            Some(None) => None,
            Some(Some(value)) => {
                let (field, _) = line.split_once(": ").unwrap_or((line, ""));
                let is_url = field.ends_with("server") || field.ends_with("proxy-url");
                // Only addresses contain passwords; other fields that are no credentials may be quoted.
                let value = if value.contains(SECRET) && !is_url {
                    "x"
                } else {
                    value
                };
                Some(format!("{}: {value}", field.trim_end_matches(':')))
            }
        });
        let lines: Vec<String> = lines.collect();
        lines.join("\n")
    })
}

/// Replaces, removes and inserts bytes.
fn mutations() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (kubeconfigs(), prop::collection::vec(change, 0..6)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (index, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let index = index.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => drop(bytes.remove(index)),
                _ => bytes.insert(index, byte),
            }
        }
        bytes
    })
}

/// Loads a kubeconfig and, if it is for this machine, sends a request to a closed port. Returns the errors.
fn load(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    fs::write(&path, bytes).unwrap();
    let options = Options {
        kubeconfig: Some(path),
        timeout: Some(Duration::from_millis(100)),
        ..Options::default()
    };
    let address = match address(&options) {
        Ok(address) => address.to_string(),
        Err(failure) => return flatten(&failure).explained(),
    };
    // A mutation of the command could be another program.
    let text = String::from_utf8_lossy(bytes);
    if text.contains("exec") && !text.contains("command: /nonexistent,") {
        return address;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match connect(&options).await {
            Err(failure) => flatten(&failure).explained(),
            Ok(connection) if address.contains("://127.0.0.1:1 ") => {
                match connection.client.apiserver_version().await {
                    Ok(_) => String::new(),
                    Err(error) => reason(&error).unwrap_or_else(|| error.to_string()),
                }
            }
            Ok(_) => address,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_kubeconfig_panics_or_leaks(text in kubeconfigs()) {
        let error = load(text.as_bytes());
        prop_assert!(!error.contains(SECRET), "{error}\n{text}");
    }

    #[test]
    fn no_mutation_panics(bytes in mutations()) {
        load(&bytes);
    }
}
