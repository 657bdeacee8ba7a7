//! Random texts that resemble the `url` of an endpoint.

use proptest::prelude::*;

/// Generates texts that resemble addresses: most are invalid, or unusual in one part.
pub(crate) fn near_address() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        4 => prop::sample::select(vec!["http", "https", "HTTP", "ftp", "wss", "s3", "postgres", "git+ssh", "x-1.y"])
            .prop_map(|scheme| format!("{scheme}://")),
        2 => Just(String::new()),
        1 => "[-+.a-z0-9 ]{0,4}(:|:/|://|:///)",
    ];
    let host = prop_oneof![
        4 => "[a-z0-9]{1,4}([.][a-z0-9-]{1,4}){0,3}[.]?",
        3 => "[-A-Za-z0-9_.]{0,12}",
        3 => "[-a-z0-9_.:%@\\[\\]!\\\\ é]{0,8}",
        2 => "(0?[0-9]{1,3}[.]){0,5}[0-9]{1,3}[.]?",
        1 => "0[xX][0-9a-fg]{0,4}[.]?[0-9]{0,2}",
        2 => "\\[[0-9a-f:.%]{0,12}\\]?",
        1 => "[a-z]{60,66}([.][a-z]{60,66}){0,3}",
    ];
    let port = prop_oneof![
        4 => Just(String::new()),
        3 => "(:[0-9]{1,5})",
        1 => ":[-+0-9a ]{0,6}(:[0-9])?",
    ];
    let tail = prop_oneof![
        3 => Just(String::new()),
        2 => "[/?#][!-~]{0,8}",
        1 => "[/?#](%[0-9a-g]{0,3}|[\\t -~é]){0,6}",
    ];
    (scheme, host, port, tail)
        .prop_map(|(scheme, host, port, tail)| format!("{scheme}{host}{port}{tail}"))
}
