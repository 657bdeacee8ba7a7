//! Additional names for the files of a binding.

#![allow(clippy::expect_used, reason = "test helpers panic")]

mod support;

use extension_registry_core::projection::{FileAlias, Layout, files};
use extension_registry_core::refusal::{Reason, Refusal};
use support::seed::mlflow_0001;
use support::*;

fn aliases(pairs: &[(&str, &str)]) -> Result<Vec<String>, Vec<Refusal>> {
    let need = need().named("store").product("mlflow").resource("s3");
    let choice = chosen(&[mlflow_0001()], &need, &in_project("p"));
    let layout = Layout::new(&choice, &Sources::none()).expect("sources");
    let wanted: Vec<FileAlias> = pairs
        .iter()
        .map(|(name, key)| FileAlias {
            name: (*name).into(),
            key: (*key).into(),
        })
        .collect();
    let found = files("store", &layout, &wanted)?;
    Ok(found
        .iter()
        .map(|alias| format!("{} {}", alias.name, alias.key))
        .collect())
}

#[test]
fn alias_names_configuration_or_derived_key() {
    let found = aliases(&[
        ("root-user", "AWS_ACCESS_KEY_ID"),
        ("endpoint", "url"),
        ("HOST", "host"),
        ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
    ]);
    let expected = [
        "root-user AWS_ACCESS_KEY_ID",
        "endpoint uri",
        "HOST host",
        "AWS_ACCESS_KEY_ID AWS_ACCESS_KEY_ID",
    ];
    assert_eq!(found.expect("valid"), expected);
}

#[test]
fn all_invalid_entries_are_reported() {
    let refusals = aliases(&[
        ("a", "AWS_ACCESS_KEY"),
        ("b", "extension.yaml"),
        ("extension.yaml", "uri"),
        ("type", "uri"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("twice", "uri"),
        ("twice", "host"),
    ])
    .expect_err("invalid");
    let found: Vec<(Reason, &str)> = refusals
        .iter()
        .map(|refusal| (refusal.reason, refusal.message.as_str()))
        .collect();
    let expected = [
        (
            Reason::UnknownKey,
            "requirement `store` provides no key `AWS_ACCESS_KEY`",
        ),
        (
            Reason::UnknownKey,
            "requirement `store` provides no key `extension.yaml`",
        ),
        (
            Reason::Conflict,
            "file `extension.yaml` in `files` is reserved for the operator",
        ),
        (
            Reason::Conflict,
            "file `type` in `files` is reserved for the operator",
        ),
        (
            Reason::Conflict,
            "the selected service already provides a file `AWS_SECRET_ACCESS_KEY`",
        ),
        (Reason::Conflict, "duplicate file `twice` in `files`"),
    ];
    assert_eq!(found, expected);
    assert_eq!(refusals[0].hint, "did you mean `AWS_ACCESS_KEY_ID`?");
}
