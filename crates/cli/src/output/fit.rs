//! Tables of which a line of a terminal has room for all.

use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// A column is never narrower than this, or than its header.
const LEAST: usize = 8;

/// Columns of standard output; None, where it is no terminal.
pub(crate) fn columns() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_col));
    Some(if size == 0 { COLUMNS } else { size })
}

/// Rows that fit into a line, and how many columns they have. The last column, a description, has what is left of
/// the line, and is left out where that is too little. On a terminal, the widest of the others are shortened too; a
/// program gets them whole.
pub(crate) fn fitting(
    header: &[&str],
    mut rows: Vec<Vec<String>>,
    terminal: Option<usize>,
) -> (usize, Vec<Vec<String>>) {
    let last = header.len() - 1;
    let mut widths: Vec<usize> = (0..last)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([header[column].len()]).max().unwrap_or(0)
        })
        .collect();
    // Two blanks between columns.
    let used = |widths: &[usize]| widths.iter().map(|width| width + 2).sum::<usize>();
    if let Some(room) = terminal {
        while used(&widths).saturating_sub(2) > room {
            let can = |column: &usize| widths[*column] > LEAST.max(header[*column].len());
            let Some(widest) = (0..last).filter(can).max_by_key(|column| widths[*column]) else {
                break;
            };
            widths[widest] -= 1;
        }
    }
    let left = terminal.unwrap_or(COLUMNS).saturating_sub(used(&widths));
    let columns = if left < header[last].len() {
        last
    } else {
        widths.push(left);
        header.len()
    };
    for row in &mut rows {
        row.truncate(columns);
        for (cell, width) in row.iter_mut().zip(&widths) {
            shorten(cell, *width);
        }
    }
    (columns, rows)
}

fn shorten(cell: &mut String, width: usize) {
    if cell.chars().count() > width {
        let kept: String = cell.chars().take(width - 1).collect();
        *cell = format!("{}…", kept.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    const HEADER: [&str; 4] = ["NAME", "VERSION", "STATUS", "DESCRIPTION"];

    /// Cells of one row: its longest name, longest version, `remote`, and a description.
    fn fitted(terminal: Option<usize>, lengths: [usize; 3]) -> Vec<String> {
        let [name, version, description] = lengths;
        let row = vec![
            "n".repeat(name),
            "1".repeat(version),
            "remote".to_owned(),
            "d".repeat(description),
        ];
        let (columns, mut rows) = fitting(&HEADER, vec![row], terminal);
        let row = rows.remove(0);
        assert_eq!(row.len(), columns);
        row
    }

    fn line(row: &[String]) -> usize {
        row.join("  ").chars().count()
    }

    #[test]
    fn r58_names_and_versions_of_any_length_fit_a_terminal() {
        for (room, lengths) in [
            (80, [100, 5, 20]),
            (80, [100, 120, 20]),
            (80, [5, 120, 0]),
            (40, [30, 30, 200]),
            (132, [100, 100, 100]),
        ] {
            let row = fitted(Some(room), lengths);
            assert!(line(&row) <= room, "{row:?}");
        }
        let row = fitted(Some(80), [100, 5, 20]);
        assert!(row[0].ends_with('…'), "{row:?}");
        assert_eq!(row[1], "11111", "what is short stays whole");
        // The widest gives most: both are as wide in the end.
        let row = fitted(Some(80), [100, 120, 20]);
        let width = |cell: &String| cell.chars().count();
        assert!(width(&row[0]).abs_diff(width(&row[1])) <= 1, "{row:?}");
    }

    #[test]
    fn r58_a_program_gets_names_and_versions_whole() {
        let row = fitted(None, [100, 120, 20]);
        assert_eq!((row[0].len(), row[1].len()), (100, 120));
        assert_eq!(row.len(), 3, "no room for a description");
        let row = fitted(None, [10, 7, 200]);
        assert_eq!(line(&row), 80);
    }

    #[test]
    fn a_terminal_with_more_columns_shows_more() {
        assert_eq!(fitted(Some(200), [100, 5, 40])[3].len(), 40);
    }
}
