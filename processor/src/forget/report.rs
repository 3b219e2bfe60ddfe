//! What was emptied, and what is kept elsewhere for how long: for a person, and as JSON.

use serde::Serialize;
use std::fmt;

/// Rows of one table that told about the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Emptied {
    /// `postgresql` or `clickhouse`.
    pub store: &'static str,
    pub table: &'static str,
    pub rows: u64,
    /// What they told it by.
    pub columns: Vec<&'static str>,
}

/// Where more may be, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub what: &'static str,
    pub until: String,
}

/// What a wish came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `site_1`
    pub site: String,
    /// Nothing was changed.
    pub dry_run: bool,
    pub emptied: Vec<Emptied>,
    pub kept: Vec<Kept>,
}

impl Report {
    /// Whether there is nothing (left) to empty.
    pub fn is_empty(&self) -> bool {
        self.emptied.iter().all(|emptied| emptied.rows == 0)
    }

    /// Rows of a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.emptied.iter().filter(|emptied| emptied.table == table).map(|one| one.rows).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "would be emptied" } else { "emptied" };
        match self.is_empty() {
            true => writeln!(f, "nothing is left of this visitor of {}", self.site)?,
            false => {
                for emptied in self.emptied.iter().filter(|emptied| emptied.rows > 0) {
                    let table = format!("{} {}", emptied.store, emptied.table);
                    let columns = emptied.columns.join(", ");
                    writeln!(f, "{table:32} {:>8} rows {verb}: {columns}", emptied.rows)?;
                }
                writeln!(f, "rows, outcomes, sums and money stay as they are")?;
            }
        }
        writeln!(f, "\nnot reached from here:")?;
        self.kept.iter().try_for_each(|kept| writeln!(f, "{:32} {}", kept.what, kept.until))
    }
}
