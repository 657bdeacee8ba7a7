//! Challenges of servers, as they are written.

/// Normalizes a `WWW-Authenticate` header (RFC 9110, section 11.6.1). Servers write spaces around `=`, which
/// parsers need not accept, and values without quotes or in single ones.
#[must_use]
pub fn normalized(header: &str) -> String {
    let mut parts = Vec::new();
    for part in split(header) {
        let Some((before, value)) = part.split_once('=') else {
            parts.push(part.trim().to_owned());
            continue;
        };
        let (before, value) = (before.trim(), value.trim());
        // `Negotiate dG9rZW4=` is a token, not a parameter.
        if value.bytes().all(|byte| byte == b'=') && before.contains(' ') {
            parts.push(part.trim().to_owned());
            continue;
        }
        let is_single = value.len() > 1 && value.starts_with('\'') && value.ends_with('\'');
        parts.push(if value.starts_with('"') {
            format!("{before}={value}")
        } else if is_single {
            format!("{before}=\"{}\"", &value[1..value.len() - 1])
        } else {
            format!("{before}=\"{value}\"")
        });
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// Splits at commas outside double quotes.
fn split(header: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    header
        .split(|letter: char| {
            let is_separator = letter == ',' && !quoted;
            if letter == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = quoted && letter == '\\' && !escaped;
            is_separator
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn normalizes_what_servers_write() {
        for (header, expected) in [
            (
                "Bearer realm=\"https://a/token\",service=\"a, b\",scope=\"repository:x:pull,push\"",
                "Bearer realm=\"https://a/token\", service=\"a, b\", scope=\"repository:x:pull,push\"",
            ),
            (
                "Bearer realm = \"https://a/token\" , service =\"a\"",
                "Bearer realm=\"https://a/token\", service=\"a\"",
            ),
            (
                "Bearer realm=https://a/token?x=1,service='a'",
                "Bearer realm=\"https://a/token?x=1\", service=\"a\"",
            ),
            (
                "Basic realm=\"say \\\"hi, you\\\"\", Bearer realm=\"b\"",
                "Basic realm=\"say \\\"hi, you\\\"\", Bearer realm=\"b\"",
            ),
            ("Negotiate dG9rZW4=", "Negotiate dG9rZW4="),
            (
                "Negotiate, Basic realm=\"a\",",
                "Negotiate, Basic realm=\"a\"",
            ),
            ("Basic", "Basic"),
            ("", ""),
        ] {
            assert_eq!(normalized(header), expected);
        }
    }
}
