//! Rows of the table `clicks`.

use schemas::{
    event::{Click, Flags},
    reason::Invalid,
};

use super::{
    Encoded, block_name,
    column::{Dictionary, Fixed, Texts},
    columns,
    frames::Frames,
    put_address,
};
use crate::{
    batch::Record,
    lookup::words::{Word, Words},
    outcome::{ClickOutcome, RULES},
};

/// Columns in the order in which they are written.
const COLUMNS: [(&str, &str); 41] = [
    ("site", "UInt32"),
    ("affiliate", "UInt32"),
    ("link", "UInt32"),
    ("program", "UInt32"),
    ("time", "DateTime64(3, 'UTC')"),
    ("journal", "UInt64"),
    ("shard", "UInt16"),
    ("seq", "UInt64"),
    ("day", "Date"),
    ("kind", "Int8"),
    ("count", "Int8"),
    ("rules", "UInt16"),
    ("key_version", "UInt8"),
    ("visitor", "UInt64"),
    ("commit", "UInt64"),
    ("address", "String"),
    ("aff_click_id", "String"),
    ("block", "LowCardinality(String)"),
    ("outcome", "LowCardinality(String)"),
    ("reason", "LowCardinality(String)"),
    ("country", "LowCardinality(String)"),
    ("region", "LowCardinality(String)"),
    ("city", "LowCardinality(String)"),
    ("device", "LowCardinality(String)"),
    ("os", "LowCardinality(String)"),
    ("browser", "LowCardinality(String)"),
    ("language", "LowCardinality(String)"),
    ("referrer", "LowCardinality(String)"),
    ("source", "LowCardinality(String)"),
    ("code", "LowCardinality(String)"),
    ("coupon", "LowCardinality(String)"),
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
];

/// Columns of numbers that differ by row, the first of `COLUMNS`.
const FIXED: usize = 14;
/// `outcome`'s keys, behind the empty one.
const OUTCOMES: [&str; 3] = ["unique", "duplicate", "invalid"];

/// Rows on their way into `clicks`.
#[derive(Default)]
pub struct ClicksBlock {
    rows: usize,
    words: u64,
    fixed: [Fixed; FIXED],
    address: Texts,
    aff_click_id: Texts,
    outcome: Dictionary,
    reason: Dictionary,
    /// country … referrer.
    dimensions: [Dictionary; 8],
    source: Dictionary,
    code: Dictionary,
    coupon: Dictionary,
    sub: [Dictionary; 10],
    frames: Frames,
}

impl ClicksBlock {
    /// Adds a click as decided. `words` are those its outcome's words are of.
    pub fn push(&mut self, record: &Record<Click>, outcome: &ClickOutcome, words: &Words) {
        if self.rows == 0 {
            self.begin();
        }
        if self.words != words.generation() {
            self.words = words.generation();
            self.dimensions.iter_mut().for_each(Dictionary::forget_words);
        }
        self.put_numbers(record, outcome);
        let (event, row) = (&record.event, self.rows);
        put_address(&mut self.address, &event.address);
        self.aff_click_id.put(event.aff_click_id.as_bytes());
        self.put_outcome(outcome);
        let words_of = outcome.dimensions.words();
        for (column, word) in self.dimensions.iter_mut().zip(words_of) {
            column.put_word(row, word, words);
        }
        self.source.put(row, &event.source);
        self.code.put(row, &event.code);
        self.coupon.put(row, &event.coupon);
        for (column, sub) in self.sub.iter_mut().zip(&event.sub) {
            column.put(row, sub);
        }
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
            return Encoded::empty("clicks");
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
        for column in [&mut self.address, &mut self.aff_click_id] {
            title(out);
            column.write(out);
        }
        let first = [&mut block, &mut self.outcome, &mut self.reason];
        let texts = first
            .into_iter()
            .chain(&mut self.dimensions)
            .chain([&mut self.source, &mut self.code, &mut self.coupon])
            .chain(&mut self.sub);
        for column in texts {
            title(out);
            column.write(rows, out);
        }
        self.rows = 0;
        let (bytes, raw_bytes) = self.frames.take();
        Encoded { table: "clicks", columns: columns(&COLUMNS), rows, raw_bytes, bytes }
    }

    fn begin(&mut self) {
        for name in OUTCOMES {
            self.outcome.add(name);
        }
        for reason in Invalid::ALL {
            self.reason.add(reason.name());
        }
    }

    fn put_numbers(&mut self, record: &Record<Click>, outcome: &ClickOutcome) {
        let event = &record.event;
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
            kind,
            count,
            rules,
            key_version,
            visitor,
        ] = &mut self.fixed;
        site.put(event.site.to_le_bytes());
        affiliate.put(event.affiliate.to_le_bytes());
        link.put(event.link.to_le_bytes());
        program.put(event.program.to_le_bytes());
        time.put(event.time_ms.to_le_bytes());
        journal.put(record.journal.to_le_bytes());
        shard.put((event.shard as u16).to_le_bytes());
        seq.put(record.seq.to_le_bytes());
        day.put(outcome.day.to_le_bytes());
        kind.put([if event.has(Flags::Impression) { 2 } else { 1 }]);
        count.put([1]);
        rules.put(RULES.to_le_bytes());
        key_version.put([event.key_version as u8]);
        visitor.put(visitor_key(event).to_le_bytes());
    }

    fn put_outcome(&mut self, outcome: &ClickOutcome) {
        let name = match (outcome.invalid, outcome.unique) {
            (None, true) => 1,
            (None, false) => 2,
            (Some(_), _) => 3,
        };
        self.outcome.put_key(self.rows, name);
        if let Some(reason) = outcome.invalid {
            let place = Invalid::ALL.iter().position(|known| *known == reason).unwrap_or(0);
            self.reason.put_key(self.rows, place as u32 + 1);
        }
    }
}

/// The key a person's clicks are told together by: the cookie's, else the network's.
const fn visitor_key(event: &Click) -> u64 {
    if event.visitor_cookie != 0 { event.visitor_cookie } else { event.visitor_network }
}

impl crate::outcome::Dimensions {
    /// In the order of the columns.
    pub(crate) const fn words(&self) -> [Word; 8] {
        [
            self.country,
            self.region,
            self.city,
            self.device,
            self.os,
            self.browser,
            self.language,
            self.referrer,
        ]
    }
}
