//! Parser of an endpoint's `url`: an absolute URL with a host, or `host[:port]`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Host and port of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or address; IPv6 without brackets.
    pub host: String,
    /// Explicit port, or the default port of the scheme.
    pub port: Option<u16>,
}

/// Maximum length of a host.
const MAX_HOST: usize = 253;

/// Maximum length of a label of a host.
const MAX_LABEL: usize = 63;

impl Address {
    /// The way out for a [connection string](Self::is_connection_string).
    pub const CONNECTION_STRING_HINT: &str = "write it as an entry of `configuration`, its user name and password as entries of `credentials`, and omit `url` or keep a single host in it";

    /// Parses a `url` strictly: text that clients could interpret as different hosts or ports is
    /// rejected.
    ///
    /// The host is an IPv4 address of four decimal numbers, an IPv6 address in brackets without a
    /// zone, or a name of letters, digits, `-` and `_` whose last label is not a number. `None`
    /// for everything else, and for `user:password@`, which belongs under credentials.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            Some(_) => return None,
            None => (None, url),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if !is_tail(tail) || (scheme.is_none() && !tail.is_empty()) {
            return None;
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(text) => Some(parse_port(text)?),
            None => scheme.and_then(default_port),
        };
        Some(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Returns whether the text is a connection string for which `host` and `port` do not exist: with several hosts,
    /// as for `MongoDB` and Kafka, or of JDBC.
    #[must_use]
    pub fn is_connection_string(url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        url.starts_with("jdbc:") || authority.contains(',')
    }

    /// Returns whether the text has `user:password@` before its host.
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

/// Returns whether a text may follow the host: printable ASCII in which every `%` begins an escape.
fn is_tail(text: &str) -> bool {
    let mut escapes = text.split('%');
    let before = escapes.next().unwrap_or_default();
    let is_escape = |text: &str| {
        let digits = text.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && is_graphic(text)
    };
    is_graphic(before) && escapes.all(is_escape)
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let address: Ipv6Addr = host.parse().ok()?;
        if address.to_ipv4_mapped().is_some() {
            return None;
        }
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    is_host(host).then_some((host, port))
}

/// Returns whether a text is an IPv4 address or a host name.
fn is_host(text: &str) -> bool {
    if text.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    text.len() <= MAX_HOST && name.split('.').all(is_label) && !is_number(last)
}

fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    bytes.len() <= MAX_LABEL
        && end(bytes.first())
        && end(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// Returns whether clients parse the last label of a host as a number, and the host as an IPv4 address.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Default ports of common schemes.
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
    fn parses_addresses() {
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
            // Names and numbers
            ("mlflow_server:5000", Some(("mlflow_server", Some(5000)))),
            ("gs://my_bucket/a%20b", Some(("my_bucket", None))),
            (
                "http://host.example.org./",
                Some(("host.example.org.", Some(80))),
            ),
            ("http://3scale", Some(("3scale", Some(80)))),
            ("http://1-2", Some(("1-2", Some(80)))),
            (
                "http://xn--mnchen-3ya.example.org",
                Some(("xn--mnchen-3ya.example.org", Some(80))),
            ),
            ("http://10.0.0.1:65535", Some(("10.0.0.1", Some(65535)))),
            ("http://%zz", None),
            ("http://%41", None),
            ("http://-h", None),
            ("http://h-", None),
            ("http://h-.x", None),
            ("http://h..x", None),
            ("http://.h", None),
            ("http://h.x..", None),
            ("http://münchen", None),
            ("http://1.2.3.4.5", None),
            ("http://1.2.3", None),
            ("http://1.2.3.4.", None),
            ("http://256.1.1.1", None),
            ("http://01.2.3.4", None),
            ("http://2130706433", None),
            ("http://0x7f.1", None),
            ("http://host.0X7F", None),
            ("http://h\\@x", None),
            ("http://h!", None),
            // Ports
            ("http://h:", None),
            ("http://h:99999", None),
            ("http://h:+80", None),
            ("http://h:080", None),
            ("http://h:8a", None),
            ("http://h:80:90", None),
            // IPv6 addresses
            ("http://[::1", None),
            ("http://[]", None),
            ("http://[::1]:", None),
            ("http://[1.2.3.4]", None),
            ("http://[::ffff:1.2.3.4]", None),
            ("http://[fe80::1%25eth0]", None),
            ("http://[fe80::1%eth0]", None),
            ("http://::1", None),
            // Path and query
            ("http://h/%zz", None),
            ("http://h/%", None),
            ("http://h/%4", None),
            ("http://h/a\tb", None),
            ("http://h/a\u{7f}b", None),
            ("http://h/ä", None),
            ("http://h/\u{a0}", None),
            ("http://h?x=%2F&y={z}#f", Some(("h", Some(80)))),
            ("http://h\n", None),
            (" http://h", None),
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
    fn limits_host_to_253_and_labels_to_63_characters() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        for (host, expected) in [
            (label.clone(), true),
            (format!("{label}a"), false),
            (format!("x.{label}a.y"), false),
            (longest.clone(), true),
            (format!("{longest}a"), false),
            (format!("{longest}."), false),
        ] {
            let url = format!("http://{host}:80/");
            assert_eq!(Address::parse(&url).is_some(), expected, "{url}");
        }
    }

    #[test]
    fn finds_user_info_only_before_host() {
        assert!(Address::has_user_info("http://user:pw@host"));
        assert!(Address::has_user_info("user@host"));
        assert!(!Address::has_user_info("http://host/a@b"));
    }
}
