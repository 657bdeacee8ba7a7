//! Commands that use a package, to be copied into a shell.

use extension_registry_packages::answer::info::Described;

/// Commands for a version of a package.
pub(crate) struct Commands {
    /// Downloads the package.
    pub(crate) pull: String,
    /// Explains why it is trusted or not.
    pub(crate) verify: String,
    /// Registers a record from each template.
    pub(crate) register: Vec<String>,
}

pub(super) fn commands(package: &Described) -> Commands {
    let (name, version) = (argument(&package.name), argument(&package.version));
    let package_command =
        |verb: &str| format!("kubectl ext package {verb} {name} --version {version}");
    let is_single = package.templates.len() == 1;
    let record = record_name(&package.name);
    let register = package.templates.iter().map(|template| {
        let template = if is_single {
            String::new()
        } else {
            format!("/{template}")
        };
        let reference = format!("package:{}{template}@{}", package.name, package.version);
        let reference = argument(&reference);
        format!("kubectl ext register {record} --from-template {reference} --dry-run")
    });
    Commands {
        pull: package_command("pull"),
        verify: package_command("verify"),
        register: register.collect(),
    }
}

/// Quotes a text for a POSIX shell. Names come from repositories, and could end the command.
fn argument(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-/:@".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) && !text.starts_with('-') {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Proposes a name for a record.
fn record_name(package: &str) -> String {
    let name = package.to_lowercase();
    let name: String = name
        .chars()
        .map(|one| {
            if one.is_ascii_alphanumeric() {
                one
            } else {
                '-'
            }
        })
        .collect();
    match name.trim_matches('-') {
        "" => "tool".to_owned(),
        name => name.chars().take(63).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{argument, record_name};

    #[test]
    fn names_cannot_end_the_command() {
        for (text, expected) in [
            ("mlflow", "mlflow"),
            ("1.0.0+build.7", "1.0.0+build.7"),
            ("a; rm -rf ~", "'a; rm -rf ~'"),
            ("$(id)`id`", "'$(id)`id`'"),
            ("a'b", "'a'\\''b'"),
            ("--to=/", "'--to=/'"),
            ("", "''"),
        ] {
            assert_eq!(argument(text), expected);
        }
    }

    #[test]
    fn record_is_named_after_the_package() {
        assert_eq!(record_name("Seldon_Core.v2"), "seldon-core-v2");
        assert_eq!(record_name("_"), "tool");
    }
}
