//! Imports a log as a journal of its own: its id is a hash of the file and of the site, a record's seq
//! is its line.
//!
//! So an import that was killed goes on where it was, and one repeated changes nothing. What was
//! decided at its beginning (the shift that makes the log's end now, the links its codes had) lies
//! beside the journal and holds for every later try. Refuses to guess who was redirected where: an
//! imported click has no destination.

mod beginning;
mod record;

use std::{
    collections::HashMap,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use journal::{Import, JournalId, Partition, TopicId, Writer, WriterConfig};
use schemas::{
    event::{ClickRef, Message},
    ids::SiteId,
    keys::Keys,
    topic::{Shard, Topic},
};
use sha2::{Digest, Sha256};

use super::{
    Result,
    log::{self, Event, Request},
};
use beginning::Beginning;
use record::Records;

pub use record::{Link, Places, places};

/// The slot of all imports below the journals' root.
const SLOT: &str = "import";
/// Lines between two commits (and two calls of `on_progress`).
const LINES: u64 = 2_000;

/// What an import needs besides the file.
#[derive(Debug)]
pub struct Options {
    /// The folder of all journals.
    pub journals: PathBuf,
    /// Of a new import; one gone on with keeps its own.
    pub partitions: u16,
    /// The installation's secrets.
    pub keys: Keys,
    /// Whose traffic it is.
    pub site: SiteId,
    /// The moment a new import ends at, in milliseconds since 1970.
    pub now_ms: u64,
}

/// How far an import is, and what it found; lines of an earlier try are counted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Lines looked at.
    pub lines: u64,
    /// Lines of the file.
    pub of: u64,
    /// Clicks among them.
    pub clicks: u64,
    /// Conversions among them.
    pub conversions: u64,
    /// Neither: assets, other methods.
    pub skipped: u64,
    /// Not of the format.
    pub broken: u64,
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The import's journal.
    pub journal: JournalId,
    /// What the file held.
    pub counts: Progress,
    /// What was added to every time, in milliseconds.
    pub shift_ms: i64,
    /// It was complete already: nothing was written.
    pub repeated: bool,
    /// The last line of an earlier try that was cut short; this one went on behind it.
    pub went_on_after: Option<u64>,
}

/// Writes the log's events into the import's journal. Blocks; `places` come from the database.
///
/// # Errors
/// When the file can't be read, or the journal can't be written.
pub fn import(
    file: &Path,
    places: Places,
    options: Options,
    mut on_progress: impl FnMut(Progress),
) -> Result<Imported> {
    let survey = Survey::of(file)?;
    let journal = survey.journal(options.site);
    let beginning = Beginning::of(&options, journal, &survey, places)?;
    let shift_ms = beginning.shift_ms;
    let config =
        WriterConfig::new(&options.journals, SLOT, beginning.partitions, options.keys.journal());
    // Its own time is the events': what it announces is never later than what is still to come.
    let first_ms = survey.first_ms.saturating_add_signed(shift_ms);
    // The processor removes journals read long ago; what was imported stays imported.
    let writer = match beginning.is_done(&options) {
        true => Import::Complete,
        false => Writer::open_import(config, first_ms, journal)?,
    };
    let writer = match writer {
        Import::Writing(writer) => Some(*writer),
        Import::Complete => None,
    };
    let repeated = writer.is_none();
    let records = Records::new(&options, beginning.clone());
    let mut importing = Importing::new(records, writer, survey.lines);
    for line in log::open(file)? {
        let (number, request) = line?;
        importing.line(number, request, shift_ms)?;
        if number % LINES == 0 {
            importing.commit()?;
            on_progress(importing.progress);
        }
    }
    let went_on_after = Some(importing.written).filter(|line| *line > 0);
    let counts = importing.end()?;
    beginning.note_done(&options)?;
    on_progress(counts);
    Ok(Imported { journal, counts, shift_ms, repeated, went_on_after })
}

/// What must be known of a file before its first event can be written.
struct Survey {
    sha256: [u8; 32],
    lines: u64,
    first_ms: u64,
    latest_ms: u64,
}

impl Survey {
    fn of(file: &Path) -> Result<Self> {
        let mut survey = Self { sha256: sha256(file)?, lines: 0, first_ms: 0, latest_ms: 0 };
        for line in log::open(file)? {
            let (number, request) = line?;
            survey.lines = number;
            if let Some(request) = request {
                if survey.first_ms == 0 {
                    survey.first_ms = request.time_ms;
                }
                survey.latest_ms = survey.latest_ms.max(request.time_ms);
            }
        }
        Ok(survey)
    }

    /// Of the file and the options that change what is written.
    fn journal(&self, site: SiteId) -> JournalId {
        let text = format!("tributary import 1: access log, {site}, ends now");
        let digest = Sha256::new().chain_update(self.sha256).chain_update(text).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        JournalId(u64::from_be_bytes(id))
    }
}

fn sha256(file: &Path) -> io::Result<[u8; 32]> {
    let mut file = BufReader::new(File::open(file)?);
    let mut hasher = Sha256::new();
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            return Ok(hasher.finalize().into());
        }
        hasher.update(chunk);
        let length = chunk.len();
        file.consume(length);
    }
}

/// An import under way: the file is read from its beginning each time, since a conversion needs the
/// clicks before it; what is in the journal is not written again.
struct Importing {
    records: Records,
    /// None when the journal is complete.
    writer: Option<Writer>,
    /// The last line in the journal when this try began.
    written: u64,
    latest_ms: u64,
    /// By a hash of the visitor, who may be one of millions: the latest click and its path's program.
    clicked: HashMap<u64, (ClickRef, usize)>,
    progress: Progress,
}

impl Importing {
    fn new(records: Records, mut writer: Option<Writer>, of: u64) -> Self {
        let written = writer.as_mut().map_or(0, last_line);
        let progress = Progress { of, ..Progress::default() };
        Self { records, writer, written, latest_ms: 0, clicked: HashMap::new(), progress }
    }

    fn line(&mut self, number: u64, request: Option<Request>, shift_ms: i64) -> Result<()> {
        self.progress.lines = number;
        let Some(request) = request else {
            self.progress.broken += 1;
            return Ok(());
        };
        // Time never goes back in the file's order (servers write a line when its answer ends).
        let time_ms = request.time_ms.saturating_add_signed(shift_ms).max(self.latest_ms);
        self.latest_ms = time_ms;
        let visitor = visitor(&request);
        match request.event() {
            Event::Click { code, program } => {
                self.progress.clicks += 1;
                let click = self.records.click(&request, &code, time_ms);
                self.clicked.insert(visitor, (self.records.reference(&click, number), program));
                self.write(Topic::Clicks, (number, click.shard), &click)
            }
            Event::Conversion { program, amount_minor, txn_id } => {
                self.progress.conversions += 1;
                let named = self.clicked.get(&visitor).copied();
                let program = named.map_or(program, |(_, program)| program);
                let named = named.map(|(click, _)| click);
                let sale = record::Sale { program, amount_minor, txn_id };
                let conversion = self.records.conversion(&request, time_ms, sale, named);
                self.write(Topic::Conversions, (number, conversion.shard), &conversion)
            }
            Event::Skipped => {
                self.progress.skipped += 1;
                Ok(())
            }
        }
    }

    /// Stages an event under its line's number, if it is not in the journal yet.
    fn write(
        &mut self,
        topic: Topic,
        (line, shard): (u64, u32),
        event: &impl Message,
    ) -> Result<()> {
        let Some(writer) = self.writer.as_mut().filter(|_| line > self.written) else {
            return Ok(());
        };
        let shard = Shard::new(shard as u16).unwrap_or_default();
        let partition = Partition(shard.partition(writer.partitions()));
        let topic = TopicId(topic.id());
        writer.skip_to(topic, partition, line)?;
        writer.stage(topic, partition, &event.encode_to_vec())?;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.heartbeat(self.latest_ms)?;
            writer.commit()?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Progress> {
        self.commit()?;
        if let Some(writer) = self.writer {
            writer.end(None)?;
        }
        Ok(self.progress)
    }
}

/// An address and a user agent as written in the log, as one number.
fn visitor(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.address, &request.user_agent).hash(&mut hasher);
    hasher.finish()
}

/// A commit holds whole lines in order, so the highest seq of any topic and partition is the last.
fn last_line(writer: &mut Writer) -> u64 {
    let mut last = 0;
    for topic in Topic::ALL {
        for partition in 0..writer.partitions() {
            let next = writer.next_seq(TopicId(topic.id()), Partition(partition));
            last = last.max(next.saturating_sub(1));
        }
    }
    last
}

#[cfg(test)]
mod tests;
