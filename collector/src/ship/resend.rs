//! Sends a range of a journal's records to Kafka once more, under their own identity: for a hole that was
//! proved. What arrived after all is known by its number and dropped.
//!
//! Refuses to send less than was asked: a range that is not whole in the files is told, and nothing is sent.

use journal::{Body, JournalRef, Position, Reader};
use schemas::topic::Topic;
use std::time::{Duration, Instant};

use super::{pack::Packer, producer::Producer};
use crate::error::{Error, Result};

/// A Kafka that has not acknowledged by then is away.
const LIMIT: Duration = Duration::from_secs(60);

/// Which records.
#[derive(Debug, Clone)]
pub struct Range {
    /// Where their journal lies.
    pub place: JournalRef,
    /// Of which topic.
    pub topic: Topic,
    /// Of which partition.
    pub partition: u16,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
}

/// Sends them, and waits until Kafka has them: how many.
///
/// # Errors
/// The journal's, Kafka's, and a range that the files do not hold whole.
pub fn resend(config: &kafka::Config, key: &journal::Key, range: &Range) -> Result<u64> {
    let mut packer = None;
    let count = read(key, range, &mut packer)?;
    let wanted = range.last.saturating_sub(range.first).saturating_add(1);
    if count != wanted {
        return Err(Error::NotWhole { count, wanted });
    }
    let producer = Producer::new(config)?;
    let messages = packer.map(|mut packer| packer.finish()).unwrap_or_default();
    let deadline = Instant::now() + LIMIT;
    let mut waiting = 0;
    for message in &messages {
        while !producer.send(message, 0)? {
            waiting -= usize::from(producer.delivered(LIMIT)?.is_some());
        }
        waiting += 1;
    }
    while waiting > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        match producer.delivered(left)? {
            Some(_) => waiting -= 1,
            None => return Err(Error::NotAcknowledged),
        }
    }
    Ok(count)
}

/// Packs what the files hold of a range; how many records that is.
fn read(key: &journal::Key, range: &Range, packer: &mut Option<Packer>) -> Result<u64> {
    let JournalRef { root, slot, journal } = &range.place;
    let mut reader = Reader::open(root, slot, *journal, Position::START, key)?;
    let packer = packer.insert(Packer::new(reader.header()));
    let mut count = 0;
    while let Some(entry) = reader.next()? {
        let Body::Record { topic, partition, seq, .. } = entry.body else { continue };
        let of = (topic.0, partition.0) == (range.topic.id(), range.partition);
        if of && (range.first..=range.last).contains(&seq) {
            packer.take(entry.body);
            count += 1;
        }
    }
    Ok(count)
}
