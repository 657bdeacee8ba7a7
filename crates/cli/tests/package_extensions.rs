//! Tests of `kubectl ext package repositories --extensions`, and of warnings of registries.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;
mod support;

use machine::Machine;
use registry::Registry;
use registry::quirk::{answer, json, text};
use support::schema::fits;

const DISCOVER: &str = "/v2/_oci/ext/discover";
const SHOW: [&str; 3] = ["package", "repositories", "--extensions"];

/// What zot says of itself, with an address that nobody should follow.
const ZOT: &str = r#"{"extensions":[
    {"name":"_zot","url":"https://github.com/project-zot/zot/blob/v2.1.0/pkg/extensions/_zot.md",
     "description":"zot registry extensions","endpoints":["/v2/_zot/ext/search","/v2/_zot/ext/mgmt"]},
    {"name":"_other","url":"javascript:alert(1)"}]}"#;

const OF_TOOL: &str =
    r#"{"extensions":[{"name":"_x","url":"https://a.example/","endpoints":["_x/a/b"]}]}"#;

fn zot() -> Registry {
    Registry::before(|asked| match asked.path.as_str() {
        DISCOVER => Some(json(ZOT)),
        "/v2/extensions/tool/_oci/ext/discover" => Some(json(OF_TOOL)),
        "/v2/extensions/secret/_oci/ext/discover" => Some(text(403, "no")),
        _ => None,
    })
}

#[test]
fn shows_extensions_of_registry_and_repositories() {
    let registry = zot();
    let machine = Machine::bare();
    machine.configure(&registry.repository("hub", "names = [\"tool\", \"other\"]"));
    let shown = machine.ext(&SHOW);
    assert_eq!(shown.err, "");
    assert_eq!(
        shown.fine(),
        "hub: _zot\n  zot registry extensions\n  \
         https://github.com/project-zot/zot/blob/v2.1.0/pkg/extensions/_zot.md\n  \
         /v2/_zot/ext/search\n  /v2/_zot/ext/mgmt\n\
         hub: _other\n\
         hub: _x (extensions/tool)\n  https://a.example/\n  /v2/extensions/tool/_x/a/b\n"
    );
}

#[test]
fn denied_or_failed_discovery_is_not_none() {
    let (registry, refusing) = (zot(), Registry::before(|_| Some(text(403, "no"))));
    let plain = Registry::real();
    let machine = Machine::bare();
    std::fs::create_dir(machine.path("team")).unwrap();
    let quick = "retry_count = 0";
    machine.configure(&format!(
        "{}{}{}[[repository]]\nname = \"team\"\nkind = \"folder\"\nurl = \"../team\"\n\
         [[repository]]\nname = \"gone\"\nkind = \"folder\"\nurl = \"../gone\"\n\
         [[repository]]\nname = \"dead\"\nkind = \"oci\"\nurl = \"http://localhost:1/extensions\"\n{quick}\n",
        registry.repository("hub", "names = [\"secret\"]"),
        refusing.repository("shut", quick),
        plain.repository("plain", quick),
    ));
    let shown = machine.ext(&SHOW);
    assert_eq!(shown.code, 5, "{}{}", shown.out, shown.err);
    for part in [
        "hub: not allowed (extensions/secret)\n  \
         hub denied access: cannot list extensions of extensions/secret\n  hint: log in with ",
        "shut: not allowed\n  shut denied access: cannot list extensions\n  hint: log in with ",
        "dead: failed\n  dead: failed to list extensions: localhost:1 is unreachable",
        "gone: failed\n  directory MACHINE/gone not found in gone\n",
        "plain: none\n",
        "team: none\n",
    ] {
        assert!(shown.out.contains(part), "{part}\nis not in\n{}", shown.out);
    }
    assert_eq!(shown.out.matches(": none").count(), 2, "{}", shown.out);
    assert_eq!(shown.err, "", "each failure is reported in its row");
    let output = machine.ext(&[&SHOW[..], &["-o", "json"]].concat());
    assert_eq!(output.code, 5, "{}", output.err);
    fits("package-repositories", &output.out);
    let data: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    let rows = data["repositories"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("shut")["silent"][0]["outcome"], "not allowed");
    assert_eq!(row("dead")["silent"][0]["outcome"], "failed");
    assert_eq!(row("plain")["extensions"], serde_json::json!([]));
    // Who asks nobody knows of nobody.
    let offline = machine.ext(&[&SHOW[..], &["--offline"]].concat()).wrong(1);
    assert!(offline.contains("remove --offline"), "{offline}");
    // Without the flag nothing is said of them.
    let output = machine.ext(&["package", "repositories", "--source", "shut", "-o", "json"]);
    assert!(!output.out.contains("extensions\":"), "{}", output.out);
}

#[test]
fn unsupported_discovery_is_none() {
    for (status, body) in [
        (404, "404 page not found\n"),
        (404, r#"{"errors":[{"code":"UNSUPPORTED"}]}"#),
        (400, r#"{"errors":[{"code":"EXTENSION_UNKNOWN"}]}"#),
        (200, "<html>Sign in</html>"),
    ] {
        let registry = Registry::before(move |asked| {
            let is_discover = asked.path.ends_with("/_oci/ext/discover");
            is_discover.then(|| text(status, body))
        });
        let machine = Machine::bare();
        machine.configure(&registry.repository("hub", "names = [\"tool\"]"));
        let shown = machine.ext(&SHOW);
        assert_eq!(shown.err, "", "{status}");
        assert_eq!(shown.fine(), "hub: none\n", "{status}");
    }
}

/// `Warning: 299`, and answers whose type is wrong, stand on standard error; once, however often they came.
#[test]
fn prints_warnings_of_registry() {
    let registry = Registry::before(|asked| match asked.path.as_str() {
        DISCOVER => Some(text(200, r#"{"extensions":[]}"#)),
        "/v2/_catalog" => Some(json(
            r#"{"repositories":["extensions/tool","extensions/b"]}"#,
        )),
        path if path.ends_with("/tags/list") => {
            let headers = [("warning", "299 - \"this registry closes soon\"")];
            Some(answer(200, &headers, r#"{"tags":[]}"#))
        }
        _ => None,
    });
    let machine = Machine::bare();
    machine.configure(&registry.repository("hub", ""));
    let listed = machine.ext(&["package", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    let told: Vec<&str> = listed.err.lines().collect();
    assert_eq!(
        told,
        [
            "warning: hub: list extensions: the response is JSON, but has the content type `text/plain`",
            "warning: hub: this registry closes soon",
        ]
    );
}
