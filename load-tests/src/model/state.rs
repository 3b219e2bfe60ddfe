//! What there is, as small as it can be said.

use std::fmt;

/// Events are bits; an event's number is its seq (two journals: those of the copy come behind).
pub(super) type Events = u8;

/// How much may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Events written.
    pub events: u8,
    /// Processors.
    pub processors: usize,
    /// Crashes of collector and processors, takeovers and replies lost, together.
    pub mishaps: u8,
    /// Restores of PostgreSQL.
    pub restores: u8,
    /// Blocks ClickHouse remembers.
    pub window: usize,
    /// Inserts under way at once.
    pub inserts: usize,
    /// How far senders go beyond the oldest block; 1: it alone.
    pub ahead: usize,
    /// Whether the collector's disk is copied, and the copy started too.
    pub copies: bool,
}

impl Bounds {
    /// Seconds.
    pub const SMALL: Self = Self {
        events: 2,
        processors: 2,
        mishaps: 1,
        restores: 1,
        window: 1,
        inserts: 2,
        ahead: 1,
        copies: false,
    };
}

/// What `pipeline.md` says, each a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A checkpoint moves only over what Kafka has acknowledged (§4).
    CheckpointBehindAck,
    /// A start makes a new incarnation, whose numbers nobody else gives out (§1).
    NewIncarnation,
    /// A record whose number is in the set is dropped (§5).
    SeqSet,
    /// A commit needs the epoch and the offset it was read with (§5).
    Fence,
    /// A block is sent under its id, the same on every try (§6).
    Token,
    /// Senders stay near the oldest block (§6).
    OldestFirst,
    /// A sender connects, then looks whether the block is still there, then writes (§6).
    CheckBeforeWrite,
    /// An insert is cut off before ClickHouse can have forgotten the block (§6).
    CutOff,
    /// A block goes from the outbox when ClickHouse has answered (§6).
    DoneBehindAnswer,
    /// After a restore nobody commits or sends before ClickHouse was brought back (§6).
    Reconcile,
    /// Whoever reconciles waits until no insert can be under way (§6).
    WaitOutInserts,
    /// Blocks still to be sent get new ids (§6).
    RenameOutbox,
    /// `as_of` waits until the blocks are in (§6).
    AsOfBehindBlocks,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::CheckpointBehindAck,
        Self::NewIncarnation,
        Self::SeqSet,
        Self::Fence,
        Self::Token,
        Self::OldestFirst,
        Self::CheckBeforeWrite,
        Self::CutOff,
        Self::DoneBehindAnswer,
        Self::Reconcile,
        Self::WaitOutInserts,
        Self::RenameOutbox,
        Self::AsOfBehindBlocks,
    ];
}

/// Which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The one that does not.
    pub off: Option<Rule>,
}

impl Rules {
    /// Whether a rule holds.
    pub(super) fn holds(self, rule: Rule) -> bool {
        self.off != Some(rule)
    }
}

/// A block: its id, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Block {
    pub(super) id: u8,
    pub(super) events: Events,
}

/// The collector's side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Collector {
    /// Events acknowledged to their senders: 1 to this number are in the journal.
    pub(super) written: u8,
    /// Handed to the producer.
    pub(super) sent: u8,
    /// In the producer's memory: not in the log yet.
    pub(super) under_way: Vec<u8>,
    /// Acknowledged by the log.
    pub(super) acknowledged: u8,
    /// On the disk.
    pub(super) checkpoint: u8,
    /// A copy of the disk was started.
    pub(super) is_copied: bool,
    /// What the copy took: an event of its own.
    pub(super) copy_written: bool,
    pub(super) copy_sent: bool,
}

/// A message: an event under a number. Two events under one number is what must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) number: u8,
    pub(super) event: u8,
}

/// PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Postgres {
    pub(super) offset: u8,
    /// Numbers that are in.
    pub(super) set: Events,
    /// How often each event was paid: twice is enough to see.
    pub(super) paid: [u8; 8],
    pub(super) committed: Vec<Block>,
    pub(super) outbox: Vec<Block>,
    /// Another server than the one ClickHouse was brought in line with.
    pub(super) is_strange: bool,
}

/// ClickHouse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ClickHouse {
    /// Parts, each a block's rows.
    pub(super) parts: Vec<Block>,
    /// Ids remembered, the newest last.
    pub(super) remembered: Vec<u8>,
}

/// What a processor has in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Processor {
    /// Offset and set as loaded; none: to be loaded.
    pub(super) loaded: Option<(u8, Events)>,
    /// Nobody has taken over since.
    pub(super) is_owner: bool,
    /// Read and decided up to this offset: the events, and the numbers.
    pub(super) batch: Option<(u8, Events, Events)>,
}

/// An insert under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Insert {
    pub(super) block: Block,
    /// Other blocks inserted since the sender looked.
    pub(super) others: u8,
    /// ClickHouse has it, and the answer is on its way.
    pub(super) is_answered: bool,
}

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) collector: Collector,
    pub(super) log: Vec<Message>,
    pub(super) postgres: Postgres,
    pub(super) backup: Option<Box<Postgres>>,
    pub(super) clickhouse: ClickHouse,
    pub(super) processors: Vec<Processor>,
    pub(super) inserts: Vec<Insert>,
    pub(super) mishaps: u8,
    pub(super) restores: u8,
    pub(super) next_id: u8,
}

impl State {
    /// Nothing has happened.
    pub(super) fn begin(bounds: Bounds) -> Self {
        let processors = vec![Processor::default(); bounds.processors];
        Self { processors, mishaps: bounds.mishaps, restores: bounds.restores, ..Self::default() }
    }

    /// The same state told one way: inserts have no order, and ids no meaning but being the same or not.
    pub(super) fn canonical(mut self) -> Self {
        let mut named: Vec<u8> = Vec::new();
        let mut name = |id: &mut u8| {
            let at = named.iter().position(|known| known == id).unwrap_or_else(|| {
                named.push(*id);
                named.len() - 1
            });
            *id = at as u8 + 1;
        };
        let backup = self.backup.as_deref_mut();
        for postgres in [&mut self.postgres].into_iter().chain(backup) {
            let blocks = postgres.committed.iter_mut().chain(&mut postgres.outbox);
            blocks.for_each(|block| name(&mut block.id));
        }
        self.clickhouse.parts.iter_mut().for_each(|part| name(&mut part.id));
        self.clickhouse.remembered.iter_mut().for_each(&mut name);
        self.inserts.iter_mut().for_each(|insert| name(&mut insert.block.id));
        self.next_id = named.len() as u8;
        self.inserts.sort_unstable();
        self
    }

    /// Events acknowledged to their senders.
    pub(super) fn acknowledged(&self) -> Events {
        let own = (1..=self.collector.written).fold(0, |all, event| all | bit(event));
        if self.collector.copy_written { own | bit(COPYS) } else { own }
    }

    /// How often an event is in ClickHouse.
    pub(super) fn stored(&self, event: u8) -> usize {
        self.clickhouse.parts.iter().filter(|part| part.events & bit(event) != 0).count()
    }

    /// Everything acknowledged is paid and stored, and nothing is under way.
    pub(super) fn is_done(&self) -> bool {
        let all =
            |event: u8| self.stored(event) == 1 && self.postgres.paid[usize::from(event)] == 1;
        let events = (1..8).filter(|event| self.acknowledged() & bit(*event) != 0);
        events.into_iter().all(all) && self.postgres.outbox.is_empty() && !self.postgres.is_strange
    }
}

/// The event that the copy of the disk takes.
pub(super) const COPYS: u8 = 7;

/// An event's bit.
pub(super) const fn bit(event: u8) -> Events {
    1 << event
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<u8> = self.clickhouse.parts.iter().map(|part| part.events).collect();
        write!(
            f,
            "written {}, log {:?}, offset {}, outbox {}, parts {parts:?}, inserts {}",
            self.collector.written,
            self.log.iter().map(|message| message.event).collect::<Vec<_>>(),
            self.postgres.offset,
            self.postgres.outbox.len(),
            self.inserts.len()
        )
    }
}
