//! How a writer comes to be: a new incarnation, or an import begun or gone on with.

use crate::disk::Disk;
use crate::error::{Error, Result, at};
use crate::header::{Identity, JournalKind};
use crate::ids::{JournalId, Key, Position};
use crate::layout::{JournalRef, journals_of, segments};
use crate::marks::Counters;
use crate::recover::{self, Recovered, Repair};
use crate::segment::{Place, Segment};
use crate::sync::{SyncHandle, Syncing};

use super::{Writer, WriterConfig, WriterStats};

/// What opening an import found.
pub enum Import {
    /// New, or gone on with: `next_seq` says which line comes next.
    Writing(Box<Writer>),
    /// It was written to its END: there is nothing to do.
    Complete,
}

/// Seals the journals before one that is being written.
#[derive(Clone)]
pub struct Sealer {
    disk: Disk,
    place: JournalRef,
    start_ms: u64,
    key: Key,
}

impl Sealer {
    /// As [`Writer::seal_previous`].
    pub fn seal(&self) -> Result<Recovered> {
        recover::seal_previous(&self.disk, &self.place, self.start_ms, &self.key)
    }
}

impl Writer {
    /// Begins a new incarnation with a random `id`. `now_ms` becomes its start, unless an older journal of the slot
    /// claims to have started later, and then just after it. Seal those with [`Writer::seal_previous`].
    ///
    /// # Errors
    /// [`Error::ClockBehind`] when an older journal began more than [`WriterConfig::most_behind_ms`] after `now_ms`.
    pub fn create(config: WriterConfig, now_ms: u64, id: JournalId) -> Result<Self> {
        Self::create_on(Disk::Real, config, now_ms, id)
    }

    /// Begins an import, or goes on with one at the end of what is there. `id` is the hash of the file and of all
    /// options that change what is written.
    pub fn open_import(config: WriterConfig, now_ms: u64, id: JournalId) -> Result<Import> {
        Self::open_import_on(Disk::Real, config, now_ms, id)
    }

    /// Gives every older journal of the slot its END, naming its successor. What is refused (a copy, a forged
    /// header, a full disk) is told and left alone; call again to try again.
    pub fn seal_previous(&self) -> Result<Recovered> {
        self.sealer().seal()
    }

    /// `seal_previous` to be called on another thread, while this writer holds the slot.
    pub fn sealer(&self) -> Sealer {
        Sealer {
            disk: self.disk.clone(),
            place: self.place(),
            start_ms: self.identity.start_ms,
            key: self.config.key,
        }
    }

    pub(crate) fn create_on(
        disk: Disk,
        config: WriterConfig,
        now_ms: u64,
        id: JournalId,
    ) -> Result<Self> {
        config.check()?;
        let slot = config.root.join(&config.slot);
        disk.create_dirs(&slot).map_err(at("create", &slot))?;
        let slot_lock = recover::lock(&disk, &slot)?;
        let start_ms = start_after_all(&disk, &config, now_ms)?;
        let place = JournalRef::new(&config.root, &config.slot, id);
        if !segments(&disk, &place.dir())?.is_empty() {
            return Err(Error::Exists(id));
        }
        let begun = Begun {
            start_ms,
            stamp_ms: start_ms,
            kind: JournalKind::Live,
            ..Begun::new(&config, id)
        };
        Self::begin_at(disk, config, begun, slot_lock)
    }

    pub(crate) fn open_import_on(
        disk: Disk,
        config: WriterConfig,
        now_ms: u64,
        id: JournalId,
    ) -> Result<Import> {
        config.check()?;
        let slot = config.root.join(&config.slot);
        disk.create_dirs(&slot).map_err(at("create", &slot))?;
        let slot_lock = recover::lock(&disk, &slot)?;
        let place = JournalRef::new(&config.root, &config.slot, id);
        let fresh = Begun { start_ms: now_ms, stamp_ms: now_ms, ..Begun::new(&config, id) };
        if !recover::exists(&disk, &place)? {
            return Self::begin_at(disk, config, fresh, slot_lock)
                .map(|w| Import::Writing(Box::new(w)));
        }
        let tail = {
            let _lock = recover::lock(&disk, &place.dir())?;
            recover::repair(&disk, &place, &config.key)?
        };
        if tail.end.is_some() {
            return Ok(Import::Complete);
        }
        if tail.header.partitions != config.partitions || tail.header.kind != JournalKind::Import {
            let (was, now) = (tail.header.partitions, config.partitions);
            return Err(Error::OtherImport { journal: id, was, now });
        }
        let begun = Begun {
            start_ms: tail.header.start_ms,
            stamp_ms: tail.stamp_ms,
            previous: tail.position,
            counters: tail.counters,
            repaired: tail.repair,
            ..fresh
        };
        Self::begin_at(disk, config, begun, slot_lock).map(|w| Import::Writing(Box::new(w)))
    }

    fn begin_at(
        disk: Disk,
        config: WriterConfig,
        begun: Begun,
        slot_lock: crate::disk::Lock,
    ) -> Result<Self> {
        let identity = Identity {
            journal: begun.id,
            slot: config.slot.clone(),
            partitions: config.partitions,
            kind: begun.kind,
            start_ms: begun.start_ms,
            machine: config.machine,
        };
        let dir = JournalRef::new(&config.root, &config.slot, begun.id).dir();
        disk.create_dirs(&dir).map_err(at("create", &dir))?;
        let lock = recover::lock(&disk, &dir)?;
        let place = Place { disk: &disk, dir: &dir, identity: &identity, key: &config.key };
        let segment = Segment::begin(&place, begun.previous, begun.stamp_ms, &begun.counters)?;
        let sync = SyncHandle::new();
        sync.opened(segment.number, segment.file.clone(), segment.len);
        let thread = match config.syncing {
            Syncing::Every(interval) => {
                Some(sync.start(interval).map_err(at("start the sync thread for", &dir))?)
            }
            Syncing::ByHand => None,
        };
        Ok(Self {
            disk,
            config,
            identity,
            dir,
            segment,
            batch: Vec::new(),
            scratch: Vec::new(),
            counters: begun.counters,
            begun_ms: begun.stamp_ms,
            stamp_ms: begun.stamp_ms,
            sync,
            thread,
            stats: WriterStats { segments: 1, ..WriterStats::default() },
            repaired: begun.repaired,
            _locks: [slot_lock, lock],
        })
    }
}

/// Where a writer begins.
struct Begun {
    id: JournalId,
    kind: JournalKind,
    start_ms: u64,
    stamp_ms: u64,
    previous: Position,
    counters: Counters,
    repaired: Repair,
}

impl Begun {
    fn new(config: &WriterConfig, id: JournalId) -> Self {
        Self {
            id,
            kind: JournalKind::Import,
            start_ms: 0,
            stamp_ms: 0,
            previous: Position::START,
            counters: Counters::new(config.partitions),
            repaired: Repair::default(),
        }
    }
}

/// Now, or just after the latest start among the slot's journals: their order must not depend on a clock set back.
fn start_after_all(disk: &Disk, config: &WriterConfig, now_ms: u64) -> Result<u64> {
    let mut start_ms = now_ms;
    for place in journals_of(disk, &config.root, &config.slot)? {
        // A journal whose header cannot be read, or is not ours, is told of when it is sealed: it orders nothing.
        let Ok(header) = recover::header_of(disk, &place) else { continue };
        if !header.verify(&config.key) {
            continue;
        }
        if header.start_ms > now_ms.saturating_add(config.most_behind_ms) {
            let (journal, start_ms) = (place.dir(), header.start_ms);
            return Err(Error::ClockBehind { journal, start_ms, now_ms });
        }
        start_ms = start_ms.max(header.start_ms.saturating_add(1));
    }
    Ok(start_ms)
}
