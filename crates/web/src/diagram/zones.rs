//! Zones and their records.

use super::columns::Node;
use super::shape::{Diagram, HEIGHT, Label, Rectangle, WIDTH};

/// Maximum number of records of a zone.
const SHOWN: usize = 8;
/// Maximum number of zones in a row.
const IN_A_ROW: usize = 4;
/// Distance of the zones.
const COLUMN: usize = WIDTH + 24;
/// Distance of the records.
const ROW: usize = HEIGHT + 8;
/// Height of the headers.
const HEADER: usize = 48;

/// A zone.
pub(crate) struct Zone {
    pub(crate) name: String,
    /// Connections from the consumers: `12 internal, 3 external`.
    pub(crate) connections: String,
    /// Name and address of each record.
    pub(crate) records: Vec<(String, String)>,
    /// Address of the list of its records.
    pub(crate) path: String,
}

/// Draws a column for each zone.
pub(crate) fn draw(zones: &[Zone]) -> Diagram {
    let mut diagram = Diagram {
        id: "zones".to_owned(),
        title: "Zones and their records".to_owned(),
        width: zones.len().clamp(1, IN_A_ROW) * COLUMN,
        ..Diagram::default()
    };
    let mut top = 0;
    for row in zones.chunks(IN_A_ROW) {
        let mut bottom = top;
        for (number, zone) in row.iter().enumerate() {
            let x = number * COLUMN;
            for (y, text) in [(16, &zone.name), (36, &zone.connections)] {
                diagram.labels.push(Label {
                    x,
                    y: top + y,
                    text: text.clone(),
                    class: "",
                });
            }
            let mut nodes: Vec<Node> = zone
                .records
                .iter()
                .take(SHOWN)
                .map(|(text, path)| Node {
                    text: text.clone(),
                    path: path.clone(),
                })
                .collect();
            let omitted = zone.records.len() - nodes.len();
            if omitted > 0 {
                nodes.push(Node {
                    text: format!("{omitted} more"),
                    path: zone.path.clone(),
                });
            }
            for (position, node) in nodes.into_iter().enumerate() {
                let y = top + HEADER + position * ROW;
                bottom = bottom.max(y + ROW);
                let rectangle = Rectangle::new(x, y, &node.text, node.path);
                diagram.boxes.push(rectangle);
            }
        }
        top = bottom + 16;
    }
    diagram.height = top;
    let records: usize = zones.iter().map(|zone| zone.records.len()).sum();
    diagram.description = format!("{records} records in {} zones.", zones.len());
    diagram
}

#[cfg(test)]
mod tests {
    use super::{Zone, draw};

    #[test]
    fn counts_add_up_and_boxes_do_not_overlap() {
        let zones: Vec<Zone> = (0..6)
            .map(|number| Zone {
                name: format!("zone-{number}"),
                connections: String::new(),
                records: (0..number * 4)
                    .map(|record| (format!("record-{record}"), String::new()))
                    .collect(),
                path: String::new(),
            })
            .collect();
        let diagram = draw(&zones);
        assert_eq!(diagram.description, "60 records in 6 zones.");
        let more = diagram
            .boxes
            .iter()
            .filter_map(|one| one.text.strip_suffix(" more"));
        let more: usize = more.map(|number| number.parse::<usize>().unwrap()).sum();
        let shown = diagram
            .boxes
            .iter()
            .filter(|one| one.text.starts_with("record-"));
        assert_eq!(more + shown.count(), 60);
        for (at, one) in diagram.boxes.iter().enumerate() {
            assert!(one.x + one.width <= diagram.width && one.y + one.height <= diagram.height);
            for other in &diagram.boxes[at + 1..] {
                let apart = one.x + one.width <= other.x
                    || other.x + other.width <= one.x
                    || one.y + one.height <= other.y
                    || other.y + other.height <= one.y;
                assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
