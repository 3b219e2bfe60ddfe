//! One journal on its way: read, packed, acknowledged, trimmed.

use journal::{JournalRef, Position, Reader, checkpoint};
use prometheus::IntCounter;
use std::collections::VecDeque;

use super::{
    Shipping,
    pack::{Packed, Packer},
    progress::Progress,
};
use crate::{clock, error::Result, metrics::ShipMetrics};

/// Read at a time: some milliseconds of a busy core.
const READ_BYTES: usize = 256 << 10;

/// See the module.
pub(super) struct Drain {
    reader: Reader,
    packer: Packer,
    pub(super) progress: Progress,
    /// Durably on the disk.
    stored: Position,
    /// Told to those who wait.
    told: Position,
    /// Packed and not taken by the producer yet, with the number of their window.
    pub(super) packed: VecDeque<(u64, Packed)>,
    /// The newest time the journal said, as far as it was read.
    said_ms: u64,
    corrupt: IntCounter,
}

impl Drain {
    /// Goes on at the checkpoint.
    ///
    /// # Errors
    /// The journal's: another's, a copy, forged.
    pub(super) fn open(
        place: &JournalRef,
        key: &journal::Key,
        metrics: &ShipMetrics,
    ) -> journal::Result<Self> {
        let stored = checkpoint::load(&place.dir())?.unwrap_or(Position::START);
        let open = |from| Reader::open(&place.root, &place.slot, place.journal, from, key);
        let reader = match open(stored) {
            // Somebody removed what was not acknowledged: what is missing shows as a hole.
            Err(journal::Error::Trimmed { wanted, oldest }) => {
                tracing::error!(journal = %place.journal, %wanted, oldest, "segments are gone before they were shipped");
                open(Position::START)?
            }
            reader => reader?,
        };
        let packer = Packer::new(reader.header());
        let said_ms = reader.header().start_ms;
        let (told, progress) = (Position::START, Progress::new(stored, said_ms));
        let (packed, corrupt) = (VecDeque::new(), metrics.corrupt.clone());
        Ok(Self { reader, packer, progress, stored, told, packed, said_ms, corrupt })
    }

    pub(super) fn place(&self) -> &JournalRef {
        self.reader.place()
    }

    /// The partitions its records are for.
    pub(super) fn partitions(&self) -> u16 {
        self.reader.header().partitions
    }

    /// Reads and packs what there is, up to some bytes; false where there is nothing new.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn read(&mut self) -> Result<bool> {
        let Self { reader, packer, corrupt, said_ms, .. } = self;
        let journal = reader.place().journal;
        let count = reader.read_batch(READ_BYTES, |entry| {
            if let journal::Body::Heartbeat { time_ms, .. } = entry.body {
                *said_ms = time_ms.max(*said_ms);
            }
            if let journal::Body::Corrupt(what) = entry.body {
                corrupt.inc();
                tracing::error!(%journal, at = %entry.at, bytes = what.bytes, damage = ?what.damage, "a stretch of a journal cannot be read, and is not shipped");
            }
            packer.take(entry.body);
        })?;
        if count == 0 {
            return Ok(false);
        }
        let messages = self.packer.finish();
        let window = self.progress.open(self.reader.position(), self.said_ms, messages.len());
        self.packed.extend(messages.into_iter().map(|message| (window, message)));
        Ok(true)
    }

    /// Whether it was read to its very end and everything is acknowledged.
    pub(super) fn is_over(&self) -> bool {
        self.reader.is_ended() && self.is_idle()
    }

    /// Whether everything read is acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.packed.is_empty() && self.progress.is_idle()
    }

    /// Tells those who wait how far it is.
    pub(super) fn tell(&mut self, shipping: &Shipping) {
        if self.told != self.progress.acknowledged {
            self.told = self.progress.acknowledged;
            shipping.has_shipped(self.place().journal.0, self.told);
        }
    }

    /// Makes durable how far it is. A full disk only makes a restart send more again.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn store(&mut self) -> Result<()> {
        let acknowledged = self.progress.acknowledged;
        if self.stored == acknowledged {
            return Ok(());
        }
        match checkpoint::store(&self.place().dir(), acknowledged) {
            Err(error) if error.is_disk_full() => {
                tracing::debug!(journal = %self.place().journal, %error, "no checkpoint");
            }
            stored => {
                stored?;
                self.stored = acknowledged;
            }
        }
        Ok(())
    }

    /// Bytes not acknowledged.
    pub(super) fn backlog(&self) -> u64 {
        journal::backlog(&self.place().dir(), self.progress.acknowledged).unwrap_or(0)
    }

    /// Removes segments that are acknowledged and old enough. A failure costs disk and nothing else.
    pub(super) fn trim(&self, keep_hours: u64) {
        let place = self.place();
        if let Err(error) = journal::trim(&place.dir(), self.stored, keep_from_ms(keep_hours)) {
            tracing::warn!(journal = %place.journal, %error, "a journal cannot be trimmed");
        }
    }
}

/// What was written before may go.
pub(super) fn keep_from_ms(keep_hours: u64) -> u64 {
    clock::now_ms().saturating_sub(keep_hours.saturating_mul(3_600_000))
}
