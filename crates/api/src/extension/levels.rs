//! Plain configuration of a record at all levels.

use extension_registry_core::record::ConfigurationLevel;
use serde_json::Value;

use super::ExtensionSpec;
use super::access::AccessSpec;
use super::configuration::ConfigurationEntry;
use super::credentials::CredentialsSpec;
use super::service::{EndpointSpec, ServiceSpec};

impl ExtensionSpec {
    /// Returns the plain configuration of each level with the path of its parent, for example
    /// `spec.services[0]`.
    ///
    /// The patterns name every field, so that code with a new level of configuration does not compile
    /// until this function handles it.
    #[must_use]
    pub fn configurations(&self) -> Vec<(String, &[ConfigurationEntry])> {
        let ExtensionSpec {
            configuration,
            services,
            product: _,
            version: _,
            description: _,
            zone: _,
            default: _,
            shadowable: _,
            access,
        } = self;
        if let Some(AccessSpec {
            projects: _,
            users: _,
            groups: _,
        }) = access
        {}
        let mut levels = vec![("spec".to_owned(), configuration.as_slice())];
        for (index, service) in services.iter().enumerate() {
            let ServiceSpec {
                configuration,
                endpoints,
                name: _,
                resource: _,
                category: _,
                description: _,
                credentials,
            } = service;
            for CredentialsSpec {
                name: _,
                scope: _,
                project: _,
                user: _,
                default: _,
                // Credentials, not plain configuration.
                configuration: _,
                secret_ref: _,
            } in credentials
            {}
            let path = format!("spec.services[{index}]");
            levels.push((path.clone(), configuration));
            for (index, endpoint) in endpoints.iter().enumerate() {
                let EndpointSpec {
                    configuration,
                    name: _,
                    url: _,
                    kind: _,
                } = endpoint;
                levels.push((format!("{path}.endpoints[{index}]"), configuration));
            }
        }
        levels
    }
}

/// Visits every object with plain configuration in the JSON of a spec.
pub fn visit_configured(spec: &mut Value, visit: &mut dyn FnMut(ConfigurationLevel, &mut Value)) {
    for level in ConfigurationLevel::ALL {
        descend(spec, level.lists(), &mut |parent| visit(level, parent));
    }
}

fn descend(parent: &mut Value, lists: &[&str], visit: &mut dyn FnMut(&mut Value)) {
    let Some((list, rest)) = lists.split_first() else {
        return visit(parent);
    };
    let items = parent.get_mut(list).and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        descend(item, rest, visit);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::visit_configured;
    use crate::ExtensionSpec;

    #[test]
    fn both_walks_find_the_same_entries() {
        let entry = |name: &str| json!([{"name": name, "value": "v"}]);
        let mut spec = json!({
            "configuration": entry("a"),
            "services": [
                {"name": "s", "configuration": entry("b"), "endpoints": [
                    {"name": "e", "configuration": entry("c")},
                    {"name": "f", "configuration": entry("d")},
                ]},
                {"name": "t", "configuration": entry("e")},
            ],
        });
        let typed: ExtensionSpec = serde_json::from_value(spec.clone()).unwrap();
        let mut names: Vec<String> = typed
            .configurations()
            .into_iter()
            .flat_map(|(_, entries)| entries.iter().map(|entry| entry.name.clone()))
            .collect();
        names.sort();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
        let mut visited = Vec::new();
        visit_configured(&mut spec, &mut |_, parent| {
            visited.push(
                parent["configuration"][0]["name"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        });
        visited.sort();
        assert_eq!(visited, names);
    }
}
