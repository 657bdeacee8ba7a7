//! Clients behind proxies: what a proxy receives, by the kubeconfig and the environment of a program.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::base64;
use super::certificates::certificates;
use super::server::{ProxyServer, Server};

/// Proxies of each kind, which connect every target to one API server.
pub(crate) struct Proxies {
    pub(crate) server: Server,
    http: ProxyServer,
    https: ProxyServer,
    socks: ProxyServer,
}

/// A kubeconfig, an environment, and what the proxies receive.
pub(crate) struct ProxyCase {
    pub(crate) name: &'static str,
    pub(crate) kubeconfig: String,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) expected: Vec<String>,
}

/// Variables that a test must remove from the environment of a program.
pub(crate) const VARIABLES: [&str; 7] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "KUBECONFIG",
];

impl Proxies {
    pub(crate) fn start() -> Self {
        let pair = certificates().server("good");
        let server = Server::start(Some(pair));
        let target = server.address;
        Self {
            server,
            http: ProxyServer::http(target, None),
            https: ProxyServer::http(target, Some(pair)),
            socks: ProxyServer::socks(target),
        }
    }

    /// Returns what the proxies received since the last call, without repetitions.
    pub(crate) fn seen(&self) -> Vec<String> {
        let mut seen: Vec<String> = [&self.http, &self.https, &self.socks]
            .into_iter()
            .flat_map(ProxyServer::seen)
            .collect();
        seen.dedup();
        seen
    }

    /// Returns the cases.
    pub(crate) fn cases(&self) -> Vec<ProxyCase> {
        let (http, https, socks) = (self.http.address, self.https.address, self.socks.address);
        let host = "https://cluster.test:6443";
        let tunnel = "CONNECT cluster.test:6443 HTTP/1.1";
        let mut cases = Vec::new();
        let mut add = |name,
                       server: &str,
                       proxy: &str,
                       environment: &[(&'static str, String)],
                       expected: &[&str]| {
            cases.push(ProxyCase {
                name,
                kubeconfig: kubeconfig(server, proxy),
                environment: environment.to_vec(),
                expected: expected.iter().map(|line| (*line).to_owned()).collect(),
            });
        };
        let url = |scheme: &str, address: SocketAddr| format!("{scheme}://{address}");
        add("proxy-url", host, &url("http", http), &[], &[tunnel]);
        add(
            "proxy-url with TLS",
            host,
            &url("https", https),
            &[],
            &[tunnel],
        );
        add(
            "proxy-url with socks5",
            host,
            &url("socks5", socks),
            &[],
            &["cluster.test:6443"],
        );
        add(
            "proxy-url with credentials",
            host,
            &format!("http://a%40b:c%3Ad@{http}"),
            &[],
            &[&format!("{tunnel} Basic YUBiOmM6ZA==")],
        );
        add(
            "socks5 with credentials",
            host,
            &format!("socks5://a:b%20c@{socks}"),
            &[],
            &["cluster.test:6443 a:b c"],
        );
        let all = ("NO_PROXY", "*".to_owned());
        add(
            "proxy-url and NO_PROXY",
            host,
            &url("http", http),
            std::slice::from_ref(&all),
            &[tunnel],
        );
        let proxied = ("HTTPS_PROXY", url("http", http));
        add(
            "HTTPS_PROXY",
            host,
            "",
            std::slice::from_ref(&proxied),
            &[tunnel],
        );
        add(
            "HTTPS_PROXY with TLS",
            host,
            "",
            &[("HTTPS_PROXY", url("https", https))],
            &[tunnel],
        );
        add(
            "HTTPS_PROXY with socks5",
            host,
            "",
            &[("HTTPS_PROXY", url("socks5", socks))],
            &["cluster.test:6443"],
        );
        add(
            "HTTPS_PROXY without scheme",
            host,
            "",
            &[("HTTPS_PROXY", http.to_string())],
            &[tunnel],
        );
        add(
            "https_proxy",
            host,
            "",
            &[("https_proxy", url("http", http))],
            &[tunnel],
        );
        add(
            "HTTP_PROXY only",
            host,
            "",
            &[("HTTP_PROXY", url("http", http))],
            &[],
        );
        add(
            "proxy-url before HTTPS_PROXY",
            host,
            &url("socks5", socks),
            std::slice::from_ref(&proxied),
            &["cluster.test:6443"],
        );
        for (name, list, expected) in [
            ("NO_PROXY *", "*", &[][..]),
            ("NO_PROXY with the host", "other,cluster.test", &[]),
            ("NO_PROXY with the domain", ".test", &[]),
            ("NO_PROXY with the port", "cluster.test:6443", &[]),
            ("NO_PROXY with another port", "cluster.test:1", &[tunnel]),
            (
                "NO_PROXY of another host",
                "luster.test,10.0.0.0/8",
                &[tunnel],
            ),
            ("NO_PROXY with empty items", ",,", &[tunnel]),
        ] {
            add(
                name,
                host,
                "",
                &[proxied.clone(), ("NO_PROXY", list.to_owned())],
                expected,
            );
        }
        let address = "https://192.0.2.7:6443";
        let to_address = "CONNECT 192.0.2.7:6443 HTTP/1.1";
        add(
            "HTTPS_PROXY to an address",
            address,
            "",
            std::slice::from_ref(&proxied),
            &[to_address],
        );
        for (name, list, expected) in [
            ("NO_PROXY with CIDR", "10.0.0.0/8, 192.0.2.0/24", &[][..]),
            ("NO_PROXY with the address", "192.0.2.7", &[]),
            ("no_proxy with another CIDR", "192.0.3.0/24", &[to_address]),
        ] {
            add(
                name,
                address,
                "",
                &[proxied.clone(), ("no_proxy", list.to_owned())],
                expected,
            );
        }
        let own = self.server.address;
        add(
            "server of this machine",
            &url("https", own),
            "",
            &[proxied],
            &[],
        );
        cases
    }
}

fn kubeconfig(server: &str, proxy: &str) -> String {
    let authority = base64(certificates().authority.pem.as_bytes());
    let proxy = if proxy.is_empty() {
        String::new()
    } else {
        format!("\n      proxy-url: '{proxy}'")
    };
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters:\n  - name: a\n    cluster:\n      server: {server}\n      tls-server-name: localhost\n      \
         certificate-authority-data: {authority}{proxy}\n\
         users: [{{name: a, user: {{token: abc}}}}]\n"
    )
}

/// Writes the kubeconfig of a case, and returns its path.
pub(crate) fn write(folder: &Path, case: &ProxyCase) -> PathBuf {
    let path = folder.join("kubeconfig");
    std::fs::write(&path, &case.kubeconfig).unwrap();
    path
}
