//! Proposes a record for a Service of the cluster. Its ports become services, its DNS name an internal endpoint, and
//! load balancers and Ingresses external endpoints.

use extension_registry_core::diagnostic::Failure;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::Result;
use crate::inventory::{Note, ReadLog};

const PRODUCT: &str = "app.kubernetes.io/name";
const VERSION: &str = "app.kubernetes.io/version";

/// A Service and the Ingresses of its namespace.
pub struct Found {
    service: Service,
    ingresses: Vec<Ingress>,
}

/// Reads a Service and the Ingresses of its namespace.
///
/// # Errors
/// If the Service does not exist, or a request fails.
pub async fn find(
    client: &Client,
    namespace: &str,
    name: &str,
    log: &mut ReadLog,
) -> Result<Found> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = services.get_opt(name).await.map_err(|error| {
        Failure::new(format!("failed to read Service {namespace}/{name}")).caused_by(error)
    })?;
    let service = service.ok_or_else(|| {
        Failure::new(format!("Service {namespace}/{name} not found")).hint(format!(
            "list Services with `kubectl get services -n {namespace}`"
        ))
    })?;
    let ingresses: Api<Ingress> = Api::namespaced(client.clone(), namespace);
    let ingresses = match ingresses.list(&ListParams::default()).await {
        Ok(list) => list.items,
        Err(kube::Error::Api(status)) if status.code == 403 => {
            log.notes.push(Note::new(format!(
                "not allowed to list Ingresses in namespace {namespace}; external endpoints may be missing"
            )));
            Vec::new()
        }
        Err(error) => return Err(Failure::new("failed to list Ingresses").caused_by(error)),
    };
    Ok(Found { service, ingresses })
}

/// What the services of the record offer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer<'o> {
    /// Name of the only service.
    pub service: Option<&'o str>,
    /// Resource.
    pub resource: Option<&'o str>,
    /// Category of the resource.
    pub category: Option<&'o str>,
}

/// Proposes the spec of a record, without credentials.
///
/// # Errors
/// If the Service has no ports, or a name is given for several.
pub fn propose(found: &Found, offer: &Offer<'_>) -> Result<Value> {
    let service = &found.service;
    let name = service.name_any();
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref());
    let ports: Vec<&ServicePort> = ports.into_iter().flatten().collect();
    if ports.is_empty() {
        return Err(Failure::new(format!("Service {name} has no ports")));
    }
    if ports.len() > 1 && offer.service.is_some() {
        return Err(Failure::new(format!(
            "cannot use --service: Service {name} has several ports, and each becomes a service"
        ))
        .hint("omit --service, or edit the output of --dry-run and pass it with -f"));
    }
    let mut services = Vec::new();
    for port in &ports {
        let only = (ports.len() == 1).then_some(offer.service.or(offer.resource));
        let title = match only {
            Some(title) => title.unwrap_or(&name).to_owned(),
            None => port.name.clone().unwrap_or_else(|| port.port.to_string()),
        };
        let mut offered = json!({"name": title, "endpoints": endpoints(found, port)});
        set(&mut offered, "resource", offer.resource);
        set(&mut offered, "category", offer.category);
        services.push(offered);
    }
    let labels = service.labels();
    let product = labels.get(PRODUCT).unwrap_or(&name);
    let mut spec = json!({"product": product, "services": services});
    set(
        &mut spec,
        "version",
        labels.get(VERSION).map(String::as_str),
    );
    Ok(spec)
}

fn endpoints(found: &Found, port: &ServicePort) -> Vec<Value> {
    let service = &found.service;
    let spec = service.spec.as_ref();
    let namespace = service.namespace().unwrap_or_default();
    let address = |host: &str| match scheme(port) {
        Some(scheme) => format!("{scheme}://{host}:{}", port.port),
        None => format!("{host}:{}", port.port),
    };
    let mut external = Vec::new();
    let elsewhere = spec.and_then(|spec| spec.external_name.as_ref());
    external.extend(elsewhere.map(|host| address(host)));
    let status = service.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    let hosts = balancer
        .and_then(|balancer| balancer.ingress.as_ref())
        .into_iter()
        .flatten()
        .filter_map(|ingress| ingress.hostname.as_ref().or(ingress.ip.as_ref()));
    external.extend(hosts.map(|host| address(host)));
    for ingress in &found.ingresses {
        external.extend(ingress_urls(ingress, &service.name_any(), port));
    }

    let mut endpoints = Vec::new();
    if elsewhere.is_none() {
        let host = format!("{}.{namespace}.svc", service.name_any());
        endpoints.push(json!({"name": "cluster", "url": address(&host), "type": "internal"}));
    }
    for (index, url) in external.iter().enumerate() {
        let name = match index {
            0 => "external".to_owned(),
            _ => format!("external-{}", index + 1),
        };
        endpoints.push(json!({"name": name, "url": url, "type": "external"}));
    }
    endpoints
}

/// Returns the addresses of an Ingress for a port.
fn ingress_urls(ingress: &Ingress, service: &str, port: &ServicePort) -> Vec<String> {
    let is_backend = |path: &&HTTPIngressPath| {
        path.backend.service.as_ref().is_some_and(|backend| {
            let to = backend.port.as_ref();
            let is_port = to.is_none_or(|to| {
                to.number == Some(port.port) || (to.name.is_some() && to.name == port.name)
            });
            backend.name == service && is_port
        })
    };
    let spec = ingress.spec.as_ref();
    let tls: Vec<&String> = spec
        .and_then(|spec| spec.tls.as_ref())
        .into_iter()
        .flatten()
        .flat_map(|tls| tls.hosts.iter().flatten())
        .collect();
    let rules = spec.and_then(|spec| spec.rules.as_ref());
    let mut addresses = Vec::new();
    for rule in rules.into_iter().flatten() {
        // Without a host, or with a wildcard, the address is unknown.
        let Some(host) = rule.host.as_ref().filter(|host| !host.starts_with('*')) else {
            continue;
        };
        let scheme = if tls.contains(&host) { "https" } else { "http" };
        let paths = rule.http.iter().flat_map(|http| &http.paths);
        addresses.extend(paths.filter(is_backend).map(|path| {
            let path = path.path.as_deref().unwrap_or_default();
            // A path with a regular expression is not part of the address.
            let is_plain = !path.contains(['(', '*', '[', '|']);
            let path = if is_plain {
                path.trim_end_matches('/')
            } else {
                ""
            };
            format!("{scheme}://{host}{path}")
        }));
    }
    addresses.dedup();
    addresses
}

/// Returns the URL scheme of a port; None if it is not HTTP.
fn scheme(port: &ServicePort) -> Option<&'static str> {
    let words = [port.app_protocol.as_deref(), port.name.as_deref()];
    let mentions = |word: &str| {
        words
            .iter()
            .flatten()
            .any(|text| text.split(['-', '/', '.']).any(|part| part == word))
    };
    if mentions("https") || matches!(port.port, 443 | 8443) {
        return Some("https");
    }
    let is_other = words.iter().flatten().any(|text| {
        [
            "tcp",
            "grpc",
            "postgresql",
            "postgres",
            "mysql",
            "redis",
            "mongo",
            "kafka",
            "tls",
        ]
        .contains(&text.split(['-', '/', '.']).next().unwrap_or_default())
    });
    (mentions("http") || mentions("web") || !is_other).then_some("http")
}

fn set(object: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[field] = json!(value);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ServicePort;
    use serde_json::json;

    use super::{Found, endpoints, scheme};

    #[test]
    fn detects_scheme_of_port() {
        let of = |name: &str, protocol: Option<&str>, port: i32| {
            scheme(&ServicePort {
                name: Some(name.to_owned()),
                app_protocol: protocol.map(str::to_owned),
                port,
                ..ServicePort::default()
            })
        };
        assert_eq!(of("http", None, 80), Some("http"));
        assert_eq!(of("api", None, 9000), Some("http"));
        assert_eq!(of("https-api", None, 9443), Some("https"));
        assert_eq!(of("api", None, 443), Some("https"));
        assert_eq!(of("grpc", None, 9000), None);
        assert_eq!(of("tcp-postgresql", None, 5432), None);
        assert_eq!(of("db", Some("postgresql"), 5432), None);
        assert_eq!(of("x", Some("https"), 1), Some("https"));
    }

    #[test]
    fn collects_external_endpoints() {
        let balanced = json!([{"ip": "192.0.2.7"}, {"hostname": "lb.example.org"}]);
        let service = json!({
            "metadata": {"name": "store", "namespace": "dev"},
            "spec": {"ports": [{"port": 9000, "name": "api"}]},
            "status": {"loadBalancer": {"ingress": balanced}},
        });
        let path = |path: &str, port: i32| {
            let backend = json!({"service": {"name": "store", "port": {"number": port}}});
            json!({"pathType": "Prefix", "path": path, "backend": backend})
        };
        let rule = |host: &str, paths: &[serde_json::Value]| json!({"host": host, "http": {"paths": paths}});
        let ingress = json!({"spec": {"rules": [
            rule("*.example.org", &[path("/", 9000)]),
            rule("store.example.org", &[path("/a(/|$)(.*)", 9000), path("/", 1)]),
        ]}});
        let found = Found {
            service: serde_json::from_value(service).unwrap(),
            ingresses: vec![serde_json::from_value(ingress).unwrap()],
        };
        let port = &found.service.spec.as_ref().unwrap().ports.as_ref().unwrap()[0];
        let urls: Vec<String> = endpoints(&found, port)
            .iter()
            .map(|endpoint| endpoint["url"].as_str().unwrap().to_owned())
            .collect();
        let expected = [
            "http://store.dev.svc:9000",
            "http://192.0.2.7:9000",
            "http://lb.example.org:9000",
            "http://store.example.org",
        ];
        assert_eq!(urls, expected);
    }
}
