//! The durable local log of a collector's core: append, read, recover, trim. It knows bytes and sequence numbers,
//! not clicks; it reads no clock and no random, and depends on nothing of ours.
//!
//! ```no_run
//! # fn main() -> Result<(), journal::Error> {
//! use journal::{Body, JournalId, Partition, Position, Reader, TopicId, Writer, WriterConfig};
//! let (key, now_ms, random) = ([0; 32], 1_700_000_000_000, 42);
//!
//! // A collector's core, at start:
//! let config = WriterConfig::new("/data/journal", "core-0", 16, key);
//! let mut writer = Writer::create(config, now_ms, JournalId(random))?;
//! for (journal, why) in writer.seal_previous()?.refused {
//!     eprintln!("{}: {why}", journal.dir().display()); // an alarm; go on
//! }
//! // each event-loop tick:
//! writer.stage(TopicId(0), Partition(3), b"a click")?;
//! writer.stage_with(TopicId(0), Partition(3), |seq, to| to.extend_from_slice(&seq.to_le_bytes()))?;
//! let mark = writer.commit()?; // one write; on an error nothing of the batch is there, answer 503
//! // acknowledge mode `page_cache`: answer now. Mode `fsync`: answer when
//! writer.sync_handle().when_durable(mark, |durable| { /* send on a oneshot */ });
//! // each second:
//! writer.heartbeat(now_ms)?;
//! writer.commit()?;
//! // at a graceful stop:
//! writer.end(None)?;
//!
//! // A processor (or the shipper to Kafka):
//! for place in journal::journals("/data/journal".as_ref())? {
//!     let from = journal::checkpoint::load(&place.dir())?.unwrap_or(Position::START);
//!     let mut reader = Reader::open(&place.root, &place.slot, place.journal, from, &key)?;
//!     let read = reader.read_batch(1 << 20, |entry| match entry.body {
//!         Body::Record { topic, partition, seq, payload } => {}
//!         Body::Heartbeat { time_ms, last } => {}
//!         Body::Skip { topic, partition, from, to } => {}
//!         Body::End(end) => {}
//!         Body::Corrupt(what) => {}
//!     })?; // 0: nothing new yet
//!     // once everything up to here is committed elsewhere:
//!     let keep_from_ms = now_ms - 7 * 86_400_000;
//!     journal::trim(&place.dir(), reader.position(), keep_from_ms)?;
//!     if reader.is_ended() {
//!         journal::forget(&place.dir(), keep_from_ms)?; // `false` until it is old enough
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//! - Every record is (journal, topic, partition, seq), seq contiguous from 1; `skip_to` declares the exceptions.
//! - A batch is committed whole or not at all, and while its writer lives it is seen by readers whole or not at all.
//!   What a kill in the middle of its write left is not: recovery keeps the valid frames at its front. None of them
//!   was acknowledged, each is whole, and their seqs follow on.
//! - What was committed survives `kill -9`; what was synced survives a power loss, unless the disk lied.
//! - A position names a border between frames, and stays good as long as its segment is kept.
//! - Only the holder of the original files (machine, device, inode), or of an adopted copy, drains and ends a journal.
//!
//! # On disk
//! `<root>/<slot>/<journal>/<segment>.seg`: 256 bytes of header, then frames
//! `length u32 | crc32c u32 | kind u8 | topic u8 | partition u16 | seq u64 | payload`, little endian (see `frame.rs`
//! for what the checksum covers). Beside them `checkpoint`, `adopted` and `aside/` with copies of damaged stretches.

mod ids;
mod error;
mod header;
mod frame;
mod marks;
mod disk;
mod layout;
mod segment;
mod sync;
mod writer;
mod scan;
mod reader;
mod holder;
mod recover;
mod remove;
pub mod checkpoint;
pub mod inspect;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod model;

pub use checkpoint::{Trimmed, backlog, trim};
pub use error::{Error, Result, SyncError};
pub use header::{HEADER_BYTES, Header, JournalKind, MachineId};
pub use holder::adopt;
pub use ids::{
    CommitMark, JournalId, Key, MAX_PARTITIONS, MAX_PAYLOAD, MAX_TOPICS, Partition, Position, Seq,
    TopicId,
};
pub use inspect::{inspect, list_records, verify};
pub use layout::{JournalRef, journals};
pub use marks::{End, MAX_REASON, Seqs};
pub use reader::{Body, Corrupt, Damage, Entry, Reader};
pub use recover::{Recovered, Repair, Sealed, retire};
pub use remove::forget;
pub use sync::{SyncHandle, SyncStats, Syncing};
pub use writer::{Import, MAX_BATCH, Sealer, Writer, WriterConfig, WriterStats};
