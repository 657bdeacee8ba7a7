//! Heuristics for credentials in fields that are not secret.
//!
//! An entry is recognized by its name (`AWS_SECRET_ACCESS_KEY`) or its value (`https://ada:hunter2@host`). The
//! result is used for warnings and for redacting output. False positives are preferred: a needless warning
//! costs less than a leaked password.

/// Placeholder for redacted values.
pub const REDACTED: &str = "[redacted]";

/// Words that mark a name as a credential.
const WORDS: [&str; 12] = [
    "accesskey",
    "apikey",
    "key",
    "pass",
    "passwd",
    "passphrase",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "token",
];
/// Substrings that mark a word, as in `DBPASSWORD`. Not `token`, because of `tokenizer`.
const PARTS: [&str; 5] = ["credential", "passphrase", "passwd", "password", "secret"];
/// Last words of names that describe a credential rather than hold one: `TOKEN_URL`, `KEY_PREFIX`.
const ABOUT: [&str; 32] = [
    "algorithm",
    "audience",
    "count",
    "dir",
    "directory",
    "enabled",
    "endpoint",
    "expiration",
    "expiry",
    "file",
    "folder",
    "format",
    "header",
    "host",
    "issuer",
    "length",
    "limit",
    "name",
    "namespace",
    "path",
    "prefix",
    "ref",
    "required",
    "scope",
    "seconds",
    "size",
    "suffix",
    "ttl",
    "type",
    "uri",
    "url",
    "version",
];

/// Returns whether an entry looks like a credential, by its name or by its value. Empty values and
/// booleans do not.
#[must_use]
pub fn is_credential(name: &str, value: &str) -> bool {
    let value = value.trim();
    let is_trivial = value.is_empty()
        || ["true", "false"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word));
    !is_trivial && (is_credential_name(name) || holds_credential(value))
}

/// Redacts the user info of a URL and query parameters that look like credentials.
#[must_use]
pub fn without_credentials(url: &str) -> String {
    let (before, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let (authority, tail) = rest.split_at(end_of_authority(rest));
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{REDACTED}@{host}"),
        None => authority.to_owned(),
    };
    let mut text = before + &authority;
    for part in tail.split_inclusive(SEPARATORS) {
        match part.split_once('=') {
            Some((name, value)) if is_credential(name, value.trim_end_matches(SEPARATORS)) => {
                text.push_str(name);
                text.push('=');
                text.push_str(REDACTED);
                text.extend(part.chars().last().filter(|last| SEPARATORS.contains(last)));
            }
            _ => text.push_str(part),
        }
    }
    text
}

/// Returns the end of the authority of a URL (RFC 3986, section 3.2). Passwords may contain unescaped `/`, `?`
/// and `#`: if the text after the first colon is not a port, the authority extends to a later `@`.
fn end_of_authority(rest: &str) -> usize {
    const ENDS: [char; 3] = ['/', '?', '#'];
    let line = rest.split(char::is_whitespace).next().unwrap_or_default();
    let end = line.find(ENDS).unwrap_or(line.len());
    let (before, after) = line.split_at(end);
    let port = before.split_once(':').map_or("", |(_, port)| port);
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    if is_port || before.contains('@') || before.starts_with('[') {
        return end;
    }
    match after.rfind('@') {
        Some(at) => {
            let host = end + at + 1;
            line[host..].find(ENDS).map_or(line.len(), |end| host + end)
        }
        None => end,
    }
}

/// Separators between the parameters of a query or of a connection string.
const SEPARATORS: [char; 7] = ['?', '&', ';', '#', ' ', '\n', '\t'];

fn is_credential_name(name: &str) -> bool {
    let words = words(name);
    let has = |word: &str| words.iter().any(|other| other == word);
    let is_about = words.last().is_some_and(|last| ABOUT.contains(&&**last));
    let matches =
        |word: &String| WORDS.contains(&&**word) || PARTS.iter().any(|part| word.contains(part));
    !is_about && !has("public") && words.iter().any(matches)
}

/// Splits a name into lower-case words: `secretKey`, `SECRET_KEY` and `secret.key` give the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for character in name.chars() {
        let is_new = !character.is_alphanumeric() || (was_small && character.is_uppercase());
        if is_new {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
        was_small = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns whether a value contains a credential.
fn holds_credential(value: &str) -> bool {
    let is_private_key = value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----");
    let has_password = |rest: &str| {
        let user = rest[..end_of_authority(rest)].rsplit_once('@');
        let user = user.map(|(user, _)| user);
        user.and_then(|user| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    };
    let is_setting = |part: &str| {
        part.split_once('=').is_some_and(|(name, value)| {
            let value = value.trim();
            !value.is_empty() && !name.contains('/') && is_credential_name(name)
        })
    };
    is_private_key
        || value.split("://").skip(1).any(has_password)
        || value.split(SEPARATORS).any(is_setting)
}

#[cfg(test)]
mod tests {
    use super::{is_credential, without_credentials};

    #[test]
    fn recognizes_credential_names() {
        for name in [
            "PASSWORD",
            "password",
            "DB_PASS",
            "DBPASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "secretKey",
            "api-key",
            "apikey",
            "s3.token",
            "CLIENT_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS_JSON",
        ] {
            assert!(is_credential(name, "x"), "{name}");
        }
        for name in [
            "",
            "HOST",
            "MLFLOW_TRACKING_URI",
            "TOKEN_URL",
            "TOKENIZER",
            "MAX_TOKENS",
            "KEY_PREFIX",
            "SECRET_NAME",
            "PUBLIC_KEY",
            "KEYSTONE",
            "COMPASS",
            "CLIENT_CERT",
        ] {
            assert!(!is_credential(name, "x"), "{name}");
        }
    }

    #[test]
    fn recognizes_credential_values() {
        for value in [
            "http://ada:hunter2@host",
            "jdbc:postgresql://host/x?user=ada&password=hunter2",
            "jdbc:sqlserver://host;password=hunter2;encrypt=true",
            "host=db password=hunter2",
            "a://x,b://ada:hunter2@y",
            "postgres://ada:hun#ter2@db/x",
            "postgres://ada:hun/t?er2@db",
            "-----BEGIN RSA PRIVATE KEY-----\nx",
        ] {
            assert!(is_credential("X", value), "{value}");
        }
        for value in [
            "",
            "http://host:9000/a@b:c",
            "http://[::1]:9000/a@b:c",
            "http://host/a:b@c",
            "https://ada@host",
            "git@host:a/b",
            "http://ada:@host",
            "http://host/x?page=2",
            "host=db password=",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert!(!is_credential("X", value), "{value}");
        }
        for value in ["", " ", "true", "False"] {
            assert!(!is_credential("PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn redacts_only_credentials_in_urls() {
        for (url, shown) in [
            ("http://host:80/x", "http://host:80/x"),
            ("host:80", "host:80"),
            ("http://ada:hunter2@host/x", "http://[redacted]@host/x"),
            ("http://a@b@host", "http://[redacted]@host"),
            ("db://ada:hun#t/er2@db/x", "db://[redacted]@db/x"),
            ("http://[::1]:9000/a@b", "http://[::1]:9000/a@b"),
            (
                "http://host/x?a=b&token=hunter2&c=d#e",
                "http://host/x?a=b&token=[redacted]&c=d#e",
            ),
            ("http://host/?key=hunter2", "http://host/?key=[redacted]"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
