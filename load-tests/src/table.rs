//! One table and a last line, on standard output: what every measuring program ends with.

use std::io::{self, Write};

/// Columns aligned to their longest cell; the first to the left, the others to the right.
pub fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let aligned = cells.zip(&widths).enumerate().map(|(n, (cell, &width))| match n {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = aligned.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Prints the table and its last line, `ratio 0.83` or `rate 150000`.
///
/// # Errors
/// When nobody reads it any more.
pub fn print(head: &[&str], rows: &[Vec<String>], last: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}{last}", render(head, rows))
}

/// The p-th percentile (0 to 100) of sorted values, nearest rank; `None` of nothing.
pub fn percentile<T: Copy>(sorted: &[T], p: f64) -> Option<T> {
    let rank = (p / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["nginx".into(), "8.4".into()], vec!["collector".into(), "12.25".into()]];
        let text = render(&["server", "µs"], &rows);
        assert_eq!(text, "server        µs\nnginx        8.4\ncollector  12.25\n");
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let values: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&values, 50.0), Some(50));
        assert_eq!(percentile(&values, 99.0), Some(99));
        assert_eq!(percentile(&values[..1], 99.0), Some(1));
        assert_eq!(percentile::<u32>(&[], 50.0), None);
    }
}
