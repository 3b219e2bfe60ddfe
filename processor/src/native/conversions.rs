//! Rows of the table `conversions`.

use schemas::{event::Conversion, reason::Refusal, status::Via};

use super::{
    Encoded, block_name,
    column::{Dictionary, Fixed, Texts},
    columns,
    frames::Frames,
    put_address,
};
use crate::{
    batch::Record,
    lookup::words::Words,
    outcome::{ConversionOutcome, Decision, RULES},
};

/// Columns in the order in which they are written.
const COLUMNS: [(&str, &str); 55] = [
    ("site", "UInt32"),
    ("affiliate", "UInt32"),
    ("link", "UInt32"),
    ("program", "UInt32"),
    ("time", "DateTime64(3, 'UTC')"),
    ("journal", "UInt64"),
    ("shard", "UInt16"),
    ("seq", "UInt64"),
    ("day", "Date"),
    ("count", "Int8"),
    ("conversion", "UInt64"),
    ("rules", "UInt16"),
    ("amount", "Int64"),
    ("commission", "Int64"),
    ("click_time", "DateTime64(3, 'UTC')"),
    ("click_journal", "UInt64"),
    ("click_shard", "UInt16"),
    ("click_seq", "UInt64"),
    ("commit", "UInt64"),
    ("txn_id", "String"),
    ("address", "String"),
    ("block", "LowCardinality(String)"),
    ("event", "LowCardinality(String)"),
    ("via", "LowCardinality(String)"),
    ("outcome", "LowCardinality(String)"),
    ("status", "LowCardinality(String)"),
    ("reason", "LowCardinality(String)"),
    ("currency", "LowCardinality(String)"),
    ("country", "LowCardinality(String)"),
    ("device", "LowCardinality(String)"),
    ("os", "LowCardinality(String)"),
    ("browser", "LowCardinality(String)"),
    ("referrer", "LowCardinality(String)"),
    ("source", "LowCardinality(String)"),
    ("sub1", "LowCardinality(String)"),
    ("sub2", "LowCardinality(String)"),
    ("sub3", "LowCardinality(String)"),
    ("sub4", "LowCardinality(String)"),
    ("sub5", "LowCardinality(String)"),
    ("sub6", "LowCardinality(String)"),
    ("sub7", "LowCardinality(String)"),
    ("sub8", "LowCardinality(String)"),
    ("sub9", "LowCardinality(String)"),
    ("sub10", "LowCardinality(String)"),
    ("coupon", "LowCardinality(String)"),
    ("adv1", "LowCardinality(String)"),
    ("adv2", "LowCardinality(String)"),
    ("adv3", "LowCardinality(String)"),
    ("adv4", "LowCardinality(String)"),
    ("adv5", "LowCardinality(String)"),
    ("adv6", "LowCardinality(String)"),
    ("adv7", "LowCardinality(String)"),
    ("adv8", "LowCardinality(String)"),
    ("adv9", "LowCardinality(String)"),
    ("adv10", "LowCardinality(String)"),
];

/// Columns of numbers that differ by row, the first of `COLUMNS`.
const FIXED: usize = 18;

/// What the stores know of a decided conversion beside its record and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// `affiliate_conversion.id`.
    pub conversion: u64,
    /// The click's journal as PostgreSQL keeps it; 0 without a click.
    pub click_journal: u64,
}

/// Rows on their way into `conversions`.
#[derive(Default)]
pub struct ConversionsBlock {
    rows: usize,
    fixed: [Fixed; FIXED],
    txn_id: Texts,
    address: Texts,
    /// event … source.
    texts: [Dictionary; 12],
    sub: [Dictionary; 10],
    coupon: Dictionary,
    adv: [Dictionary; 10],
    frames: Frames,
}

impl ConversionsBlock {
    /// Adds a conversion as decided and stored. `words` are those its outcome's words are of.
    pub fn push(
        &mut self,
        record: &Record<Conversion>,
        outcome: &ConversionOutcome,
        stored: Stored,
        words: &Words,
    ) {
        self.put_numbers(record, outcome, stored);
        let (event, row) = (&record.event, self.rows);
        self.txn_id.put(event.txn_id.as_bytes());
        put_address(&mut self.address, &event.address);
        let dimensions = &outcome.dimensions;
        let texts = [
            event.event.as_str(),
            Via::from_code(event.via).map_or("", Via::name),
            match outcome.decision {
                Decision::Accepted(_) => "accepted",
                Decision::Refused(_) => "refused",
            },
            outcome.status().name(),
            outcome.refusal().map_or("", Refusal::name),
            outcome.amount.map_or("", |amount| amount.currency().code()),
            words.text(dimensions.country),
            words.text(dimensions.device),
            words.text(dimensions.os),
            words.text(dimensions.browser),
            words.text(dimensions.referrer),
            event.source.as_str(),
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.put(row, text);
        }
        let given = self.sub.iter_mut().zip(&event.sub).chain(self.adv.iter_mut().zip(&event.adv));
        for (column, text) in given {
            column.put(row, text);
        }
        self.coupon.put(row, &event.coupon);
        self.rows += 1;
    }

    /// Rows so far.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The block, under its id (128 random bits) and its place in the order of commits; the next
    /// one begins empty. No rows give no bytes: an empty block is not sent.
    pub fn finish(&mut self, id: u128, commit: u64) -> Encoded {
        if self.rows == 0 {
            return Encoded::empty("conversions");
        }
        let mut block = Dictionary::default();
        let name = block.add(&block_name(id));
        let mut commits = Fixed::default();
        for row in 0..self.rows {
            block.put_key(row, name);
            commits.put(commit.to_le_bytes());
        }
        let (rows, out) = (self.rows, &mut self.frames);
        out.put_varint(COLUMNS.len() as u64);
        out.put_varint(rows as u64);
        let mut titles = COLUMNS.iter();
        let mut title = |out: &mut Frames| {
            let (name, kind) = titles.next().copied().unwrap_or_default();
            out.put_text(name);
            out.put_text(kind);
        };
        for column in self.fixed.iter_mut().chain([&mut commits]) {
            title(out);
            column.write(out);
        }
        for column in [&mut self.txn_id, &mut self.address] {
            title(out);
            column.write(out);
        }
        let texts = [&mut block].into_iter().chain(&mut self.texts).chain(&mut self.sub);
        for column in texts.chain([&mut self.coupon]).chain(&mut self.adv) {
            title(out);
            column.write(rows, out);
        }
        self.rows = 0;
        let (bytes, raw_bytes) = self.frames.take();
        Encoded { table: "conversions", columns: columns(&COLUMNS), rows, raw_bytes, bytes }
    }

    fn put_numbers(
        &mut self,
        record: &Record<Conversion>,
        outcome: &ConversionOutcome,
        stored: Stored,
    ) {
        let event = &record.event;
        let click = event.click.unwrap_or_default();
        let commission = outcome.commission().map_or(0, |line| line.amount.units());
        let amount = outcome.amount.map_or(0, |amount| amount.units());
        let [
            site,
            affiliate,
            link,
            program,
            time,
            journal,
            shard,
            seq,
            day,
            count,
            conversion,
            rules,
            amounts,
            commissions,
            click_time,
            click_journal,
            click_shard,
            click_seq,
        ] = &mut self.fixed;
        site.put(event.site.to_le_bytes());
        affiliate.put(outcome.affiliate.to_le_bytes());
        link.put(outcome.link.to_le_bytes());
        program.put(outcome.program.to_le_bytes());
        time.put(event.time_ms.to_le_bytes());
        journal.put(record.journal.to_le_bytes());
        shard.put((event.shard as u16).to_le_bytes());
        seq.put(record.seq.to_le_bytes());
        day.put(outcome.day.to_le_bytes());
        count.put([1]);
        conversion.put(stored.conversion.to_le_bytes());
        rules.put(RULES.to_le_bytes());
        amounts.put(amount.to_le_bytes());
        commissions.put(commission.to_le_bytes());
        click_time.put(click.time_ms.to_le_bytes());
        click_journal.put(stored.click_journal.to_le_bytes());
        click_shard.put((click.shard as u16).to_le_bytes());
        click_seq.put(click.seq.to_le_bytes());
    }
}
