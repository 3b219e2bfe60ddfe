//! From entries of journals to decisions, in memory: what is decided about clicks while they are
//! read. Conversions are put aside for `waiting`, since they ask PostgreSQL about their click.

use schemas::{event::Click, topic::Topic};
use std::collections::{BTreeMap, HashSet};

use crate::{
    batch::{Batch, Record},
    decode::{self, Why},
    error::Result,
    facts::{FactStore, Facts},
    journals::{Incarnation, Journals},
    lookup::Lookups,
    native::ClicksBlock,
    said::Said,
    source::Source,
    stages,
    stores::{
        claims::Claims,
        dead_letters::{DeadLetter, Flaw},
        journals::{Ended, Known},
    },
};

/// Clicks that a conversion counts as in a batch: its rows, its trace and its postings take so much more memory, and
/// time in PostgreSQL, that a batch of nothing else stays at some thousands.
const CONVERSION_WEIGHT: usize = 50;

/// What deciding needs and keeps.
pub(crate) struct Decider {
    pub(crate) facts: FactStore,
    pub(crate) lookups: Lookups,
    pub(crate) claims: Claims,
    pub(crate) block: ClicksBlock,
    /// The click being decided; its buffers are used again.
    click: Record<Click>,
    /// It names a link not known yet: to be decided first when the facts are fresh.
    pending: bool,
    /// Links that even fresh facts do not have: a store restored behind the log.
    absent: HashSet<u32>,
    /// Outcomes of the batch, for the metrics.
    pub(crate) outcomes: BTreeMap<(Topic, &'static str), u64>,
    pub(crate) counts: Counts,
}

/// What became of records in a batch.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) received: u64,
    pub(crate) repeated: u64,
    pub(crate) corrupt: u64,
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Everything there is was read.
    Dry,
    /// The batch has as many records as it may.
    Full,
    /// A click names a link that is not among the facts: look again, then go on.
    Unknown,
}

impl Decider {
    /// With everything loaded.
    pub(crate) fn new(facts: FactStore, lookups: Lookups, claims: Claims) -> Self {
        Self {
            facts,
            lookups,
            claims,
            block: ClicksBlock::default(),
            click: Record::default(),
            pending: false,
            absent: HashSet::new(),
            outcomes: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Between batches.
    pub(crate) fn begin_batch(&mut self) -> Result<()> {
        self.absent.clear();
        self.outcomes.clear();
        self.counts = Counts::default();
        self.lookups.begin_batch();
        self.claims.begin_batch()
    }

    /// Reads and decides until the batch has `most` records or nothing is left. May be called again
    /// with the same batch after `Unknown`.
    pub(crate) fn fill(
        &mut self,
        source: &mut Source,
        journals: &mut Journals,
        batch: &mut Batch,
        most: usize,
    ) -> Result<Stopped> {
        if std::mem::take(&mut self.pending)
            && let Some(incarnation) = journals.get_mut(self.click.journal)
        {
            if !knows(self.facts.current(), self.click.event.link) {
                self.absent.insert(self.click.event.link);
            }
            self.decide(incarnation);
        }
        while let Some(mut turn) = source.turn()? {
            let journal = turn.journal();
            if journals.get(journal).is_none()
                && let Some(known) = turn.introduces()
            {
                take_in(known, journals, batch);
            }
            let Some(incarnation) = journals.get_mut(journal) else {
                batch.dead.extend(turn.bury());
                continue;
            };
            loop {
                if batch.records >= most && turn.may_stop() {
                    return Ok(Stopped::Full);
                }
                let Some(said) = turn.next()? else { break };
                if self.take(said, incarnation, batch) == Taken::Unknown {
                    self.pending = true;
                    return Ok(Stopped::Unknown);
                }
            }
        }
        Ok(Stopped::Dry)
    }

    fn take(&mut self, said: Said<'_>, of: &mut Incarnation, batch: &mut Batch) -> Taken {
        match said {
            Said::Record { topic, partition, seq, payload } => {
                batch.records += 1;
                match Topic::from_id(topic) {
                    Some(topic) => return self.record(of, batch, (topic, partition, seq), payload),
                    None => {
                        let place = (topic, partition, seq);
                        let why = (Flaw::Misplaced, "an unknown topic".to_owned());
                        batch.dead.push(letter(of, place, why, payload));
                    }
                }
            }
            Said::Heartbeat { time_ms, of: lanes } => of.hear(lanes, time_ms, batch),
            Said::Skip { topic, partition, from, to } => {
                let lane = Topic::from_id(topic).and_then(|topic| of.lane_mut(topic, partition));
                if let Some(lane) = lane {
                    lane.seqs.skipped += lane.seqs.covered.insert_span(from, to);
                    lane.dirty = true;
                }
            }
            Said::End { time_ms, of: lanes, successor, reason, is_final } => {
                of.hear(lanes, time_ms, batch);
                if is_final || of.known.import {
                    let at_ms = time_ms.max(of.known.start_ms);
                    batch.ended.push(Ended {
                        journal: of.known.journal,
                        at_ms,
                        successor,
                        lanes: of.end(lanes, at_ms),
                        reason: reason.to_owned(),
                    });
                }
            }
            Said::Corrupt { at, what } => {
                self.counts.corrupt += 1;
                tracing::error!(
                    journal = format_args!("{:016x}", of.known.journal),
                    %at, bytes = what.bytes, damage = ?what.damage,
                    "a stretch of a journal cannot be read"
                );
            }
        }
        Taken::Done
    }

    fn record(
        &mut self,
        of: &mut Incarnation,
        batch: &mut Batch,
        (topic, partition, seq): (Topic, u16, u64),
        payload: &[u8],
    ) -> Taken {
        let (journal, partitions) = (of.known.journal, of.known.partitions);
        match of.receive((topic, partition), seq, batch) {
            Some(true) => self.counts.received += 1,
            Some(false) => {
                self.counts.repeated += 1;
                return Taken::Done;
            }
            None => {
                let why = (Flaw::Misplaced, "an unknown partition".to_owned());
                batch.dead.push(letter(of, (topic.id(), partition, seq), why, payload));
                return Taken::Done;
            }
        }
        let read = match topic {
            Topic::Clicks => decode::click(payload, &mut self.click.event, partition, partitions),
            Topic::Conversions => decode::conversion(payload, partition, partitions).map(|event| {
                batch.records += CONVERSION_WEIGHT - 1;
                of.newest_ms = of.newest_ms.max(event.time_ms);
                batch.arrived.push(Record { journal, partition, seq, event });
            }),
        };
        if let Err(why) = read {
            batch.dead.push(letter(of, (topic.id(), partition, seq), why, payload));
        } else if topic == Topic::Clicks {
            (self.click.journal, self.click.partition, self.click.seq) = (journal, partition, seq);
            let link = self.click.event.link;
            if !knows(self.facts.current(), link) && !self.absent.contains(&link) {
                return Taken::Unknown;
            }
            self.decide(of);
        }
        Taken::Done
    }

    /// Decides the click in `self.click` and puts its row.
    fn decide(&mut self, of: &mut Incarnation) {
        let facts = self.facts.current();
        let outcome = stages::decide_click(&self.click, facts, &mut self.lookups, &mut self.claims);
        self.block.push(&self.click, &outcome, self.lookups.words());
        let event = &self.click.event;
        of.newest_ms = of.newest_ms.max(event.time_ms);
        if let Some(lane) = of.lane_mut(Topic::Clicks, self.click.partition) {
            lane.dirty = true;
            lane.seqs.decided += 1;
            lane.held.add(self.click.seq, event.shard, event.time_ms);
            if let Some(reason) = outcome.invalid {
                lane.labels.push(self.click.seq, event.time_ms, reason);
            }
        }
        let name = outcome.invalid.map_or(outcome.name(), |reason| reason.name());
        *self.outcomes.entry((Topic::Clicks, name)).or_default() += 1;
    }

    /// Decides a click of a dead letter that was repaired; its journal must be known.
    pub(crate) fn decide_again(&mut self, click: Record<Click>, journals: &mut Journals) {
        if let Some(incarnation) = journals.get_mut(click.journal) {
            self.click = click;
            self.decide(incarnation);
        }
    }
}

/// Takes a genuine journal in that was never heard of.
pub(crate) fn take_in(known: Known, journals: &mut Journals, batch: &mut Batch) {
    tracing::info!(
        journal = format_args!("{:016x}", known.journal),
        slot = known.slot,
        "a journal is taken in"
    );
    journals.add(known.clone());
    batch.registered.push(known);
}

#[derive(PartialEq, Eq)]
enum Taken {
    Done,
    Unknown,
}

fn letter(
    of: &Incarnation,
    (topic, partition, seq): (u8, u16, u64),
    (flaw, reason): Why,
    payload: &[u8],
) -> DeadLetter {
    let (journal, bytes) = (of.known.journal, payload.to_vec());
    DeadLetter { journal, topic, partition, seq, flaw, reason, bytes, is_received: true }
}

fn knows(facts: &Facts, link: u32) -> bool {
    link == 0 || facts.links.contains_key(&link)
}
