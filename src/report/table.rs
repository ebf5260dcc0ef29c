//! A table whose cells wrap instead of being cut, aligned with wide characters.

use super::style::{padded, wide, wrapped};

/// Columns between two cells.
const GAP: usize = 2;
/// A cell is never narrower, however narrow the terminal.
const LEAST: usize = 10;

/// Lines of a table. The first row is the head; the first `stiff` columns keep their natural width, the others share
/// what is left. Each row comes as its lines, the cells not yet painted.
pub(super) fn table(rows: &[Vec<String>], stiff: usize, width: usize) -> Vec<Vec<String>> {
    let widths = widths(rows, stiff, width);
    rows.iter().map(|row| lines(row, &widths)).collect()
}

/// The column at which a cell of the table begins.
pub(super) fn begins(rows: &[Vec<String>], column: usize) -> usize {
    let natural =
        |at: usize| rows.iter().map(|row| row.get(at).map_or(0, |cell| wide(cell))).max().unwrap_or(0);
    (0..column).map(|at| natural(at) + GAP).sum()
}

fn widths(rows: &[Vec<String>], stiff: usize, width: usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural =
        |at: usize| rows.iter().map(|row| row.get(at).map_or(0, |cell| wide(cell))).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(natural).collect();
    while widths.iter().sum::<usize>() + GAP * columns.saturating_sub(1) > width {
        let widest = widths.iter_mut().skip(stiff).filter(|it| **it > LEAST).max_by_key(|it| **it);
        match widest {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    widths
}

fn lines(row: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, &width)| wrapped(cell, width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let parts = cells.iter().zip(widths).map(|(cell, &width)| {
            let text = cell.get(at).map_or("", String::as_str);
            padded(text, width + GAP)
        });
        parts.collect::<String>().trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_cell_wraps_and_the_columns_stay_aligned() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["id", "host", "what"]), row(["A-1", "数据库1", "fsync p99 of /var/lib/x"])];
        let drawn = table(&rows, 2, 28);
        assert_eq!(drawn[0], ["id   host     what"]);
        assert_eq!(drawn[1], ["A-1  数据库1  fsync p99 of", "              /var/lib/x"]);
        assert_eq!(begins(&rows, 2), 14);
    }
}
