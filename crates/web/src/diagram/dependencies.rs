//! Who uses what: consumers, services and endpoints, one step in each direction.

use std::collections::BTreeMap;

use extension_registry_query::describe::{Consumer, Description};

use super::columns::{Column, Node, draw};
use super::shape::Diagram;
use crate::link;

/// Number of boxes above which consumers are grouped.
const BOXES: usize = 40;

/// Draws the consumers of a record, its services and their endpoints.
pub(crate) fn of_record(record: &Description) -> Diagram {
    let endpoints: usize = record.services.iter().map(|one| one.endpoints.len()).sum();
    let is_grouped = record.consumers.len() + record.services.len() + endpoints > BOXES;
    let mut consumers = Column {
        title: "Consumers",
        ..Column::default()
    };
    let mut services = Column {
        title: "Services",
        ..Column::default()
    };
    let mut targets = Column {
        title: "Endpoints",
        ..Column::default()
    };
    for service in &record.services {
        let from = services.add(Node {
            text: service.name.clone(),
            path: String::new(),
        });
        for endpoint in &service.endpoints {
            // Endpoints of two services may have the same name.
            targets.nodes.push(Node {
                text: format!("{} ({})", endpoint.name, endpoint.kind),
                path: String::new(),
            });
            services.connect(from, targets.nodes.len() - 1);
        }
    }
    let position = |name: &str| record.services.iter().position(|one| one.name == name);
    let nodes = if is_grouped {
        groups(&record.consumers)
    } else {
        record.consumers.iter().map(single).collect()
    };
    for (node, service) in nodes {
        let from = consumers.add(node);
        if let Some(to) = position(&service) {
            consumers.connect(from, to);
        }
    }
    Diagram {
        id: "dependencies".to_owned(),
        title: format!("Consumers, services and endpoints of {}", record.name),
        description: format!(
            "{} requirements resolve to {} services with {endpoints} endpoints.",
            record.consumers.len(),
            record.services.len()
        ),
        ..draw(&[consumers, services, targets])
    }
}

fn single(consumer: &Consumer) -> (Node, String) {
    let object = consumer.consumer.object();
    let (namespace, name) = (&consumer.namespace, object.name());
    let node = Node {
        text: format!("{namespace}/{name}"),
        path: link::path(&[part(consumer), namespace, name]),
    };
    (node, consumer.service.clone())
}

fn part(consumer: &Consumer) -> &'static str {
    use extension_registry_query::consumer::ConsumerName;
    match consumer.consumer {
        ConsumerName::Step { .. } => "workflows",
        ConsumerName::Binding { .. } => "bindings",
    }
}

/// Counts the requirements of each kind of consumer for each service.
fn groups(consumers: &[Consumer]) -> Vec<(Node, String)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for consumer in consumers {
        let key = (consumer.service.as_str(), part(consumer));
        *counts.entry(key).or_default() += 1;
    }
    let groups = counts.into_iter().map(|((service, part), count)| {
        let node = Node {
            text: format!("{count} requirements of {part}"),
            path: link::path(&[part]),
        };
        (node, service.to_owned())
    });
    groups.collect()
}
