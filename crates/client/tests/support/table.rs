//! Kubeconfigs and what a client does with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::certificates::{Pair, certificates};
use super::server::Server;
use super::{base64, wrapped};

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It sends a request with this `Authorization` header, and with or without a client certificate.
    Connects(&'static str, bool),
    /// It sends nothing; the error contains this text.
    Refuses(&'static str),
}

/// A kubeconfig and what a client does with it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Name of the server in [`Servers`].
    pub(crate) server: &'static str,
    pub(crate) kubeconfig: String,
    pub(crate) expected: Expected,
    /// Why kubectl does something else; empty if it does the same.
    pub(crate) difference: &'static str,
}

/// The servers of the table: one for each certificate, and `http`, which has none.
pub(crate) struct Servers(BTreeMap<&'static str, Server>);

impl Servers {
    pub(crate) fn start() -> Self {
        let mut servers = BTreeMap::from([("http", Server::start(None))]);
        for (name, pair) in &certificates().servers {
            servers.insert(name, Server::start(Some(pair)));
        }
        Self(servers)
    }

    pub(crate) fn get(&self, name: &str) -> &Server {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no server {name}"))
    }

    /// Returns what the servers received since the last call.
    pub(crate) fn seen(&self) -> Vec<(String, bool)> {
        self.0.values().flat_map(Server::seen).collect()
    }
}

/// Returns a kubeconfig with a cluster and a user, both as fields in flow or block style at this indentation.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         contexts:\n  - name: a\n    context: {{cluster: a, user: a}}\n\
         clusters:\n  - name: a\n    cluster:\n      {cluster}\n\
         users:\n  - name: a\n    user:\n      {user}\n"
    )
}

fn script(folder: &Path, name: &str, body: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Collects cases.
struct Table<'s> {
    servers: &'s Servers,
    cases: Vec<Case>,
}

const TOKEN: &str = "token: abc";
const WITH_TOKEN: Expected = Expected::Connects("Bearer abc", false);

impl Table<'_> {
    /// Adds a case of a server with an authority, given as PEM.
    fn trust(
        &mut self,
        name: &'static str,
        server: &'static str,
        authority: &str,
        expected: Expected,
    ) -> &mut Self {
        let data = base64(authority.as_bytes());
        self.with(
            name,
            server,
            &format!("certificate-authority-data: {data}"),
            TOKEN,
            expected,
        )
    }

    /// Adds a case of a server at its address.
    fn with(
        &mut self,
        name: &'static str,
        server: &'static str,
        cluster: &str,
        user: &str,
        expected: Expected,
    ) -> &mut Self {
        let address = self.servers.get(server).address;
        let scheme = if server == "http" { "http" } else { "https" };
        let cluster = format!("server: {scheme}://{address}\n      {cluster}");
        self.add(name, server, kubeconfig(&cluster, user), expected)
    }

    fn add(
        &mut self,
        name: &'static str,
        server: &'static str,
        kubeconfig: String,
        expected: Expected,
    ) -> &mut Self {
        self.cases.push(Case {
            name,
            server,
            kubeconfig,
            expected,
            difference: "",
        });
        self
    }

    /// Sets why kubectl does something else in the last case.
    fn differs(&mut self, why: &'static str) {
        self.cases.last_mut().unwrap().difference = why;
    }
}

/// Returns the table. Files that kubeconfigs refer to are written to a folder.
pub(crate) fn cases(servers: &Servers, folder: &Path) -> Vec<Case> {
    let mut table = Table {
        servers,
        cases: Vec::new(),
    };
    certificate_cases(&mut table);
    data_cases(&mut table, folder);
    user_cases(&mut table, folder);
    plugin_cases(&mut table, folder);
    address_cases(&mut table);
    table.cases
}

/// Server certificates and authorities.
fn certificate_cases(table: &mut Table<'_>) {
    use Expected::Refuses;
    let made = certificates();
    let authority = &*made.authority.pem;
    let own = |name: &str| made.server(name).pem.clone();
    table
        .trust("certificate of an authority", "good", authority, WITH_TOKEN)
        .trust(
            "self-signed certificate given as authority",
            "self-signed",
            &own("self-signed"),
            WITH_TOKEN,
        )
        .trust(
            "CA:TRUE of openssl req -x509",
            "self-authority",
            &own("self-authority"),
            WITH_TOKEN,
        )
        .trust(
            "CA:TRUE signed by the authority",
            "signed-authority",
            authority,
            WITH_TOKEN,
        )
        .trust("leaf given as authority", "good", &own("good"), WITH_TOKEN)
        .trust(
            "CA:TRUE given as authority",
            "signed-authority",
            &own("signed-authority"),
            WITH_TOKEN,
        )
        .trust(
            "intermediate sent by the server",
            "chained",
            authority,
            WITH_TOKEN,
        )
        .trust(
            "intermediate given as authority",
            "unchained",
            &made.intermediate.pem,
            WITH_TOKEN,
        )
        .trust(
            "two authorities",
            "good",
            &format!("{}{authority}", made.impostor.pem),
            WITH_TOKEN,
        )
        .trust(
            "text around the authority",
            "good",
            &format!("a: b\r\n{}end\n", authority.replace('\n', "\r\n")),
            WITH_TOKEN,
        )
        .trust(
            "intermediate missing",
            "unchained",
            authority,
            Refuses("was issued by `CN=intermediate`, which is not among"),
        )
        .trust(
            "authority with the same name",
            "good",
            &made.impostor.pem,
            Refuses(
                "was signed by another key than that of the certificate authority `CN=authority`",
            ),
        )
        .trust(
            "authority of another server",
            "self-signed",
            authority,
            Refuses("is self-signed, which is not among"),
        )
        .trust(
            "leaf of another server",
            "good",
            &own("self-signed"),
            Refuses("which is not among"),
        )
        .trust(
            "CA:TRUE of another server",
            "self-authority",
            &own("other-self-authority"),
            Refuses("was signed by another key"),
        )
        .trust(
            "expired",
            "expired",
            authority,
            Refuses("`CN=server` expired on"),
        )
        .trust(
            "expired leaf given as authority",
            "expired",
            &own("expired"),
            Refuses("expired on"),
        )
        .trust(
            "expired CA:TRUE",
            "expired-self-authority",
            &own("expired-self-authority"),
            Refuses("expired on"),
        )
        .trust(
            "not yet valid",
            "early",
            authority,
            Refuses("is not valid before"),
        )
        .trust(
            "expired authority",
            "by-expired",
            &made.expired_authority.pem,
            Refuses(
                "the certificate authority `CN=expired authority` of the kubeconfig is valid from",
            ),
        )
        .trust(
            "authority without CA:TRUE",
            "by-leaf",
            &made.no_authority.pem,
            Refuses("is not a certificate authority"),
        )
        .trust(
            "another name",
            "other-name",
            authority,
            Refuses("is valid for other.example.org, not for `127.0.0.1`"),
        )
        .trust(
            "another name, CA:TRUE",
            "other-self-authority",
            &own("other-self-authority"),
            Refuses("is valid for other.example.org, not for"),
        )
        .trust(
            "another name, given as authority",
            "other-name",
            &own("other-name"),
            Refuses("is valid for other.example.org"),
        )
        .trust(
            "no subjectAltName",
            "no-name",
            authority,
            Refuses("names no host"),
        )
        .trust(
            "certificate for clients",
            "for-clients",
            authority,
            Refuses("lacks serverAuth"),
        )
        .trust(
            "certificate for clients given as authority",
            "for-clients",
            &own("for-clients"),
            Refuses("lacks serverAuth"),
        )
        .trust(
            "server certificate of version 1",
            "version-1",
            authority,
            Refuses("has X.509 version 1"),
        )
        .trust(
            "no certificate in the authority",
            "good",
            "hello",
            Refuses("contains no certificate"),
        );
    let named = format!(
        "certificate-authority-data: {}\n      tls-server-name: other.example.org",
        base64(authority.as_bytes())
    );
    let skip = "insecure-skip-tls-verify: true";
    table
        .with("tls-server-name", "other-name", &named, TOKEN, WITH_TOKEN)
        .with(
            "tls-server-name of another server",
            "good",
            &named,
            TOKEN,
            Refuses("not for `other.example.org`"),
        )
        .with(
            "insecure-skip-tls-verify",
            "expired",
            skip,
            TOKEN,
            WITH_TOKEN,
        )
        .with(
            "insecure-skip-tls-verify with version 1",
            "version-1",
            skip,
            TOKEN,
            WITH_TOKEN,
        )
        .with(
            "insecure-skip-tls-verify and authority",
            "good",
            &format!("{skip}\n      {named}"),
            TOKEN,
            Refuses("are both set"),
        )
        .with(
            "authorities of the system",
            "good",
            "extensions: []",
            TOKEN,
            Refuses("certificate authorities of the operating system"),
        );
}

/// Encoded data and files.
fn data_cases(table: &mut Table<'_>, folder: &Path) {
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
fn user_cases(table: &mut Table<'_>, folder: &Path) {
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
}

/// Exec plugins.
fn plugin_cases(table: &mut Table<'_>, folder: &Path) {
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

/// Addresses of servers.
fn address_cases(table: &mut Table<'_>) {
    use Expected::{Connects, Refuses};
    let plain = table.servers.get("http").address;
    let secure = table.servers.get("good").address;
    let trusted = format!(
        "certificate-authority-data: {}",
        base64(certificates().authority.pem.as_bytes())
    );
    let anonymous = Connects("", false);
    let mut case = |name, server, address: String, cluster: &str, user: &str, expected| {
        let cluster = format!("server: '{address}'\n      {cluster}");
        table.add(name, server, kubeconfig(&cluster, user), expected);
    };
    let none = "extensions: []";
    let port = secure.port();
    case(
        "http",
        "http",
        format!("http://{plain}"),
        none,
        "{}",
        anonymous,
    );
    case(
        "no scheme",
        "http",
        plain.to_string(),
        none,
        "{}",
        anonymous,
    );
    case(
        "no scheme with authority",
        "good",
        secure.to_string(),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        "scheme in capitals",
        "good",
        format!("HTTPS://{secure}"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        "name of the host",
        "good",
        format!("https://localhost:{port}/"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        "path",
        "good",
        format!("https://{secure}/clusters/a/"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        "query",
        "good",
        format!("https://{secure}/?a=b#c"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        "path without scheme",
        "http",
        format!("{plain}/a"),
        none,
        "{}",
        Refuses("needs a scheme"),
    );
    case(
        "unknown scheme",
        "http",
        format!("ftp://{plain}"),
        none,
        "{}",
        Refuses("scheme `ftp`"),
    );
    case(
        "white space",
        "http",
        format!(" http://{plain}"),
        none,
        "{}",
        Refuses("invalid `server`"),
    );
    case(
        "no server",
        "http",
        String::new(),
        none,
        "{}",
        Refuses("`server` is not set"),
    );
    case(
        "port that is not a number",
        "http",
        "http://127.0.0.1:x".to_owned(),
        none,
        "{}",
        Refuses("invalid `server`"),
    );
    case(
        "invalid proxy",
        "good",
        format!("https://{secure}"),
        &format!("{trusted}\n      proxy-url: 'ftp://u:hunter2@p'"),
        TOKEN,
        Refuses("scheme `ftp` is not one of"),
    );
    case(
        "proxy without scheme",
        "good",
        format!("https://{secure}"),
        &format!("{trusted}\n      proxy-url: 'p:1'"),
        TOKEN,
        Refuses("scheme is missing"),
    );
    case(
        "login in the address",
        "good",
        format!("https://u:p@{secure}"),
        &trusted,
        "{as: ada}",
        Connects("Basic dTpw", false),
    );
    let dropped = "kubectl continues without the credentials, which surprises; nothing is sent in either case";
    case(
        "token without TLS",
        "http",
        format!("http://{plain}"),
        none,
        TOKEN,
        Refuses("without TLS"),
    );
    table.differs(dropped);
}
