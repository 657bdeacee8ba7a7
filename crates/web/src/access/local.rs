//! Access for the user of this machine who started the program.
//!
//! Other users and web pages can reach the port as well. So a key that only the user knows is exchanged once for a
//! cookie, and requests with a foreign `Host` (DNS rebinding) or `Origin` are rejected.

use extension_registry_core::diagnostic::Failure;
use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use subtle::ConstantTimeEq;

use super::decision::{Caller, Decision};

/// Length of keys in bytes.
const KEY_BYTES: usize = 32;

/// Access with a one-time key.
pub struct Local {
    /// Address that the browser must use: `127.0.0.1:PORT`.
    authority: String,
    /// The key, until it is used.
    key: Mutex<Option<String>>,
    /// Content of the cookie.
    session: String,
    /// Name of the cookie. Cookies are sent to all ports of a host, so the name contains the port.
    cookie: String,
}

impl Local {
    /// Creates access for a server at this address, with a new key.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(authority: String) -> Result<Self, Failure> {
        let port = authority.rsplit(':').next().unwrap_or_default();
        Ok(Self {
            key: Mutex::new(Some(random()?)),
            session: random()?,
            cookie: format!("extension-registry-{port}"),
            authority,
        })
    }

    /// Returns the URL that opens the site. It works once.
    #[must_use]
    pub fn url(&self) -> String {
        let key = self.key.lock();
        let key = key.as_deref().unwrap_or_default();
        format!("http://{}/?key={key}", self.authority)
    }

    pub(crate) fn decide(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Decision {
        if let Err((status, failure)) = self.check(method, headers) {
            return Decision::Deny(status, failure);
        }
        let given = uri
            .query()
            .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")));
        if let Some(given) = given {
            return self.exchange(given);
        }
        if self.has_session(headers) {
            return Decision::Allow(Some(Caller::Owner));
        }
        let failure = Failure::new("no session")
            .hint("open the URL that `kubectl ext ui` prints; it works once");
        Decision::Deny(StatusCode::UNAUTHORIZED, failure)
    }

    fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), (StatusCode, Failure)> {
        if single(headers, &HOST) != Some(self.authority.as_bytes()) {
            let failure = Failure::new("the request is for another host")
                .hint(format!("use http://{}", self.authority));
            return Err((StatusCode::MISDIRECTED_REQUEST, failure));
        }
        let own = format!("http://{}", self.authority);
        if headers.contains_key(ORIGIN) && single(headers, &ORIGIN) != Some(own.as_bytes()) {
            let failure = Failure::new("the request comes from another site");
            return Err((StatusCode::FORBIDDEN, failure));
        }
        if *method != Method::GET && *method != Method::HEAD {
            let failure = Failure::new("only GET and HEAD are allowed");
            return Err((StatusCode::METHOD_NOT_ALLOWED, failure));
        }
        Ok(())
    }

    fn exchange(&self, given: &str) -> Decision {
        let mut key = self.key.lock();
        let is_valid = key
            .as_deref()
            .is_some_and(|key| bool::from(key.as_bytes().ct_eq(given.as_bytes())));
        if !is_valid {
            let failure = Failure::new("the key of this URL is invalid or was already used")
                .hint("stop `kubectl ext ui`, and start it again");
            return Decision::Deny(StatusCode::FORBIDDEN, failure);
        }
        *key = None;
        let (name, session) = (&self.cookie, &self.session);
        Decision::Exchange {
            cookie: format!("{name}={session}; HttpOnly; SameSite=Strict; Path=/"),
            path: "/".to_owned(),
        }
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let expected = format!("{}={}", self.cookie, self.session);
        let cookies = headers.get_all(COOKIE).into_iter();
        let mut cookies = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        cookies.any(|cookie| bool::from(cookie.trim().as_bytes().ct_eq(expected.as_bytes())))
    }
}

/// Returns the value of a header that occurs once.
fn single<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

fn random() -> Result<String, Failure> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new("failed to create a key").caused_by(error))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

    use super::super::decision::Decision;
    use super::Local;

    const AUTHORITY: &str = "127.0.0.1:4711";

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn status(access: &Local, method: &Method, path: &str, all: &HeaderMap) -> Option<u16> {
        let uri: Uri = path.parse().unwrap();
        match access.decide(method, &uri, all) {
            Decision::Deny(status, _) => Some(status.as_u16()),
            Decision::Allow(_) | Decision::SignIn | Decision::Exchange { .. } => None,
        }
    }

    #[test]
    fn key_is_exchanged_once() {
        let access = Local::new(AUTHORITY.to_owned()).unwrap();
        let host = headers(&[(HOST, AUTHORITY)]);
        let url: Uri = access.url().parse().unwrap();
        let path = url.path_and_query().unwrap().as_str();
        let wrong = status(&access, &Method::GET, "/?key=00", &host);
        assert_eq!(wrong, Some(403));
        let uri: Uri = path.parse().unwrap();
        let Decision::Exchange { cookie, .. } = access.decide(&Method::GET, &uri, &host) else {
            panic!("the key is valid");
        };
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"));
        assert_eq!(status(&access, &Method::GET, path, &host), Some(403));

        let cookie = cookie.split(';').next().unwrap();
        let session = headers(&[(HOST, AUTHORITY), (COOKIE, &format!("a=b; {cookie}"))]);
        assert_eq!(status(&access, &Method::GET, "/", &session), None);
        assert_eq!(status(&access, &Method::POST, "/", &session), Some(405));
        let other = Local::new(AUTHORITY.to_owned()).unwrap();
        assert_eq!(status(&other, &Method::GET, "/", &session), Some(401));
    }

    #[test]
    fn foreign_hosts_and_origins_are_rejected() {
        let access = Local::new(AUTHORITY.to_owned()).unwrap();
        let session = format!("{}={}", access.cookie, access.session);
        let allowed = |pairs: &[(http::HeaderName, &str)]| {
            let mut all = headers(pairs);
            all.append(COOKIE, HeaderValue::from_str(&session).unwrap());
            status(&access, &Method::GET, "/records", &all)
        };
        assert_eq!(allowed(&[(HOST, AUTHORITY)]), None);
        let own = "http://127.0.0.1:4711";
        assert_eq!(allowed(&[(HOST, AUTHORITY), (ORIGIN, own)]), None);
        let misdirected = Some(StatusCode::MISDIRECTED_REQUEST.as_u16());
        for host in [
            "evil.example.org",
            "evil.example.org:4711",
            "localhost:4711",
            "127.0.0.1",
            "127.0.0.1:4712",
            "127.0.0.1:4711.",
            "",
        ] {
            assert_eq!(allowed(&[(HOST, host)]), misdirected, "{host}");
        }
        assert_eq!(allowed(&[]), misdirected);
        assert_eq!(
            allowed(&[(HOST, AUTHORITY), (HOST, AUTHORITY)]),
            misdirected
        );
        for origin in ["http://evil.example.org", "null", "https://127.0.0.1:4711"] {
            assert_eq!(
                allowed(&[(HOST, AUTHORITY), (ORIGIN, origin)]),
                Some(403),
                "{origin}"
            );
        }
    }
}
