//! Finds credentials in a record, which must not become part of a chart.

use extension_registry_api::ExtensionSpec;
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::lookalike::{is_credential, without_credentials};

use crate::record::Result;

/// Rejects a record that contains credentials. The error names their fields, and no value.
pub(crate) fn reject(kind: &str, name: &str, spec: &ExtensionSpec) -> Result<()> {
    let (mut urls, mut plain, mut literal) = (Vec::new(), Vec::new(), Vec::new());
    for (level, entries) in spec.configurations() {
        for (index, entry) in entries.iter().enumerate() {
            if is_credential(&entry.name, entry.value.reveal()) {
                plain.push(format!("{level}.configuration[{index}].value"));
            }
        }
    }
    for (s, service) in spec.services.iter().enumerate() {
        for (e, endpoint) in service.endpoints.iter().enumerate() {
            let url = endpoint.url.as_ref().map_or("", |url| url.reveal());
            if without_credentials(url) != url {
                urls.push(format!("spec.services[{s}].endpoints[{e}].url"));
            }
        }
        for (c, set) in service.credentials.iter().enumerate() {
            for (e, entry) in set.configuration.iter().enumerate() {
                let source = entry.value_from.as_ref();
                if source.is_none_or(|source| source.secret_key_ref.is_none()) {
                    literal.push(format!(
                        "spec.services[{s}].credentials[{c}].configuration[{e}]"
                    ));
                }
            }
        }
    }
    let hints = [
        (
            &urls,
            "remove the credential from the address, and add it to `credentials`",
        ),
        (
            &plain,
            "store it in a Secret, and move it to `credentials` with `valueFrom.secretKeyRef`",
        ),
        (
            &literal,
            "store it in a Secret, and replace it with `valueFrom.secretKeyRef`, or pass --credential KEY=secret:NAME/KEY",
        ),
    ];
    let fields: Vec<&str> = hints
        .iter()
        .flat_map(|(fields, _)| *fields)
        .map(String::as_str)
        .collect();
    if fields.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "cannot write {kind} {name} to a chart: credentials in `{}`",
        fields.join("`, `")
    ));
    let hints = hints.iter().filter(|(fields, _)| !fields.is_empty());
    Err(hints.fold(failure, |failure, (_, hint)| failure.hint(*hint)))
}

#[cfg(test)]
mod tests {
    use extension_registry_api::ExtensionSpec;
    use extension_registry_core::diagnostic::Explain;
    use serde_json::{Value, json};

    use super::reject;

    fn error(service: &Value) -> String {
        let mut service = service.clone();
        service["name"] = json!("s");
        let spec: ExtensionSpec = serde_json::from_value(json!({"services": [service]})).unwrap();
        let result = reject("ClusterExtension", "a", &spec);
        result
            .err()
            .map(|error| error.explained())
            .unwrap_or_default()
    }

    #[test]
    fn errors_name_the_fields() {
        const ENTRY: &str = "spec.services[0].credentials[0].configuration[0]";
        let entry =
            |source: &Value| json!({"credentials": [{"name": "main", "configuration": [source]}]});
        let sealed = json!({"name": "K", "valueFrom": {"sealed": "canary"}});
        let earlier =
            json!({"name": "K", "valueFrom": {"sealedRef": {"name": "canary", "key": "k"}}});
        for (service, field, hint) in [
            (
                entry(&json!({"name": "K", "value": "canary"})),
                ENTRY,
                "--credential KEY=secret:NAME/KEY",
            ),
            (entry(&sealed), ENTRY, "valueFrom.secretKeyRef"),
            (entry(&earlier), ENTRY, "valueFrom.secretKeyRef"),
            (
                json!({"endpoints": [{"name": "e", "url": "http://a/?token=canary"}]}),
                "spec.services[0].endpoints[0].url",
                "remove the credential from the address",
            ),
            (
                json!({"configuration": [{"name": "PASSWORD", "value": "canary"}]}),
                "spec.services[0].configuration[0].value",
                "move it to `credentials`",
            ),
        ] {
            let error = error(&service);
            assert!(error.contains("ClusterExtension a"), "{error}");
            assert!(error.contains(&format!("`{field}`")), "{error}");
            assert!(error.contains(hint), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn references_are_accepted() {
        let reference =
            json!({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}});
        let set = json!({"name": "main", "configuration": [reference], "secretRef": {"name": "b"}});
        let endpoint = json!({"name": "e", "url": "http://a:80/?page=1"});
        assert_eq!(
            error(&json!({"credentials": [set], "endpoints": [endpoint]})),
            ""
        );
    }
}
