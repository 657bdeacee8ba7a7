//! Environment variables of requirements.

#![allow(clippy::expect_used, reason = "test helpers panic")]

mod support;

use extension_registry_core::projection::Layout;
use extension_registry_core::projection::environment::{Environment, environment};
use extension_registry_core::record::Record;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use support::seed::mlflow_0001;
use support::*;

fn environment_of(record: Record, need: &Requirement) -> Result<Environment, Vec<Refusal>> {
    let choice = chosen(&[record], need, &in_project("p"));
    let layout = Layout::new(&choice, &Sources::none()).expect("sources");
    environment(need, &layout)
}

fn pairs(environment: &Environment) -> Vec<(&str, &str)> {
    let variables = environment.variables.iter();
    variables.map(|one| (&*one.name, &*one.key)).collect()
}

fn configured(names: &[&str]) -> Record {
    let start = record("m").offering(service("s"));
    names
        .iter()
        .fold(start, |record, name| record.configured(name, "value"))
}

fn store() -> Requirement {
    need().named("store").product("mlflow").resource("s3")
}

#[test]
fn default_sets_configuration_but_no_derived_keys() {
    let set = environment_of(mlflow_0001(), &store()).expect("no mapping");
    let expected = [
        ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    ];
    assert_eq!(pairs(&set), expected);
    assert!(set.skipped.is_empty());
}

#[test]
fn configured_name_of_derived_key_is_an_entry() {
    let set = environment_of(configured(&["uri"]), &need().extension("m")).expect("none");
    assert_eq!(pairs(&set), [("uri", "uri")]);
}

#[test]
fn default_sets_only_c_identifiers() {
    let record = configured(&["A", "_a1", "a-b", "a.b", "1A", "Ä", "ok_2"]);
    let set = environment_of(record, &need().extension("m")).expect("no mapping");
    assert_eq!(pairs(&set), [("A", "A"), ("_a1", "_a1"), ("ok_2", "ok_2")]);
    assert!(set.skipped.is_empty());
}

#[test]
fn skips_and_reports_dangerous_variables() {
    let dangerous = [
        "BASH_ENV",
        "ENV",
        "FUSEML_MODEL",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "JAVA_TOOL_OPTIONS",
        "KUBERNETES_SERVICE_HOST",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "PATH",
        "PERL5OPT",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "RUBYOPT",
        "SERVICE_BINDING_ROOT",
        "TASK_RESULT",
    ];
    let harmless = [
        "ENVIRONMENT",
        "LDAP_URL",
        "PYTHON_VERSION",
        "S3_PATH",
        "path",
    ];
    let record = configured(&[&dangerous[..], &harmless[..]].concat());
    let set = environment_of(record, &need().extension("m")).expect("no mapping");
    assert_eq!(
        set.skipped.iter().map(|name| &**name).collect::<Vec<_>>(),
        dangerous
    );
    assert_eq!(pairs(&set), harmless.map(|name| (name, name)));
}

#[test]
fn mappings_replace_default_and_are_sorted() {
    let need = store().environment(&[
        ("S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
        ("S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
    ]);
    let set = environment_of(mlflow_0001(), &need).expect("known keys");
    let expected = [
        ("S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    ];
    assert_eq!(pairs(&set), expected);
}

#[test]
fn empty_mappings_set_nothing() {
    let set = environment_of(mlflow_0001(), &store().environment(&[])).expect("none");
    assert_eq!(set, Environment::default());
}

#[test]
fn maps_derived_keys_and_aliases() {
    let need = store().environment(&[("A", "url"), ("B", "host"), ("C", "type")]);
    let set = environment_of(mlflow_0001(), &need).expect("known keys");
    assert_eq!(pairs(&set), [("A", "uri"), ("B", "host"), ("C", "type")]);
}

#[test]
fn dangerous_variables_can_be_mapped() {
    let need = need()
        .extension("m")
        .environment(&[("LD_PRELOAD", "K"), ("a-b.c", "K")]);
    let set = environment_of(configured(&["K"]), &need).expect("known keys");
    assert_eq!(pairs(&set), [("LD_PRELOAD", "K"), ("a-b.c", "K")]);
}

#[test]
fn rejects_reserved_variables() {
    for name in ["SERVICE_BINDING_ROOT", "TASK_RESULT", "FUSEML_", "FUSEML_X"] {
        let refusals = environment_of(mlflow_0001(), &store().environment(&[(name, "uri")]));
        let reasons: Vec<Reason> = refusals
            .expect_err(name)
            .iter()
            .map(|one| one.reason)
            .collect();
        assert_eq!(reasons, [Reason::Conflict]);
    }
}

#[test]
fn reports_all_errors() {
    let need = store().environment(&[
        ("A", "AWS_ACCESS_KEY"),
        ("B", "nothing-like-it"),
        ("TASK_RESULT", "uri"),
        ("C", "uri"),
        ("C", "host"),
        ("D", "extension.yaml"),
    ]);
    let refusals = environment_of(mlflow_0001(), &need).expect_err("mistakes");
    let pages: Vec<String> = refusals.iter().map(formatted).collect();
    insta::assert_snapshot!(pages.join("\n\n"));
}
