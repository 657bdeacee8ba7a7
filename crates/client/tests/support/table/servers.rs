//! Cases of servers: certificates and addresses.

use super::super::base64;
use super::super::certificates::certificates;
use super::{Expected, TOKEN, Table, WITH_TOKEN, kubeconfig};

/// Server certificates and authorities.
pub(super) fn certificate_cases(table: &mut Table<'_>) {
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

/// Why kubectl differs for credentials without TLS.
const DROPPED: &str =
    "kubectl continues without the credentials, which surprises; nothing is sent in either case";

/// Addresses of servers.
pub(super) fn address_cases(table: &mut Table<'_>) {
    use Expected::{Connects, Refuses};
    let plain = table.servers.get("http").address;
    let secure = table.servers.get("good").address;
    let trusted = format!(
        "certificate-authority-data: {}",
        base64(certificates().authority.pem.as_bytes())
    );
    let anonymous = Connects("", false);
    let case = |table: &mut Table<'_>,
                name,
                server,
                address: String,
                cluster: &str,
                user: &str,
                expected| {
        let cluster = format!("server: '{address}'\n      {cluster}");
        table.add(name, server, kubeconfig(&cluster, user), expected);
    };
    let none = "extensions: []";
    let port = secure.port();
    case(
        table,
        "http",
        "http",
        format!("http://{plain}"),
        none,
        "{}",
        anonymous,
    );
    case(
        table,
        "no scheme",
        "http",
        plain.to_string(),
        none,
        "{}",
        anonymous,
    );
    case(
        table,
        "scheme in capitals",
        "good",
        format!("HTTPS://{secure}"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        table,
        "name of the host",
        "good",
        format!("https://localhost:{port}/"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        table,
        "path",
        "good",
        format!("https://{secure}/clusters/a/"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        table,
        "query",
        "good",
        format!("https://{secure}/?a=b#c"),
        &trusted,
        TOKEN,
        WITH_TOKEN,
    );
    case(
        table,
        "path without scheme",
        "http",
        format!("{plain}/a"),
        none,
        "{}",
        Refuses("needs a scheme"),
    );
    case(
        table,
        "unknown scheme",
        "http",
        format!("ftp://{plain}"),
        none,
        "{}",
        Refuses("scheme `ftp`"),
    );
    case(
        table,
        "white space",
        "http",
        format!(" http://{plain}"),
        none,
        "{}",
        Refuses("invalid `server`"),
    );
    case(
        table,
        "no server",
        "http",
        String::new(),
        none,
        "{}",
        Refuses("`server` is not set"),
    );
    case(
        table,
        "port that is not a number",
        "http",
        "http://127.0.0.1:x".to_owned(),
        none,
        "{}",
        Refuses("invalid `server`"),
    );
    case(
        table,
        "invalid proxy",
        "good",
        format!("https://{secure}"),
        &format!("{trusted}\n      proxy-url: 'ftp://u:hunter2@p'"),
        TOKEN,
        Refuses("scheme `ftp` is not one of"),
    );
    case(
        table,
        "proxy without scheme",
        "good",
        format!("https://{secure}"),
        &format!("{trusted}\n      proxy-url: 'p:1'"),
        TOKEN,
        Refuses("scheme is missing"),
    );
    case(
        table,
        "token without scheme",
        "http",
        plain.to_string(),
        none,
        TOKEN,
        Refuses("without TLS"),
    );
    table.differs(DROPPED);
    case(
        table,
        "login in the address",
        "good",
        format!("https://u:p@{secure}"),
        &trusted,
        "{as: ada}",
        Connects("Basic dTpw", false),
    );
    table.differs("kubectl prompts for a user name, and fails without a terminal");
    case(
        table,
        "token without TLS",
        "http",
        format!("http://{plain}"),
        none,
        TOKEN,
        Refuses("without TLS"),
    );
    table.differs(DROPPED);
}
