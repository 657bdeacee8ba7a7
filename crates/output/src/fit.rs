//! Fits tables into the width of a terminal.

use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

/// Width of a terminal that does not report one.
const COLUMNS: usize = 80;

/// Minimum width of a column; the header may be wider.
const LEAST: usize = 8;

/// Returns the width of standard output; None if it is not a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_col));
    Some(if size == 0 { COLUMNS } else { size })
}

/// Truncates rows to fit into a line, and returns the number of columns. The last column, a description, gets the
/// rest of the line, and is omitted if that is too narrow. The widest of the other columns are truncated only on a
/// terminal.
#[must_use]
pub fn fitting(
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
    // Two spaces separate columns.
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

    /// Fits one row with cells of these lengths.
    fn fit(terminal: Option<usize>, lengths: [usize; 3]) -> Vec<String> {
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
    fn truncates_rows_on_terminal() {
        for (room, lengths) in [
            (80, [100, 5, 20]),
            (80, [100, 120, 20]),
            (80, [5, 120, 0]),
            (40, [30, 30, 200]),
            (132, [100, 100, 100]),
        ] {
            let row = fit(Some(room), lengths);
            assert!(line(&row) <= room, "{row:?}");
        }
        let row = fit(Some(80), [100, 5, 20]);
        assert!(row[0].ends_with('…'), "{row:?}");
        assert_eq!(row[1], "11111", "short cells are not truncated");
        // The widest column is truncated most: both end up equally wide.
        let row = fit(Some(80), [100, 120, 20]);
        let width = |cell: &String| cell.chars().count();
        assert!(width(&row[0]).abs_diff(width(&row[1])) <= 1, "{row:?}");
    }

    #[test]
    fn keeps_names_and_versions_without_terminal() {
        let row = fit(None, [100, 120, 20]);
        assert_eq!((row[0].len(), row[1].len()), (100, 120));
        assert_eq!(row.len(), 3, "the description is omitted");
        let row = fit(None, [10, 7, 200]);
        assert_eq!(line(&row), 80);
    }

    #[test]
    fn wide_terminal_shows_longer_description() {
        assert_eq!(fit(Some(200), [100, 5, 40])[3].len(), 40);
    }
}
