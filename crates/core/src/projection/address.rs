//! The parts of an endpoint's `url`: an absolute URL with a host, or `host[:port]`.

/// Host and port of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or address; IPv6 without brackets.
    pub host: String,
    /// Port from the text, or the scheme's own.
    pub port: Option<u16>,
}

impl Address {
    /// Takes a `url` apart. `None` where it is no address: no host, a port that is no number, or
    /// `user:password@`, which belongs under credentials.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            Some(_) => return None,
            None => (None, url),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if authority.contains('@') || (scheme.is_none() && !tail.is_empty()) {
            return None;
        }
        let (host, port) = split_port(authority)?;
        let clean = |character: char| !character.is_whitespace() && !character.is_control();
        if host.is_empty() || !host.chars().all(clean) || !tail.chars().all(clean) {
            return None;
        }
        let port = match port {
            Some(text) => Some(text.parse().ok().filter(|port| *port > 0)?),
            None => scheme.and_then(default_port),
        };
        Some(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Whether the text holds `user:password@` before its host.
    #[must_use]
    pub fn has_user_info(url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split(['/', '?', '#'])
            .next()
            .is_some_and(|authority| authority.contains('@'))
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

/// Ports that the common schemes of the seed's tools stand for.
fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "ftp" => 21,
        "ssh" | "git+ssh" | "sftp" => 22,
        "git" => 9418,
        "ldap" => 389,
        "ldaps" => 636,
        "amqp" => 5672,
        "amqps" => 5671,
        "mqtt" => 1883,
        "redis" => 6379,
        "rediss" => 6380,
        "mysql" => 3306,
        "postgres" | "postgresql" => 5432,
        "mongodb" => 27017,
        "nats" => 4222,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_taken_apart() {
        let table = [
            ("http://mlflow", Some(("mlflow", Some(80)))),
            (
                "http://mlflow-minio:9000",
                Some(("mlflow-minio", Some(9000))),
            ),
            (
                "https://10.120.130.140/",
                Some(("10.120.130.140", Some(443))),
            ),
            (
                "kubernetes.default.svc",
                Some(("kubernetes.default.svc", None)),
            ),
            ("minio:9000", Some(("minio", Some(9000)))),
            ("s3://bucket/path", Some(("bucket", None))),
            ("https://[::1]:8443/x?y#z", Some(("::1", Some(8443)))),
            ("[fe80::1]", Some(("fe80::1", None))),
            ("HTTPS://Host", Some(("Host", Some(443)))),
            ("http://host/a@b", Some(("host", Some(80)))),
            ("http://host/a b", None),
            ("", None),
            ("http://", None),
            ("http://:80", None),
            ("http://user:pw@host", None),
            ("user@host", None),
            ("host/path", None),
            ("host:port", None),
            ("host:0", None),
            ("host:65536", None),
            ("a:b:c", None),
            ("[::1", None),
            ("[::1]x", None),
            ("1a://host", None),
            ("ho st", None),
        ];
        for (url, expected) in table {
            let parts = Address::parse(url);
            let parts = parts
                .as_ref()
                .map(|address| (address.host.as_str(), address.port));
            assert_eq!(parts, expected, "{url}");
        }
    }

    #[test]
    fn user_info_is_seen_only_before_the_host() {
        assert!(Address::has_user_info("http://user:pw@host"));
        assert!(Address::has_user_info("user@host"));
        assert!(!Address::has_user_info("http://host/a@b"));
    }
}
