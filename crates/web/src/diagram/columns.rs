//! Columns of boxes with lines from each column to the next.

use super::shape::{Diagram, HEIGHT, Label, Line, Rectangle, WIDTH};

/// Distance of the columns.
const COLUMN: usize = WIDTH + 60;
/// Distance of the rows.
const ROW: usize = HEIGHT + 12;
/// Height of the headers.
const HEADER: usize = 28;

/// A box of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) text: String,
    pub(super) path: String,
}

/// A column, and lines from its boxes to those of the next column, as positions.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) nodes: Vec<Node>,
    pub(super) lines: Vec<(usize, usize)>,
}

impl Column {
    /// Adds a box, unless the column has it, and returns its position.
    pub(super) fn add(&mut self, node: Node) -> usize {
        let found = self.nodes.iter().position(|own| *own == node);
        found.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }

    /// Adds a line, unless the column has it.
    pub(super) fn connect(&mut self, from: usize, to: usize) {
        if !self.lines.contains(&(from, to)) {
            self.lines.push((from, to));
        }
    }
}

/// Draws columns. The first column keeps its order; in the others, each box is near those that lead to it.
pub(super) fn draw(columns: &[Column]) -> Diagram {
    let mut diagram = Diagram {
        width: columns.len() * COLUMN - (COLUMN - WIDTH),
        ..Diagram::default()
    };
    let mut rows: Vec<usize> = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let x = number * COLUMN;
        let before = number.checked_sub(1).map(|before| &columns[before].lines);
        let own = match before {
            Some(lines) => ordered(column.nodes.len(), lines, &rows),
            None => (0..column.nodes.len()).collect(),
        };
        diagram.labels.push(Label {
            x,
            y: 16,
            text: column.title.to_owned(),
            class: "",
        });
        for (node, row) in column.nodes.iter().zip(&own) {
            let y = HEADER + row * ROW;
            let rectangle = Rectangle::new(x, y, &node.text, node.path.clone());
            diagram.boxes.push(rectangle);
        }
        for (from, to) in before.into_iter().flatten() {
            let middle = |row: usize| HEADER + row * ROW + HEIGHT / 2;
            diagram.lines.push(Line {
                from: (x - (COLUMN - WIDTH), middle(rows[*from])),
                to: (x, middle(own[*to])),
                is_dashed: false,
            });
        }
        let bottom = HEADER + column.nodes.len() * ROW;
        diagram.height = diagram.height.max(bottom);
        rows = own;
    }
    diagram
}

/// Returns the row of each box: ordered by the mean row of the boxes that lead to it.
fn ordered(count: usize, lines: &[(usize, usize)], rows: &[usize]) -> Vec<usize> {
    let mean = |node: usize| {
        let mut sum: usize = 0;
        let mut number = 0;
        for (from, _) in lines.iter().filter(|(_, to)| *to == node) {
            sum += rows[*from] * 1000;
            number += 1;
        }
        // A box without lines comes last.
        usize::checked_div(sum, number).unwrap_or(usize::MAX)
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|node| mean(*node));
    let mut own = vec![0; count];
    for (row, node) in order.into_iter().enumerate() {
        own[node] = row;
    }
    own
}

#[cfg(test)]
mod tests {
    use super::{Column, Node, draw, ordered};

    fn column(title: &'static str, names: &[&str], lines: &[(usize, usize)]) -> Column {
        let nodes = names.iter().map(|name| Node {
            text: (*name).to_owned(),
            path: String::new(),
        });
        Column {
            title,
            nodes: nodes.collect(),
            lines: lines.to_vec(),
        }
    }

    #[test]
    fn boxes_are_near_those_that_lead_to_them() {
        assert_eq!(ordered(3, &[(0, 2), (1, 0), (2, 1)], &[0, 1, 2]), [1, 2, 0]);
        // A box without lines comes last.
        assert_eq!(ordered(2, &[(0, 1)], &[0]), [1, 0]);
    }

    #[test]
    fn every_box_and_line_is_drawn_inside() {
        let columns = [
            column("a", &["1", "2"], &[(0, 1), (1, 0), (1, 1)]),
            column("b", &["3", "4", "5"], &[]),
        ];
        let diagram = draw(&columns);
        assert_eq!(diagram.boxes.len(), 5);
        assert_eq!(diagram.lines.len(), 3);
        for one in &diagram.boxes {
            assert!(one.x + one.width <= diagram.width, "{one:?}");
            assert!(one.y + one.height <= diagram.height, "{one:?}");
        }
        for line in &diagram.lines {
            let starts =
                |one: &&super::Rectangle| (one.x + one.width, one.y + one.height / 2) == line.from;
            assert!(diagram.boxes.iter().any(|one| starts(&one)), "{line:?}");
            let ends = |one: &&super::Rectangle| (one.x, one.y + one.height / 2) == line.to;
            assert!(diagram.boxes.iter().any(|one| ends(&one)), "{line:?}");
        }
    }

    #[test]
    fn equal_boxes_and_lines_occur_once() {
        let mut column = Column::default();
        let node = Node {
            text: "a".to_owned(),
            path: String::new(),
        };
        assert_eq!((column.add(node.clone()), column.add(node)), (0, 0));
        column.connect(0, 0);
        column.connect(0, 0);
        assert_eq!(column.lines, [(0, 0)]);
    }
}
