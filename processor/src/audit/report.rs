//! What an audit found, as a table for a person and as JSON for a script.

use serde::Serialize;
use std::fmt;

use super::{Extent, Kept};

/// One (journal, topic, partition).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// 16 hex digits.
    pub journal: String,
    /// The slot it was written in.
    pub slot: String,
    /// `clicks` or `conversions`.
    pub topic: &'static str,
    pub partition: u16,
    /// Last seq the journal said it had written.
    pub announced: u64,
    /// Records taken in.
    pub received: u64,
    /// Seqs an import left out.
    pub skipped: u64,
    /// Seqs declared lost.
    pub lost: u64,
    /// Deliveries dropped, since their record was in.
    pub repeated: u64,
    /// Records decided.
    pub decided: u64,
    /// Conversions that wait for their click.
    pub waiting: u64,
    /// Records nobody could read, not repaired.
    pub dead_letters: u64,
    /// Rows in ClickHouse: counted there, or of an audit of some days, by the senders.
    pub stored: u64,
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// Which comparison.
    pub what: &'static str,
    /// Which range, and what was found.
    pub range: String,
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The state is that as of this commit.
    pub commit: i64,
    /// Which events were compared, as a sentence's part; lanes are counted over all events.
    pub compared: String,
    /// What does not stay for ever: of what has expired nothing is compared.
    pub kept: Vec<Kept>,
    pub lanes: Vec<Lane>,
    /// Rollups compared with their raw rows.
    pub rollups: u64,
    /// Blocks compared by id.
    pub blocks: u64,
    /// Conversions compared between the stores.
    pub conversions: u64,
    /// Ledger transactions summed.
    pub ledger_txs: u64,
    /// Records still in journal files, each looked up in the sets.
    pub records_in_files: u64,
    /// Empty when everything agrees.
    pub discrepancies: Vec<Discrepancy>,
}

impl Report {
    pub(super) fn new(commit: i64, extent: &Extent) -> Self {
        Self {
            commit,
            compared: extent.to_string(),
            kept: Vec::new(),
            lanes: Vec::new(),
            rollups: 0,
            blocks: 0,
            conversions: 0,
            ledger_txs: 0,
            records_in_files: 0,
            discrepancies: Vec::new(),
        }
    }

    pub(super) fn say(&mut self, what: &'static str, range: String) {
        self.discrepancies.push(Discrepancy { what, range });
    }

    /// Whether everything agrees.
    pub fn is_clean(&self) -> bool {
        self.discrepancies.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "as of commit {}, {}", self.commit, self.compared)?;
        writeln!(
            f,
            "{:<10} {:<16} {:<11} {:>4} {:>10} {:>10} {:>9} {:>6} {:>8} {:>10} {:>8} {:>6} {:>10}",
            "slot",
            "journal",
            "topic",
            "part",
            "announced",
            "received",
            "skipped",
            "lost",
            "repeated",
            "decided",
            "waiting",
            "dead",
            "stored"
        )?;
        for lane in
            self.lanes.iter().filter(|lane| lane.announced + lane.received + lane.skipped > 0)
        {
            writeln!(
                f,
                "{:<10} {:<16} {:<11} {:>4} {:>10} {:>10} {:>9} {:>6} {:>8} {:>10} {:>8} {:>6} {:>10}",
                lane.slot,
                lane.journal,
                lane.topic,
                lane.partition,
                lane.announced,
                lane.received,
                lane.skipped,
                lane.lost,
                lane.repeated,
                lane.decided,
                lane.waiting,
                lane.dead_letters,
                lane.stored
            )?;
        }
        writeln!(
            f,
            "{} blocks, {} rollups, {} conversions, {} ledger transactions, {} records in journal files compared",
            self.blocks, self.rollups, self.conversions, self.ledger_txs, self.records_in_files
        )?;
        for kept in &self.kept {
            writeln!(f, "kept {kept}")?;
        }
        for found in &self.discrepancies {
            writeln!(f, "WRONG {}: {}", found.what, found.range)?;
        }
        match self.discrepancies.len() {
            0 => writeln!(f, "clean"),
            1 => writeln!(f, "1 discrepancy"),
            many => writeln!(f, "{many} discrepancies"),
        }
    }
}
