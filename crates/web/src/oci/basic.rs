//! Credentials of a request (RFC 7617, RFC 6750).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;

/// Returns the token in an `Authorization` header: a bearer token, or the password of any user.
pub(super) fn token(header: &str) -> Option<Sensitive> {
    let (scheme, value) = header.trim().split_once(' ')?;
    let value = value.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        value.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
        let (_, password) = pair.split_once(':')?;
        password.to_owned()
    } else {
        return None;
    };
    (!token.is_empty()).then(|| Sensitive::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_token_of_both_schemes() {
        let pair = STANDARD.encode("anyone:a:b");
        for (header, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            (&format!("Basic {pair}"), Some("a:b")),
            ("Basic !", None),
            ("Bearer ", None),
            ("Digest abc", None),
            ("abc", None),
        ] {
            let token = token(header);
            let token = token.as_ref().map(Sensitive::reveal);
            assert_eq!(token, expected, "{header}");
        }
        let empty = STANDARD.encode("anyone:");
        assert!(token(&format!("Basic {empty}")).is_none());
    }
}
