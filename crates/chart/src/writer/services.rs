//! Services: addresses, configuration and credentials.

use std::mem;

use extension_registry_api::extension::{
    ConfigurationEntry, CredentialsSpec, EndpointSpec, SecretText, ServiceSpec,
};
use extension_registry_core::diagnostic::Note;
use serde_json::json;

use super::{Writer, read, required};
use crate::release::Host;

impl Writer<'_> {
    /// Replaces the addresses of all endpoints.
    pub(super) fn endpoints(&mut self, services: &mut [ServiceSpec]) {
        let has_address =
            |service: &ServiceSpec| service.endpoints.iter().any(|one| one.url.is_some());
        let is_single = services
            .iter()
            .filter(|service| has_address(service))
            .count()
            == 1;
        for service in services {
            let urls: Vec<String> = service
                .endpoints
                .iter()
                .filter_map(|one| one.url.as_ref())
                .map(|url| url.reveal().to_owned())
                .collect();
            let has_own = urls
                .iter()
                .any(|url| matches!(self.release.host(url), Host::Own(_)));
            let mut endpoints = Vec::new();
            for mut endpoint in mem::take(&mut service.endpoints) {
                let Some(url) = endpoint.url.as_ref().map(|url| url.reveal().to_owned()) else {
                    endpoints.push(endpoint);
                    continue;
                };
                let subject = format!("endpoint `{}` of service `{}`", endpoint.name, service.name);
                let words = [
                    if is_single { "" } else { &*service.name },
                    if urls.len() == 1 { "" } else { &*endpoint.name },
                    "url",
                ];
                let key = self.values.key(&words);
                let host = self.release.host(&url);
                self.notes.extend(note(&subject, &host));
                let comment = format!("Address of {subject}");
                let (code, is_optional) = match host {
                    Host::Own(expression) => {
                        self.values.add(
                            &key,
                            format!("{comment}; default: {}", expression.shown),
                            &json!(""),
                        );
                        (
                            format!("{} | default {}", read(&key), expression.argument()),
                            false,
                        )
                    }
                    // The release can be used without it.
                    _ if has_own => {
                        self.values
                            .add(&key, format!("{comment}; empty: none"), &json!(url));
                        (read(&key), true)
                    }
                    _ => {
                        self.values.add(&key, comment, &json!(url));
                        (required(&key), false)
                    }
                };
                let replaced = self.placeholders.expression(&code);
                endpoint.url = Some(SecretText::new(replaced));
                if is_optional {
                    endpoints.push(self.line(&format!("{{{{- if {} }}}}", read(&key))));
                    endpoints.push(endpoint);
                    endpoints.push(self.line("{{- end }}"));
                } else {
                    self.addresses.push((url, code));
                    endpoints.push(endpoint);
                }
            }
            service.endpoints = endpoints;
        }
    }

    /// Returns an item of a list of endpoints that is replaced by a line.
    fn line(&mut self, text: &str) -> EndpointSpec {
        EndpointSpec {
            name: self.placeholders.lines(text),
            ..EndpointSpec::default()
        }
    }

    /// Replaces addresses of the release in plain configuration.
    pub(super) fn configuration(&mut self, entries: &mut [ConfigurationEntry]) {
        for entry in entries {
            let text = entry.value.reveal();
            let known = self
                .addresses
                .iter()
                .find(|(url, _)| url == text && url.contains("://"));
            let code = match (known, self.release.host(text)) {
                (Some((_, code)), _) => code.clone(),
                (None, Host::Own(expression)) if text.contains("://") => expression.code,
                _ => continue,
            };
            entry.value = SecretText::new(self.placeholders.expression(&code));
        }
    }

    /// Replaces the names of Secrets, and the lists of projects and users.
    pub(super) fn credentials(&mut self, services: &mut [ServiceSpec]) {
        let sets = || services.iter().flat_map(|service| &service.credentials);
        let names = sets().flat_map(|set| {
            let references = set
                .configuration
                .iter()
                .filter_map(|entry| entry.value_from.as_ref()?.secret_key_ref.as_ref());
            let references = references.map(|reference| reference.name.clone());
            references.chain(set.secret_ref.iter().map(|secret| secret.name.clone()))
        });
        let mut names: Vec<String> = names.collect();
        let has_lists = |set: &&CredentialsSpec| set.project.is_some() || set.user.is_some();
        let lists = sets().filter(has_lists).count();
        names.sort();
        names.dedup();
        let is_single = names.len() == 1;
        for name in names {
            self.secret(name, is_single);
        }
        for service in services {
            for set in &mut service.credentials {
                for entry in &mut set.configuration {
                    let source = entry.value_from.as_mut();
                    if let Some(reference) =
                        source.and_then(|source| source.secret_key_ref.as_mut())
                    {
                        self.replace_secret(&mut reference.name);
                    }
                }
                if let Some(secret) = &mut set.secret_ref {
                    self.replace_secret(&mut secret.name);
                }
                for (list, word) in [(&mut set.project, "projects"), (&mut set.user, "users")] {
                    let Some(members) = list else { continue };
                    let words = if lists == 1 {
                        ["", "", word]
                    } else {
                        [&*service.name, &*set.name, word]
                    };
                    let key = self.values.key(&words);
                    let comment = format!(
                        "Which {word} can use credentials `{}` of service `{}`",
                        set.name, service.name
                    );
                    self.values.add(&key, comment, &json!(members));
                    // An empty list denies access to everyone.
                    *members = vec![self.placeholders.lines(format!(
                        "  {{{{- {} | default list | toYaml | nindent NESTED }}}}",
                        read(&key)
                    ))];
                }
            }
        }
    }

    /// Adds the value for the name of a Secret.
    fn secret(&mut self, name: String, is_single: bool) {
        let own = self.release.name(&name);
        let words = match (&own, is_single) {
            (_, true) => "",
            (Some(expression), false) => expression
                .shown
                .split_once('>')
                .map_or("", |(_, rest)| rest),
            (None, false) => &name,
        };
        let key = self.values.key(&[words, "secret", "name"]);
        let place = if self.is_project {
            "the namespace of the release"
        } else {
            "the records namespace of the operator"
        };
        let comment = format!("Secret with credentials, in {place}");
        let code = if let Some(expression) = own {
            self.values.add(
                &key,
                format!("{comment}; default: {}", expression.shown),
                &json!(""),
            );
            format!("{} | default {}", read(&key), expression.argument())
        } else {
            self.values.add(&key, comment, &json!(name));
            required(&key)
        };
        self.secrets.push((name, code));
    }

    fn replace_secret(&mut self, name: &mut String) {
        if let Some((_, code)) = self.secrets.iter().find(|(secret, _)| secret == name) {
            *name = self.placeholders.expression(code);
        }
    }
}

/// Returns a note about a host in the cluster that does not follow the release.
fn note(subject: &str, host: &Host) -> Option<Note> {
    match host {
        Host::Own(_) | Host::Elsewhere => None,
        Host::Foreign(name) => {
            let message = format!(
                "{subject}: Service `{name}` is not named after the record, so its address is a value"
            );
            Some(Note::new(message).hint(format!(
                "if `{name}` is a Service of the chart, pass the name of the release as NAME"
            )))
        }
        Host::Unclear(host) => {
            let message = format!("{subject}: `{host}` may be a Service or a public host");
            Some(Note::new(message).hint(format!(
                "write `{host}.svc` if it is a Service of the chart"
            )))
        }
    }
}
