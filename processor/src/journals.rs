//! What is known of every journal while the processor runs: who it is, which of its records are in,
//! how far its own time has come. Knows no store; the sets are loaded and saved by `stores`.

use schemas::{event::ClickRef, topic::Topic};
use std::collections::BTreeMap;

use crate::{
    batch::{Batch, Held},
    ranges::Ranges,
    stores::{
        journals::Known,
        labels::Labels,
        seqs::{Key, Seqs},
    },
};

/// A click id names its journal by these bits.
pub(crate) const ALIAS: u64 = 0xf_ffff;

/// One (topic, partition) of a journal: its set, and what the batch under way adds.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) seqs: Seqs,
    /// Changed in this batch.
    pub(crate) dirty: bool,
    /// Rows of this batch's block.
    pub(crate) held: Held,
    /// Invalid clicks of this batch.
    pub(crate) labels: Labels,
    /// Numbers declared lost: in the set, so that nothing waits for them, and never decided.
    pub(crate) lost: Ranges,
}

/// One incarnation of a journal.
#[derive(Debug)]
pub(crate) struct Incarnation {
    pub(crate) known: Known,
    /// By topic, then partition.
    lanes: Vec<Lane>,
    /// Everything up to this time is in: its newest heartbeat without a hole.
    pub(crate) heard_ms: u64,
    /// Newest event time read.
    pub(crate) newest_ms: u64,
    /// Seqs announced and not in: while there are any, its time stands still.
    pub(crate) holes: u64,
}

impl Incarnation {
    /// A journal with nothing read.
    pub(crate) fn new(known: Known) -> Self {
        let lanes = (0..Topic::ALL.len() * usize::from(known.partitions)).map(|_| Lane::default());
        let heard_ms = known.heard_ms.unwrap_or(0);
        Self { lanes: lanes.collect(), heard_ms, newest_ms: 0, holes: 0, known }
    }

    fn place(&self, topic: Topic, partition: u16) -> usize {
        let row = usize::from(topic.id() - 1);
        row * usize::from(self.known.partitions) + usize::from(partition)
    }

    /// A topic's partition; `None` for one the journal does not have.
    pub(crate) fn lane(&self, topic: Topic, partition: u16) -> Option<&Lane> {
        if partition < self.known.partitions {
            self.lanes.get(self.place(topic, partition))
        } else {
            None
        }
    }

    /// The same, to change it.
    pub(crate) fn lane_mut(&mut self, topic: Topic, partition: u16) -> Option<&mut Lane> {
        let place = self.place(topic, partition);
        if partition < self.known.partitions { self.lanes.get_mut(place) } else { None }
    }

    /// The partition of a shard.
    pub(crate) fn partition(&self, shard: u32) -> u16 {
        u16::try_from(shard % u32::from(self.known.partitions)).unwrap_or(0)
    }

    /// Counts what was announced and is not in.
    pub(crate) fn count_holes(&mut self) {
        let missing = |lane: &Lane| -> u64 {
            let Seqs { covered, announced, .. } = &lane.seqs;
            if covered.covers(*announced) {
                return 0;
            }
            covered.holes(*announced).iter().map(|(first, last)| last - first + 1).sum()
        };
        self.holes = self.lanes.iter().map(missing).sum();
    }

    /// Notes that everything up to a time is in, unless something is missing.
    pub(crate) fn hear(&mut self, time_ms: u64, batch: &mut Batch) {
        if self.holes == 0 {
            self.heard_ms = self.heard_ms.max(time_ms);
            batch.heard.insert(self.known.journal, self.heard_ms);
        }
    }

    /// Whether the numbers may be incomplete behind what it said: more can come, or something is missing.
    const fn holds(&self) -> bool {
        self.is_live() || self.holes > 0
    }

    /// Whether more can come.
    pub(crate) const fn is_live(&self) -> bool {
        self.known.ended_ms.is_none()
    }

    fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        let (journal, partitions) = (self.known.journal, self.known.partitions);
        Topic::ALL.into_iter().flat_map(move |topic| {
            (0..partitions).map(move |partition| Key { journal, topic, partition })
        })
    }
}

/// A click's place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) journal: u64,
    pub(crate) partition: u16,
    pub(crate) seq: u64,
}

/// All journals.
#[derive(Debug, Default)]
pub(crate) struct Journals(BTreeMap<u64, Incarnation>);

impl Journals {
    /// From what is stored.
    pub(crate) fn new(known: Vec<Known>, seqs: Vec<(Key, Seqs)>, lost: &[(Key, u64, u64)]) -> Self {
        let mut all = Self::default();
        known.into_iter().for_each(|one| all.add(one));
        for (key, first, last) in lost {
            if let Some(lane) = all.lane_mut(*key) {
                lane.lost.insert_span(*first, *last);
            }
        }
        for (key, set) in seqs {
            let incarnation = all.0.get_mut(&key.journal);
            if let Some(lane) = incarnation.and_then(|one| one.lane_mut(key.topic, key.partition)) {
                lane.seqs = set;
            }
        }
        all.0.values_mut().for_each(Incarnation::count_holes);
        all
    }

    /// One more.
    pub(crate) fn add(&mut self, known: Known) {
        self.0.insert(known.journal, Incarnation::new(known));
    }

    pub(crate) fn get(&self, journal: u64) -> Option<&Incarnation> {
        self.0.get(&journal)
    }

    pub(crate) fn get_mut(&mut self, journal: u64) -> Option<&mut Incarnation> {
        self.0.get_mut(&journal)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Incarnation> {
        self.0.values()
    }

    /// A set, to change it.
    pub(crate) fn lane_mut(&mut self, key: Key) -> Option<&mut Lane> {
        self.get_mut(key.journal)?.lane_mut(key.topic, key.partition)
    }

    /// The journal that a click id names by 20 bits and a time: the collector's incarnation that had
    /// begun last by then; an import, whose events are older than itself, where there is none.
    pub(crate) fn resolve(&self, click: &ClickRef) -> Option<&Incarnation> {
        let named =
            || self.0.values().filter(|one| one.known.journal & ALIAS == u64::from(click.journal));
        named()
            .filter(|one| !one.known.import && one.known.start_ms <= click.time_ms)
            .max_by_key(|one| one.known.start_ms)
            .or_else(|| named().find(|one| one.known.import))
            .or_else(|| named().next())
    }

    /// Where a click is in the log, once its journal is known, and whether it was received.
    pub(crate) fn find(&self, click: &ClickRef) -> Option<(Place, bool)> {
        let incarnation = self.resolve(click)?;
        let partition = incarnation.partition(click.shard);
        let place = Place { journal: incarnation.known.journal, partition, seq: click.seq };
        let lane = incarnation.lane(Topic::Clicks, partition)?;
        let received = lane.seqs.covered.contains(click.seq) && !lane.lost.contains(click.seq);
        Some((place, received))
    }

    /// How far every collector's log is read to its end: the slowest one that is live or misses
    /// something; `None` while a declared slot was never heard of.
    pub(crate) fn watermark(&self, slots: &[String]) -> Option<u64> {
        let mut watermark = u64::MAX;
        for slot in slots {
            let of_slot =
                || self.0.values().filter(|one| !one.known.import && one.known.slot == *slot);
            let holding = of_slot().filter(|one| one.holds());
            let slowest = holding.map(|one| one.heard_ms.max(one.known.start_ms)).min();
            // A slot whose journals have all ended says nothing beyond their end.
            let ended = || of_slot().filter_map(|one| one.known.ended_ms).max();
            watermark = watermark.min(slowest.or_else(ended)?);
        }
        (watermark < u64::MAX).then_some(watermark)
    }

    /// The slowest time that events may still come with: claims older than a window before it are
    /// not asked for any more.
    pub(crate) fn slowest_ms(&self, slots: &[String]) -> u64 {
        let imports = self.0.values().filter(|one| one.known.import && one.is_live());
        let imports = imports.map(|one| one.newest_ms).min().unwrap_or(u64::MAX);
        match self.watermark(slots) {
            Some(watermark) => watermark.min(imports),
            None => 0,
        }
    }

    /// Seqs announced and not in.
    pub(crate) fn holes(&self) -> u64 {
        self.0.values().map(|one| one.holes).sum()
    }

    /// The sets this batch changed.
    pub(crate) fn touched(&self) -> Vec<(Key, &Seqs)> {
        let lanes = self.0.values().flat_map(|one| one.keys().zip(&one.lanes));
        lanes.filter(|(_, lane)| lane.dirty).map(|(key, lane)| (key, &lane.seqs)).collect()
    }

    /// Moves what the lanes gathered in this batch into it.
    pub(crate) fn gather(&mut self, batch: &mut Batch) {
        for one in self.0.values_mut() {
            for (key, lane) in one.keys().zip(&mut one.lanes) {
                if lane.held.rows() > 0 {
                    batch.clicks.put(key, std::mem::take(&mut lane.held));
                }
                if !lane.labels.is_empty() {
                    batch
                        .labels
                        .insert((key.journal, key.partition), std::mem::take(&mut lane.labels));
                }
            }
        }
    }

    /// After the commit: nothing is changed any more.
    pub(crate) fn settle(&mut self) {
        for lane in self.0.values_mut().flat_map(|one| &mut one.lanes) {
            lane.dirty = false;
        }
    }
}
