//! Cases of users: encoded data, files and tokens.

use std::fs;
use std::path::Path;

use super::super::certificates::{Pair, certificates};
use super::super::{base64, wrapped};
use super::{Expected, TOKEN, Table, WITH_TOKEN, kubeconfig};

/// Encoded data and files.
pub(super) fn data_cases(table: &mut Table<'_>, folder: &Path) {
    use Expected::{Connects, Refuses};
    let made = certificates();
    let authority = &made.authority.pem;
    fs::write(folder.join("ca.crt"), authority).unwrap();
    let data = base64(authority.as_bytes());
    let trusted = format!("certificate-authority-data: {data}");
    let line = |text: &str| format!("certificate-authority-data: {text}");
    let spaced = format!("\"{} {}\"", &data[..40], &data[40..]);
    table
        .with(
            "wrapped base64",
            "good",
            &line(&wrapped(&data)),
            TOKEN,
            WITH_TOKEN,
        )
        .with(
            "base64 folded by YAML",
            "good",
            &line(&wrapped(&data).replace('|', ">")),
            TOKEN,
            Refuses("is not valid base64"),
        )
        .with(
            "space in base64",
            "good",
            &line(&spaced),
            TOKEN,
            Refuses("is not valid base64"),
        )
        .with(
            "base64 without padding",
            "good",
            &line("aGVsbG8"),
            TOKEN,
            Refuses("is not valid base64"),
        )
        .with(
            "authority in a file",
            "good",
            "certificate-authority: ca.crt",
            TOKEN,
            WITH_TOKEN,
        )
        .with(
            "authority in a missing file",
            "good",
            "certificate-authority: no.crt",
            TOKEN,
            Refuses("no.crt"),
        )
        .with(
            "authority twice",
            "good",
            &format!("{trusted}\n      certificate-authority: ca.crt"),
            TOKEN,
            Refuses("are both set"),
        );
    for (name, pair) in &made.clients {
        fs::write(folder.join(format!("{name}.crt")), &pair.pem).unwrap();
        fs::write(folder.join(format!("{name}.key")), &pair.key).unwrap();
    }
    let inline = |certificate: &Pair, key: &Pair| {
        format!(
            "client-certificate-data: {}\n      client-key-data: {}",
            wrapped(&base64(certificate.pem.as_bytes())).trim_end(),
            wrapped(&base64(key.key.as_bytes())).trim_end()
        )
    };
    let (new, old) = (made.client("version-3"), made.client("version-1"));
    table
        .with(
            "client certificate",
            "good",
            &trusted,
            &inline(new, new),
            Connects("", true),
        )
        .with(
            "client certificate of version 1",
            "good",
            &trusted,
            &inline(old, old),
            Connects("", true),
        )
        .with(
            "client certificate and token",
            "good",
            &trusted,
            &format!("{}\n      {TOKEN}", inline(new, new)),
            Connects("Bearer abc", true),
        )
        .with(
            "client certificate in files",
            "good",
            &trusted,
            "{client-certificate: version-3.crt, client-key: version-3.key}",
            Connects("", true),
        )
        .with(
            "client certificate with another key",
            "good",
            &trusted,
            &inline(new, old),
            Refuses("do not belong together"),
        )
        .with(
            "version 1 with another key",
            "good",
            &trusted,
            &inline(old, new),
            Refuses("do not belong together"),
        )
        .with(
            "client certificate without key",
            "good",
            &trusted,
            "client-certificate: version-3.crt",
            Refuses("without `client-key`"),
        )
        .with(
            "key instead of a client certificate",
            "good",
            &trusted,
            "{client-certificate: version-3.key, client-key: version-3.key}",
            Refuses("contains no certificate"),
        )
        .with(
            "certificate instead of a key",
            "good",
            &trusted,
            "{client-certificate: version-3.crt, client-key: version-3.crt}",
            Refuses("contains no private key"),
        );
}

/// Tokens and passwords.
pub(super) fn user_cases(table: &mut Table<'_>, folder: &Path) {
    use Expected::{Connects, Refuses};
    let trusted = format!(
        "certificate-authority-data: {}",
        base64(certificates().authority.pem.as_bytes())
    );
    fs::write(folder.join("token"), "abc\n").unwrap();
    fs::write(folder.join("token-crlf"), " abc \r\n\n").unwrap();
    fs::write(folder.join("token-empty"), "\n").unwrap();
    fs::write(folder.join("token-lines"), "abc\ndef\n").unwrap();
    let mut case = |name, user: &str, expected| {
        table.with(name, "good", &trusted, user, expected);
    };
    case("token", TOKEN, WITH_TOKEN);
    case(
        "token with a line break",
        "token: \"abc\\n\"",
        Refuses("contains a line break"),
    );
    case(
        "token with a control character",
        "token: \"a\\x01b\"",
        Refuses("control characters"),
    );
    case(
        "token that is a number",
        "token: 12",
        Refuses("field `users[0].user.token` must be a string, not a number"),
    );
    case("token file", "tokenFile: token", WITH_TOKEN);
    case(
        "token file with white space",
        "tokenFile: token-crlf",
        WITH_TOKEN,
    );
    case(
        "empty token file",
        "tokenFile: token-empty",
        Refuses("token-empty is empty"),
    );
    case(
        "token file with two tokens",
        "tokenFile: token-lines",
        Refuses("contains a line break"),
    );
    case(
        "missing token file",
        "tokenFile: no-token",
        Refuses("failed to read token file"),
    );
    case(
        "token and token file",
        "{token: old, tokenFile: token}",
        WITH_TOKEN,
    );
    case(
        "password",
        "{username: ada, password: b}",
        Connects("Basic YWRhOmI=", false),
    );
    case(
        "token and password",
        "{token: abc, username: ada, password: b}",
        Refuses("`token` and `username` are both set"),
    );
    case(
        "groups without user",
        "{token: abc, as-groups: [x]}",
        Refuses("require `as`"),
    );
    case(
        "provider that was removed",
        "auth-provider: {name: gcp}",
        Refuses("unsupported `auth-provider` `gcp`"),
    );
    let good = kubeconfig(
        &format!(
            "server: https://{}\n      {trusted}",
            table.servers.get("good").address
        ),
        TOKEN,
    );
    let mut add = |name, from: &str, to: &str, expected| {
        table.add(name, "good", good.replacen(from, to, 1), expected);
    };
    add(
        "unknown user",
        "user: a}",
        "user: b}",
        Refuses("user `b` of context `a` not found"),
    );
    add(
        "unknown cluster",
        "cluster: a,",
        "cluster: b,",
        Refuses("cluster `b` of context `a` not found"),
    );
    add(
        "no current context",
        "current-context: a",
        "current-context: \"\"",
        Refuses("has no current context"),
    );
    add(
        "unknown current context",
        "current-context: a",
        "current-context: b",
        Refuses("context `b` not found"),
    );
    add(
        "another kind",
        "kind: Config",
        "kind: Pod",
        Refuses("field `kind` must be `Config`, not `Pod`"),
    );
    add("no kind", "kind: Config\n", "", WITH_TOKEN);
    add(
        "byte order mark",
        "apiVersion",
        "\u{feff}apiVersion",
        WITH_TOKEN,
    );
    add(
        "list instead of a mapping",
        "users:\n",
        "users:\n  - 1\n",
        Refuses("field `users[0]` must be a mapping, not a number"),
    );
    add(
        "duplicate name",
        "users:\n",
        "users:\n  - name: a\n",
        Refuses("duplicate name `a` in `users`"),
    );
    table.add(
        "second document",
        "good",
        format!("{good}---\nx: 1\n"),
        WITH_TOKEN,
    );
    table.add(
        "file that is not YAML",
        "good",
        "a: b: c".to_owned(),
        Refuses("failed to parse"),
    );
    table.add(
        "empty file",
        "good",
        String::new(),
        Refuses("has no current context"),
    );
    let anonymous = good.replacen(TOKEN, "{}", 1);
    table.add(
        "user without credentials",
        "good",
        anonymous,
        Connects("", false),
    );
    table.differs("kubectl prompts for a user name, and fails without a terminal");
}
