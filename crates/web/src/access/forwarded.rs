//! Access with the bearer token of the caller, which the API server verifies. The site has no permissions of its own.
//!
//! An authentication proxy in front of the site sends the token in the header `Authorization`. Without one, the user pastes
//! a token once, and the browser keeps it in a cookie: the site has no sessions.

use extension_registry_api::convert::{LABEL_HINT, is_label};
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::decision::{Caller, Decision};

/// Name of the cookie. Browsers accept a name with this prefix only over TLS, and only for this host.
const TOKEN: &str = "__Host-token";

/// Name of the cookie with the namespace to read.
const NAMESPACE: &str = "__Host-namespace";

/// Attributes of both cookies.
const ATTRIBUTES: &str = "Secure; HttpOnly; SameSite=Strict; Path=/";

/// Maximum length of a token in bytes; browsers limit cookies to 4 KiB.
const MAX_TOKEN: usize = 4000;

/// Paths that need no token.
const PUBLIC: [&str; 4] = ["/sign-in", "/style.css", "/icon.svg", "/healthz"];

/// Decides whether to answer a request.
pub(super) fn decide(method: &Method, uri: &Uri, headers: &HeaderMap) -> Decision {
    if *method != Method::GET && *method != Method::HEAD {
        let path = uri.path();
        if *method != Method::POST || !matches!(path, "/sign-in" | "/sign-out") {
            let failure = Failure::new("only GET and HEAD are allowed");
            return Decision::Deny(StatusCode::METHOD_NOT_ALLOWED, failure);
        }
        if !is_same_origin(headers) {
            let failure = Failure::new("the request comes from another site");
            return Decision::Deny(StatusCode::FORBIDDEN, failure);
        }
        return Decision::Allow(None);
    }
    match token(headers) {
        Some(token) => {
            let namespace = kept(headers, NAMESPACE).filter(|name| is_label(name));
            let namespace = namespace.map(str::to_owned);
            Decision::Allow(Some(Caller::Token { token, namespace }))
        }
        None if PUBLIC.contains(&uri.path()) => Decision::Allow(None),
        None => Decision::SignIn,
    }
}

/// Returns the token of a request; that of the proxy comes first.
fn token(headers: &HeaderMap) -> Option<Sensitive> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    let token = bearer.or_else(|| kept(headers, TOKEN))?.trim();
    is_token(token).then(|| Sensitive::from(token))
}

/// Returns the value of a cookie.
fn kept<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).into_iter();
    let mut cookies = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    let found = cookies.find(|(own, _)| *own == name);
    found.map(|(_, value)| value)
}

/// Returns whether a text has the characters of a bearer token (RFC 6750), which are also allowed in a cookie.
fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Returns whether a request that changes something was sent by a page of the same host. TLS ends before the site, so the
/// scheme of the origin is unknown.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(http::HeaderName::from_static("sec-fetch-site"));
    let origin = text(ORIGIN).and_then(|origin| {
        let rest = origin.strip_prefix("https://");
        rest.or_else(|| origin.strip_prefix("http://"))
    });
    site.is_none_or(|site| site == "same-origin") && origin.is_some() && origin == text(HOST)
}

/// Returns the cookies that keep a token and a namespace, each if it is not empty.
///
/// # Errors
/// If a text is not a token, or not the name of a namespace.
pub(crate) fn cookies(token: &str, namespace: &str) -> Result<Vec<String>, Failure> {
    let (token, namespace) = (token.trim(), namespace.trim());
    let mut cookies = Vec::new();
    if !namespace.is_empty() {
        if !is_label(namespace) {
            let failure = Failure::new(format!("invalid namespace `{namespace}`"));
            return Err(failure.hint(LABEL_HINT));
        }
        cookies.push(format!("{NAMESPACE}={namespace}; {ATTRIBUTES}"));
    }
    if token.is_empty() && !cookies.is_empty() {
        return Ok(cookies);
    }
    if !is_token(token) {
        let message = if token.len() > MAX_TOKEN {
            format!("the token is longer than {MAX_TOKEN} bytes")
        } else {
            "this is not a bearer token".to_owned()
        };
        let failure = Failure::new(message);
        return Err(failure.hint("create one with `kubectl create token SERVICEACCOUNT`"));
    }
    cookies.push(format!("{TOKEN}={token}; {ATTRIBUTES}"));
    Ok(cookies)
}

/// Returns the cookies that remove what [`cookies`] keeps.
pub(crate) fn removal() -> Vec<String> {
    let names = [TOKEN, NAMESPACE].into_iter();
    names
        .map(|name| format!("{name}=; {ATTRIBUTES}; Max-Age=0"))
        .collect()
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::super::decision::{Caller, Decision};
    use super::{cookies, decide};

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn caller(pairs: &[(HeaderName, &str)]) -> Option<String> {
        let path = "/records".parse().unwrap();
        match decide(&Method::GET, &path, &headers(pairs)) {
            Decision::Allow(Some(Caller::Token { token, .. })) => Some(token.reveal().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn token_comes_from_header_or_cookie() {
        assert_eq!(
            caller(&[(AUTHORIZATION, "Bearer abc.d-e")]).as_deref(),
            Some("abc.d-e")
        );
        assert_eq!(
            caller(&[(AUTHORIZATION, "bearer abc")]).as_deref(),
            Some("abc")
        );
        let kept = cookies(" abc.def \n", "").unwrap();
        let kept = kept[0].split(';').next().unwrap();
        let pair = format!("a=b; {kept}");
        assert_eq!(caller(&[(COOKIE, &pair)]).as_deref(), Some("abc.def"));
        let both = [(AUTHORIZATION, "Bearer one"), (COOKIE, "__Host-token=two")];
        assert_eq!(caller(&both).as_deref(), Some("one"));
    }

    #[test]
    fn other_requests_must_sign_in() {
        for pairs in [
            vec![],
            vec![(AUTHORIZATION, "Basic abc")],
            vec![(AUTHORIZATION, "Bearer ")],
            vec![(AUTHORIZATION, "Bearer a b")],
            vec![(COOKIE, "token=abc")],
            vec![(COOKIE, "__Host-token=")],
        ] {
            let path = "/records".parse().unwrap();
            let decision = decide(&Method::GET, &path, &headers(&pairs));
            assert!(matches!(decision, Decision::SignIn), "{pairs:?}");
        }
        for text in ["", "a b", "a;b", "ä", &"a".repeat(4001)] {
            assert!(cookies(text, "").is_err(), "{text}");
        }
    }

    #[test]
    fn changes_come_from_the_same_site() {
        let path = "/sign-in".parse().unwrap();
        let fetch = HeaderName::from_static("sec-fetch-site");
        let allowed = |pairs: &[(HeaderName, &str)]| {
            matches!(
                decide(&Method::POST, &path, &headers(pairs)),
                Decision::Allow(None)
            )
        };
        let own = [
            (HOST, "registry.example.org"),
            (ORIGIN, "https://registry.example.org"),
        ];
        assert!(allowed(&own));
        let [host, origin] = own;
        assert!(allowed(&[
            host.clone(),
            origin.clone(),
            (fetch.clone(), "same-origin")
        ]));
        assert!(!allowed(&[host.clone(), origin, (fetch, "cross-site")]));
        for origin in [
            "https://evil.example.org",
            "null",
            "https://registry.example.org.evil",
        ] {
            assert!(!allowed(&[host.clone(), (ORIGIN, origin)]), "{origin}");
        }
        assert!(!allowed(&[host]));
        let other = "/records".parse().unwrap();
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let decision = decide(&method, &other, &headers(&[]));
            assert!(matches!(decision, Decision::Deny(..)));
        }
    }
}
