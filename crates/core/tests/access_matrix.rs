//! Access to credentials, as a table.

#![expect(
    clippy::panic,
    reason = "an unknown name in the table is an error in the test"
)]

mod support;

use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::record::{Credentials, Record};
use extension_registry_core::resolve::resolve;
use support::*;

/// Consumers, in the order of the columns below. `-` means no user.
const CONSUMERS: [(&str, &str); 9] = [
    ("dev", "ada"),
    ("dev", "grace"),
    ("dev", "-"),
    ("prod", "ada"),
    ("prod", "grace"),
    ("prod", "-"),
    ("not-prod", "ada"),
    ("not-prod", "grace"),
    ("not-prod", "-"),
];

/// Credentials of a service, required credentials (`*` for none), and for each consumer the selected
/// credentials, or `no` for the refusal `NoAccess`. A `!` marks a choice that depends on the user.
///
/// `all` is of scope global, `prod` of scope project for `prod`, `ada` of scope user for ada,
/// `ada@prod` of scope user for ada in `prod`; `no-project` and `no-user` have empty lists.
#[rustfmt::skip]
const TABLE: &[(&[&str], &str, [&str; 9])] = &[
    //                                               dev: ada    grace   -       prod: ada    grace   -       not-prod: ada grace -
    (&["all"],                         "*",             ["all",  "all",  "all",  "all",       "all",  "all",  "all",    "all",  "all"]),
    (&["all"],                         "all",           ["all",  "all",  "all",  "all",       "all",  "all",  "all",    "all",  "all"]),
    (&["prod"],                        "*",             ["no",   "no",   "no",   "prod",      "prod", "prod", "no",     "no",   "no"]),
    (&["prod"],                        "prod",          ["no",   "no",   "no",   "prod",      "prod", "prod", "no",     "no",   "no"]),
    (&["ada"],                         "*",             ["ada!", "no",   "no",   "ada!",      "no",   "no",   "ada!",   "no",   "no"]),
    (&["ada"],                         "ada",           ["ada!", "no",   "no",   "ada!",      "no",   "no",   "ada!",   "no",   "no"]),
    (&["ada@prod"],                    "*",             ["no",   "no",   "no",   "ada@prod!", "no",   "no",   "no",     "no",   "no"]),
    (&["ada@prod"],                    "ada@prod",      ["no",   "no",   "no",   "ada@prod!", "no",   "no",   "no",     "no",   "no"]),
    // The narrowest accessible scope is preferred; a name selects only these credentials.
    (&["all", "prod"],                 "*",             ["all",  "all",  "all",  "prod",      "prod", "prod", "all",    "all",  "all"]),
    (&["all", "prod", "ada"],          "*",             ["ada!", "all",  "all",  "ada!",      "prod", "prod", "ada!",   "all",  "all"]),
    (&["all", "prod", "ada"],          "all",           ["all",  "all",  "all",  "all",       "all",  "all",  "all",    "all",  "all"]),
    (&["all", "prod", "ada"],          "prod",          ["no",   "no",   "no",   "prod",      "prod", "prod", "no",     "no",   "no"]),
    (&["all", "prod", "ada"],          "ada",           ["ada!", "no",   "no",   "ada!",      "no",   "no",   "ada!",   "no",   "no"]),
    (&["all", "prod", "ada@prod"],     "*",             ["all",  "all",  "all",  "ada@prod!", "prod", "prod", "all",    "all",  "all"]),
    (&["prod", "ada@prod"],            "*",             ["no",   "no",   "no",   "ada@prod!", "prod", "prod", "no",     "no",   "no"]),
    // An empty list denies access to all.
    (&["no-project"],                  "*",             ["no",   "no",   "no",   "no",        "no",   "no",   "no",     "no",   "no"]),
    (&["no-project"],                  "no-project",    ["no",   "no",   "no",   "no",        "no",   "no",   "no",     "no",   "no"]),
    (&["no-user"],                     "*",             ["no",   "no",   "no",   "no",        "no",   "no",   "no",     "no",   "no"]),
    (&["no-user"],                     "no-user",       ["no",   "no",   "no",   "no",        "no",   "no",   "no",     "no",   "no"]),
    (&["no-project", "no-user", "all"], "*",            ["all",  "all",  "all",  "all",       "all",  "all",  "all",    "all",  "all"]),
    // Absent credentials.
    (&["all", "prod", "ada"],          "absent",        ["no",   "no",   "no",   "no",        "no",   "no",   "no",     "no",   "no"]),
];

fn offered(name: &str) -> Credentials {
    match name {
        "all" => shared("all"),
        "prod" => for_projects("prod", &["prod"]),
        "ada" => for_users("ada", &["ada"]),
        "ada@prod" => for_users("ada@prod", &["ada"]).only_in(&["prod"]),
        "no-project" => for_projects("no-project", &[]),
        "no-user" => for_users("no-user", &[]),
        other => panic!("unknown credentials {other}"),
    }
}

fn store(credentials: &[&str]) -> Record {
    let service = credentials
        .iter()
        .fold(service("store").resource("s3"), |service, name| {
            service.with(offered(name))
        });
    record("mlflow").product("mlflow").offering(service)
}

fn consumer(project: &str, user: &str) -> Consumer {
    Consumer {
        user: (user != "-").then(|| user.into()),
        ..Consumer::in_project(project)
    }
}

fn outcome(record: Record, credentials: &str, consumer: &Consumer) -> Result<String, String> {
    let mut index = extension_registry_core::resolve::Index::new();
    index.insert(record);
    let mut requirement = need().product("mlflow");
    if credentials != "*" {
        requirement = requirement.credentials(credentials);
    }
    match resolve(&index, &requirement, consumer) {
        Ok(choice) => {
            let mark = if choice.personal { "!" } else { "" };
            let name = choice.credentials().map_or("", |entry| &entry.name);
            Ok(format!("{name}{mark}"))
        }
        Err(refusal) => {
            assert_eq!(refusal.reason.as_str(), "NoAccess");
            Err(refusal.explained())
        }
    }
}

#[test]
fn selects_credentials_as_specified() {
    for (offered, named, expected) in TABLE {
        for ((project, user), expected) in CONSUMERS.iter().zip(expected) {
            let got = outcome(store(offered), named, &consumer(project, user));
            let got = got.unwrap_or_else(|_| "no".to_owned());
            assert_eq!(
                got, *expected,
                "credentials {named} of {offered:?} for {user} in {project}"
            );
        }
    }
}

/// Compares a record with inaccessible credentials of the required name to one without them.
#[test]
fn absent_and_inaccessible_credentials_are_indistinguishable() {
    for (closed, (project, user)) in [
        ("prod", ("dev", "ada")),
        ("prod", ("not-prod", "-")),
        ("ada", ("prod", "grace")),
        ("ada", ("dev", "-")),
        ("ada@prod", ("dev", "ada")),
        ("ada@prod", ("prod", "grace")),
        ("no-project", ("prod", "ada")),
        ("no-user", ("prod", "ada")),
    ] {
        let consumer = consumer(project, user);
        let refused = outcome(store(&["all", closed]), closed, &consumer).unwrap_err();
        let absent = outcome(store(&["all"]), closed, &consumer).unwrap_err();
        assert_eq!(refused, absent, "{closed} for {user} in {project}");
    }
}

#[test]
fn names_match_exactly() {
    for project in ["Prod", "PROD", "prod ", "pro", "prod-2", "not-prod", ""] {
        let got = outcome(store(&["prod"]), "*", &consumer(project, "ada"));
        assert!(got.is_err(), "{project:?}");
    }
    for user in [
        "Ada",
        "ada ",
        "ad",
        "oidc:ada",
        "system:serviceaccount:ada:ada",
    ] {
        let got = outcome(store(&["ada"]), "*", &consumer("prod", user));
        assert!(got.is_err(), "{user:?}");
    }
}

/// Access lists are evaluated first: without access, the record does not exist.
#[test]
fn inaccessible_record_is_indistinguishable_from_none() {
    let closed = [
        store(&["all"]).for_projects(&["prod"]),
        store(&["all"]).for_projects(&[]),
        store(&["all"]).for_users(&["grace"]),
        store(&["all"]).for_users(&[]),
        store(&["all"]).for_groups(&["team"]),
        store(&["all"]).for_groups(&[]),
    ];
    let ada = consumer("dev", "ada");
    let requirement = need().product("mlflow");
    let empty = extension_registry_core::resolve::Index::new();
    let absent = resolve(&empty, &requirement, &ada).unwrap_err().explained();
    for record in closed {
        let mut index = extension_registry_core::resolve::Index::new();
        index.insert(record);
        assert_eq!(
            resolve(&index, &requirement, &ada).unwrap_err().explained(),
            absent
        );
    }
}
