//! The address of an API server.

use extension_registry_core::diagnostic::Failure;
use http::Uri;
use percent_encoding::percent_decode_str;

use crate::credentials::Credentials;
use extension_registry_core::sensitive::Sensitive;

/// Parses `server` of a cluster as client-go does: without a scheme, it is http.
/// Returns the URL without credentials, and the credentials that it contains.
pub(crate) fn parse(text: &str) -> Result<(Uri, Option<Credentials>), Failure> {
    // The address may contain a password, so errors do not quote it.
    let invalid = |why: &str| {
        Failure::new(format!("invalid `server`: {why}"))
            .hint("expected a URL such as `https://kubernetes.example.org:6443`")
    };
    if text.is_empty() {
        return Err(Failure::new("`server` is not set")
            .hint("expected a URL such as `https://kubernetes.example.org:6443`"));
    }
    let (scheme, rest) = if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(invalid(&format!("scheme `{scheme}` is not http or https")));
        }
        (scheme, rest)
    } else {
        if text.trim_end_matches('/').contains('/') {
            return Err(invalid("a path needs a scheme before the host"));
        }
        ("http".to_owned(), text)
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let (login, host) = login(authority);
    let url: Uri = format!("{scheme}://{}{path}", host.trim_end_matches(':'))
        .parse()
        .map_err(|_| invalid("not a valid host and path"))?;
    if url.host().is_none_or(str::is_empty) {
        return Err(invalid("the host is missing"));
    }
    if let Some(port) = url.authority().and_then(|host| port_text(host.as_str()))
        && port.parse::<u16>().is_err()
    {
        return Err(invalid("the port is not a number from 0 to 65535"));
    }
    let login = login.map(|(user, password)| Credentials::Basic(user, password));
    Ok((url, login))
}

/// Splits `USER:PASSWORD@HOST`, and decodes the user name and the password.
pub(crate) fn login(authority: &str) -> (Option<(String, Sensitive)>, &str) {
    let Some((login, host)) = authority.rsplit_once('@') else {
        return (None, authority);
    };
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    (Some((decode(user), Sensitive::new(decode(password)))), host)
}

fn port_text(authority: &str) -> Option<&str> {
    let after = authority.rsplit(']').next()?;
    after.rsplit_once(':').map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_is_read_like_client_go() {
        for (text, url) in [
            ("127.0.0.1:8501", "http://127.0.0.1:8501/"),
            ("example.org", "http://example.org/"),
            ("[::1]:6443/", "http://[::1]:6443/"),
            ("HTTPS://Example.org/a/b/", "https://example.org/a/b/"),
            ("https://example.org?x#y", "https://example.org/"),
            ("https://u:p@example.org", "https://example.org/"),
        ] {
            let (found, _) = parse(text).unwrap();
            assert_eq!(found.to_string().to_ascii_lowercase(), url, "{text}");
        }
        for text in [
            "",
            " ",
            "https://",
            "ftp://x",
            "x/y",
            "https://a b",
            "https://x:99999",
            "https://x:y",
            "://x",
            "/",
            "[",
            "https://u:hunter2@",
        ] {
            let failure = parse(text).unwrap_err().to_string();
            assert!(!failure.contains("hunter2"), "{failure}");
        }
    }
}
