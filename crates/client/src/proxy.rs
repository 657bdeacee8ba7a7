//! Proxies: `proxy-url` of a kubeconfig, and the variables of the environment as Go reads them.

use std::net::IpAddr;

use extension_registry_core::diagnostic::Failure;
use http::Uri;
use ipnet::IpNet;

use extension_registry_core::sensitive::Sensitive;

use crate::server::login;

/// A proxy server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) kind: ProxyKind,
    /// Address without credentials.
    pub(crate) address: Uri,
    pub(crate) credentials: Option<(String, Sensitive)>,
}

/// Protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    Http,
    Https,
    Socks5,
}

impl Proxy {
    /// Parses the address of a proxy. `source` is the field or variable that contains it, for errors.
    pub(crate) fn parse(text: &str, source: &str) -> Result<Self, Failure> {
        // The address may contain a password, so errors do not quote it.
        let invalid = |why: &str| {
            Failure::new(format!("invalid proxy address in {source}: {why}"))
                .hint("expected a URL such as `http://proxy.example.org:3128`")
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| invalid("the scheme is missing"))?;
        let (kind, scheme, port) = match &*scheme.to_ascii_lowercase() {
            "http" => (ProxyKind::Http, "http", 80),
            "https" => (ProxyKind::Https, "https", 443),
            "socks5" | "socks5h" => (ProxyKind::Socks5, "socks5", 1080),
            other => {
                return Err(invalid(&format!(
                    "scheme `{other}` is not one of http, https, socks5"
                )));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, host) = login(authority);
        let address: Uri = format!("{scheme}://{host}")
            .parse()
            .map_err(|_| invalid("not a valid host"))?;
        let named = address.host().unwrap_or_default().to_owned();
        if named.is_empty() {
            return Err(invalid("the host is missing"));
        }
        let address = match address.port() {
            Some(_) => address,
            None if host.ends_with(':') => return Err(invalid("the port is missing")),
            None => format!("{scheme}://{named}:{port}")
                .parse()
                .map_err(|_| invalid("not a valid host"))?,
        };
        Ok(Self {
            kind,
            address,
            credentials,
        })
    }

    /// Returns the proxy that the environment specifies for a server, as Go's `httpproxy` does.
    pub(crate) fn of_environment(
        server: &Uri,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Failure> {
        let either = |name: &str| {
            let lower = name.to_ascii_lowercase();
            [name, &lower].into_iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some((name.to_owned(), value))
            })
        };
        let name = if server.scheme_str() == Some("http") {
            "HTTP_PROXY"
        } else {
            "HTTPS_PROXY"
        };
        let Some((name, value)) = either(name) else {
            return Ok(None);
        };
        let excluded = either("NO_PROXY").map(|(_, value)| value);
        if !uses_proxy(server, excluded.as_deref().unwrap_or_default()) {
            return Ok(None);
        }
        // As Go, an address without a scheme is one of an HTTP proxy.
        let value = if value.contains("://") {
            value
        } else {
            format!("http://{value}")
        };
        Self::parse(&value, &format!("variable {name}")).map(Some)
    }
}

/// Checks whether requests to a server use the proxy of the environment.
fn uses_proxy(server: &Uri, excluded: &str) -> bool {
    let host = server.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = server.port_u16().unwrap_or(match server.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.to_canonical().is_loopback()) {
        return false;
    }
    let mut rules = excluded.split(',').map(str::trim);
    !rules.any(|rule| excludes(&rule.to_ascii_lowercase(), host, address, port))
}

/// Checks whether an entry of `NO_PROXY` excludes a server.
fn excludes(rule: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if rule == "*" {
        return true;
    }
    if let Ok(network) = rule.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address.to_canonical()));
    }
    let (name, ports) = split_port(rule);
    if ports.is_some_and(|ports| ports != port.to_string()) || name.is_empty() {
        return false;
    }
    if let Ok(network) = name.parse::<IpAddr>() {
        return address.is_some_and(|address| address.to_canonical() == network.to_canonical());
    }
    // Neither `*.x` nor `.x` matches `x` itself.
    let name = if name.starts_with("*.") {
        &name[1..]
    } else {
        name
    };
    match name.strip_prefix('.') {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.')),
        None => {
            host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
        }
    }
}

/// Splits `host:port`, `[address]:port` and a bare address.
fn split_port(rule: &str) -> (&str, Option<&str>) {
    if let Some(rest) = rule.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, port)) => (address, port.strip_prefix(':')),
            None => (rest, None),
        };
    }
    match rule.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (rule, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(server: &str, excluded: &str) -> bool {
        uses_proxy(&server.parse().unwrap(), excluded)
    }

    #[test]
    fn no_proxy_matches_like_go() {
        let server = "https://api.example.org:6443";
        for excluded in [
            "*",
            " * ",
            "example.org",
            ".example.org",
            "*.example.org",
            "EXAMPLE.org",
            "other, api.example.org:6443",
            ",,api.example.org",
        ] {
            assert!(!uses(server, excluded), "{excluded}");
        }
        for excluded in [
            "",
            ",",
            "xample.org",
            ".api.example.org",
            "*.api.example.org",
            "api.example.org:443",
            "10.0.0.0/8",
        ] {
            assert!(uses(server, excluded), "{excluded}");
        }
        assert!(uses("https://example.org", ".example.org"));
        assert!(!uses("https://example.org", "example.org:443"));
        for (address, excluded, proxied) in [
            ("https://10.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", false),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", false),
            ("https://10.1.2.3:6443", "10.1.2.3:1", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", true),
            ("https://[fd00::1]:6443", "fd00::/8", false),
            ("https://[fd00::1]:6443", "fd00::1", false),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", false),
            ("https://[fd00::1]:6443", "fe00::/8", true),
            ("https://localhost:6443", "", false),
            ("https://127.0.0.1:6443", "", false),
            ("https://[::1]:6443", "", false),
        ] {
            assert_eq!(uses(address, excluded), proxied, "{address} {excluded}");
        }
    }

    #[test]
    fn environment_is_read_like_go() {
        let proxy = |server: &str, variables: &[(&str, &str)]| {
            Proxy::of_environment(&server.parse().unwrap(), |name| {
                let found = variables.iter().find(|(found, _)| *found == name)?;
                Some(found.1.to_owned())
            })
        };
        let address = |server: &str, variables: &[(&str, &str)]| {
            proxy(server, variables)
                .unwrap()
                .map(|proxy| proxy.address.to_string())
        };
        let https = "https://api.example.org:6443";
        assert_eq!(
            address(https, &[("https_proxy", "proxy:3128")]).unwrap(),
            "http://proxy:3128/"
        );
        assert_eq!(
            address(
                https,
                &[("HTTPS_PROXY", "socks5h://s"), ("https_proxy", "x")]
            )
            .unwrap(),
            "socks5://s:1080/"
        );
        assert_eq!(address(https, &[("HTTP_PROXY", "http://p")]), None);
        assert_eq!(
            address("http://api.example.org", &[("HTTP_PROXY", "https://p")]).unwrap(),
            "https://p:443/"
        );
        assert_eq!(
            address(https, &[("HTTPS_PROXY", "p"), ("no_proxy", "*")]),
            None
        );
        let secret = proxy(https, &[("HTTPS_PROXY", "ftp://u:hunter2@p")]).unwrap_err();
        assert!(!secret.to_string().contains("hunter2"), "{secret}");
        let proxy = Proxy::parse("http://a%40b:c%3Ad@p:1", "x").unwrap();
        assert_eq!(
            proxy.credentials,
            Some(("a@b".to_owned(), Sensitive::new("c:d")))
        );
        assert_eq!(proxy.address, "http://p:1");
    }
}
