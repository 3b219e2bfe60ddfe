//! Messages of Kafka's topics, each a turn of the journal it is of.
//!
//! Refuses to end a batch in the middle of a message: an offset counts messages.

use rdkafka::{
    Message as _,
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use schemas::{
    event::{EventBatch, Message},
    topic::Topic,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Unread,
    density::Density,
    group::{Assignment, Group},
};
use crate::{
    error::{Error, Result},
    said::{Of, Said},
    stores::{
        dead_letters::{DeadLetter, Flaw},
        journals::Known,
        owner::Step,
    },
};

/// Longest wait for the next message before a batch is as large as it gets.
const WAIT: Duration = Duration::from_millis(2);
/// Messages further back say nothing of those that come.
const REMEMBERED: u64 = 10_000;

/// See the module.
pub(crate) struct Log {
    group: Arc<Group>,
    assignment: Assignment,
    key: journal::Key,
    /// Of each partition: committed, and read.
    steps: BTreeMap<u16, Step>,
    current: Option<Current>,
    /// Messages that say nothing we can read.
    dead: Vec<DeadLetter>,
    is_paused: bool,
    density: Density,
}

/// A message being read.
struct Current {
    topic: Topic,
    partition: u16,
    offset: i64,
    batch: EventBatch,
    /// Records handed out.
    read: usize,
    /// What the journal says behind them was handed out too.
    is_done: bool,
}

/// A message's turn.
pub(crate) struct Turn<'a> {
    current: &'a mut Current,
    key: &'a journal::Key,
}

impl Log {
    /// Reads the partitions assigned from where they are committed.
    ///
    /// # Errors
    /// Kafka's.
    pub(crate) fn new(
        group: Arc<Group>,
        assignment: Assignment,
        key: journal::Key,
        offsets: &[(u16, [i64; 2])],
    ) -> Result<Self> {
        group.read_from(offsets)?;
        let step = |(partition, next): &(u16, [i64; 2])| {
            (*partition, Step { partition: *partition, old: *next, new: *next })
        };
        let steps = offsets.iter().map(step).collect();
        Ok(Self {
            group,
            assignment,
            key,
            steps,
            current: None,
            dead: Vec::new(),
            is_paused: false,
            density: Density::new(1, REMEMBERED),
        })
    }

    /// The next message; `None` when there is none now.
    pub(super) fn turn(&mut self) -> Result<Option<Turn<'_>>> {
        self.retire();
        if self.is_paused {
            self.group.pause(false)?;
            self.is_paused = false;
        }
        while self.current.is_none() {
            if !self.poll(WAIT)? {
                return Ok(None);
            }
        }
        let Self { current, key, .. } = self;
        Ok(current.as_mut().map(|current| Turn { current, key }))
    }

    /// While there is no room for more: stays in the group.
    pub(super) fn idle(&mut self) -> Result<()> {
        if !self.is_paused {
            self.group.pause(true)?;
            self.is_paused = true;
        }
        if self.current.is_none() {
            self.poll(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Takes what comes; false for nothing.
    fn poll(&mut self, wait: Duration) -> Result<bool> {
        let group = Arc::clone(&self.group);
        let polled = group.poll(wait);
        if !group.still_has(&self.assignment) {
            return Err(Error::Rebalanced);
        }
        match polled {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(&message);
                Ok(true)
            }
            Some(Err(error)) => self.fail(&error).map(|()| true),
        }
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let (topic, offset) = (self.group.topic(message.topic()), message.offset());
        let partition = u16::try_from(message.partition()).ok();
        let (Some(topic), Some(partition)) = (topic, partition) else { return };
        let payload = bytes::Bytes::copy_from_slice(message.payload().unwrap_or_default());
        let batch = EventBatch::decode(payload.clone()).unwrap_or_else(|error| {
            tracing::error!(topic = topic.name(), partition, offset, %error, "a message of kafka's cannot be read");
            self.dead.push(DeadLetter {
                journal: 0,
                topic: topic.id(),
                partition,
                seq: offset.unsigned_abs(),
                flaw: Flaw::Undecodable,
                reason: format!("no batch of events: {error}"),
                bytes: payload.to_vec(),
                is_received: false,
            });
            EventBatch::default()
        });
        self.density.put(1, batch.records.len() as u64);
        self.current = Some(Current { topic, partition, offset, batch, read: 0, is_done: false });
    }

    /// Most of what goes wrong heals by itself; messages gone before they were read do not.
    fn fail(&mut self, error: &KafkaError) -> Result<()> {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AutoOffsetReset) {
            tracing::warn!(%error, "kafka");
            return Ok(());
        }
        for step in self.steps.values_mut() {
            for (topic, next) in Topic::ALL.into_iter().zip(&mut step.new) {
                let (oldest, end) = self.group.bounds(topic, step.partition)?;
                if (oldest..=end).contains(next) {
                    continue;
                }
                tracing::error!(
                    topic = topic.name(),
                    partition = step.partition,
                    next = *next,
                    oldest,
                    end,
                    "messages are gone from kafka before they were read: what is missing shows as holes; reading on from the oldest there is"
                );
                *next = oldest;
            }
        }
        // Not by a seek: librdkafka refuses it for a partition that has just failed.
        let from: Vec<_> = self.steps.values().map(|step| (step.partition, step.new)).collect();
        self.group.read_from(&from)
    }

    /// A message read to its end counts as read.
    fn retire(&mut self) {
        if let Some(current) = self.current.take_if(|current| current.is_over())
            && let Some(step) = self.steps.get_mut(&current.partition)
        {
            step.new[usize::from(current.topic.id() - 1)] = current.offset + 1;
        }
    }

    /// The steps since the last commit.
    pub(super) fn moves(&mut self) -> Vec<Step> {
        self.retire();
        self.steps.values().filter(|step| step.old != step.new).copied().collect()
    }

    /// Messages behind those read, as far as Kafka said lately.
    pub(super) fn unread(&self) -> Unread {
        let mut messages = 0;
        for (partition, ends) in self.group.ends() {
            let Some(step) = self.steps.get(&partition) else { continue };
            let unread = ends.into_iter().zip(step.new).map(|(end, next)| end.saturating_sub(next));
            messages += unread.map(|count| u64::try_from(count).unwrap_or(0)).sum::<u64>();
        }
        Unread { messages, events: self.density.records(messages), ..Unread::default() }
    }

    /// After a commit.
    pub(super) fn settle(&mut self) {
        let moved: Vec<_> = self.moves().iter().map(|step| (step.partition, step.new)).collect();
        if !moved.is_empty() {
            self.group.tell(&moved);
        }
        self.steps.values_mut().for_each(|step| step.old = step.new);
    }

    /// Messages that could not be read, for the dead letters.
    pub(super) fn take_dead(&mut self) -> Vec<DeadLetter> {
        std::mem::take(&mut self.dead)
    }
}

impl Current {
    fn is_over(&self) -> bool {
        self.is_done && self.read == self.batch.records.len()
    }

    fn mark(&self) -> Option<Said<'_>> {
        let (topic, partition) = (self.topic, self.partition);
        let of = |last| Of::Lane { topic, partition, last };
        let EventBatch { heartbeat, skip, end, .. } = &self.batch;
        if let Some(beat) = heartbeat {
            return Some(Said::Heartbeat { time_ms: beat.time_ms, of: of(beat.last_seq) });
        }
        if let Some(skip) = skip {
            let (from, to) = (skip.first_seq, skip.last_seq);
            return Some(Said::Skip { topic: topic.id(), partition, from, to });
        }
        end.as_ref().map(|end| Said::End {
            time_ms: end.time_ms,
            of: of(end.last_seq),
            successor: (end.successor != 0).then_some(end.successor),
            reason: &end.reason,
            is_final: end.successor != 0 || !end.reason.is_empty(),
        })
    }
}

impl Turn<'_> {
    pub(super) fn journal(&self) -> u64 {
        self.current.batch.journal
    }

    pub(super) fn next(&mut self) -> Option<Said<'_>> {
        let current = &mut *self.current;
        let (topic, partition) = (current.topic.id(), current.partition);
        let read = current.read;
        if read < current.batch.records.len() {
            current.read += 1;
            let seq = current.batch.first_seq.saturating_add(read as u64);
            let payload = &current.batch.records[read];
            return Some(Said::Record { topic, partition, seq, payload });
        }
        if std::mem::replace(&mut current.is_done, true) { None } else { current.mark() }
    }

    /// Nothing of this message was handed out, or all of it.
    pub(super) fn may_stop(&self) -> bool {
        (self.current.read == 0 && !self.current.is_done) || self.current.is_over()
    }

    /// The journal as its header says, if that is ours.
    pub(super) fn introduces(&self) -> Option<Known> {
        let header = journal::Header::from_bytes(&self.current.batch.header)?;
        let genuine = header.journal.0 == self.journal() && header.verify(self.key);
        genuine.then(|| Known::of(&header))
    }

    /// Everything in it, as dead letters: nobody knows whose it is.
    pub(super) fn bury(&mut self) -> Vec<DeadLetter> {
        let Current { topic, partition, batch, read, is_done, .. } = &mut *self.current;
        (*read, *is_done) = (batch.records.len(), true);
        let header = journal::Header::from_bytes(&batch.header);
        let reason = match header {
            Some(header) => format!(
                "journal {} in slot {} was not made with our keys",
                header.journal, header.slot
            ),
            None => format!("journal {:016x} was never introduced", batch.journal),
        };
        let letter = |(seq, record): (u64, &bytes::Bytes)| DeadLetter {
            journal: batch.journal,
            topic: topic.id(),
            partition: *partition,
            seq,
            flaw: Flaw::Foreign,
            reason: reason.clone(),
            bytes: record.to_vec(),
            is_received: false,
        };
        (batch.first_seq..).zip(&batch.records).map(letter).collect()
    }
}
